"""Data from JSON and from rows into the types of the program, by any number of threads at once."""

from threading import Lock
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_preparing: Final = Lock()
_prepared: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def decode_json(data: bytes | str, kind: type[T]) -> T:
    """What `data` holds; raise `msgspec.MsgspecError` if that is no `kind`."""
    try:
        decoded: T = _prepare(kind).decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        # msgspec checks texts as it makes them, and counts no levels (seen with 0.22).
        raise msgspec.DecodeError(str(error)) from error
    return decoded


def convert(value: object, kind: type[T], *, strict: bool = True) -> T:
    """`value` as a `kind`; raise `msgspec.ValidationError` if it is none.

    Without `strict`, numbers and booleans may be written as one another, or as texts.
    """
    _prepare(kind)
    return msgspec.convert(value, kind, strict=strict)


def _prepare(kind: Any) -> msgspec.json.Decoder[Any]:
    """Have msgspec look at `kind` once, and at the types in it.

    A second thread that comes upon a type meanwhile uses what is known of it so far, and the
    process dies (seen with msgspec 0.22).
    """
    if kind not in _prepared:
        with _preparing:
            if kind not in _prepared:
                _prepared[kind] = msgspec.json.Decoder(kind)
    return _prepared[kind]
