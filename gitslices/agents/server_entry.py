"""The MCP server among those of a tool, in the file where it keeps them."""

from collections.abc import MutableMapping
from typing import Any

from gitslices.agents.adapters.adapter import ServerEntry
from gitslices.agents.settings_text import SAFE, load_table, write_table
from gitslices.core.errors import InputError

_NAME = "gitslices"


def add_server(text: str | None, entry: ServerEntry) -> str:
    """The file with our server in it; raise `InputError` for a file that is not as it should be."""
    table = _load(text or "", entry)
    servers = _get_servers(table, entry)
    if servers.get(_NAME) != entry.value:
        servers[_NAME] = dict(entry.value)
    return _write(table, text, entry)


def drop_server(text: str, entry: ServerEntry) -> str | None:
    """The file without it, if it is as we wrote it; None where nothing else is in it."""
    if not has_server(text):
        return text
    table = _load(text, entry)
    servers = _get_servers(table, entry)
    if servers.get(_NAME) == entry.value:
        del servers[_NAME]
    if not servers:
        del table[entry.key]
    return _write(table, text, entry) if table else None


def has_server(text: str) -> bool:
    """Whether a server of our name may be in a file."""
    return _NAME in text


def _load(text: str, entry: ServerEntry) -> MutableMapping[str, Any]:
    if not entry.path.endswith(".toml"):
        return load_table(text or "{}", entry.path)
    # Imported here: one tool of many keeps its settings so.
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        table: MutableMapping[str, Any] = tomlkit.parse(text)
    except ParseError as error:
        raise InputError(f"{entry.path}: it is no TOML: {error}", hint=SAFE) from error
    return table


def _get_servers(table: MutableMapping[str, Any], entry: ServerEntry) -> MutableMapping[str, Any]:
    servers: object = table.setdefault(entry.key, {})
    if not isinstance(servers, MutableMapping):
        raise InputError(f"{entry.path}: {entry.key}: it is no table", hint=SAFE)
    return servers


def _write(table: MutableMapping[str, Any], before: str | None, entry: ServerEntry) -> str:
    if not entry.path.endswith(".toml"):
        return write_table(table, before)
    import tomlkit

    # A table that was taken away leaves the line before it.
    text: str = tomlkit.dumps(table)
    return text.rstrip("\n") + "\n"
