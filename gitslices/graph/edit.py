"""Tasks added, changed and taken out in the text of a graph file, all else in it left as it was."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence
from copy import deepcopy
from io import StringIO
from typing import Any, Final

from msgspec import structs

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.core.model import Task
from gitslices.graph.findings import make_hints
from gitslices.graph.lines import GraphText
from gitslices.graph.load import check_text, read_tree

_Fields = Mapping[str, object]
"""What a task is to hold; None takes a field away."""

_Tasks = MutableSequence[MutableMapping[str, Any]]
_WIDTH: Final = 88


def add_task(source: GraphText, fields: _Fields) -> GraphText:
    """The text with one task more, which stands last; the graph that it makes is a sound one."""
    added = _order_fields(fields)
    tree = read_tree(source)
    tasks = tree.setdefault("tasks", [])
    if added["id"] in _list_ids(tasks):
        raise InputError(
            f"{source.name} has a task {added['id']!r} already",
            hint=f"change it: gitslices task set {added['id']}",
        )
    tasks.append(added)
    if source.form == "TOML":
        made = _append_toml(source.text, added)
    else:
        made = _EDITORS[source.form](source.text, lambda tasks, form: tasks.append(form(added)))
    return _check(source, made, tree)


def change_task(source: GraphText, id_: str, fields: _Fields) -> GraphText:
    """The text with other values in one task; the graph that it makes is a sound one."""
    tree = read_tree(source)
    number = _find_task(source, tree, id_)
    _set_fields(tree["tasks"][number], fields)

    def change(tasks: _Tasks, form: Callable[[Any], Any]) -> None:
        _set_fields(tasks[number], _form_fields(fields, form))

    return _check(source, _EDITORS[source.form](source.text, change), tree)


def change_tasks(
    source: GraphText, changed: Mapping[str, _Fields], added: Iterable[_Fields]
) -> GraphText:
    """The text with other values in several tasks, by their ids, and with new ones at its end."""
    tree = read_tree(source)
    tasks = tree.setdefault("tasks", [])
    numbers = {id_: _find_task(source, tree, id_) for id_ in changed}
    for id_, number in numbers.items():
        _set_fields(tasks[number], changed[id_])
    new = [_order_fields(fields) for fields in added]
    tasks += deepcopy(new)

    def change(tasks: _Tasks, form: Callable[[Any], Any]) -> None:
        for id_, number in numbers.items():
            _set_fields(tasks[number], _form_fields(changed[id_], form))

    def grow(tasks: _Tasks, form: Callable[[Any], Any]) -> None:
        for fields in new:
            tasks.append(form(fields))

    text = _EDITORS[source.form](source.text, change) if numbers else source.text
    if new and source.form == "TOML":
        text = _append_toml(text, *new)
    elif new:
        text = _EDITORS[source.form](text, grow)
    return _check(source, text, tree)


def remove_task(source: GraphText, id_: str) -> GraphText:
    """The text without one task and what was written above it; no other task may wait for it."""
    tree = read_tree(source)
    number = _find_task(source, tree, id_)
    if len(tree["tasks"]) == 1:
        raise InputError(f"{id_!r} is the only task of {source.name}", hint="add another one first")
    waiting = [
        str(task.get("id")) for task in tree["tasks"] if id_ in (task.get("dependencies") or ())
    ]
    if waiting:
        raise InputError(
            f"{', '.join(map(repr, waiting))} waits for task {id_!r}",
            hint="give it other dependencies first: gitslices task set ID --after OTHER",
        )
    del tree["tasks"][number]
    others = [name for name in tree if name != "tasks"]
    cut = structs.replace(source, text=_cut_lines(source, number, others))
    if _holds(cut, tree):
        return _check(source, cut.text, tree)
    made = _EDITORS[source.form](source.text, lambda tasks, form: tasks.pop(number))
    return _check(source, made, tree)


def _list_ids(tasks: Any) -> list[object]:
    return [task.get("id") for task in tasks if isinstance(task, dict)]


def _find_task(source: GraphText, tree: Mapping[str, Any], id_: str) -> int:
    ids = _list_ids(tree.get("tasks") or ())
    if id_ not in ids:
        known = [known for known in ids if isinstance(known, str)]
        raise UnknownSliceError(f"{source.name} has no task {id_!r}", hint=make_hints(known)(id_))
    return ids.index(id_)


def _order_fields(fields: _Fields) -> dict[str, object]:
    return {
        name: fields[name] for name in Task.__struct_fields__ if fields.get(name) is not None
    }  # fmt: skip


def _form_fields(fields: _Fields, form: Callable[[Any], Any]) -> _Fields:
    """The values as an editor wants them; objects as they are, since they are merged key by key."""
    return {
        name: value if isinstance(value, dict) else form(value) for name, value in fields.items()
    }


def _set_fields(task: MutableMapping[str, Any], fields: _Fields) -> None:
    for name, value in fields.items():
        before = task.get(name)
        if value is None:
            task.pop(name, None)
        elif isinstance(value, dict) and isinstance(before, MutableMapping):
            _set_fields(before, dict.fromkeys(before.keys() - value.keys()) | value)
        elif name in task or not hasattr(task, "insert"):
            task[name] = value
        else:
            # Not at the end: what stands below a task in YAML would come to stand inside of it.
            task.insert(min(1, len(task)), name, value)


def _check(source: GraphText, text: str, tree: Mapping[str, Any]) -> GraphText:
    """What has become of `source`, if it holds `tree` and that is a graph."""
    made = structs.replace(source, text=text)
    check_text(made)
    if not _holds(made, tree):
        raise InputError(
            f"{source.name} is laid out in a way in which one task alone cannot be changed",
            hint="change it in an editor",
        )
    return made


def _holds(source: GraphText, tree: Mapping[str, Any]) -> bool:
    try:
        return read_tree(source) == tree
    except InputError:
        return False


def _cut_lines(source: GraphText, number: int, names: Iterable[str]) -> str:
    """The text less the lines of a task, and of the comment right above it.

    `names` are those of everything else in it. Meant for tasks that have lines of their own.
    """
    here, after = f"tasks[{number}]", f"tasks[{number + 1}]"
    found = source.find_lines([here, after, *names])
    lines = source.text.splitlines(keepends=True)
    beyond = [line - 1 for line in found.values() if line > found[here]]
    end = _find_comment(lines, min(beyond, default=len(lines)))
    return "".join(lines[: _find_comment(lines, found[here] - 1)] + lines[end:])


def _find_comment(lines: list[str], start: int) -> int:
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _append_toml(text: str, *added: _Fields) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    if "tasks" in document and not isinstance(document["tasks"], tomlkit.items.AoT):
        for fields in added:
            document["tasks"].append(fields)
        return str(tomlkit.dumps(document))
    blocks = [text.rstrip()] if text.strip() else []
    for fields in added:
        table = tomlkit.table()
        for name, value in fields.items():
            table[name] = _make_toml(value)
        blocks.append(str(tomlkit.dumps({"tasks": [table]})).rstrip())
    return "\n\n".join(blocks) + "\n"


def _edit_toml(text: str, change: Callable[[Any, Callable[[Any], Any]], object]) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    tasks = document["tasks"]
    bodies = [task.value.body for task in tasks] if isinstance(tasks, tomlkit.items.AoT) else []
    # What stands above a task is at the end of the one before it, where new keys would follow it.
    tails = [_take_tail(body) for body in bodies]
    change(tasks, _make_toml)
    for body, tail in zip(bodies, tails, strict=True):
        body.extend(tail)
    return str(tomlkit.dumps(document))


def _take_tail(body: list[Any]) -> list[Any]:
    start = len(body)
    while start and body[start - 1][0] is None:
        start -= 1
    tail = body[start:]
    del body[start:]
    return tail


def _make_toml(value: Any) -> Any:
    import tomlkit

    if isinstance(value, str) and "\n" in value:
        return tomlkit.string(value, multiline=True)
    if isinstance(value, list):
        array = tomlkit.item(value)
        array.multiline(len(array.as_string()) > _WIDTH)
        return array
    return value


def _edit_yaml(text: str, change: Callable[[Any, Callable[[Any], Any]], object]) -> str:
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 1_000_000
    dash = re.search(r"^tasks:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)-", text, re.MULTILINE)
    offset = len(dash[1]) if dash else 0
    editor.indent(mapping=2, sequence=offset + 2, offset=offset)
    document = editor.load(text)
    change(document.setdefault("tasks", []), _make_yaml)
    written = StringIO()
    editor.dump(document, written)
    return written.getvalue()


def _make_yaml(value: Any) -> Any:
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString
    from yaml import SafeLoader

    if isinstance(value, list):
        return [_make_yaml(each) for each in value]
    if isinstance(value, dict):
        return {name: _make_yaml(each) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    if not all(map(str.isprintable, value.split("\n"))):
        return DoubleQuotedScalarString(value)  # nothing else can hold a control character
    if "\n" in value:
        return LiteralScalarString(value)
    # Bare, a no is a text to YAML 1.2 and a boolean to 1.1, by which graphs are read.
    resolvers = SafeLoader.yaml_implicit_resolvers.get(value[:1], ())
    is_odd = any(pattern.match(value) for _, pattern in resolvers)
    return DoubleQuotedScalarString(value) if is_odd else value


def _edit_json(text: str, change: Callable[[Any, Callable[[Any], Any]], object]) -> str:
    document = json.loads(text)
    change(document.setdefault("tasks", []), deepcopy)
    margin = re.search(r"\n([ \t]+)", text)
    written = json.dumps(document, ensure_ascii=False, indent=margin[1] if margin else None)
    return written + ("\n" if text.endswith("\n") else "")


_EDITORS: Final = {"JSON": _edit_json, "TOML": _edit_toml, "YAML": _edit_yaml}
