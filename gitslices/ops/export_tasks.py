"""How far slices are, written back to where their tasks came from."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.files import replace_file
from gitslices.core.model import SliceId
from gitslices.importing.formats import ImportSource, find_source
from gitslices.importing.outcomes import (
    SliceOutcome,
    find_key,
    update_bead,
    update_claude_task,
    update_omk,
    update_records,
)
from gitslices.importing.sources import SourceText, list_files, parse_source, read_source
from gitslices.importing.update import MARK
from gitslices.ops.graph_file import hold_graph
from gitslices.slices.goals import choose_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.state.landings import read_conflicts
from gitslices.state.proofs import read_gate_runs, read_reviews
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace

_UPDATES: Final[Mapping[str, Callable[[dict[str, Any], SliceOutcome, str], None]]] = {
    "omk": update_omk, "claude-tasks": update_claude_task, "beads": update_bead,
}  # fmt: skip
EXPORTS: Final = tuple(_UPDATES)


class ExportRequest(Struct, frozen=True, kw_only=True):
    """Which format, and where; with `dry_run` nothing is written."""

    format: str
    target: ImportSource
    goal_id: str | None = None
    dry_run: bool = False


class ExportReport(Struct, frozen=True, kw_only=True):
    """What `gitslices export --json` prints: the tasks that changed there, by the tool's names.

    `missing` are slices of the goal whose task is not there.
    """

    path: str
    goal_id: str
    written: bool
    updated: tuple[str, ...]
    unchanged: int
    missing: tuple[SliceId, ...]


class _Written(Struct, frozen=True):
    """What became of one file: the keys in it, and those that changed."""

    path: Path
    keys: tuple[str, ...]
    changed: tuple[str, ...]


def export_tasks(workspace: Workspace, request: ExportRequest) -> ExportReport:
    """Write status, branch, worktree, gates and reviews of slices into the tasks of a tool.

    Every file is replaced whole, keys that are not known here stay. Raises `InputError` where there
    is no such file.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id)
        outcomes = {one.key: one for one in _read_outcomes(workspace, store, goal, request.format)}
    path = _find_target(request, goal)
    files = list(list_files(path, ".json")) if path.is_dir() else [path]
    written = [_write(file, request, outcomes, workspace.now()) for file in files]
    keys = {key for one in written for key in one.keys}
    changed = tuple(key for one in written for key in one.changed)
    return ExportReport(
        path=str(path),
        goal_id=goal.goal_id,
        written=bool(changed) and not request.dry_run,
        updated=changed,
        unchanged=len(keys & outcomes.keys()) - len(changed),
        missing=tuple(one.slice.slice_id for key, one in outcomes.items() if key not in keys),
    )


def _find_target(request: ExportRequest, goal: Goal) -> Path:
    """The file or folder that was named, else where the tasks came from."""
    target = request.target
    if target.source == "-":
        raise InputError("an export needs a file, not a stream")
    if target.source is None and request.format == "claude-tasks":
        marks = (task.metadata.get(MARK) for task in goal.graph.tasks)
        origins = {str(mark.get("from")) for mark in marks if isinstance(mark, dict)}
        sessions = sorted(
            one.partition(":")[2] for one in origins if one.startswith("claude-tasks:")
        )
        if len(sessions) == 1:
            return target.home / ".claude" / "tasks" / sessions[0]
    path = find_source(request.format, target)
    if not path.exists():
        raise InputError(f"there is no file {str(path)!r}", hint="name what to write into")
    return path


def _read_outcomes(
    workspace: Workspace, store: Store, goal: Goal, format_: str
) -> Iterable[SliceOutcome]:
    snapshot = Snapshot(workspace, store, goal.plan)
    conflicts = read_conflicts(store, goal.goal_id)
    keys = {task.id: find_key(task, format_) for task in goal.graph.tasks}
    for planned in goal.plan.slices:
        id_ = planned.slice_id
        record, landing = snapshot.records.get(id_), snapshot.landings.get(id_)
        tip = snapshot.find_tip(record) if record else None
        has_work = record is not None and tip != record.base_commit
        status = snapshot.statuses[id_]
        yield SliceOutcome(
            slice=planned,
            key=keys.get(planned.task_id, planned.task_id),
            status=status,
            lease=snapshot.live_leases.get(id_),
            commit=landing.landed_as
            if landing and status == "merged"
            else tip
            if has_work
            else None,
            conflicts=conflicts.get(id_, ()) if status == "conflicted" else (),
            gate_runs=read_gate_runs(store, goal.goal_id, id_),
            reviews=read_reviews(store, goal.goal_id, id_),
        )


def _write(
    path: Path, request: ExportRequest, outcomes: Mapping[str, SliceOutcome], now: str
) -> _Written:
    with hold_graph(path) as held:
        source = read_source(held, path.name)
        edit = _edit_lines if request.format == "beads" else _edit_document
        text, keys, changed = edit(source, _UPDATES[request.format], outcomes, now)
        if changed and not request.dry_run:
            replace_file(held, text.encode(), mode=held.stat().st_mode & 0o777 or 0o644)
    return _Written(path, keys, changed)


_Edit = tuple[str, tuple[str, ...], tuple[str, ...]]


def _edit_document(
    source: SourceText, update: Any, outcomes: Mapping[str, SliceOutcome], now: str
) -> _Edit:
    """One JSON document: a list of tasks, an object that has one, or a task."""
    parse_source(source)  # says what is wrong with it, and where
    document = json.loads(source.text)
    listed = document.get("tasks", [document]) if isinstance(document, dict) else document
    records = listed if isinstance(listed, list) else []
    changed = update_records(records, outcomes, update, now)
    margin = re.search(r"\n([ \t]+)", source.text)
    text = json.dumps(document, ensure_ascii=False, indent=margin[1] if margin else None)
    return text + "\n" * source.text.endswith("\n"), _list_keys(records), changed


def _edit_lines(
    source: SourceText, update: Any, outcomes: Mapping[str, SliceOutcome], now: str
) -> _Edit:
    """JSON Lines: only the lines of tasks that change are written anew."""
    if source.text.lstrip().startswith("["):
        return _edit_document(source, update, outcomes, now)
    lines = source.text.splitlines(keepends=True)
    records: list[Any] = []
    changed: list[str] = []
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        parse_source(source, line, number + 1)
        record = json.loads(line)
        found = update_records([record], outcomes, update, now)
        if found:
            end = "\n" if line.endswith("\n") else ""
            lines[number] = json.dumps(record, ensure_ascii=False, separators=(",", ":")) + end
        changed += found
        records.append(record)
    return "".join(lines), _list_keys(records), tuple(changed)


def _list_keys(records: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(one.get("id")) for one in records if isinstance(one, dict))
