"""Which commands of git and gitslices an agent may not run in a slice, whatever files they write.

All worktrees share references, settings, one stash and git's folders for worktrees. So a command
can reach another slice without naming one of its files.
"""

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from msgspec import Struct

from gitslices.core.model import BranchName, SliceId
from gitslices.rules.scope_check import Denial

_HEADS = "refs/heads/"
_GUARDING_SETTINGS = re.compile(
    r"(core\.(bare|hookspath|worktree)|extensions\.|alias\.|include|gc\.|push\.default"
    r"|remote\..*\.(push|mirror|receivepack|uploadpack)$|core$|gitslices\.)",
    re.IGNORECASE,
)
_NO_STASH = (
    "all worktrees share one stash, so it may hold the work of others: "
    "commit instead, or keep a patch (git diff > FILE)"
)
_FOR_THE_USER = "that takes the guard or others' work away: it is for the user to do"
_BRANCH_CHANGES = {"-d", "-D", "-m", "-M", "-C", "-f", "--delete", "--move", "--force", "--copy"}
_REPLACING = {"-B", "-C", "--force-create", "--orphan"}
_MAKING = {"-b", "-c", "--create", "--detach", "-d", *_REPLACING}
_OTHER_HEADS = ("main-worktree/", "worktrees/", "refs/gitslices/", "refs/stash")
_PLUMBING = frozenset({"fast-import", "filter-branch", "filter-repo", "replace", "send-pack"})
_REMOTE_CHANGES = frozenset({"remove", "rename", "rm", "set-url"})
OWN_WORKTREE = "this slice's own worktree"
_USERS = (
    ["goal", "close"],
    ["goal", "rename"],
    ["agent", "uninstall"], ["hook", "uninstall"], ["scope", "allow"],
)  # fmt: skip
_OWN_WITH_VALUE = frozenset({
    "-C", "--by", "--goal", "--holder", "--lock-timeout", "--reason", "--token",
})  # fmt: skip


class Command(Struct, frozen=True, kw_only=True):
    """A call of `git` or `gitslices` that may change something, as its words tell.

    `words` begin with the subcommand; `settings` are the keys that `-c` sets for it. Of one that is
    not `plain` some words are only known to the shell.
    """

    program: str
    words: tuple[str, ...]
    folder: str
    settings: tuple[str, ...] = ()
    plain: bool = True


class Shared(Struct, frozen=True, kw_only=True):
    """What a slice shares with others: `owners` names whose each protected branch is.

    `worktrees` are the paths of all worktrees, with what messages call them.
    """

    goal_id: str
    slice_id: SliceId
    branch: BranchName
    owners: Mapping[BranchName, str]
    worktrees: Mapping[str, str]


def find_command_denials(shared: Shared, commands: Sequence[Command]) -> tuple[Denial, ...]:
    """The commands that may not run, each with the reason."""
    return tuple(
        Denial(asked=" ".join((one.program, *one.words)), reason=reason)
        for one in commands
        if (reason := next(_find_reasons(shared, one), None))
    )


def _find_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if command.program == "gitslices":
        yield from _find_own_reasons(shared, command)
        return
    for key in command.settings:
        yield from _refuse_setting(key)
    yield from _RULES.get(command.words[0], _find_nothing)(shared, command)


def _find_nothing(shared: Shared, command: Command) -> Iterator[str]:
    if command.words[0] in _PLUMBING:
        yield "it can change what is not this slice's: use git commit, merge, rebase or push"


def _find_own_reasons(shared: Shared, command: Command) -> Iterator[str]:
    options, operands = _split_own(command)
    name = operands[:1]
    if not command.plain and any(word.startswith(("$", "`", '"')) for word in operands[:2]):
        yield from _refuse_unknown("command")
    if operands[:2] in _USERS or (name == ["trust"] and "--list" not in options):
        yield _FOR_THE_USER
    if operands[:2] == ["scope", "grant"] and not _speaks_for_itself(shared, command, operands):
        yield _FOR_THE_USER
    if name == ["plan"] and "--apply" in options:
        yield "a slice does not change the plan that it is part of: it is for the user to do"
    if "--force" not in options:
        return
    is_own = operands[1:] == [shared.slice_id] and options.get("--goal") in {None, shared.goal_id}
    if name == ["prune"] or (name in (["release"], ["remove"]) and not is_own):
        yield _FOR_THE_USER


def _speaks_for_itself(shared: Shared, command: Command, operands: Sequence[str]) -> bool:
    """Whether a grant is the word of this slice to another one: given here, and not to itself."""
    own = (path for path, name in shared.worktrees.items() if name == OWN_WORKTREE)
    is_here = any(PurePath(command.folder).is_relative_to(path) for path in own)
    return is_here and "-C" not in command.words and operands[2:3] not in ([], [shared.slice_id])


def _split_own(command: Command) -> tuple[dict[str, str], list[str]]:
    """Options with their values, and operands, of a call of gitslices."""
    options: dict[str, str] = {}
    operands: list[str] = []
    words = iter(command.words)
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            operands.append(word)
        elif name in _OWN_WITH_VALUE and not equals:
            options[name] = next(words, "")
        else:
            options[name] = value
    return options, operands


def _find_stash_reasons(shared: Shared, command: Command) -> Iterator[str]:
    yield _NO_STASH


def _find_config_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _has_option(command, {"-e", "--edit"}) or _list_operands(command)[:1] == ["edit"]:
        yield "all worktrees share these settings: set one by its name"
    # The key may come after values of options, and the name of a section stands for all in it.
    for word in _list_operands(command)[:5]:
        yield from _refuse_setting(word)
    if not command.plain:
        yield from _refuse_unknown("setting")


def _find_loss_reasons(shared: Shared, command: Command) -> Iterator[str]:
    """`gc` alone spares what is younger than two weeks, and so what others will refer to."""
    pruned = [word for word in command.words if word.startswith("--prune")]
    if command.words[0] == "prune" or any(word != "--prune=never" for word in pruned):
        yield "it deletes objects that others are about to refer to"


def _find_reflog_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _list_operands(command)[:1] in (["delete"], ["drop"], ["expire"]):
        yield "it deletes what lost work of other slices is found by"


def _find_maintenance_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if {"register", "start", "stop", "unregister"}.intersection(_list_operands(command)[:1]):
        yield "it changes the settings and timers of the user: it is for the user to do"


def _find_remote_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _REMOTE_CHANGES.intersection(_list_operands(command)[:1]):
        yield "all worktrees share the remotes: it is for the user to do"


def _find_worktree_reasons(shared: Shared, command: Command) -> Iterator[str]:
    action, *operands = _list_operands(command) or [""]
    if action in {"prune", "repair"}:
        yield "it changes the worktrees of all slices: gitslices doctor finds what is wrong"
    if action == "add":
        detached = _has_option(command, {"-b", "--detach", "-d"})
        for name in () if detached else operands:
            yield from _refuse_branch(shared, name, own=False)
    if action not in {"lock", "move", "remove", "unlock"}:
        return
    if not command.plain:
        yield from _refuse_unknown("worktree")
    for operand in operands:
        path = os.path.realpath(os.path.join(command.folder, operand))  # noqa: PTH118
        # git takes the last parts of a path for it, too, where they are unique.
        known = [name for top, name in shared.worktrees.items()
                 if path == top or f"{top}/".endswith(f"/{operand.strip('/')}/")]  # fmt: skip
        yield from (f"it is {name}: gitslices remove takes one away" for name in known)


def _find_branch_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if not _has_option(command, _BRANCH_CHANGES):
        return
    if not command.plain:
        yield from _refuse_unknown("branch")
    operands = _list_operands(command)
    for name in operands:
        yield from _refuse_branch(shared, name, own=False)
    if len(operands) == 1 and _has_option(command, {"-m", "-M", "--move"}):
        yield from _refuse_branch(shared, shared.branch, own=False)


def _find_switch_reasons(shared: Shared, command: Command) -> Iterator[str]:
    operands = _list_operands(command)
    if _has_option(command, _REPLACING):
        for name in operands:
            yield from _refuse_branch(shared, name, own=True)
    # With a path behind it, a branch is where the files come from.
    elif not _has_option(command, _MAKING) and len(operands) == 1 and "--" not in command.words:
        yield from _refuse_branch(shared, operands[0], own=True)
    if not command.plain and not _has_option(command, _MAKING) and "--" not in command.words:
        yield from _refuse_unknown("branch")


def _find_rebase_reasons(shared: Shared, command: Command) -> Iterator[str]:
    # `git rebase UPSTREAM BRANCH` rewrites BRANCH, `--update-refs` whatever lies on the way.
    for name in _list_operands(command)[1:]:
        yield from _refuse_branch(shared, name, own=True)
    if _has_option(command, {"--update-refs"}):
        yield "it moves the branches of others, too: leave --update-refs out"


def _find_update_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if "--stdin" in command.words or not command.plain:
        yield from _refuse_unknown("reference")
    for name in _list_operands(command):
        yield from _refuse_reference(shared, name)


def _find_push_reasons(shared: Shared, command: Command) -> Iterator[str]:
    if _has_option(command, {"--all", "--branches", "--mirror", "--prune"}):
        yield "it would push the branches of all slices: name this slice's own"
    refspecs = _list_operands(command)[1:]
    if not command.plain and refspecs:
        yield from _refuse_unknown("branch")
    for refspec in refspecs:
        # A `+` before it forces as `--force` does; without a colon one name is source and
        # destination.
        destination = refspec.removeprefix("+").rpartition(":")[2]
        yield from _refuse_reference(shared, destination, own=True)
        if not destination or "*" in destination:
            yield "it would push the branches of all slices: name this slice's own"


def _find_fetch_reasons(shared: Shared, command: Command) -> Iterator[str]:
    """`git fetch REMOTE SOURCE:DESTINATION` moves a branch here."""
    for refspec in _list_operands(command)[1:]:
        _, colon, destination = refspec.removeprefix("+").partition(":")
        if colon:
            yield from _refuse_reference(shared, destination, own=True)
        if colon and "*" in destination and not destination.startswith("refs/remotes/"):
            yield "it would move the branches of all slices: name one"


def _refuse_reference(shared: Shared, name: str, *, own: bool = False) -> Iterator[str]:
    """Why a reference is not to be moved or deleted."""
    if name.startswith(_OTHER_HEADS):
        yield "it is not this slice's"
    yield from _refuse_branch(shared, name, own=own)


def _refuse_branch(shared: Shared, name: str, *, own: bool) -> Iterator[str]:
    """Why the branch `name` is not to be moved or deleted; its own may be, where `own`."""
    name = name.removeprefix("refs/").removeprefix("heads/")
    if name == shared.branch:
        if not own:
            yield "it is this slice's own branch, by which the slice is found"
        return
    owner = shared.owners.get(BranchName(name))
    if owner is not None:
        yield f"it is {owner}"


def _refuse_setting(key: str) -> Iterator[str]:
    if _GUARDING_SETTINGS.match(key):
        yield f"{key} decides for all worktrees which hooks, files and branches count"


def _refuse_unknown(what: str) -> Iterator[str]:
    yield f"nobody can tell which {what} that is: write it out"


def _list_operands(command: Command) -> list[str]:
    return [word for word in command.words[1:] if not word.startswith("-")]


def _has_option(command: Command, options: set[str]) -> bool:
    """Whether one of `options` is given: in full, by a start that tells it, or among letters."""
    words = [word.partition("=")[0] for word in command.words[1:] if word.startswith("-")]
    longs = [one for one in options if one.startswith("--")]
    letters = {one[1] for one in options if not one.startswith("--")}
    return any(
        any(one.startswith(word) for one in longs) and len(word) > 3
        if word.startswith("--")
        else bool(letters.intersection(word[1:]))
        for word in words
    )


_RULES = {
    "branch": _find_branch_reasons,
    "checkout": _find_switch_reasons,
    "config": _find_config_reasons,
    "fetch": _find_fetch_reasons,
    "gc": _find_loss_reasons,
    "maintenance": _find_maintenance_reasons,
    "prune": _find_loss_reasons,
    "pull": _find_fetch_reasons,
    "push": _find_push_reasons,
    "rebase": _find_rebase_reasons,
    "reflog": _find_reflog_reasons,
    "remote": _find_remote_reasons,
    "repack": _find_loss_reasons,
    "stash": _find_stash_reasons,
    "switch": _find_switch_reasons,
    "symbolic-ref": _find_update_reasons,
    "update-ref": _find_update_reasons,
    "worktree": _find_worktree_reasons,
}
