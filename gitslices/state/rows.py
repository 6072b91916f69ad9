"""Rows of the store as values: what cannot have been written is a `StateError`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from gitslices.core.decoding import convert, decode_json
from gitslices.core.errors import StateError

_T = TypeVar("_T")

Row = Mapping[str, Any]
"""A row of a table, by the names of its columns."""

_FAR: Final = timedelta(days=366 * 200)
MEND_HINT: Final = "see what can still be read, and mend it: gitslices doctor"
"""What one can do about a row that nobody could have written."""


def decode_row(data: object, kind: type[_T]) -> _T:
    """What a column holds in JSON; raise `StateError` if it cannot be read."""
    try:
        # One flipped bit makes a text a number, or nothing.
        if not isinstance(data, bytes | str):
            raise msgspec.DecodeError(f"{data!r} is no JSON")
        return decode_json(data, kind)
    except msgspec.MsgspecError as error:
        raise StateError(f"a row of the store cannot be read: {error}", hint=MEND_HINT) from error


def convert_row(values: object, kind: type[_T], *, strict: bool = True) -> _T:
    """A row as a `kind`; raise `StateError` if it is none."""
    try:
        return convert(values, kind, strict=strict)
    except msgspec.MsgspecError as error:
        raise StateError(f"a row of the store cannot be read: {error}", hint=MEND_HINT) from error


def check_time(text: str) -> str:
    """`text`, if it is a time as `Workspace.now` writes it; else raise `StateError`."""
    with suppress(ValueError, OverflowError):
        # The years beyond are no times to reckon with.
        if (datetime.fromisoformat(text) + _FAR).tzinfo is not None:
            return text
    raise StateError(f"a row of the store cannot be read: {text!r} is no time", hint=MEND_HINT)


def name_row(columns: str, values: Sequence[Any]) -> Row:
    """A row by the names of its columns."""
    return dict(zip(columns.split(", "), values, strict=True))
