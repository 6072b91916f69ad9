"""What a command of a run says of itself, in the file that `GITSLICES_REPORT` names."""

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from msgspec import Struct


class CommandReport(Struct, frozen=True, kw_only=True):
    """What the lines of one file come to; `cost` and `tokens` are the sums of theirs.

    `status` is the last one that was given, `retry_after` in how many seconds to try again.
    """

    cost: float = 0
    tokens: int = 0
    status: str = ""
    notes: tuple[str, ...] = ()
    retry_after: float | None = None


def parse_report(text: str, now: str) -> CommandReport:
    """What the lines `name=value` say; any other line is passed over."""
    parts = [line.partition("=") for line in text.splitlines()]
    pairs = [(name.strip(), value.strip()) for name, _, value in parts]

    def find(wanted: str) -> Sequence[str]:
        return [value for name, value in pairs if name == wanted and value]

    waits = [span for value in find("retry_after") if (span := _read_span(value, now)) is not None]
    return CommandReport(
        cost=math.fsum(map(_read_number, find("cost"))),
        tokens=int(math.fsum(map(_read_number, find("tokens")))),
        status=find("status")[-1] if find("status") else "",
        notes=tuple(find("note")),
        retry_after=waits[-1] if waits else None,
    )


_MOST = 1e12


def _read_number(text: str) -> float:
    """A number of at least 0; what is none counts nothing."""
    with suppress(ValueError):
        number = float(text)
        if 0 <= number <= _MOST:
            return number
    return 0


def _read_span(text: str, now: str) -> float | None:
    """Seconds, given as a number of them or as the time (RFC 3339) at which they are over."""
    with suppress(ValueError):
        return min(max(0.0, float(text)), _MOST) if text != "nan" else None
    with suppress(ValueError, TypeError):
        left = datetime.fromisoformat(text) - datetime.fromisoformat(now)
        return max(0.0, left.total_seconds())
    return None
