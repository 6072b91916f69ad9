"""A plan as one SVG file: no script, no resource from elsewhere, light and dark."""

import html
from collections.abc import Iterable, Sequence
from itertools import accumulate
from string import Template
from typing import Final
from unicodedata import east_asian_width

from msgspec import UNSET

from gitslices.core.model import Plan
from gitslices.output.pictures.layout import Layout, Route, Sizes, make_layout
from gitslices.output.pictures.picture import (
    COMPACT_FROM,
    DARK,
    LIGHT,
    NO_STATES,
    Edge,
    Picture,
    States,
    describe,
    explain,
    find_mark,
    head_wave,
    list_facts,
    list_names,
    make_picture,
    name_picture,
)
from gitslices.output.words import count, describe_progress, escape, format_cost

SHAPES: Final = """\
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif }
svg .id, svg .path { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
svg .id { font-size: 13px; font-weight: 600 }
svg .compact { font-size: 11px }
svg .path { font-size: 11px }
svg .name { font-size: 20px; font-weight: 600 }
svg .head { font-weight: 600 }
svg .word { font-size: 11px; font-weight: 600 }
.slice rect { stroke-width: 1 }
.slice.critical rect { stroke-width: 2.5 }
.edge, .dash { fill: none; stroke-width: 1.4 }
.edge.critical { stroke-width: 3 }
.edge.forced, .dash { stroke-dasharray: 6 4 }
"""
"""Sizes, fonts and line styles; `PAINT` adds the colours."""

PAINT: Final = Template("""\
svg text { fill: $ink }
svg .soft { fill: $soft }
svg .word { fill: $critical }
.paper { fill: $paper }
.band { fill: $band }
.slice rect { fill: $box; stroke: $line }
.slice.critical rect { stroke: $critical }
.edge { stroke: $edge }
.edge.forced, .dash { stroke: $forced }
.edge.critical { stroke: $critical }
.mark.landed { fill: $landed }
.mark.finished { fill: $finished }
.mark.busy { fill: $busy }
.mark.asking { fill: $asking }
.mark.trouble { fill: $trouble }
#tip path { fill: $edge }
#tip-forced path { fill: $forced }
#tip-critical path { fill: $critical }
""")

HEAD: Final = 40
"""The height of the row of wave headings."""

PAD: Final = 16
"""How far a wave's band reaches beyond its boxes."""

LEGEND_WIDTH: Final = 640
"""How much room the legend needs."""

_MARGIN: Final = 24
_TITLE: Final = 64
_LEGEND: Final = 44
_LETTER: Final = 6.2


def format_svg(plan: Plan, states: States = NO_STATES) -> str:
    """Draw the whole picture, headed and with its legend."""
    picture = make_picture(plan, states)
    layout = make_layout(picture)
    width = max(layout.width + 2 * PAD, LEGEND_WIDTH)
    height = _TITLE + HEAD + layout.height + 2 * PAD + _LEGEND
    name = name_picture(picture)
    lines = [
        _open_file(width + 2 * _MARGIN, height + 2 * _MARGIN),
        f'<title id="name">{quote(name)}</title>',
        f"<style>\n{SHAPES}{PAINT.substitute(LIGHT)}@media (prefers-color-scheme: dark) {{",
        f"{PAINT.substitute(DARK)}}}\n</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        f'<g transform="translate({_MARGIN} {_MARGIN})">',
        f'<text class="name" y="18">{quote(fit(name, width, 12))}</text>',
        f'<text class="soft" y="42">{quote(fit(summarise(plan), width, _LETTER))}</text>',
        f'<g transform="translate({PAD} {_TITLE})">',
        *draw_heads(picture, layout),
        f'<g transform="translate(0 {HEAD})">',
        *draw_body(picture, layout),
        "</g>",
        "</g>",
        f'<g transform="translate(0 {height - 8})">',
        *draw_legend(),
        "</g>",
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _open_file(width: int, height: int) -> str:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="name">'


def quote(text: str) -> str:
    """Write the text as character data or as an attribute's value, in XML and in HTML."""
    # `escape` first: XML has no way to write most control characters, not even as a reference.
    return html.escape(escape(text))


def summarise(plan: Plan) -> str:
    """Say how big the plan is and what it costs at best."""
    size = f"{count(len(plan.slices), 'slice')} in {count(len(plan.waves), 'wave')}"
    forced = f"{count(len(plan.overlap_serializations), 'order')} forced by overlaps"
    path = f"critical path of {count(len(plan.critical_path), 'slice')}"
    progress = "" if plan.progress is UNSET else f" · {describe_progress(plan.progress)}"
    return f"{size} · {forced} · {path}, cost {format_cost(plan.critical_path_cost)}{progress}"


def fit(text: str, width: float, letter: float, *, keep_end: bool = False) -> str:
    """Escape the text and cut it with an ellipsis where it is wider than `width`.

    `letter` is the width of an average letter; East Asian wide characters count twice.
    """
    shown = escape(text)
    # SVG puts no ellipsis, and the font of whoever reads it cannot be measured here.
    cells = [1 + (east_asian_width(char) in "WF") for char in shown]
    room = int(width / letter)
    if sum(cells) <= room:
        return shown
    if keep_end:
        return "…" + _take(shown[::-1], cells[::-1], room - 1)[::-1]
    return _take(shown, cells, room - 1) + "…"


def _take(text: str, cells: Iterable[int], room: int) -> str:
    kept = sum(end <= room for end in accumulate(cells))
    return text[:kept]


def draw_heads(picture: Picture, layout: Layout) -> list[str]:
    """Draw the wave headings, a row `HEAD` high."""
    return [
        f'<text class="head soft" x="{x}" y="{HEAD - 16}">{head_wave(picture, wave)}</text>'
        for wave, x in enumerate(layout.columns)
    ]


def draw_body(picture: Picture, layout: Layout, *, anchor: str | None = None) -> list[str]:
    """Draw bands, edges and boxes; with an `anchor`, a box links to that and its number."""
    band = f'width="{layout.sizes.width + 2 * PAD}" height="{layout.height + 2 * PAD}" rx="10"'
    boxes = range(len(picture.plan.slices))
    return [
        *_draw_definitions(layout.sizes),
        *(f'<rect class="band" x="{x - PAD}" {band}/>' for x in layout.columns),
        f'<g transform="translate(0 {PAD})">',
        *(_draw_edge(picture, route) for route in sorted(layout.routes, key=_rank)),
        *(_draw_slice(picture, layout, index, anchor) for index in boxes),
        "</g>",
    ]


def _rank(route: Route) -> tuple[bool, bool]:
    """Sort what matters most to the end, where it is drawn on top."""
    return route.edge.critical, route.edge.overlap is not None


def _draw_definitions(sizes: Sizes) -> list[str]:
    marker = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
    # By default a marker grows with the stroke, so the critical path's tips would be huge.
    tip = f'{marker} markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .5 7.5 4 0 7.5z"/>'
    inside = f'<rect width="{sizes.width - 8}" height="{sizes.height}"/>'
    return [
        "<defs>",
        f'<clipPath id="inside">{inside}</clipPath>',
        *(f'<marker id="{name}" {tip}</marker>' for name in ("tip", "tip-forced", "tip-critical")),
        "</defs>",
    ]


def _draw_edge(picture: Picture, route: Route) -> str:
    edge = route.edge
    kinds = "edge" + " critical" * edge.critical + " forced" * (edge.overlap is not None)
    tip = "tip-critical" if edge.critical else "tip-forced" if edge.overlap else "tip"
    hover = f"{picture.plan.slices[edge.after].slice_id} {explain(picture, edge)}"
    return (
        f'<path class="{kinds}" data-from="{edge.before}" data-to="{edge.after}"'
        f' marker-end="url(#{tip})" d="{_trace(route)}"><title>{quote(hover)}</title></path>'
    )


def _trace(route: Route) -> str:
    """Curve through each gap and go straight through each lane."""
    steps = [f"M{route.gaps[0].left} {route.gaps[0].y_left}"]
    for gap, before in zip(route.gaps, (None, *route.gaps), strict=False):
        if before:
            steps.append(f"H{gap.left}")
        middle = (gap.left + gap.right) // 2
        curve = f"C{middle} {gap.y_left} {middle} {gap.y_right} {gap.right} {gap.y_right}"
        steps.append(f"H{gap.right}" if gap.y_left == gap.y_right else curve)
    return "".join(steps)


def _draw_slice(picture: Picture, layout: Layout, index: int, anchor: str | None) -> str:
    box, sizes = layout.boxes[index], layout.sizes
    kinds = "slice critical" if index in picture.critical else "slice"
    tag, link = ("a", f' href="#{anchor}{index}"') if anchor else ("g", "")
    hover = "\n".join(map(quote, describe(picture, index)))
    mark = find_mark(picture, picture.plan.slices[index])
    stripe = f'<path class="mark {mark}" d="M1 5h4v{sizes.height - 10}h-4z"/>' if mark else ""
    return (
        f'<{tag}{link} class="{kinds}" data-slice="{index}"'
        f' transform="translate({box.x} {box.y})"><title>{hover}</title>'
        f'<rect width="{sizes.width}" height="{sizes.height}" rx="6"/>{stripe}'
        f'<g clip-path="url(#inside)">{"".join(_draw_lines(picture, sizes, index))}</g></{tag}>'
    )


def _draw_lines(picture: Picture, sizes: Sizes, index: int) -> Iterable[str]:
    """Draw what a box says, as a block in its middle: names, facts, the overlap it waits for."""
    each, critical = picture.plan.slices[index], index in picture.critical
    room = sizes.width - 24
    if len(picture.plan.slices) >= COMPACT_FROM:
        yield _draw_line("id compact", 17, fit(each.slice_id, room, 6.7))
        return
    name, *title = list_names(each)
    forced = [edge for edge in picture.waits[index] if edge.overlap]
    y = (sizes.height - 18 * (2 + len(title) + bool(forced))) // 2 + 13
    yield _draw_line("id", y, fit(name, room - 52 * critical, 8))
    if critical:
        yield f'<text class="word" x="{sizes.width - 56}" y="{y}">critical</text>'
    for line in title:
        y += 18
        yield _draw_line("title", y, fit(line, room, _LETTER))
    yield _draw_line("soft", y + 18, fit(list_facts(picture, each), room, _LETTER))
    if forced:
        yield _draw_overlaps(forced, y + 36, room)


def _draw_line(kinds: str, y: int, text: str, x: int = 12) -> str:
    return f'<text class="{kinds}" x="{x}" y="{y}">{quote(text)}</text>'


def _draw_overlaps(forced: Sequence[Edge], y: int, room: int) -> str:
    """Draw a dash, the first path, and how many more there are."""
    paths = [edge.overlap.path for edge in forced if edge.overlap]
    more = f" +{len(paths) - 1}" if len(paths) > 1 else ""
    shown = fit(paths[0], room - 26 - 7 * len(more), 7, keep_end=True) + more
    return f'<path class="dash" d="M12 {y - 4}H32"/>' + _draw_line("path soft", y, shown, x=38)


def draw_legend() -> list[str]:
    """Show what the three kinds of line mean, on one line `LEGEND_WIDTH` wide."""
    entries = (
        (0, "edge", "tip", "declared dependency"),
        (184, "edge forced", "tip-forced", "order forced by an overlap, with its path"),
        (496, "edge critical", "tip-critical", "critical path"),
    )
    return [
        f'<path class="{kinds}" marker-end="url(#{tip})" d="M{x} -4h34"/>'
        f'<text class="soft" x="{x + 42}">{words}</text>'
        for x, kinds, tip, words in entries
    ]
