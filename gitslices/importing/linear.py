"""Issues as Linear's GraphQL has them: `blocks` is told by the position, from both ends."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from gitslices.core.errors import InputError
from gitslices.importing.foreign import (
    ForeignStatus,
    ForeignTask,
    ForeignTasks,
    LeftOut,
    join_parts,
)
from gitslices.importing.named_paths import find_acceptance, find_declared_files
from gitslices.importing.records import Record, find_risk, list_names, list_nodes
from gitslices.importing.sources import SourceText, parse_source

_STATUS: Final[dict[str, ForeignStatus]] = {
    "completed": "done", "canceled": "done", "cancelled": "done", "duplicate": "done",
}  # fmt: skip


def read_linear(source: SourceText) -> ForeignTasks:
    """The issues of an answer, a connection or a list."""
    listed, has_more = _find_issues(parse_source(source))
    if listed is None:
        raise InputError(f"{source.name}: there are no issues in it")
    records = [Record(one, f"{source.name}: issues[{n}]") for n, one in enumerate(listed)]
    names = {
        str(record.look("id")): str(record.look("identifier") or record.look("id"))
        for record in records
    }
    blocked: dict[str, list[str]] = {}
    parents: dict[str, str] = {}
    for record in records:
        _note_relations(record, names, blocked, parents)
    tasks = [_make_task(record, blocked, parents) for record in records]
    team = tasks[0].key.partition("-")[0] if tasks else "linear"
    more = LeftOut(key="", reason=f"there are more pages after these {len(tasks)} issues")
    return ForeignTasks(
        origin=f"linear:{team}",
        goal_id=team,
        tasks=join_parts(tasks),
        left_out=(more,) if has_more else (),
    )


def _find_issues(tree: object) -> tuple[list[Any] | None, bool]:
    """The nearest `issues` to the top, and whether there are more pages of them."""
    if isinstance(tree, list):
        return tree, False
    waiting = deque([tree])
    while waiting:
        one = waiting.popleft()
        if not isinstance(one, Mapping):
            continue
        issues = one.get("issues")
        if isinstance(issues, Mapping | list):
            page = issues.get("pageInfo") if isinstance(issues, Mapping) else None
            has_more = isinstance(page, Mapping) and page.get("hasNextPage") is True
            return list_nodes(issues), has_more
        waiting += one.values()
    return None, False


def _note_relations(
    record: Record, names: Mapping[str, str], blocked: dict[str, list[str]], parents: dict[str, str]
) -> None:
    key = str(record.look("identifier") or record.look("id"))
    for relation in list_nodes(record.look("relations")):
        if other := _find_other(relation, "relatedIssue", names):
            blocked.setdefault(other, []).append(key)
    for relation in list_nodes(record.look("inverseRelations")):
        if other := _find_other(relation, "issue", names):
            blocked.setdefault(key, []).append(other)
    for part in list_nodes(record.look("children")):
        if name := _find_name(part, names):
            parents.setdefault(name, key)
    if whole := _find_name(record.look("parent"), names):
        parents[key] = whole


def _find_other(relation: Any, end: str, names: Mapping[str, str]) -> str | None:
    if not isinstance(relation, Mapping) or relation.get("type") != "blocks":
        return None
    return _find_name(relation.get(end), names)


def _find_name(issue: Any, names: Mapping[str, str]) -> str | None:
    if isinstance(issue, str):
        return names.get(issue, issue)
    if not isinstance(issue, Mapping):
        return None
    name = issue.get("identifier") or names.get(str(issue.get("id"))) or issue.get("id")
    return str(name) if name else None


def _make_task(
    record: Record, blocked: Mapping[str, list[str]], parents: Mapping[str, str]
) -> ForeignTask:
    key = str(record.look("identifier") or record.take_key("id"))
    record.take("identifier")
    body = record.take_text("description")
    state = record.look("state")
    kind = state.get("type") if isinstance(state, Mapping) else None
    labels = list_names(record.take("labels"), "name")
    others = {
        name: [one for one in list_nodes(record.take(name)) if _get_type(one) != "blocks"]
        for name in ("relations", "inverseRelations")
    }
    for name in ("children", "parent"):
        record.take(name)
    return ForeignTask(
        key=key,
        title=record.take_text("title"),
        description=body,
        status=_STATUS.get(str(kind), "pending"),
        dependencies=tuple(one for one in dict.fromkeys(blocked.get(key, ())) if one != key),
        parent=parents.get(key),
        write_set=tuple(dict.fromkeys(find_declared_files(body))),
        risk=find_risk(labels),
        acceptance=find_acceptance(body),
        estimate=record.take_cost("estimate"),
        rest=record.rest(labels=list(labels), **others),
    )


def _get_type(relation: Any) -> object:
    return relation.get("type") if isinstance(relation, Mapping) else None
