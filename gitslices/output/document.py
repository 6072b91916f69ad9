"""The one JSON document of a command: its report, or why there is none."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from msgspec import Struct

from gitslices.core.errors import GitslicesError, Problem
from gitslices.core.files import describe_refusal
from gitslices.core.naming import show_path
from gitslices.output.words import escape, format_place

if TYPE_CHECKING:
    from gitslices.slices.goals import GoalFailure

SCHEMA_VERSION: Final = 1
"""It changes when a field goes or means something else; new fields may come at any time."""


def encode_document(document: Any, *, ok: bool = True) -> bytes:
    """What a command prints with `--json`: its report, with `schema_version` and `ok` in front.

    `ok` tells what the exit code 0 tells. See `show_path` for odd bytes.
    """
    return _indent(_add_head(_encode(document), document, ok=ok))


def _add_head(data: bytes, document: Any, *, ok: bool) -> bytes:
    names = document if isinstance(document, dict) else getattr(document, "__struct_fields__", None)
    # A JSON Schema is a document of its own kind, and a guard that has nothing to say prints null.
    if names is None or "$schema" in names:
        return data
    head = {"schema_version": SCHEMA_VERSION, "ok": ok}
    missing = {name: value for name, value in head.items() if name not in names}
    if not missing:
        return data
    rest = data[1:] if data == b"{}" else b"," + data[1:]
    return msgspec.json.encode(missing)[:-1] + rest


def _indent(data: bytes) -> bytes:
    return msgspec.json.format(data, indent=2) + b"\n"


def _encode(document: Any) -> bytes:
    try:
        return msgspec.json.encode(document)
    # Paths of other bytes than UTF-8 are rare: only then is all of it gone through.
    except UnicodeEncodeError:
        return msgspec.json.encode(_map_strings(msgspec.to_builtins(document)))


def join_reports(reports: Sequence[object], failures: Sequence["GoalFailure"]) -> dict[str, Any]:
    """One document of the reports of several goals, in the shape of each.

    Lists are joined, with the goal on every entry that is an object; what else they agree on stays,
    the rest is null. `goals` names them all, `errors` those that could not be served and why.
    """
    parts = [msgspec.to_builtins(report) for report in reports]
    ids = [part["goal_id"] for part in parts]
    joined = {name: _join_values([part.get(name) for part in parts], ids) for name in parts[0]}
    errors = [
        {"goal_id": one.goal_id, **describe_failure(one.error).document["error"]}
        for one in failures
    ]
    return {**joined, "goals": ids, "errors": errors}


def _join_values(values: Sequence[Any], ids: Sequence[str]) -> Any:
    if not isinstance(values[0], list | tuple):
        return values[0] if all(value == values[0] for value in values) else None
    return [
        {**item, "goal_id": id_} if isinstance(item, dict) else item
        for id_, value in zip(ids, values, strict=True)
        for item in value
    ]


class Streamed(Struct, frozen=True, kw_only=True):
    """A document with a list of any length: `items` stand under `name`, where there is none yet."""

    document: dict[str, Any]
    name: str
    items: Iterable[Any]


def encode_parts(document: Any, *, ok: bool = True) -> Iterator[bytes]:
    """The same document as `encode_document` makes, in parts that are made while one takes them."""
    if not isinstance(document, Streamed):
        yield encode_document(document, ok=ok)
        return
    whole = encode_document({**document.document, document.name: []}, ok=ok)
    place = f'"{document.name}": ['.encode()
    # From the end, where the list was put: a table before it may have one of that name.
    head, _, tail = whole.rpartition(place + b"]")
    before = begin = head + place + b"\n    "
    for item in document.items:
        # No line break is raw in JSON but those between the parts.
        yield before + _indent(_encode(item))[:-1].replace(b"\n", b"\n    ")
        before = b",\n    "
    yield whole if before is begin else b"\n  ]" + tail


def _map_strings(value: Any) -> Any:
    if isinstance(value, str):
        return show_path(value)
    if isinstance(value, list | tuple):
        return [_map_strings(item) for item in value]
    if isinstance(value, dict):
        return {_map_strings(key): _map_strings(item) for key, item in value.items()}
    return value


_SHOWN_PROBLEMS = 50


class _Failure(Struct, frozen=True, kw_only=True):
    """An exception, ready to be told."""

    code: str
    exit_code: int
    message: str
    hint: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The JSON form; `problems` is there when there are several reasons."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        if self.problems:
            error["problems"] = self.problems
        return {"ok": False, "error": error}


def describe_failure(error: Exception) -> _Failure:
    """What `error` means to the user; anything unforeseen is a bug of gitslices."""
    if isinstance(error, GitslicesError):
        return _Failure(
            code=error.code,
            exit_code=error.exit_code,
            message=error.message,
            hint=error.hint or _find_owner(error.__cause__),
            problems=error.problems,
        )
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "gitslices"
        # Click gives each choice a line of its own.
        message = error.format_message().replace("\n\t", " ")
        return _Failure(code="usage", exit_code=2, message=message, hint=f"see: {path} --help")
    if isinstance(error, click.ClickException):
        return _Failure(code="usage", exit_code=2, message=error.format_message())
    # Modes, mounts and limits can forbid any file at any time: that is the machine's word.
    if isinstance(error, OSError) and error.errno is not None:
        place = f": {error.filename!r}" if error.filename else ""
        return _Failure(
            code="disk", exit_code=3, message=f"{error.strerror}{place}", hint=_find_owner(error)
        )
    return _Failure(
        code="internal",
        exit_code=70,
        message=f"this is a bug in gitslices: {type(error).__name__}: {error}",
        hint="run it again with GITSLICES_DEBUG=1 and report what it prints",
    )


def _find_owner(error: BaseException | None) -> str | None:
    """Whose it is what the user may not do."""
    if not isinstance(error, PermissionError) or not error.filename:
        return None
    with suppress(OSError):
        return describe_refusal(Path(os.fsdecode(error.filename)).absolute())
    return None


def format_failure(failure: _Failure) -> str:
    """The lines for standard error."""
    lines = [f"{click.style('error:', fg='red', bold=True)} {escape(failure.message)}"]
    for problem in failure.problems[:_SHOWN_PROBLEMS]:
        place = f"{format_place(problem)}: " if problem.place else ""
        lines.append(f"  {place}{escape(problem.message)}")
        if problem.hint:
            lines.append(f"    {click.style('hint:', fg='cyan')} {escape(problem.hint)}")
    if len(failure.problems) > _SHOWN_PROBLEMS:
        lines.append(f"  and {len(failure.problems) - _SHOWN_PROBLEMS} more: see --json")
    if failure.hint:
        lines.append(f"{click.style('hint:', fg='cyan')} {escape(failure.hint)}")
    return "\n".join(lines) + "\n"
