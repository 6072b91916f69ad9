"""JSON documents for programs."""

from typing import Any

import msgspec

from gitslices.naming import show_path


def encode_document(document: Any) -> bytes:
    """One JSON document, indented, ending in a newline; see `show_path` for odd bytes."""
    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_map_strings(msgspec.to_builtins(document)))
    return msgspec.json.format(data, indent=2) + b"\n"


def _map_strings(value: Any) -> Any:
    if isinstance(value, str):
        return show_path(value)
    if isinstance(value, list | tuple):
        return [_map_strings(item) for item in value]
    if isinstance(value, dict):
        return {_map_strings(key): _map_strings(item) for key, item in value.items()}
    return value
