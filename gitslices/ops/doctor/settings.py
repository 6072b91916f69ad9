"""What does not count, or cannot be read, of the files and patterns that people write for us."""

from collections.abc import Iterator

from gitslices.core.errors import InputError
from gitslices.core.naming import OLD_SETTINGS_FILE, SETTINGS_FILE
from gitslices.git.ignored import FILE_NAME, read_include_rules
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.upkeep import read_log_bounds
from gitslices.removal.candidates import SETTING, read_configured_rules
from gitslices.scopes.language.ignore import IgnoreRules
from gitslices.slices.settings import find_overruled_settings, has_two_files, read_all_settings
from gitslices.system.settings import SettingsError
from gitslices.workspace import Workspace


def _find_second_file(workspace: Workspace) -> Iterator[Trouble]:
    """Settings under their old name beside those under the new one."""
    if has_two_files(workspace):
        finding = Finding(
            check="setting",
            thing=OLD_SETTINGS_FILE,
            problem=f"it does not count, because {SETTINGS_FILE} is there too",
            why="what only the old file asks for is not asked for",
            hint=f"move what is wanted of it to {SETTINGS_FILE}, then: git rm {OLD_SETTINGS_FILE}",
        )
        yield Trouble(finding=finding)


def _find_wrong_settings(workspace: Workspace) -> Iterator[Trouble]:
    """Settings files that cannot be read, or that do not count as they stand."""
    try:
        read_all_settings(workspace)
        overruled = find_overruled_settings(workspace)
    except SettingsError as error:
        words = [f"{one.place}: {one.message}" for one in error.problems]
        finding = Finding(
            check="setting", thing=SETTINGS_FILE, problem="; ".join((error.message, *words)),
            why="nothing that sets up, judges or merges slices can go on",
            hint="correct the file; what counts is the target's last commit, and the main worktree",
        )  # fmt: skip
        yield Trouble(finding=finding)
        return
    for target, places in overruled.items():
        finding = Finding(
            check="setting",
            thing=SETTINGS_FILE,
            problem=f"it has {', '.join(places)} otherwise than the last commit of {target}",
            why="what is committed there counts, whatever lies in the main worktree",
            hint=f"commit it on {target}, or take it back",
        )
        yield Trouble(finding=finding)


def _find_unread_patterns(workspace: Workspace) -> Iterator[Trouble]:
    """Patterns of ignored files that are beyond the limits, and a file of them that is none."""
    main, included = workspace.main_worktree, IgnoreRules()
    try:
        included = read_include_rules(main) if main else included
    except OSError as error:
        yield _tell_of_patterns(FILE_NAME, f"it does not count: {error.strerror}", None)
    for name, rules in ((FILE_NAME, included), (SETTING, read_configured_rules(workspace))):
        for one in rules.refused:
            problem = f"{one.place!r} does not count: {one.message}"
            yield _tell_of_patterns(name, problem, one.hint)


def _tell_of_patterns(name: str, problem: str, hint: str | None) -> Trouble:
    why = "ignored files are not brought along, or keep their slice from being removed"
    return Trouble(
        finding=Finding(check="setting", thing=name, problem=problem, why=why, hint=hint)
    )


def _find_wrong_bounds(workspace: Workspace) -> Iterator[Trouble]:
    """Bounds of the log that are no numbers."""
    try:
        read_log_bounds(workspace)
    except InputError as error:
        finding = Finding(
            check="setting", thing="gitslices.logEvents", problem=error.message,
            why="the log grows without an end", hint=error.hint,
        )  # fmt: skip
        yield Trouble(finding=finding)


USER_FILE_CHECKS = (
    _find_wrong_bounds,
    _find_second_file,
    _find_wrong_settings,
    _find_unread_patterns,
)
