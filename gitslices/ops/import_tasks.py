"""The tasks of another tool put into the graph file, or brought up to date in it."""

import json
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from gitslices.core.errors import InputError
from gitslices.core.files import replace_file
from gitslices.core.model import TaskGraph, TaskId
from gitslices.core.naming import GRAPH_FILE
from gitslices.graph.edit import change_tasks
from gitslices.graph.lines import GraphText
from gitslices.graph.load import FILE_NAMES, check_text, load_text, read_tree
from gitslices.graph.rules import find_id_fault
from gitslices.graph.scopes import ScopedGraph, parse_scopes
from gitslices.importing.foreign import ForeignTasks, LeftOut
from gitslices.importing.formats import ImportSource, find_source, read_foreign
from gitslices.importing.update import Kept, Update, plan_update
from gitslices.ops.graph_file import hold_graph
from gitslices.ops.suggest import SuggestRequest, TaskSuggestions, suggest
from gitslices.workspace import Workspace

_SUGGESTED: Final = 5
_FORMS: Final = {".json": "JSON", ".yaml": "YAML", ".yml": "YAML"}


class ImportRequest(Struct, frozen=True, kw_only=True):
    """What is read, and the file that it goes into: `into`, else the graph at the root.

    With `dry_run` nothing is written.
    """

    format: str
    wanted: ImportSource
    into: Path | None = None
    dry_run: bool = False


class ImportReport(Struct, frozen=True, kw_only=True):
    """What `gitslices import --json` prints: the graph as it is then, and what became of it.

    `needs_scope` are tasks yet to be done that get no slice until somebody gives them a write_set.
    `kept` are values that somebody wrote, `gone` tasks that the source has no longer, `left_out`
    what could not be taken; its key is the source's. `suggestions` are for those that need a scope.
    """

    path: str
    is_new: bool
    written: bool
    origin: str
    goal_id: str
    graph: TaskGraph
    added: tuple[TaskId, ...]
    updated: tuple[TaskId, ...]
    unchanged: int
    kept: tuple[Kept, ...]
    gone: tuple[TaskId, ...]
    needs_scope: tuple[TaskId, ...]
    left_out: tuple[LeftOut, ...]
    suggestions: tuple[TaskSuggestions, ...] = ()


def add_suggestions(workspace: Workspace, report: ImportReport) -> ImportReport:
    """The report with the files that the words of tasks without a scope point to."""
    request = SuggestRequest(
        by_command=False,
        scoped=parse_scopes(report.graph),
        task_ids=report.needs_scope,
        limit=_SUGGESTED,
    )
    return structs.replace(report, suggestions=suggest(workspace, request).tasks)


def import_tasks(request: ImportRequest) -> ImportReport:
    """Put the tasks of a source into a graph file, whole or not at all.

    A second time only what has changed there changes here. Raises `InputError` for a source that
    cannot be read, `GraphError` where its tasks make no graph.
    """
    foreign = read_foreign(request.format, request.wanted)
    path = request.into or _find_target(request)
    if not path.exists():
        return _begin(request, foreign, path)
    with hold_graph(path) as held:
        before = load_text(held, path.name)
        update = plan_update(foreign, read_tree(before))
        after = change_tasks(before, update.changed, update.added)
        if after.text != before.text and not request.dry_run:
            replace_file(held, after.text.encode(), mode=held.stat().st_mode & 0o777 or 0o644)
    return _report(request, foreign, path, update, check_text(after))


def _find_target(request: ImportRequest) -> Path:
    """The graph at the root; one that is the source itself is not meant."""
    root, source = request.wanted.root, None
    if request.wanted.source != "-" and request.format == "omk":
        source = find_source(request.format, request.wanted).resolve()
    found = (root / name for name in FILE_NAMES)
    return next(
        (path for path in found if path.is_file() and path.resolve() != source), root / GRAPH_FILE
    )


def _begin(request: ImportRequest, foreign: ForeignTasks, path: Path) -> ImportReport:
    if not foreign.tasks:
        raise InputError(f"there is no task in {foreign.origin}", hint="nothing was written")
    head = {"version": 1, "goal_id": _name_goal(foreign.goal_id)} | foreign.graph
    source = GraphText(path.name, "", _FORMS.get(path.suffix.lower(), "TOML"))
    source = GraphText(path.name, _write_head(head, source.form), source.form)
    update = plan_update(foreign, head)
    after = change_tasks(source, {}, update.added)
    scoped = check_text(after)
    if not request.dry_run:
        _write_new(path, after.text)
    return _report(request, foreign, path, update, scoped, is_new=True)


def _name_goal(text: str) -> str:
    return "goal" if find_id_fault(text) else text


def _write_head(head: dict[str, Any], form: str) -> str:
    if form == "JSON":
        return json.dumps(head, indent=2, ensure_ascii=False) + "\n"
    if form == "YAML":
        return "".join(f"{name}: {json.dumps(value)}\n" for name, value in head.items())
    import tomlkit

    return str(tomlkit.dumps(head))


def _write_new(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {str(path.parent)!r}")
    replace_file(path, text.encode(), mode=0o666)


def _report(
    request: ImportRequest,
    foreign: ForeignTasks,
    path: Path,
    update: Update,
    scoped: ScopedGraph,
    *,
    is_new: bool = False,
) -> ImportReport:
    ours = frozenset(update.ids.values()) - update.wholes
    added = tuple(TaskId(one["id"]) for one in update.added)
    return ImportReport(
        path=str(path),
        is_new=is_new,
        written=not request.dry_run and bool(added or update.changed),
        origin=foreign.origin,
        goal_id=scoped.graph.goal_id,
        graph=scoped.graph,
        added=added,
        updated=tuple(map(TaskId, update.changed)),
        unchanged=len(update.ids) - len(added) - len(update.changed),
        kept=update.kept,
        gone=tuple(map(TaskId, update.gone)),
        needs_scope=tuple(
            task.id
            for task in scoped.graph.tasks
            if task.id in ours and task.status != "done" and not task.write_set
        ),
        left_out=update.left_out,
    )
