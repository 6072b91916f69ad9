"""Whether the guard would really be asked, for each agent and slice."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from gitslices.agents.adapters.adapter import BELOW, Adapter, HookTable, SettingsFile, find_config
from gitslices.agents.adapters.table import ADAPTERS, load_adapter
from gitslices.agents.install import (
    AgentInstallRequest,
    find_user_settings,
    has_hooks,
    install,
    keep_user_events,
)
from gitslices.core.files import read_regular
from gitslices.core.model import UNDER_WAY, SliceId
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.output.words import escape
from gitslices.state.store import SliceRecord
from gitslices.system.agent_launcher import (
    AGENT_COMMAND,
    find_launcher,
    find_launcher_problem,
    write_launcher,
)
from gitslices.workspace import Workspace

_LARGEST: Final = 16 * 1024 * 1024
_PATIENCE: Final = 30.0
_ABSENT: Final = "not installed"
_OUTDATED: Final = "the hooks there are not those of this version: install them again"


class AgentStatusRequest(Struct, frozen=True, kw_only=True):
    """`tools` are those to look at, none for all that are installed; `tries` asks the guard."""

    environ: Mapping[str, str]
    tools: tuple[str, ...] = ()
    tries: bool = False


class SettingsReport(Struct, frozen=True, kw_only=True):
    """A file in which an agent could find our hooks, and why they do not count; None if they do."""

    path: str
    is_user: bool
    problem: str | None


class PlaceReport(Struct, frozen=True, kw_only=True):
    """Whether a session of `tool` that is started in a slice asks before it writes.

    With `top_only` that holds for its topmost folder alone. `tried` is what the guard answered to
    an edit that it has to refuse, None where nobody tried.
    """

    tool: str
    goal_id: str
    slice_id: SliceId
    worktree_path: str
    asked: bool
    top_only: bool
    settings: tuple[SettingsReport, ...]
    tried: str | None = None


class AgentStatusReport(Struct, frozen=True, kw_only=True):
    """What `gitslices agent status --json` prints: `ok` where every session would be asked about.

    `limits` are what each agent's hooks do not stop.
    """

    ok: bool
    launcher: str
    launcher_problem: str | None
    tools: tuple[str, ...]
    places: tuple[PlaceReport, ...]
    limits: Mapping[str, tuple[str, ...]]


def read_status(workspace: Workspace, request: AgentStatusRequest) -> AgentStatusReport:
    """How it stands with every slice under way that has a worktree."""
    records = _find_slices(workspace)
    wanted = request.tools or ADAPTERS
    reports: list[PlaceReport] = []
    tools: list[str] = []
    for adapter in map(load_adapter, wanted):
        places = [_examine(workspace, adapter, record, request) for record in records]
        if request.tools or _is_installed(workspace, adapter, places, request.environ):
            tools.append(adapter.name)
            reports += places
    problem = _find_launcher_problem(workspace, request.environ) if tools else None
    return AgentStatusReport(
        ok=problem is None and all(map(_is_good, reports)),
        launcher=str(find_launcher(workspace.repo.common_dir)),
        launcher_problem=problem,
        tools=tuple(tools),
        places=tuple(reports),
        limits={name: _find_limits(name) for name in tools},
    )


def _find_launcher_problem(workspace: Workspace, environ: Mapping[str, str]) -> str | None:
    common_dir = workspace.repo.common_dir
    # Where only the user's settings ask, nobody has written it: `gitslices` on PATH will do.
    if not find_launcher(common_dir).exists() and which("gitslices", path=environ.get("PATH")):
        return None
    return find_launcher_problem(common_dir)


def _find_limits(name: str) -> tuple[str, ...]:
    # Where a session may begin is told with each slice.
    return tuple(limit for limit in load_adapter(name).limits if limit != BELOW)


def _is_good(place: PlaceReport) -> bool:
    return place.asked and place.tried in {None, "refused"}


def _find_slices(workspace: Workspace) -> list[SliceRecord]:
    if not workspace.has_store():
        return []
    with workspace.open_store() as store:
        records = [one for one in store.read_slices() if one.status in UNDER_WAY]
    return [one for one in records if (Path(one.worktree_path) / ".git").is_file()]


def _is_installed(
    workspace: Workspace,
    adapter: Adapter,
    places: Sequence[PlaceReport],
    environ: Mapping[str, str],
) -> bool:
    files = [Path(one.path) for place in places for one in place.settings]
    main, user = workspace.main_worktree, find_user_settings(adapter, environ)
    files += [main / adapter.settings] if main else []
    files += [user] if user else []
    return any(has_hooks(_read(path) or "") for path in dict.fromkeys(files))


def _examine(
    workspace: Workspace, adapter: Adapter, record: SliceRecord, request: AgentStatusRequest
) -> PlaceReport:
    top = Path(record.worktree_path)
    found = tuple(_list_settings(workspace, adapter, top, request.environ))
    heeded = [one for one in found if one.problem is None]
    by_user = any(one.is_user for one in heeded)
    return PlaceReport(
        tool=adapter.name,
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        worktree_path=record.worktree_path,
        asked=bool(heeded),
        top_only=adapter.top_only and not by_user,
        settings=found,
        tried=_try(adapter, top, request.environ) if request.tries and heeded else None,
    )


def _list_settings(
    workspace: Workspace, adapter: Adapter, top: Path, environ: Mapping[str, str]
) -> Iterator[SettingsReport]:
    """Where the agent looks for hooks when it is started in the worktree `top`."""
    main, user = workspace.main_worktree, find_user_settings(adapter, environ)
    project = (main if adapter.reads_main and main else top) / adapter.settings
    for path in (user, project):
        if path is None:
            continue
        text = _read(path)
        settings = SettingsFile(
            path=path,
            text=text or "",
            worktree=top,
            main=main,
            config=find_config(adapter, environ),
        )
        problem = _find_problem(adapter, settings, is_user=path == user)
        yield SettingsReport(path=str(path), is_user=path == user, problem=problem)


def _find_problem(adapter: Adapter, settings: SettingsFile, *, is_user: bool) -> str | None:
    if not has_hooks(settings.text):
        return _ABSENT if settings.text or not settings.path.exists() else "unreadable"
    if not _has_all(adapter, settings.text, is_user=is_user):
        return _OUTDATED
    folder = (settings.worktree / adapter.settings).parent
    if adapter.reads_main and not is_user and not folder.is_dir():
        return f"{adapter.name} reads it only where there is a folder {str(folder)!r}"
    return adapter.find_unheeded(settings)


def _has_all(adapter: Adapter, text: str, *, is_user: bool) -> bool:
    """Whether the hooks are there as we would write them now."""
    hooks = adapter.hooks
    if not isinstance(hooks, HookTable):
        return text == hooks.make_text(AGENT_COMMAND)
    wanted = (keep_user_events(hooks) if is_user else hooks).make_hooks(AGENT_COMMAND)
    with suppress(msgspec.MsgspecError):
        present = msgspec.json.decode(text, type=dict[str, Any]).get("hooks")
        if isinstance(present, dict):
            return all(
                isinstance(present.get(event), list) and one in present[event]
                for event, ones in wanted.items()
                for one in ones
            )
    return False


def _try(adapter: Adapter, top: Path, environ: Mapping[str, str]) -> str:
    """What the installed command says to an edit in git's own folder, which nobody may do."""
    payload = {"cwd": str(top), "session_id": "try", **adapter.make_edit(str(top / ".git" / "try"))}
    variables = {adapter.project_variable: str(top)} if adapter.project_variable else {}
    try:
        done = subprocess.run(  # noqa: S602
            f"{AGENT_COMMAND} guard --tool {adapter.name}",
            shell=True,
            cwd=top,
            env={**environ, **variables},
            input=json.dumps(payload).encode(),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no answer: {error}"
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode == 2 and said:
        return f"it refuses everything: {said}"
    refused = done.returncode == 0 and done.stdout.startswith(_head(adapter))
    return "refused" if refused else f"let it pass, with exit code {done.returncode}: {said}"


def _head(adapter: Adapter) -> bytes:
    """How every denial of the agent begins."""
    return adapter.format_denial("@").partition(b"@")[0]


def find_agent_troubles(
    workspace: Workspace, python: str, environ: Mapping[str, str]
) -> Iterator[Trouble]:
    """Agents that were to ask before they write, and cannot or would not in some slices."""
    report = read_status(workspace, AgentStatusRequest(environ=environ))
    if report.launcher_problem:
        finding = Finding(
            check="disarmed-agents",
            thing=report.launcher,
            problem=f"the hooks of coding agents start it, and {report.launcher_problem}",
            why="agents may do nothing in slices until it is mended",
            fix="write it again",
            hint="where it is not wanted any more: gitslices agent uninstall TOOL",
        )
        mend = partial(write_launcher, workspace.repo.common_dir, python)
        yield Trouble(finding=finding, mend=mend)
    unasked: dict[tuple[str, str], list[PlaceReport]] = {}
    for place in report.places:
        if not place.asked:
            reasons = "; ".join(f"{name}: {problem}" for name, problem in _list_problems(place))
            unasked.setdefault((place.tool, reasons), []).append(place)
    for (tool, reasons), places in unasked.items():
        trouble = _describe_unasked(workspace, load_adapter(tool), reasons, places, python)
        # Nobody's agent, as far as can be seen: others in the project may use it.
        config = find_config(load_adapter(tool), environ)
        if trouble.mend is not None or config is None or config.is_dir():
            yield trouble


def _list_problems(place: PlaceReport) -> Iterator[tuple[str, str]]:
    """Each settings file, from the top of the slice where it is inside, and what is wrong there."""
    for one in place.settings:
        yield one.path.removeprefix(f"{place.worktree_path}/"), one.problem or ""


def _describe_unasked(
    workspace: Workspace,
    adapter: Adapter,
    reasons: str,
    places: Sequence[PlaceReport],
    python: str,
) -> Trouble:
    slices = ", ".join(place.slice_id for place in places)
    finding = Finding(
        check="unasked-agents",
        thing=f"{adapter.name} in {slices}",
        problem=f"it asks nobody before it writes: {reasons}",
        why="a session there can change what is in no scope of its own",
        fix="install the hooks again",
        hint=f"see: gitslices agent status {adapter.name}",
    )
    project = Path(places[0].settings[-1].path)
    # What a person has to say yes to, or a commit has to bring, no repair can.
    if has_hooks(_read(project) or "") and _OUTDATED not in reasons:
        return Trouble(finding=structs.replace(finding, fix=None))
    request = AgentInstallRequest(tool=adapter.name, python=python)
    return Trouble(finding=finding, mend=partial(install, workspace, request))


def format_status(report: AgentStatusReport) -> Iterator[str]:
    """A block for each agent, a line for each slice, and why one is not asked about."""
    if report.launcher_problem:
        yield f"{escape(report.launcher)}: {escape(report.launcher_problem)}\n"
        yield "hint: until it is mended agents may do nothing in slices: gitslices doctor --fix\n"
    if not report.tools:
        yield "no agent asks gitslices before it writes\n"
        yield "hint: have one ask: gitslices agent install claude --user\n"
    for tool in report.tools:
        yield f"{tool}\n"
        yield from _format_places([place for place in report.places if place.tool == tool])
        for limit in report.limits[tool]:
            yield f"  not seen: {escape(limit)}\n"


def _format_places(places: Sequence[PlaceReport]) -> Iterator[str]:
    """Slices of which the same is to be said share a line."""
    shared: dict[str, list[str]] = {}
    for place in places:
        shared.setdefault("".join(_describe(place)), []).append(escape(place.slice_id))
    for text, slices in shared.items():
        yield f"  {', '.join(slices)}: {text}"
    if not places:
        yield "  there is no slice to look at yet\n"
    if any(one.problem == _ABSENT and one.is_user for place in places for one in place.settings):
        tool = places[0].tool
        yield f"  hint: for any folder of every slice: gitslices agent install {tool} --user\n"


def _describe(place: PlaceReport) -> Iterator[str]:
    named = [(escape(name), problem) for name, problem in _list_problems(place)]
    by = [name for name, problem in named if not problem]
    if by:
        where = " in the topmost folder" if place.top_only else ""
        tried = f"; tried: {escape(place.tried)}" if place.tried else ""
        yield f"asked{where}, by {' and '.join(by)}{tried}\n"
        return
    yield "NOT asked\n"
    for name, problem in named:
        yield f"    {name}: {escape(problem)}\n"


def _read(path: Path) -> str | None:
    try:
        return read_regular(path, limit=_LARGEST).decode(errors="replace")
    except OSError:
        return None
