"""The title and the body of a pull request, from a task and how far its slice is."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from gitslices.core.model import Slice, SliceId, Task

# What people write around these two is theirs.
_BEGIN: Final = "<!-- gitslices: begin -->"
_END: Final = "<!-- gitslices: end -->"
_LONGEST_TITLE: Final = 250
# An issue here, in another repository, or by its address.
_ISSUE: Final = re.compile(r"(?:[\w.-]+/[\w.-]+)?#\d{1,10}|https?://[^\s<>]{1,500}")


class BodyFacts(Struct, frozen=True, kw_only=True):
    """What a body tells besides the task.

    `gates` are names with what came of them; the slices before and after it come with the address
    of their pull requests, as far as they have one.
    """

    gates: Mapping[str, str]
    waits_for: Mapping[SliceId, str | None]
    waited_for_by: Mapping[SliceId, str | None]
    trailer: str


def make_title(slice_: Slice) -> str:
    """One line: the title of the task."""
    title = " ".join(slice_.title.split())
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"


def make_body(slice_: Slice, task: Task | None, facts: BodyFacts) -> str:
    """Markdown between two marks, by which it is found again."""
    parts = list(_list_parts(slice_, task, facts))
    return "\n".join([_BEGIN, "\n\n".join(parts), _END]) + "\n"


def renew_body(there: str, made: str) -> str:
    """The body as it stands at the forge with our part of it made new."""
    before, begin, rest = there.replace("\r\n", "\n").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        # Somebody has taken our part out: they do not want it.
        return there if there.strip() else made
    return before + made.rstrip("\n") + after


def _list_parts(slice_: Slice, task: Task | None, facts: BodyFacts) -> Iterator[str]:
    if task and task.description.strip():
        yield task.description.strip()
    if task and task.acceptance:
        yield _make_list("Accepted when", (f"[ ] {one}" for one in task.acceptance))
    yield _make_list("Writes", map(_quote, slice_.write_scope))
    if facts.gates:
        yield _make_list("Gates", (f"{name}: {how}" for name, how in facts.gates.items()))
    if facts.waits_for:
        yield _make_list("Waits for", _name_slices(facts.waits_for))
    if facts.waited_for_by:
        yield _make_list("Waited for by", _name_slices(facts.waited_for_by))
    closes = _list_closed(task.metadata.get("closes")) if task else ()
    if closes:
        yield "\n".join(f"Closes {one}" for one in closes)
    yield facts.trailer


def _make_list(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"**{title}**", "", *(f"- {' '.join(line.split())}" for line in lines)])


def _name_slices(slices: Mapping[SliceId, str | None]) -> Iterator[str]:
    for id_, url in slices.items():
        yield f"{_quote(id_)}: {url}" if url else _quote(id_)


def _quote(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    space = " " if "`" in text else ""
    return f"{fence}{space}{text}{space}{fence}"


def _list_closed(said: Any) -> tuple[str, ...]:
    """The issues that `metadata.closes` names: a number, `#12`, `team/repo#12`, an address."""
    items: Sequence[Any] = said if isinstance(said, list | tuple) else (said,)
    texts = (f"#{one}" if _is_number(one) else one for one in items)
    return tuple(one for one in texts if isinstance(one, str) and _ISSUE.fullmatch(one))


def _is_number(one: Any) -> bool:
    return isinstance(one, int) and not isinstance(one, bool) and one > 0
