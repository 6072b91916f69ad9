"""Tasks that get no slice, for people."""

from collections.abc import Iterable, Iterator
from typing import Final

from gitslices.model import Skipped
from gitslices.output.escape import escape
from gitslices.policy import NO_OWNER

_HINT: Final = "hint: set owner_role, or owner_role under [defaults]"


def format_skipped(skipped: Iterable[Skipped]) -> Iterator[str]:
    """One line a task, and how those get a slice that lack only an owner."""
    reasons = set()
    for one in skipped:
        reasons.add(one.reason)
        yield f"skipped {escape(one.task_id)}: {escape(one.reason)}"
    if NO_OWNER in reasons:
        yield _HINT


def summarize_skipped(skipped: Iterable[Skipped]) -> Iterator[str]:
    """The same with one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for one in skipped:
        by_reason.setdefault(one.reason, []).append(escape(one.task_id))
    for reason, ids in by_reason.items():
        yield f"{len(ids)} would be skipped: {escape(reason)} ({', '.join(ids)})"
    if NO_OWNER in by_reason:
        yield _HINT
