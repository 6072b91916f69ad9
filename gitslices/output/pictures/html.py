"""A plan as one HTML page that loads nothing: the picture, and a table with the reasons.

It reads as a plain page without its script; the script finds slices, follows their order and shows
one slice's row beside the picture. The page's policy admits that script and that style sheet by
their hashes, and nothing else.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gitslices.core.model import Bottleneck, Plan, Slice
from gitslices.output.pictures.layout import Layout, make_layout
from gitslices.output.pictures.picture import (
    DARK,
    LIGHT,
    NO_STATES,
    Edge,
    Picture,
    States,
    explain_overlap,
    list_allowed,
    make_picture,
    name_estimate,
    name_picture,
)
from gitslices.output.pictures.svg import (
    HEAD,
    LEGEND_WIDTH,
    PAD,
    PAINT,
    SHAPES,
    draw_body,
    draw_heads,
    draw_legend,
    quote,
    summarise,
)
from gitslices.output.words import count, find_cost, format_cost

_OPEN_ENTRIES: Final = 6
_EDGE: Final = 10

_COLUMNS: Final = (
    ("Slice", "wide"),
    ("Wave", "thin"),
    ("Waits for", "wide"),
    ("Writes", "scope"),
    ("Reads", "scope"),
    ("Work", "scope"),
    ("Gates and reviews", "gates"),
)

_SEARCH: Final = """\
<label><input id="search" type="search" placeholder="Find by id, title or path"
  aria-label="Find slices by id, title or path"></label>"""

_HINT: Final = """\
<p class="soft">Choose a slice to see its scopes and what it waits for. The arrow keys
walk along the edges, Escape lets go.</p>"""


def format_html(plan: Plan, states: States = NO_STATES) -> str:
    """Write the whole page."""
    picture = make_picture(plan, states)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        *_write_head(picture),
        "</head>",
        "<body>",
        *_write_header(picture),
        "<main>",
        *_write_picture(picture),
        *_write_table(picture),
        *_write_remarks(plan),
        "</main>",
        *_write_footer(plan),
        f"<script>{_read_part('page.js')}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _write_head(picture: Picture) -> list[str]:
    style, script = _make_style(), _read_part("page.js")
    # Browsers hash exactly what stands between the tags: one line break more and nothing runs.
    sources = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    policy = f"{sources}; base-uri 'none'; form-action 'none'"
    return [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{quote(name_picture(picture))}</title>",
        f"<style>{style}</style>",
    ]


def _make_style() -> str:
    """Join page and picture; their colours are the same variables."""
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in palette.items())
        for palette in (LIGHT, DARK)
    )
    page = _read_part("page.css")
    named = PAINT.substitute({name: f"var(--{name})" for name in LIGHT})
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{page}{SHAPES}{named}"
    )


@cache
def _read_part(name: str) -> str:
    return files("gitslices.output.pictures").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _write_header(picture: Picture) -> list[str]:
    plan = picture.plan
    base = f"{_code(plan.base.ref)} at {_code(plan.base.commit[:10])}"
    return [
        "<header>",
        f"<h1>{quote(name_picture(picture))}</h1>",
        f'<p class="soft">{quote(summarise(plan))}</p>',
        f'<p class="soft">base {base} · target {_code(plan.target)}</p>',
        "</header>",
    ]


def _write_picture(picture: Picture) -> list[str]:
    layout = make_layout(picture)
    return [
        '<section aria-label="Picture">',
        # Shown by the script, since without it the buttons would do nothing.
        '<div class="tools" hidden>',
        _SEARCH,
        '<button id="fit" type="button">Fit</button>',
        '<button id="full" type="button">Actual size</button>',
        '<button id="less" type="button" aria-label="Smaller">−</button>',
        '<button id="more" type="button" aria-label="Larger">+</button>',
        '<span id="found" class="soft" role="status"></span>',
        "</div>",
        f'<svg class="legend" viewBox="0 -16 {LEGEND_WIDTH} 24" width="{LEGEND_WIDTH}">',
        *draw_legend(),
        "</svg>",
        '<div class="view">',
        '<div class="scroll" tabindex="0" role="region" aria-label="Waves and slices">',
        '<div class="heads">',
        _open_svg(layout, 0, HEAD),
        *draw_heads(picture, layout),
        "</svg>",
        "</div>",
        _open_svg(layout, -_EDGE, layout.height + 2 * PAD + 2 * _EDGE),
        *draw_body(picture, layout, anchor="slice-"),
        "</svg>",
        "</div>",
        f'<aside aria-label="Chosen slice" aria-live="polite" hidden>{_HINT}</aside>',
        "</div>",
        "</section>",
    ]


def _open_svg(layout: Layout, top: int, height: int) -> str:
    width = layout.width + 2 * PAD + 2 * _EDGE
    box = f"{-PAD - _EDGE} {top} {width} {height}"
    return f'<svg width="{width}" height="{height}" viewBox="{box}">'


def _write_table(picture: Picture) -> list[str]:
    heads = "".join(f'<th scope="col" class="{kind}">{name}</th>' for name, kind in _COLUMNS)
    return [
        '<section aria-labelledby="slices-title">',
        '<h2 id="slices-title">Slices</h2>',
        '<div class="reasons">',
        '<table id="slices">',
        f"<thead><tr>{heads}</tr></thead>",
        "<tbody>",
        *(_write_row(picture, index) for index in range(len(picture.plan.slices))),
        "</tbody>",
        "</table>",
        "</div>",
        "</section>",
    ]


def _write_row(picture: Picture, index: int) -> str:
    each = picture.plan.slices[index]
    title = f"<div>{quote(each.title)}</div>" if each.title != each.slice_id else ""
    mark = '<div class="word">on the critical path</div>' if index in picture.critical else ""
    cells = (
        f"{each.wave}",
        _list(_write_reason(picture, edge) for edge in picture.waits[index]) or "nothing",
        _write_scope(each.write_files, each.write_scope)
        + _write_allowed(list_allowed(picture.plan, each)),
        _write_scope(each.read_files, each.read_scope),
        _list(_write_work(picture, each)),
        _list(map(quote, (*each.gates, *each.review_needs))),
    )
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    name = f'<th scope="row">{_code(each.slice_id)}{title}{mark}</th>'
    return f'<tr id="slice-{index}">{name}{row}</tr>'


def _write_reason(picture: Picture, edge: Edge) -> str:
    name = _code(picture.plan.slices[edge.before].slice_id)
    return f'<a href="#slice-{edge.before}">{name}</a>: {quote(explain_overlap(edge))}'


def _write_scope(files: int, scope: Sequence[str]) -> str:
    if not scope:
        return "nothing"
    entries = _list(map(_code, scope))
    if len(scope) > _OPEN_ENTRIES:
        entries = f"<details><summary>{len(scope)} entries</summary>{entries}</details>"
    return f'{entries}<div class="soft">{count(files, "file")}</div>'


def _write_allowed(allowed: Sequence[str]) -> str:
    return f'<div class="soft">allowed since:</div>{_list(map(_code, allowed))}' if allowed else ""


def _write_work(picture: Picture, each: Slice) -> list[str]:
    state = picture.states.get(each.slice_id)
    owner = [quote(each.owner_role)] if each.owner_role else []
    return [
        *([quote(state)] if state else []),
        *owner,
        name_estimate(each),
        f"risk {quote(each.risk)}",
        _code(each.branch_name),
    ]


def _name_bottleneck(one: Bottleneck) -> str:
    return "what is read" if one.kind == "reads" else f"the overlap in {_code(one.path)}"


def _write_remarks(plan: Plan) -> list[str]:
    """Write what the plan says beside its slices, leaving out what is empty."""
    sections = {
        "What holds this plan back": [
            f"without {_name_bottleneck(each)} it takes"
            f" {format_cost(each.cost_without)} instead of {format_cost(find_cost(plan))}"
            for each in plan.bottlenecks
        ],
        "Shared files": [
            f"{_code(each.entry)} is written by {', '.join(map(_code, each.slice_ids))}"
            for each in plan.shared_overlaps
        ],
        "Relaxed files": [
            f"{_code(each.entry)} may conflict between {', '.join(map(_code, each.slice_ids))}"
            for each in plan.relaxed_overlaps or ()
        ],
        "Skipped tasks": [f"{_code(each.task_id)}: {quote(each.reason)}" for each in plan.skipped],
        "Warnings": [quote(each) for each in plan.warnings],
    }
    return [
        f"<section><h2>{title}</h2>{_list(entries)}</section>"
        for title, entries in sections.items()
        if entries
    ]


def _write_footer(plan: Plan) -> list[str]:
    settings = (
        f"order {plan.order} · new paths {plan.unborn} · {plan.open_overlaps} overlaps left open"
    )
    digest = f"task graph {_code(plan.graph_digest)}"
    return [f'<footer class="soft">{settings} · {digest}</footer>']


def _code(text: str) -> str:
    return f"<code>{quote(text)}</code>"


def _list(entries: Iterable[str]) -> str:
    items = "".join(f"<li>{entry}</li>" for entry in entries)
    return items and f"<ul>{items}</ul>"
