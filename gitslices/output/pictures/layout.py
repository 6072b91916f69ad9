"""Where everything stands in the drawn pictures of a plan.

Waves are columns and time runs to the right. The placement is the layered one of Sugiyama, Tagawa
and Toda (1981): an edge that passes over waves gets a lane through each of them, barycentre sweeps
order the columns, and every column then settles as near to its neighbours as its order allows.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

from msgspec import Struct

from gitslices.core.model import Plan
from gitslices.output.pictures.picture import COMPACT_FROM, Edge, Picture, list_names

_SWEEPS = 12
_LANE = 12
_FREE = 1e-6
"""The weight of a wish that gives way to any other."""


class _Box(Struct, frozen=True, kw_only=True):
    """The upper left corner of a slice."""

    x: int
    y: int


class _Gap(Struct, frozen=True, kw_only=True):
    """The room between two columns that an edge crosses, from its left to its right end."""

    left: int
    y_left: int
    right: int
    y_right: int


class Route(Struct, frozen=True, kw_only=True):
    """An edge and the gaps on its way; between two gaps it runs straight through a lane."""

    edge: Edge
    gaps: tuple[_Gap, ...]


class Sizes(Struct, frozen=True, kw_only=True):
    """A box, the room around it, and the distance of two edges that meet it."""

    width: int
    height: int
    row_gap: int
    column_gap: int
    port: int


class Layout(Struct, frozen=True, kw_only=True):
    """A placed plan: the left edge of every wave, its slices in their order, and its edges."""

    sizes: Sizes
    columns: tuple[int, ...]
    boxes: tuple[_Box, ...]
    routes: tuple[Route, ...]
    width: int
    height: int


_Links = defaultdict[int, dict[int, int]]
"""The neighbours on one side of each node, a slice's index or from there on a lane, and their
pull."""


class _Web(Struct, frozen=True, kw_only=True):
    """Boxes and lanes as one graph: a link joins neighbouring columns only."""

    boxes: int
    columns: list[list[int]]
    paths: list[list[int]]
    before: _Links
    after: _Links


def make_layout(picture: Picture) -> Layout:
    """Place slices and edges; the same plan always gives the same numbers."""
    sizes = _choose_sizes(picture.plan)
    web = _weave(picture)
    _order_columns(web)
    centres = _settle_columns(web, sizes)
    _stack_idle(picture, web, sizes, centres)
    columns = _place_columns(web, sizes)
    return Layout(
        sizes=sizes,
        columns=columns,
        boxes=tuple(
            _Box(x=columns[each.wave], y=centres[node] - sizes.height // 2)
            for node, each in enumerate(picture.plan.slices)
        ),
        routes=_route(picture, web, sizes, columns, centres),
        width=columns[-1] + sizes.width if columns else 0,
        height=max(centres.values(), default=0) + sizes.height // 2,
    )


def _choose_sizes(plan: Plan) -> Sizes:
    if len(plan.slices) >= COMPACT_FROM:
        return Sizes(width=168, height=26, row_gap=10, column_gap=72, port=6)
    lines = max((len(list_names(each)) for each in plan.slices), default=0) + 1
    lines += bool(plan.overlap_serializations)
    return Sizes(width=248, height=22 + 18 * lines, row_gap=20, column_gap=80, port=12)


def _weave(picture: Picture) -> _Web:
    """Cut each edge into links; edges of one source and one kind share their lanes."""
    slices = picture.plan.slices
    web = _Web(
        boxes=len(slices),
        columns=[[] for _ in picture.waves],
        paths=[],
        before=defaultdict(dict),
        after=defaultdict(dict),
    )
    for node in sorted({end for edge in picture.edges for end in (edge.before, edge.after)}):
        web.columns[slices[node].wave].append(node)
    lanes: dict[tuple[int, bool, int], int] = {}
    for edge in picture.edges:
        path = [edge.before]
        for wave in range(slices[edge.before].wave + 1, slices[edge.after].wave):
            # Shared: a slice that hundreds wait for would else fill every wave with its lanes.
            lane = (edge.before, edge.overlap is not None, wave)
            if lane not in lanes:
                lanes[lane] = web.boxes + len(lanes)
                web.columns[wave].append(lanes[lane])
            path.append(lanes[lane])
        _link(web, [*path, edge.after], 4 if edge.critical else 1)
    return web


def _link(web: _Web, path: list[int], weight: int) -> None:
    """Let lanes pull harder than boxes, so that long edges run straight."""
    web.paths.append(path)
    for left, right in pairwise(path):
        lanes = (left >= web.boxes) + (right >= web.boxes)
        pull = max(weight * (1, 2, 8)[lanes], web.after[left].get(right, 0))
        web.after[left][right] = web.before[right][left] = pull


def _order_columns(web: _Web) -> None:
    """Sweep to and fro, and keep the order that had the fewest crossings."""
    place = {node: i / len(column) for column in web.columns for i, node in enumerate(column)}
    # A sweep can make it worse, so the last one need not be the best one.
    best, fewest = [column[:] for column in web.columns], _count_crossings(web, place)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        if sweep % 2:
            _sweep(web.columns[::-1], place, web.after)
        else:
            _sweep(web.columns, place, web.before)
        crossings = _count_crossings(web, place)
        if crossings < fewest:
            best, fewest = [column[:] for column in web.columns], crossings
    web.columns[:] = best


def _sweep(columns: Iterable[list[int]], place: dict[int, float], near: _Links) -> None:
    """Sort every column by where the neighbours of its nodes stand, on one side."""

    def barycentre(node: int) -> float:
        others = near.get(node)
        return sum(place[other] for other in others) / len(others) if others else place[node]

    for column in columns:
        column.sort(key=barycentre)
        place.update((node, i / len(column)) for i, node in enumerate(column))


def _count_crossings(web: _Web, place: Mapping[int, float]) -> int:
    crossings = 0
    for column in web.columns:
        seen: list[float] = []
        for node in column:
            ends = [place[other] for other in web.after.get(node, ())]
            crossings += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return crossings


def _settle_columns(web: _Web, sizes: Sizes) -> dict[int, int]:
    """Find the middle of every linked node, the highest box beginning at 0."""
    half = (sizes.height + sizes.row_gap) / 2, _LANE / 2
    rooms = [[half[node >= web.boxes] for node in column] for column in web.columns]
    offsets = [
        list(accumulate((above + below for above, below in pairwise(room)), initial=0.0))
        for room in rooms
    ]
    there = list(zip(web.columns, offsets, strict=True))
    heights: dict[int, float] = {}
    for column, offset in there:
        heights.update((n, at - offset[-1] / 2) for n, at in zip(column, offset, strict=False))
    # One side at a time lets chains become straight; both at the end, so that neither side has the
    # last word.
    for sides in [[web.before], [web.after]] * (_SWEEPS // 2) + [[web.before, web.after]] * 2:
        for column, offset in there:
            _settle(column, offset, heights, sides)
        # To and fro in turn: a column is settled by neighbours that have just been settled.
        there.reverse()
    top = min(heights.values(), default=0) - sizes.height / 2
    return {node: round(height - top) for node, height in heights.items()}


def _settle(
    column: Sequence[int],
    offsets: Sequence[float],
    heights: dict[int, float],
    sides: Sequence[_Links],
) -> None:
    """Move a column's nodes to the mean of their neighbours, as far as order and room let them."""
    wishes = []
    for node, offset in zip(column, offsets, strict=False):
        pulls = [pull for side in sides for pull in side.get(node, {}).items()]
        weight = sum(pull for _, pull in pulls)
        wish = (
            sum(heights[other] * pull for other, pull in pulls) / weight if pulls else heights[node]
        )
        wishes.append((wish - offset, weight or _FREE))
    for node, offset, height in zip(column, offsets, _make_monotone(wishes), strict=False):
        heights[node] = height + offset


def _make_monotone(wishes: Iterable[tuple[float, float]]) -> Iterable[float]:
    """Find the rising values nearest to the weighted wishes, by least squares.

    Pool adjacent violators: neighbours in the wrong order share their mean.
    """
    pools: list[tuple[float, float, int]] = []
    for wish, weight in wishes:
        mean, total, size = wish, weight, 1
        while pools and pools[-1][0] >= mean:
            other, pull, members = pools.pop()
            mean = (mean * total + other * pull) / (total + pull)
            total, size = total + pull, size + members
        pools.append((mean, total, size))
    return (mean for mean, _, size in pools for _ in range(size))


def _stack_idle(picture: Picture, web: _Web, sizes: Sizes, centres: dict[int, int]) -> None:
    """Put slices that neither wait nor hold anything up below the others of their wave."""
    step = sizes.height + sizes.row_gap
    for wave, column in zip(picture.waves, web.columns, strict=True):
        free = centres[column[-1]] + step if column else sizes.height // 2
        for node in wave:
            if node not in centres:
                centres[node] = free
                free += step


def _place_columns(web: _Web, sizes: Sizes) -> tuple[int, ...]:
    """Set the left edges, the gaps wider where many links cross them."""
    links = (sum(len(web.after.get(node, ())) for node in column) for column in web.columns[:-1])
    steps = (sizes.width + sizes.column_gap + min(2 * n, sizes.column_gap) for n in links)
    return tuple(accumulate(steps, initial=0)) if web.columns else ()


def _route(
    picture: Picture,
    web: _Web,
    sizes: Sizes,
    columns: Sequence[int],
    centres: Mapping[int, int],
) -> tuple[Route, ...]:
    x = {node: left for left, column in zip(columns, web.columns, strict=True) for node in column}
    leave = _spread_ports(web, sizes, centres, web.after)
    enter = _spread_ports(web, sizes, centres, web.before)
    return tuple(
        Route(
            edge=edge,
            gaps=tuple(
                _Gap(
                    left=x[left] + sizes.width,
                    y_left=leave[left, right],
                    right=x[right],
                    y_right=enter[right, left],
                )
                for left, right in pairwise(path)
            ),
        )
        for edge, path in zip(picture.edges, web.paths, strict=True)
    )


def _spread_ports(
    web: _Web, sizes: Sizes, centres: Mapping[int, int], near: _Links
) -> dict[tuple[int, int], int]:
    """Say where each link touches its node: side by side on a box, in the middle of a lane."""
    ports: dict[tuple[int, int], int] = {}
    for node, others in near.items():
        room = sizes.height - 12 if node < web.boxes else 0
        step = min(sizes.port, room // max(1, len(others) - 1))
        top = centres[node] - step * (len(others) - 1) // 2
        # In the order of the other ends, or links would cross right where they meet the box.
        for i, other in enumerate(sorted(others, key=centres.__getitem__)):
            ports[node, other] = top + i * step
    return ports
