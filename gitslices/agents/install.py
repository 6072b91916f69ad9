"""Our hooks in the settings of a tool, beside what is there."""

import stat
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct, structs

from gitslices.agents.adapters.adapter import BELOW, Adapter, Hooks, HookTable, OwnFile, find_config
from gitslices.agents.adapters.table import ADAPTERS, load_adapter
from gitslices.agents.server_entry import add_server, drop_server, has_server
from gitslices.agents.settings_text import SAFE, load_table, write_table
from gitslices.core.errors import DiskError, InputError
from gitslices.core.files import drop_block, put_block, read_regular, replace_file
from gitslices.core.model import RepoPath
from gitslices.provisioning.agent_files import (
    AgentFile,
    AgentFilesReport,
    FileReport,
    rewrite_agent_files,
)
from gitslices.system.agent_launcher import (
    AGENT_COMMAND,
    LAUNCHER_NAME,
    remove_launcher,
    write_launcher,
)
from gitslices.workspace import Workspace

_NEW_MODE: Final = 0o600
_SKILLS: Final = ("gitslices", "plan-slices")
_LARGEST: Final = 16 * 1024 * 1024


def add_hooks(text: str | None, wanted: HookTable, program: str, *, place: str) -> str:
    """The settings with our hooks, which start `program`; unchanged where they are there already.

    Raises `InputError` with the place of what is wrong in `text`, which is the file `place`.
    """
    table = load_table(text, place) if text is not None else dict(wanted.fields)
    hooks = _get_table(table, place)
    for event, ours in wanted.make_hooks(program).items():
        present = _get_list(hooks, event, place)
        kept = _strip(present)
        # Left alone where ours are there: moved behind others they would count as new, for some
        # tools trust a hook by its place.
        if not all(one in present for one in ours) or len(present) != len(kept) + len(ours):
            hooks[event] = [*kept, *ours]
    return write_table(table, text)


def drop_hooks(text: str, *, place: str) -> str | None:
    """The settings without our hooks; None where nothing else is in them."""
    if not has_hooks(text):
        return text
    table = load_table(text, place)
    hooks = _get_table(table, place)
    for event in list(hooks):
        present = _get_list(hooks, event, place)
        kept = _strip(present)
        if kept != present:
            hooks[event] = kept
            if not kept:
                del hooks[event]
    if not hooks:
        del table["hooks"]
    return write_table(table, text) if table.keys() - {"version"} else None


def has_hooks(text: str) -> bool:
    """Whether hooks of ours are in some settings."""
    return LAUNCHER_NAME in text


def _get_table(table: dict[str, Any], place: str) -> dict[str, Any]:
    hooks = table.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise InputError(f"{place}: hooks: it is no object", hint=SAFE)
    return hooks


def _get_list(hooks: Mapping[str, Any], event: str, place: str) -> list[Any]:
    present = hooks.get(event, [])
    if not isinstance(present, list):
        raise InputError(f"{place}: hooks.{event}: it is no list", hint=SAFE)
    return present


def _strip(entries: list[Any]) -> list[Any]:
    """The entries without what starts our program, be it one of several hooks of a group."""
    kept = []
    for entry in entries:
        inner = entry.get("hooks") if isinstance(entry, dict) else None
        if isinstance(inner, list):
            others = [hook for hook in inner if not _is_own(hook)]
            if others or not inner:
                kept.append(entry if others == inner else {**entry, "hooks": others})
        elif not _is_own(entry):
            kept.append(entry)
    return kept


def _is_own(hook: Any) -> bool:
    return isinstance(hook, dict) and LAUNCHER_NAME in str(hook.get("command", ""))


_COMMENT: Final = "<!-- {} -->"


class AgentInstallRequest(Struct, frozen=True, kw_only=True):
    """The tool; `python` is the interpreter that its hooks start; `dry_run` only looks.

    With `serves` it is told of the MCP server, too.
    """

    tool: str
    python: str
    serves: bool = False
    dry_run: bool = False


def install(workspace: Workspace, request: AgentInstallRequest) -> AgentFilesReport:
    """Have a tool ask gitslices before it writes, and teach it the commands; twice is once."""
    adapter = load_adapter(request.tool)
    # Before the settings: hooks that start a script which is not there yet would be passed over.
    if not request.dry_run:
        write_launcher(workspace.repo.common_dir, request.python)
    wanted = [
        AgentFile(path=RepoPath(adapter.settings), rewrite=partial(_add_hooks, adapter)),
        *(
            AgentFile(path=path, rewrite=_replace(_read_data(f"{skill}/SKILL.md")))
            for skill, path in zip(_SKILLS, _name_skills(adapter), strict=True)
        ),
    ]
    if adapter.notes:
        wanted.append(AgentFile(path=RepoPath(adapter.notes), rewrite=_put_notes))
    if request.serves:
        wanted = _also(wanted, adapter.server.path, partial(_add_server, adapter))
    report = rewrite_agent_files(workspace, wanted, dry_run=request.dry_run)
    return structs.replace(report, limits=adapter.limits)


def install_for_user(
    name: str, environ: Mapping[str, str], *, dry_run: bool = False
) -> AgentFilesReport:
    """Have a tool ask wherever its user starts it: in slices, and nowhere else.

    Raises `InputError` where the tool has no such settings, or nobody can know where they are.
    """
    adapter = load_adapter(name)
    path, hooks = find_user_settings(adapter, environ), adapter.hooks
    if path is None:
        raise InputError(
            f"{name} has no settings of its user that start hooks",
            hint=f"install it in the repository: gitslices agent install {name}",
        )
    before = _read_user_file(path)
    if isinstance(hooks, OwnFile):
        after = hooks.make_text(AGENT_COMMAND)
    else:
        after = add_hooks(before, keep_user_events(hooks), AGENT_COMMAND, place=str(path))
    report = _write_user_file(path, before, after, dry_run=dry_run)
    limits = tuple(limit for limit in adapter.limits if limit != BELOW)
    return structs.replace(report, limits=limits)


def uninstall_for_user(name: str, environ: Mapping[str, str]) -> AgentFilesReport:
    """Take away what `install_for_user` has put there, and nothing else."""
    adapter = load_adapter(name)
    path = find_user_settings(adapter, environ)
    before = _read_user_file(path) if path else None
    if path is None or before is None:
        return AgentFilesReport(files=(), slices=0)
    own = isinstance(adapter.hooks, OwnFile)
    return _write_user_file(path, before, None if own else drop_hooks(before, place=str(path)))


def find_user_settings(adapter: Adapter, environ: Mapping[str, str]) -> Path | None:
    """The file of the user's that may hold hooks for all projects."""
    config = find_config(adapter, environ)
    return config / adapter.user_settings if config and adapter.user_settings else None


def keep_user_events(hooks: HookTable) -> HookTable:
    """The hooks less those that have no place in a user's settings."""

    def make_hooks(program: str) -> Hooks:
        made = hooks.make_hooks(program)
        return {event: made[event] for event in made if event not in hooks.project_only}

    return structs.replace(hooks, make_hooks=make_hooks)


def _read_user_file(path: Path) -> str | None:
    try:
        return read_regular(path, limit=_LARGEST).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}", hint=SAFE) from error


def _write_user_file(
    path: Path, before: str | None, after: str | None, *, dry_run: bool = False
) -> AgentFilesReport:
    state: Literal["written", "removed", "unchanged"] = "unchanged"
    if after != before:
        state = "written" if after is not None else "removed"
    if state != "unchanged" and not dry_run:
        # Through a link: such settings often are one, into a repository of the user's.
        place = path.resolve()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(place.stat().st_mode) if before is not None else _NEW_MODE
            if after is None and place == path:
                path.unlink()
            else:
                replace_file(place, (after or "{}\n").encode(), mode=mode)
        except OSError as error:
            raise DiskError(f"cannot write {str(place)!r}: {error.strerror}") from error
    file = FileReport(path=str(path), state=state, tracked=False, text=after)
    return AgentFilesReport(files=(file,), slices=0)


def uninstall(workspace: Workspace, name: str) -> AgentFilesReport:
    """Take away what `install` has put there, and nothing else.

    What another installed tool reads, too, stays until that one is taken away.
    """
    adapter = load_adapter(name)
    others = [
        one
        for one in map(load_adapter, ADAPTERS)
        if one != adapter and _is_installed(workspace, one)
    ]
    wanted = [AgentFile(path=RepoPath(adapter.settings), rewrite=partial(_drop_hooks, adapter))]
    if adapter.skills not in {one.skills for one in others}:
        wanted += [AgentFile(path=path, rewrite=_drop) for path in _name_skills(adapter)]
    if adapter.notes and adapter.notes not in {one.notes for one in others}:
        wanted.append(AgentFile(path=RepoPath(adapter.notes), rewrite=_drop_notes))
    shared = adapter.server.path in {one.server.path for one in others}
    if not shared and has_server(_read_main(workspace, adapter.server.path)):
        wanted = _also(wanted, adapter.server.path, partial(_drop_server, adapter))
    gone = [structs.replace(one, placed=False) for one in wanted]
    report = rewrite_agent_files(workspace, gone)
    if not others:
        remove_launcher(workspace.repo.common_dir)
    return report


def _also(
    wanted: Sequence[AgentFile], path: str, rewrite: Callable[[str | None, bool], str | None]
) -> list[AgentFile]:
    """`wanted`, and what `rewrite` makes of the file `path` before, be that among them or not."""

    def both(one: AgentFile, text: str | None, tracked: bool) -> str | None:
        return one.rewrite(rewrite(text, tracked), tracked)

    if all(one.path != path for one in wanted):
        return [*wanted, AgentFile(path=RepoPath(path), rewrite=rewrite)]
    return [
        structs.replace(one, rewrite=partial(both, one)) if one.path == path else one
        for one in wanted
    ]


def _is_installed(workspace: Workspace, adapter: Adapter) -> bool:
    return has_hooks(_read_main(workspace, adapter.settings))


def _read_main(workspace: Workspace, path: str) -> str:
    """A file of the main worktree, empty where it cannot be read."""
    main = workspace.main_worktree
    try:
        data = read_regular(main / path, limit=_LARGEST) if main else b""
    except OSError:
        return ""
    return data.decode(errors="replace")


def _name_skills(adapter: Adapter) -> list[RepoPath]:
    return [RepoPath(f"{adapter.skills}/{skill}/SKILL.md") for skill in _SKILLS]


def _read_data(name: str) -> str:
    return files("gitslices.skills").joinpath(name).read_text("utf-8")


def _add_hooks(adapter: Adapter, text: str | None, tracked: bool) -> str:
    if isinstance(adapter.hooks, OwnFile):
        return adapter.hooks.make_text(AGENT_COMMAND)
    return add_hooks(text, adapter.hooks, AGENT_COMMAND, place=adapter.settings)


def _drop_hooks(adapter: Adapter, text: str | None, tracked: bool) -> str | None:
    if text is None or isinstance(adapter.hooks, OwnFile):
        return None
    return drop_hooks(text, place=adapter.settings)


def _add_server(adapter: Adapter, text: str | None, tracked: bool) -> str:
    return add_server(text, adapter.server)


def _drop_server(adapter: Adapter, text: str | None, tracked: bool) -> str | None:
    return None if text is None else drop_server(text, adapter.server)


def _replace(wanted: str) -> Callable[[str | None, bool], str]:
    return lambda text, tracked: wanted


def _drop(text: str | None, tracked: bool) -> None:
    return None


def _put_notes(text: str | None, tracked: bool) -> str:
    return put_block(text or "", _read_data("AGENTS.md"), comment=_COMMENT)


def _drop_notes(text: str | None, tracked: bool) -> str | None:
    return drop_block(text, comment=_COMMENT) or None if text is not None else None
