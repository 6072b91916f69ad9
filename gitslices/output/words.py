"""Words and figures as every screen has them; nothing in them can steer a terminal."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from gitslices.core.errors import GraphProblem, Problem
from gitslices.core.model import OverlapKind, Plan, PlanProgress, Serialization, SliceId
from gitslices.core.naming import count as count

# What acts on a terminal: C0, DEL and C1 controls, line and paragraph separators. What reorders or
# is not seen: Unicode's Default_Ignorable_Code_Point (soft hyphen, joiners, bidirectional and
# zero-width characters, fillers, variation selectors, tags) and further format characters. And
# what no XML may hold.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    # The two that choose between text and picture (⚠︎, ⚠️) may stand behind one character each.
    "|(?:^|(?<=[\ufe0e\ufe0f]))[\ufe0e\ufe0f]"
)
_DEADLINE: Final = re.compile(r"until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """`text` with every character that acts on a terminal, or is not seen, written as an escape."""
    # Nearly every text, and far cheaper than the search.
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda found: _show(found[0]), text)


def _show(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    # A byte that is no UTF-8, as Python carries it: shown as the byte that it is.
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


if TYPE_CHECKING:
    from gitslices.ops.status import SliceState
    from gitslices.planning.diff import Retarget

_SAYS: Final[Mapping[OverlapKind, str]] = {
    "write_write": "both write {path}",
    "write_read": "it writes {path}, which {other} reads",
    "read_write": "it reads {path}, which {other} writes",
}


def shorten_line(text: str, most: int = 200) -> str:
    """`text` as one line of at most so many characters, for a place among other lines."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def join_goals(parts: Sequence[tuple[str, str]]) -> str:
    """The texts of several goals, each below the id of its goal; of one, the text alone."""
    if len(parts) == 1:
        return parts[0][1]
    return "\n".join(f"{escape(id_)}\n{text}" for id_, text in parts)


def name_state(state: "SliceState") -> str:
    """The status in one word, with what has become of those who had the slice."""
    if state.waiting:
        return "asking"
    if state.status in {"planned", "provisioned"}:
        if state.on_hold is not None:
            return "on hold"
        if state.lapsed or (state.failed and state.failed.reason == "lost-lease"):
            return "lapsed"
        if state.failed:
            return "failed"
    return state.status


def format_time(at: str, now: str) -> str:
    """A time by the reader's clock; with its day where that is another one."""
    there, here = _localize(at), _localize(now)
    return there.strftime("%H:%M" if there.date() == here.date() else "%Y-%m-%d %H:%M")


def format_left(at: str, now: str) -> str:
    """How long it is until a deadline, or since: `25m left`, `3h ago`."""
    seconds = int((_localize(at) - _localize(now)).total_seconds())
    amount, unit = next(
        (round(abs(seconds) / size), unit)
        for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
        if abs(seconds) >= 2 * size or size == 1
    )
    return f"{amount}{unit} left" if seconds > 0 else f"{amount}{unit} ago"


def format_deadline(at: str, now: str) -> str:
    """A deadline by the reader's clock, and how long it is until then: `14:30 (25m left)`."""
    return f"{format_time(at, now)} ({format_left(at, now)})"


def tell_deadlines(text: str, now: str) -> str:
    """`text` with each deadline in it as `format_deadline` has it."""
    return _DEADLINE.sub(lambda found: f"until {format_deadline(found[1], now)}", text)


def _localize(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone()


def format_cost(cost: float) -> str:
    """`3`, `0.5`: a cost without the noise of its binary form."""
    return f"{cost:.12g}"


def find_cost(plan: Plan) -> float:
    """When the plan is done: by its workers where their number is given."""
    return plan.critical_path_cost if plan.schedule is UNSET else plan.schedule.makespan


def describe_progress(progress: PlanProgress) -> str:
    """`2 merged, 1 under way, 3 left`."""
    counts = (len(progress.merged), len(progress.under_way), len(progress.left))
    words = ("merged", "under way", "left")
    return ", ".join(f"{number} {word}" for number, word in zip(counts, words, strict=True))


def find_progress_word(plan: Plan, id_: SliceId) -> str:
    """`merged` or `under way`; nothing for a slice that nobody has begun."""
    if plan.progress is UNSET:
        return ""
    if id_ in plan.progress.merged:
        return "merged"
    return "under way" if id_ in plan.progress.under_way else ""


def format_reason(forced: Serialization) -> str:
    """Why an overlap makes one slice wait for another, as half a sentence."""
    return format_overlap(forced.kind, forced.path, forced.serializes_after, exists=forced.exists)


def format_overlap(kind: OverlapKind, path: str, other: str, *, exists: bool) -> str:
    """How a slice and the `other`, the earlier one, meet in a path, as half a sentence."""
    says = _SAYS[kind].format(path=escape(path), other=escape(other))
    return says if exists else f"{says} (not there yet)"


def format_retarget(retarget: "Retarget") -> Iterator[str]:
    """Where slices are merged into from now on, and which merged ones are not there."""
    before, after = escape(retarget.before), escape(retarget.after)
    yield f"target: {before} -> {after}"
    if retarget.missing:
        ids = ", ".join(map(escape, retarget.missing))
        yield f"merged into {before}, not in {after}: {ids} (bring them there with git)"


def format_problem(verb: str, problem: Problem) -> str:
    """What was not done to a slice, why, and what helps."""
    hint = f" ({escape(problem.hint)})" if problem.hint else ""
    return f"{verb} {escape(problem.place)}: {escape(problem.message)}{hint}"


def format_place(problem: Problem) -> str:
    """Where something is wrong, in a task graph with the task and the line."""
    if not isinstance(problem, GraphProblem):
        return escape(problem.place)
    task = () if problem.task_id is UNSET else (escape(repr(problem.task_id)),)
    line = () if problem.line is UNSET else (f"line {problem.line}",)
    beside = ", ".join((*task, *line))
    return f"{escape(problem.place)} ({beside})" if beside else escape(problem.place)
