"""What a hook is given on standard input."""

import os
import select
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gitslices.core.errors import InputError

_CHUNK: Final = 1 << 16
_LONGEST: Final = 1 << 26
_PATIENCE: Final = 5.0
"""Seconds without a further byte after which a document counts as cut off."""


class PayloadError(InputError):
    """A payload that is not what its tool documents."""

    code = "payload"


def read_payload(descriptor: int) -> dict[str, Any]:
    """The first JSON document; whoever writes it may leave the other end open.

    Raises `PayloadError` for anything but a JSON object.
    """
    data = bytearray()
    while len(data) <= _LONGEST:
        # Not read to the end: some tools leave it open, and the hook would wait until it is killed.
        if not select.select([descriptor], [], [], _PATIENCE)[0]:
            break
        chunk = os.read(descriptor, _CHUNK)
        if not chunk:
            break
        data += chunk
        # A full chunk is hardly the last one, and decoding after each would take a square of the
        # time.
        if data.rstrip().endswith(b"}") and len(chunk) < _CHUNK:
            try:
                return _decode(bytes(data))
            except PayloadError:
                continue
    return _decode(bytes(data))


def require_text(table: Mapping[str, Any], *names: str) -> str:
    """The first of the fields `names` that is there, which has to be a text with something in it.

    Raises `PayloadError` otherwise.
    """
    name = next((name for name in names if name in table), names[0])
    value = table.get(name)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise PayloadError(f"the payload's field {name!r} is no text")
    return value


def list_texts(table: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """All of the fields `names` that are there, each of them a text with something in it.

    Which of several a tool goes by, only the tool knows. Raises `PayloadError` where there is none.
    """
    present = [name for name in names if name in table] or names[:1]
    return tuple(require_text(table, name) for name in present)


def require_table(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The field `name`, which has to be an object; raise `PayloadError` otherwise."""
    value = table.get(name)
    if not isinstance(value, dict):
        raise PayloadError(f"the payload's field {name!r} is no object")
    return value


def find_text(table: Mapping[str, Any], *names: str) -> str:
    """The first of the fields `names` that says something, empty where none does.

    Raises `PayloadError` for one that is no text.
    """
    name = next((name for name in names if table.get(name)), None)
    return require_text(table, name) if name else ""


def find_folders(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a payload may say that its session is, however wrong the rest of it is."""
    roots = payload.get("workspace_roots")
    named = (payload.get("cwd"), *(roots if isinstance(roots, list) else ()))
    return tuple(one for one in named if isinstance(one, str) and "\0" not in one)


def name_session(tool: str, payload: Mapping[str, Any]) -> str | None:
    """How leases call the session, or the subagent in it, that a payload is of."""
    session, agent = payload.get("session_id"), payload.get("agent_id")
    if not isinstance(session, str) or not session.isprintable() or not session:
        return None
    name = f"{tool} {session}"
    return f"{name} agent-{agent}" if isinstance(agent, str) and agent.isprintable() else name


def find_session(environ: Mapping[str, str]) -> str | None:
    """The same of the session that a command is started in."""
    for tool, variable in (("claude", "CLAUDE_CODE_SESSION_ID"), ("codex", "CODEX_SESSION_ID")):
        if name := name_session(tool, {"session_id": environ.get(variable)}):
            return name
    return None


def _decode(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        return _decode_first(data, error)


def _decode_first(data: bytes, cause: Exception) -> dict[str, Any]:
    """The first of several documents in a row."""
    # Imported here: nearly every payload is one document, and each edit waits for the imports.
    import json

    try:
        found, _ = json.JSONDecoder().raw_decode(data.decode().lstrip())
    except (ValueError, RecursionError):
        raise PayloadError(f"the payload on standard input is no JSON object: {cause}") from cause
    if not isinstance(found, dict):
        raise PayloadError("the payload on standard input is no JSON object")
    return found
