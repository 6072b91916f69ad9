"""Our hooks in the settings of a tool, beside what is there."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gitslices.agents.tool import Tool
from gitslices.errors import InputError
from gitslices.launcher import LAUNCHER_NAME

_SAFE: Final = "move it aside, or mend it, then install again"


def add_hooks(text: str | None, tool: Tool, program: str, *, place: str) -> str:
    """The settings with our hooks, which start `program`; unchanged where they are there already.

    Raises `InputError` with the place of what is wrong in `text`, which is the file `place`.
    """
    table = _load(text, place) if text is not None else dict(tool.fields)
    hooks = _get_table(table, place)
    for event, wanted in tool.make_hooks(program).items():
        present = _get_list(hooks, event, place)
        kept = _strip(present)
        if not all(one in present for one in wanted) or len(present) != len(kept) + len(wanted):
            hooks[event] = [*kept, *wanted]
    return _write(table, text)


def drop_hooks(text: str, *, place: str) -> str | None:
    """The settings without our hooks; None where nothing else is in them."""
    if not has_hooks(text):
        return text
    table = _load(text, place)
    hooks = _get_table(table, place)
    for event in list(hooks):
        present = _get_list(hooks, event, place)
        kept = _strip(present)
        if kept != present:
            hooks[event] = kept
            if not kept:
                del hooks[event]
    if not hooks:
        del table["hooks"]
    return _write(table, text) if table.keys() - {"version"} else None


def has_hooks(text: str) -> bool:
    """Whether hooks of ours are in some settings."""
    return LAUNCHER_NAME in text


def _load(text: str, place: str) -> dict[str, Any]:
    try:
        table = json.loads(text, object_pairs_hook=_make_table)
    except json.JSONDecodeError as error:
        where = f"{place}:{error.lineno}:{error.colno}"
        raise InputError(f"{where}: it is no JSON: {error.msg}", hint=_SAFE) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: {error}", hint=_SAFE) from error
    if not isinstance(table, dict):
        raise InputError(f"{place}: it is no object", hint=_SAFE)
    return table


def _make_table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(one for one in names if names.count(one) > 1)!r} is there twice")
    return table


def _get_table(table: dict[str, Any], place: str) -> dict[str, Any]:
    hooks = table.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise InputError(f"{place}: hooks: it is no object", hint=_SAFE)
    return hooks


def _get_list(hooks: Mapping[str, Any], event: str, place: str) -> list[Any]:
    present = hooks.get(event, [])
    if not isinstance(present, list):
        raise InputError(f"{place}: hooks.{event}: it is no list", hint=_SAFE)
    return present


def _strip(entries: list[Any]) -> list[Any]:
    """The entries without what starts our program, be it one of several hooks of a group."""
    kept = []
    for entry in entries:
        inner = entry.get("hooks") if isinstance(entry, dict) else None
        if isinstance(inner, list):
            others = [hook for hook in inner if not _is_own(hook)]
            if others or not inner:
                kept.append(entry if others == inner else {**entry, "hooks": others})
        elif not _is_own(entry):
            kept.append(entry)
    return kept


def _is_own(hook: Any) -> bool:
    return isinstance(hook, dict) and LAUNCHER_NAME in str(hook.get("command", ""))


def _write(table: Mapping[str, Any], before: str | None) -> str:
    """JSON in the style of the text before, which stays as it is if it says the same."""
    if before is not None and json.loads(before) == table:
        return before
    found = re.search(r"^([ \t]+)\S", before or "", re.MULTILINE)
    indent = found[1] if found else "  "
    end = "\n" if before is None or before.endswith("\n") else ""
    return json.dumps(table, indent=indent, ensure_ascii=False) + end
