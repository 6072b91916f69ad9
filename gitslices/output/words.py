"""Words that several texts and pictures share."""

from collections.abc import Mapping
from typing import Final

from gitslices.model import OverlapKind, Serialization
from gitslices.output.escape import escape

_SAYS: Final[Mapping[OverlapKind, str]] = {
    "write_write": "both write {path}",
    "write_read": "it writes {path}, which {other} reads",
    "read_write": "it reads {path}, which {other} writes",
}


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_cost(cost: float) -> str:
    """`3`, `0.5`: a cost without the noise of its binary form."""
    return f"{cost:.12g}"


def format_reason(forced: Serialization) -> str:
    """Why an overlap makes one slice wait for another, as half a sentence."""
    says = _SAYS[forced.kind].format(
        path=escape(forced.path), other=escape(forced.serializes_after)
    )
    return says if forced.exists else f"{says} (not there yet)"
