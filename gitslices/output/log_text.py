"""The log, for people."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from gitslices.ops.log import LogReport
from gitslices.output.escape import escape
from gitslices.state.store import Event

_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def format_log(report: LogReport) -> str:
    """One line an event: when, about what, what, and the details that are known of it."""
    if not report.events:
        return "nothing has happened yet\n"
    width = max(len(_name(event)) for event in report.events)
    return "".join(f"{_format_event(event, width)}\n" for event in report.events)


def _format_event(event: Event, width: int) -> str:
    details = " ".join(_format_details(event.detail))
    line = f"{event.at}  {_name(event).ljust(width)}  {escape(event.event)}"
    return f"{line}  {details}" if details else line


def _name(event: Event) -> str:
    return escape(event.goal_id if event.slice_id is None else f"{event.goal_id}/{event.slice_id}")


def _format_details(detail: dict[str, Any]) -> Iterable[str]:
    for key, value in detail.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield f"{escape(key)}={escape(text[:10] if _OBJECT_ID.fullmatch(text) else text)}"
