"""Sets of positions as sorted, disjoint intervals."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Span = tuple[int, int]
"""From the first position to the one after the last."""
Spans = tuple[Span, ...]

NO_SPANS: Spans = ()


def join_spans(spans: Iterable[Span]) -> Spans:
    """Join spans, sorted by their starts, into the fewest that hold the same positions."""
    joined: list[Span] = []
    for start, stop in spans:
        if start == stop:
            continue
        if joined and start <= joined[-1][1]:
            if stop > joined[-1][1]:
                joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return tuple(joined)


def join_positions(positions: Iterable[int]) -> list[Span]:
    """Join single positions, sorted, into the fewest spans that hold them."""
    joined: list[Span] = []
    start = stop = -1
    for at in positions:
        if at != stop:
            if stop > start:
                joined.append((start, stop))
            start = at
        stop = at + 1
    if stop > start:
        joined.append((start, stop))
    return joined


def unite_spans(many: Sequence[Spans]) -> Spans:
    """The positions that are in any of `many`."""
    many = [spans for spans in many if spans]
    if len(many) < 2:
        return many[0] if many else NO_SPANS
    return join_spans(sorted(span for spans in many for span in spans))


def count_positions(spans: Iterable[Span]) -> int:
    """Count the positions in spans that have none in common."""
    return sum([stop - start for start, stop in spans])


def subtract_spans(spans: Spans, removed: Spans) -> Spans:
    """The positions of `spans` that are not in `removed`."""
    if not spans or not removed:
        return spans
    left: list[Span] = []
    for start, stop in spans:
        # The span that begins before may reach into this one.
        at = max(bisect_right(removed, (start, start)) - 1, 0)
        while at < len(removed) and removed[at][0] < stop and start < stop:
            low, high = removed[at]
            if low > start:
                left.append((start, low))
            start = max(start, high)
            at += 1
        if start < stop:
            left.append((start, stop))
    return tuple(left)


def have_common(one: Spans, other: Spans) -> bool:
    """Whether a position is in both."""
    if not (one and other) or one[0][0] >= other[-1][1] or other[0][0] >= one[-1][1]:
        return False
    return next(list_common(one, other), None) is not None


def list_common(one: Spans, other: Spans) -> Iterator[Span]:
    """The spans that lie in both, in order, at the cost of the shorter one."""
    if len(one) > len(other):
        one, other = other, one
    # Looked up in the longer one rather than merged with it: a literal against a pattern with
    # thousands of spans is the common case.
    for start, stop in one:
        at = bisect_right(other, (start, start))
        if at and other[at - 1][1] > start:
            at -= 1
        while at < len(other) and other[at][0] < stop:
            yield max(start, other[at][0]), min(stop, other[at][1])
            at += 1
