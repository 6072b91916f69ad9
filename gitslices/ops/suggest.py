"""Which files a task will perhaps write, by its text, the files that it names, and the history."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct, structs, to_builtins

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.core.model import RepoPath, RepoTree, SliceId, Task
from gitslices.graph.scopes import ScopedGraph
from gitslices.history.names import PathNames
from gitslices.history.past import Past
from gitslices.history.ranking import Query, Suggestion, rank_directories, rank_files
from gitslices.ops.graph_file import EditRequest, edit
from gitslices.repo_commands.ranking import rank_by_command
from gitslices.scopes.language.entries import Access, Scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.slices.lookup import find_near
from gitslices.slices.settings import read_settings
from gitslices.state.mining import MinedHistory
from gitslices.state.scope_record import Refusal, read_refusals
from gitslices.system.settings_tables import SuggestSettings
from gitslices.workspace import Workspace

_MOST_KNOWN: Final = 12
"""A scope of more files names none of them in particular."""

_DIRECTORIES: Final = 3


class SuggestRequest(Struct, frozen=True, kw_only=True):
    """What to suggest files for: tasks of a graph, else the files at `paths`.

    `task_ids` is None for every task that is to be done and has no write scope yet. `by_command`
    says whether `[suggest] command` ranks where there is one.
    """

    scoped: ScopedGraph | None = None
    task_ids: tuple[str, ...] | None = None
    paths: tuple[str, ...] = ()
    limit: int = 10
    by_command: bool = True


class TaskSuggestions(Struct, frozen=True, kw_only=True):
    """What is suggested for one task, best first; `write_set` is what it has."""

    task_id: str
    write_set: tuple[str, ...]
    suggestions: tuple[Suggestion, ...]
    directories: tuple[Suggestion, ...]


class SuggestReport(Struct, frozen=True, kw_only=True):
    """What `gitslices suggest --json` prints, and of which history.

    `suggestions` and `directories` are those of the one task or of the paths that were asked for;
    with several tasks they stand in `tasks` alone.
    """

    history: MinedHistory
    suggestions: tuple[Suggestion, ...] = ()
    directories: tuple[Suggestion, ...] = ()
    tasks: tuple[TaskSuggestions, ...] = ()


def suggest(workspace: Workspace, request: SuggestRequest) -> SuggestReport:
    """Rank the files of the main worktree's commit; raise `UnknownSliceError` for no such task."""
    chosen = _choose_tasks(request)
    with workspace.open_past() as (past, history):
        tree = workspace.read_tree(history.commit) if history.commit else None
        names = PathNames(tree.paths if tree else ())
        if request.paths or request.scoped is None:
            query = Query(known=tuple(_find_paths(names, request.paths)))
            found = _rank(past, names, query, request.limit)
            return SuggestReport(history=history, suggestions=found[0], directories=found[1])
        tasks = tuple(_suggest_for_tasks(workspace, request, chosen, past, names, tree))
    one = tasks[0] if len(tasks) == 1 and request.task_ids is not None else None
    return SuggestReport(
        history=history,
        suggestions=one.suggestions if one else (),
        directories=one.directories if one else (),
        tasks=tasks,
    )


def _choose_tasks(request: SuggestRequest) -> tuple[int, ...]:
    """The places of the tasks that are meant."""
    if request.scoped is None:
        return ()
    tasks = request.scoped.graph.tasks
    if request.task_ids is None:
        return tuple(
            number
            for number, task in enumerate(tasks)
            if task.status != "done" and not task.write_set
        )
    places: dict[str, int] = {task.id: number for number, task in enumerate(tasks)}
    for id_ in request.task_ids:
        if id_ not in places:
            raise UnknownSliceError(
                f"the graph has no task {id_!r}", hint=find_near(id_, [task.id for task in tasks])
            )
    return tuple(places[id_] for id_ in request.task_ids)


def _find_paths(names: PathNames, paths: Iterable[str]) -> Iterator[RepoPath]:
    for path in paths:
        if path not in names:
            raise InputError(
                f"{path!r} is no tracked file", hint="name it from the repository's root"
            )
        yield RepoPath(path)


def _suggest_for_tasks(
    workspace: Workspace,
    request: SuggestRequest,
    chosen: Sequence[int],
    past: Past,
    names: PathNames,
    tree: RepoTree | None,
) -> Iterator[TaskSuggestions]:
    assert request.scoped is not None  # noqa: S101
    graph, accesses = request.scoped.graph, request.scoped.accesses
    scopes = [scope for number in chosen for scope in _list_scopes(accesses[number])]
    resolved = ResolvedTree(tree, scopes) if tree else None
    kept = _read_kept(workspace, graph.goal_id)
    own = read_settings(workspace).suggest if request.by_command else SuggestSettings()
    for number in chosen:
        task, access = graph.tasks[number], accesses[number]
        known = [
            path
            for scope in _list_scopes(access)
            if resolved and len(files := resolved.list_files(scope)) <= _MOST_KNOWN
            for path in files
        ]
        query = Query(text=make_text(task), known=tuple(dict.fromkeys(known)))
        covered = compile_scope(access.write, workspace.folding)
        found = (
            _rank(past, names, query, request.limit, covered)
            if own.command is None
            else _ask_command(workspace, own, task, names, query, request.limit, covered)
        )
        missed = [
            one
            for one in _list_missed(kept, task)
            if one.path not in task.write_set and not covered.allows(one.path)
        ]
        found = _put_first(missed, found[0], request.limit), found[1]
        yield TaskSuggestions(
            task_id=task.id,
            write_set=task.write_set,
            suggestions=found[0],
            directories=found[1],
        )


class _Kept(Struct, frozen=True, kw_only=True):
    """What slices of a goal were kept from, and what they were allowed beyond the plan."""

    refusals: tuple[Refusal, ...] = ()
    allowed: dict[SliceId, tuple[str, ...]] = {}


def _read_kept(workspace: Workspace, goal_id: str) -> _Kept:
    if not workspace.has_store():
        return _Kept()
    with workspace.open_store() as store:
        return _Kept(
            refusals=read_refusals(store, goal_id),
            allowed={one.slice_id: one.allowed_scope for one in store.read_slices(goal_id)},
        )


def _list_missed(kept: _Kept, task: Task) -> Iterator[Suggestion]:
    """What the slice of a task was found to need while it was worked on: no guess, so no chance."""
    slice_id = SliceId(task.id)
    for entry in kept.allowed.get(slice_id, ()):
        yield Suggestion(path=RepoPath(entry), percent=None, reasons=("allowed since the plan",))
    for one in sorted(kept.refusals, key=lambda one: (-one.times, one.path)):
        if one.slice_id == slice_id:
            times = "once" if one.times == 1 else f"{one.times} times"
            reason = f"it was kept from it {times}, by the {one.refused_by}"
            yield Suggestion(path=RepoPath(one.path), percent=None, reasons=(reason,))


def _put_first(
    missed: Sequence[Suggestion], ranked: Sequence[Suggestion], limit: int
) -> tuple[Suggestion, ...]:
    paths = {one.path for one in missed}
    return (*missed, *(one for one in ranked if one.path not in paths))[:limit]


def _ask_command(
    workspace: Workspace,
    settings: SuggestSettings,
    task: Task,
    names: PathNames,
    query: Query,
    limit: int,
    covered: ScopeMatcher,
) -> tuple[tuple[Suggestion, ...], tuple[Suggestion, ...]]:
    """What the repository's own command ranks; what is no tracked file is passed over."""
    question = {"task": to_builtins(task), "known": query.known, "limit": limit}
    printed = dict.fromkeys(rank_by_command(workspace, settings, question))
    found = (
        Suggestion(path=RepoPath(path), percent=None, reasons=("by [suggest] command",))
        for path in printed
        if path in names and path not in query.known and not covered.allows(path)
    )
    return tuple(islice(found, limit)), ()


def _list_scopes(access: Access) -> tuple[Scope, ...]:
    return access.write, access.read


def make_text(task: Task) -> str:
    """All that a task says in words."""
    return "\n".join((task.title or task.id, task.description, *task.acceptance))


def _rank(
    past: Past,
    names: PathNames,
    query: Query,
    limit: int,
    covered: ScopeMatcher | None = None,
) -> tuple[tuple[Suggestion, ...], tuple[Suggestion, ...]]:
    """The best files and directories that are not covered already."""
    files = [
        one
        for one in rank_files(past, names, query)
        if covered is None or not covered.allows(one.path)
    ]
    directories = [
        one
        for one in rank_directories(files)
        if covered is None or not covered.allows(f"{one.path}x")
    ]
    return tuple(files[:limit]), tuple(directories[:_DIRECTORIES])


def keep_likely(report: SuggestReport, least: float) -> SuggestReport:
    """The same with only the files that are at least so likely, from 0 to 1."""

    def keep(suggestions: Iterable[Suggestion]) -> tuple[Suggestion, ...]:
        return tuple(one for one in suggestions if (one.percent or 0) >= 100 * least)

    return structs.replace(
        report,
        suggestions=keep(report.suggestions),
        tasks=tuple(
            structs.replace(task, suggestions=keep(task.suggestions)) for task in report.tasks
        ),
    )


def write_scopes(path: Path, name: str, chosen: dict[str, tuple[str, ...]]) -> ScopedGraph:
    """Add paths to the write scopes of tasks in a graph file, task by task."""
    scoped: ScopedGraph | None = None
    for id_, write_set in chosen.items():
        scoped = edit(
            EditRequest(
                path=path, name=name, action="set", task_id=id_,
                fields={"write_set": list(write_set)},
            )
        )  # fmt: skip
    assert scoped is not None  # noqa: S101
    return scoped
