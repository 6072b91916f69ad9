"""Lefthook's own files, in each of the notations that it reads: our commands among its own.

YAML is edited as text, so that comments stay; TOML by a library that keeps them; JSON is written
anew with its indentation. JSON with comments would lose these, and is left to a person.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final

from gitslices.core.errors import InputError

LEFTHOOK_FILES: Final = tuple(
    f"{folder}{dot}lefthook.{ending}"
    for folder in ("", ".config/")
    for dot in ("", ".")
    for ending in ("yml", "yaml", "toml", "json", "jsonc")
)
_OWN: Final = "gitslices"
_SIGN: Final = "gitslices/hooks/"
_KEY: Final = r"(?m)^{0}[ \t]*:"
_COMMENTED_KEY: Final = r'"{0}"\s*:'

Table = MutableMapping[str, Any]


def list_served(file: str, text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of the hooks `names` a file of lefthook's has commands for."""
    if file.endswith((".yml", ".yaml")):
        return tuple(name for name in names if re.search(_KEY.format(name), text))
    table = _load(file, text)
    if table is None:  # with comments in it, or damaged: lefthook will tell
        return tuple(name for name in names if re.search(_COMMENTED_KEY.format(name), text))
    return tuple(name for name in names if isinstance(table.get(name), dict))


def can_edit(file: str, text: str) -> bool:
    """Whether commands can be added without losing what a person has written."""
    return file.endswith((".yml", ".yaml")) or _load(file, text) is not None


def add_command(file: str, text: str, name: str, line: str, *, reads: bool) -> str:
    """The file with the command `line` under the hook `name`; `reads` where it reads lines.

    Raises `InputError` where nobody can tell how to add it.
    """
    command: dict[str, Any] = {"run": line} | ({"use_stdin": True} if reads else {})
    if file.endswith((".yml", ".yaml")):
        return _add_to_yaml(file, text, name, command)

    def add(table: Table) -> None:
        hook = table[name]
        if "jobs" in hook:
            hook["jobs"].insert(0, {"name": _OWN, **command})
        else:
            # First of all, where the notation keeps an order.
            others = dict(hook.get("commands", {}))
            hook["commands"] = {_OWN: command, **others}

    return _change(file, text, add)


def drop_commands(file: str, text: str, names: tuple[str, ...]) -> str:
    """The file without our commands."""
    if file.endswith((".yml", ".yaml")):
        return _drop_from_yaml(text)
    if _SIGN not in text or _load(file, text) is None:
        return text

    def drop(table: Table) -> None:
        for hook in (table[name] for name in names if isinstance(table.get(name), dict)):
            jobs = [job for job in hook.get("jobs", []) if job.get("name") == _OWN]
            for job in jobs:
                hook["jobs"].remove(job)
            commands = hook.get("commands", {})
            if commands.pop(_OWN, None) is not None and not commands:
                del hook["commands"]

    return _change(file, text, drop)


def _load(file: str, text: str) -> dict[str, Any] | None:
    try:
        table = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    except ValueError:
        return None
    return table if isinstance(table, dict) else None


def _change(file: str, text: str, change: Callable[[Table], None]) -> str:
    if file.endswith(".toml"):
        # Imported here: few projects have such a file.
        import tomlkit

        document = tomlkit.parse(text)
        change(document)
        return str(tomlkit.dumps(document))
    table = json.loads(text)
    change(table)
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    written = json.dumps(table, indent=found[1] if found else None, ensure_ascii=False)
    return written + ("\n" if text.endswith("\n") else "")


def _add_to_yaml(file: str, text: str, name: str, command: Table) -> str:
    """A command of ours under the key `name`, as the first of those that are there."""
    text = text if text.endswith("\n") else text + "\n"
    body = r"(?P<body>(?:[ \t]+.*\n|[ \t]*\n)*)"
    found = re.search(rf"(?m)^{re.escape(name)}[ \t]*:[ \t]*(?:#.*)?\n{body}", text)
    if not found:
        raise InputError(
            f"{file!r}: {name} is written in a way that gitslices cannot add to",
            hint=f"add a command to it: {command['run']}",
        )
    section = re.search(r"(?m)^([ \t]+)(commands|jobs)[ \t]*:[ \t]*\n", found["body"])
    indent = section[1] if section else "  "
    start = found.start("body") + (section.end() if section else 0)
    head = "" if section else f"{indent}commands:\n"
    return text[:start] + head + "".join(_list_lines(command, indent, section)) + text[start:]


def _list_lines(command: Table, indent: str, section: re.Match[str] | None) -> Iterator[str]:
    step = indent * 2
    if section and section[2] == "jobs":
        yield f"{step}- name: {_OWN}\n"
        inner = f"{step}  "
    else:
        yield f"{step}{_OWN}:\n"
        inner = step + indent
    yield f"{inner}run: {command['run']}\n"
    if "use_stdin" in command:
        yield f"{inner}use_stdin: true\n"


def _drop_from_yaml(text: str) -> str:
    lines = re.compile(
        r"^[ \t]*(?:- name: gitslices|gitslices:)\n[ \t]+run: sh -c '.*gitslices/hooks/.*\n"
        r"(?:[ \t]+use_stdin: true\n)?",
        re.MULTILINE,
    )
    return re.sub(r"(?m)^ +commands:\n(?=\S|\Z)", "", lines.sub("", text))
