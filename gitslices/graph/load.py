"""Finding a task graph file, reading it within bounds, and telling which format it has."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from msgspec import UNSET, Struct, structs

from gitslices.core.errors import GraphError, GraphProblem, InputError, Problem
from gitslices.core.files import NotRegularError, TooLargeError, read_regular
from gitslices.core.model import Task, TaskGraph
from gitslices.core.naming import GRAPH_FILE, natural_key
from gitslices.graph.findings import (
    MAX_FINDINGS,
    TOO_DEEP,
    TOP_LEVEL,
    Findings,
    TooManyFindingsError,
    describe,
    shorten,
)
from gitslices.graph.lines import GraphText
from gitslices.graph.parse_json import parse_json
from gitslices.graph.parse_toml import parse_toml
from gitslices.graph.parse_yaml import QUOTE_HINT, parse_yaml
from gitslices.graph.rules import check_rules
from gitslices.graph.scopes import ScopedGraph, read_scopes
from gitslices.graph.shape import Reading, read_shape

FILE_NAMES: Final = (GRAPH_FILE, "gitslices.yaml", "gitslices.json", "task_graph.json")

_MIB: Final = 1024 * 1024


class _Format(Struct, frozen=True):
    """How a text becomes a tree; `limit` keeps the slower readers to a second or a few."""

    name: str
    parse: Callable[[str, Findings], object]
    limit: int
    quote_hint: str = "quote it"


_JSON: Final = _Format("JSON", parse_json, 64 * _MIB)
_TOML: Final = _Format("TOML", parse_toml, 8 * _MIB)
_YAML: Final = _Format("YAML", parse_yaml, 4 * _MIB, QUOTE_HINT)
_BY_NAME: Final = {each.name: each for each in (_JSON, _TOML, _YAML)}
_BY_SUFFIX: Final = {".json": _JSON, ".toml": _TOML, ".yaml": _YAML, ".yml": _YAML}
_FIRST_LINE: Final = re.compile(r"^[ \t]*+([^#\s][^\n]{0,200})", re.MULTILINE)
_NO_GRAPH: Final = ScopedGraph(graph=TaskGraph(), accesses=())
_TASK: Final = re.compile(r"tasks\[(\d+)\]")
_LIKE_TOML: Final = re.compile(r"""\[{1,2}[^\[\]{},:]+(?:\]|$)|[\w."'-]+[ \t]*=""")


def find_graph_file(root: Path) -> Path | None:
    """Find the task graph that is meant when none is named."""
    return next((path for name in FILE_NAMES if (path := root / name).is_file()), None)


def load_graph(path: Path, name: str | None = None) -> ScopedGraph:
    """Load a task graph file; its suffix, or else its content, tells the format.

    `name` stands for it in messages about what is in it. Raises `InputError` when there is no such
    file to read, and `GraphError` with everything that is wrong in it.
    """
    chosen = _BY_SUFFIX.get(path.suffix.lower())
    try:
        data = _read_file(path, (chosen or _JSON).limit)
    except TooLargeError:
        findings = Findings()
        _add_too_large(chosen or _JSON, findings)
        raise _make_graph_error(name or str(path), findings.problems) from None
    return _load(data, name or str(path), chosen)


def load_graph_stream(stream: BinaryIO, name: str) -> ScopedGraph:
    """Load a task graph from a stream, standard input say; `name` stands for it in messages.

    Raises `InputError` when it cannot be read, and `GraphError` with everything that is wrong.
    """
    try:
        # The format is only told by the content, so the largest limit holds until it has been read.
        data = stream.read(_JSON.limit + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from error
    return _load(data, name, None)


def load_text(path: Path, name: str | None = None) -> GraphText:
    """The text of a task graph file, whatever it says; raises `InputError` if it cannot be read."""
    chosen = _BY_SUFFIX.get(path.suffix.lower())
    name, findings = name or str(path), Findings()
    try:
        text = _decode(_read_file(path, (chosen or _JSON).limit), findings)
    except TooLargeError:
        text = ""
        _add_too_large(chosen or _JSON, findings)
    if findings.problems:
        raise _make_graph_error(name, findings.problems)
    return GraphText(name, text, (chosen or _detect_format(text)).name)


def read_tree(source: GraphText) -> dict[str, Any]:
    """The plain objects of a text, a sound graph or not; raises `GraphError` if it has none."""
    findings = Findings()
    tree = _BY_NAME[source.form].parse(source.text, findings)
    if not findings.problems and not isinstance(tree, dict):
        findings.add(TOP_LEVEL, f"expected an object with tasks, got {describe(tree)}")
    if findings.problems or not isinstance(tree, dict):
        raise _make_graph_error(source.name, findings.problems)
    return tree


def check_text(source: GraphText) -> ScopedGraph:
    """The graph of a text; raises as `load_graph` does."""
    return _load(source.text.encode(), source.name, _BY_NAME[source.form])


def _read_file(path: Path, limit: int) -> bytes:
    try:
        return read_regular(path, limit=limit)
    except FileNotFoundError as error:
        raise InputError(
            f"there is no file {str(path)!r}", hint=f"name a task graph, or write {GRAPH_FILE}"
        ) from error
    except IsADirectoryError as error:
        inside = find_graph_file(path)
        raise InputError(
            f"{str(path)!r} is a directory",
            hint=f"name the file in it: {inside}" if inside else "name a task graph file",
        ) from error
    except NotRegularError as error:
        raise InputError(
            f"{str(path)!r} is no regular file", hint=f"hand it over on standard input: - < {path}"
        ) from error
    except TooLargeError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"{str(path)!r} cannot be read: {reason}", hint="check the path and its permissions"
        ) from error


def _load(data: bytes, name: str, chosen: _Format | None) -> ScopedGraph:
    findings = Findings()
    graph = _NO_GRAPH
    try:
        graph = _read_graph(data, name, chosen, findings)
    except TooManyFindingsError:
        pass
    except RecursionError:
        findings.add(TOP_LEVEL, TOO_DEEP)
    except MemoryError:
        findings.add(TOP_LEVEL, "the file does not fit into the memory")
    if findings.problems:
        raise _make_graph_error(name, findings.problems)
    return graph


def _read_graph(data: bytes, name: str, chosen: _Format | None, findings: Findings) -> ScopedGraph:
    """The graph that the data hold; once something is found wrong, it means nothing."""
    if len(data) > (chosen or _JSON).limit:
        _add_too_large(chosen or _JSON, findings)
        return _NO_GRAPH
    text = _decode(data, findings)
    if not text:
        return _NO_GRAPH
    found = chosen or _detect_format(text)
    if len(data) > found.limit:
        _add_too_large(found, findings)
        return _NO_GRAPH
    tree = found.parse(text, findings)
    if findings.problems:
        return _NO_GRAPH
    source = GraphText(name, text, found.name)
    try:
        read = _read_tasks(read_shape(tree, findings, found.quote_hint), findings)
    finally:
        if findings.problems:
            findings.problems = _add_lines(findings.problems, tree, source)
    return structs.replace(read, source=source)


def _read_tasks(reading: Reading, findings: Findings) -> ScopedGraph:
    places = [f"tasks[{index}]" for index in reading.indices]
    check_rules(reading, places, findings)
    read = read_scopes(reading, places, findings)
    tasks = tuple(map(_complete, read.graph.tasks))
    return structs.replace(read, graph=structs.replace(read.graph, tasks=tasks))


def _add_lines(problems: Sequence[Problem], tree: object, source: GraphText) -> list[Problem]:
    """The same problems with the lines where they stand, and the ids of their tasks."""
    lines = source.find_lines({problem.place for problem in problems})
    tasks = tree.get("tasks") if isinstance(tree, dict) else None
    records = tasks if isinstance(tasks, list) else []
    ids = [each.get("id") if isinstance(each, dict) else None for each in records]
    return [
        GraphProblem(
            one.place,
            one.message,
            one.hint,
            line=lines.get(one.place, UNSET),
            task_id=_find_id(one.place, ids) or UNSET,
        )
        for one in problems
    ]


def _find_id(place: str, ids: Sequence[object]) -> str | None:
    task = _TASK.match(place)
    id_ = ids[int(task[1])] if task else None
    return shorten(id_) if isinstance(id_, str) else None


def _add_too_large(found: _Format, findings: Findings) -> None:
    findings.add(
        f"byte {found.limit}",
        f"the file is larger than {found.limit // _MIB} MiB, the most that is read as {found.name}",
        "split the goal" if found is _JSON else "write the graph as JSON",
    )


def _decode(data: bytes, findings: Findings) -> str:
    """The text of a file; empty when something is found wrong with it."""
    hint = "save the file as UTF-8"
    # UTF-16 without a mark decodes as UTF-8 where it is all ASCII, with a NUL beside each letter.
    nul = data.find(b"\0")
    if nul >= 0:
        findings.add(f"byte {nul}", "a NUL byte: this is not UTF-8 text", hint)
        return ""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        findings.add(f"byte {error.start}", "this is not UTF-8 text", hint)
        return ""
    if text and not text.isspace():
        return text
    findings.add("line 1, column 1", "the file is empty", "write a task graph into it")
    return ""


def _detect_format(text: str) -> _Format:
    line = _FIRST_LINE.search(text)
    # Such a text may be YAML as well. JSON's reader is quicker, and so may have larger files.
    if line and line[1].startswith("{"):
        return _JSON
    return _TOML if line and _LIKE_TOML.match(line[1]) else _YAML


def _complete(task: Task) -> Task:
    """Fill in the title, and drop dependencies that are named twice."""
    title = task.title or task.id
    dependencies = tuple(dict.fromkeys(task.dependencies))
    if title == task.title and dependencies == task.dependencies:
        return task
    return structs.replace(task, title=title, dependencies=dependencies)


def _make_graph_error(name: str, problems: list[Problem]) -> GraphError:
    count = f"{len(problems):,} error{'' if len(problems) == 1 else 's'}"
    if len(problems) == MAX_FINDINGS:
        count = f"at least {count}"
    return GraphError(
        f"{name}: {count}",
        problems=sorted(problems, key=lambda problem: natural_key(problem.place)),
    )
