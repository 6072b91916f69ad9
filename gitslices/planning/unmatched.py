"""Entries of a graph that match nothing in a tree, for those who want no plan with one of them."""

from collections.abc import Iterator

from msgspec import UNSET, structs

from gitslices.core.errors import GraphError, GraphProblem
from gitslices.core.model import RepoTree, Task
from gitslices.graph.scopes import SCOPE_FIELDS, ScopedGraph
from gitslices.scopes.language.entries import parse_entries
from gitslices.scopes.tracked.remarks import Remarks
from gitslices.scopes.tracked.resolved import ResolvedTree


def find_unmatched(scoped: ScopedGraph, tree: RepoTree) -> tuple[GraphProblem, ...]:
    """The entries of tasks that are to be done and that match no file, with their places.

    What several tasks have, from the defaults say, is told of the first of them.
    """
    naming = (scope for access in scoped.accesses for scope in (access.read, access.write))
    resolved = ResolvedTree(tree, naming)
    remarks = Remarks(resolved)
    seen: set[tuple[str, str]] = set()
    found: list[GraphProblem] = []
    for number, task in enumerate(scoped.graph.tasks):
        for place, name, text in _list_entries(task, f"tasks[{number}]"):
            if (name, text) in seen:
                continue
            seen.add((name, text))
            found += [
                GraphProblem(place, remark, task_id=task.id)
                for entry in parse_entries(text)
                if not resolved.count_files(entry) and (remark := remarks.find(entry))
            ]
    lines = scoped.source.find_lines({one.place for one in found})
    return tuple(structs.replace(one, line=lines.get(one.place, UNSET)) for one in found)


def refuse_unmatched(scoped: ScopedGraph, tree: RepoTree) -> None:
    """Raise `GraphError` where an entry matches nothing."""
    problems = find_unmatched(scoped, tree)
    if problems:
        count = "1 entry matches" if len(problems) == 1 else f"{len(problems)} entries match"
        raise GraphError(f"{scoped.source.name}: {count} no file", problems=problems)


def _list_entries(task: Task, place: str) -> Iterator[tuple[str, str, str]]:
    if task.status == "done":
        return
    for name in SCOPE_FIELDS:
        for index, text in enumerate(getattr(task, name)):
            yield f"{place}.{name}[{index}]", name, text
