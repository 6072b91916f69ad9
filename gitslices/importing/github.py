"""Issues as `gh issue list --json` has them; newer ones say what blocks them, and their parts."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitslices.core.errors import InputError
from gitslices.importing.foreign import ForeignTask, ForeignTasks, join_parts
from gitslices.importing.named_paths import find_acceptance, find_declared_files
from gitslices.importing.records import Record, find_risk, list_names, list_nodes
from gitslices.importing.sources import SourceText, parse_source

FIELDS: Final = "number,title,body,labels,state,assignees,milestone,url"
NEWER_FIELDS: Final = "blockedBy,blocking,parent,subIssues,issueType"
"""What gh has since 2026, and older ones refuse."""


def read_github(source: SourceText) -> ForeignTasks:
    """The issues; who is blocked and who is a part is read from both sides."""
    value = parse_source(source)
    listed = value if isinstance(value, list) else [value] if isinstance(value, dict) else None
    if listed is None:
        raise InputError(f"{source.name}: expected a list of issues")
    records = [Record(one, f"{source.name}[{index}]") for index, one in enumerate(listed)]
    blocked: dict[str, list[str]] = {}
    parents: dict[str, str] = {}
    for record in records:
        _note_relations(record, blocked, parents)
    tasks = [_make_task(record, blocked, parents) for record in records]
    goal = next(filter(None, map(_find_repository, listed)), "github")
    return ForeignTasks(
        origin=f"github:{goal}", goal_id=goal.rpartition("/")[2], tasks=join_parts(tasks)
    )


def _note_relations(record: Record, blocked: dict[str, list[str]], parents: dict[str, str]) -> None:
    key, home = str(record.look("number")), _find_repository({"url": record.look("url")})
    for other in _list_numbers(record.look("blockedBy"), home):
        blocked.setdefault(key, []).append(other)
    for other in _list_numbers(record.look("blocking"), home):
        blocked.setdefault(other, []).append(key)
    for part in _list_numbers(record.look("subIssues"), home):
        parents.setdefault(part, key)
    for whole in _list_numbers([record.look("parent")], home):
        parents[key] = whole


def _list_numbers(value: Any, home: str) -> Iterator[str]:
    """The numbers of issues; one of another repository has that one's name before it."""
    for one in list_nodes(value):
        if isinstance(one, int) and not isinstance(one, bool):
            yield str(one)
        if isinstance(one, Mapping) and isinstance(one.get("number"), int):
            where = _find_repository(one)
            yield f"{where}#{one['number']}" if where not in {"", home} else str(one["number"])


def _find_repository(issue: Any) -> str:
    """`owner/name`, from the address of an issue."""
    url = issue.get("url") if isinstance(issue, Mapping) else None
    parts = url.split("/") if isinstance(url, str) else []
    return "/".join(parts[3:5]) if len(parts) >= 7 and parts[5] in {"issues", "pull"} else ""


def _make_task(
    record: Record, blocked: Mapping[str, list[str]], parents: Mapping[str, str]
) -> ForeignTask:
    key = record.take_key("number")
    body = record.take_text("body")
    is_open = str(record.take("state") or "OPEN").upper() == "OPEN"
    labels = list_names(record.take("labels"), "name")
    for name in ("blockedBy", "blocking", "parent", "subIssues"):
        record.take(name)
    named = {
        "labels": list(labels),
        "assignees": list(list_names(record.take("assignees"), "login", "name")),
        "milestone": _name(record.take("milestone"), "title"),
        "issueType": _name(record.take("issueType"), "name"),
    }
    return ForeignTask(
        key=key,
        title=record.take_text("title"),
        description=body,
        status="pending" if is_open else "done",
        dependencies=tuple(one for one in dict.fromkeys(blocked.get(key, ())) if one != key),
        parent=parents.get(key),
        write_set=tuple(dict.fromkeys(find_declared_files(body))),
        risk=find_risk(labels),
        acceptance=find_acceptance(body),
        rest=record.rest(**named),
    )


def _name(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else value
