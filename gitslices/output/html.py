"""A plan as one HTML page that loads nothing: the picture, and a table with the reasons.

It reads as a plain page without its script; the script finds slices, follows their order and shows
one slice's row beside the picture. The page's policy admits that script and that style sheet by
their hashes, and nothing else.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from gitslices.model import Plan, Slice
from gitslices.output.layout import (
    Edge,
    Layout,
    Picture,
    explain_overlap,
    make_layout,
    make_picture,
    name_estimate,
)
from gitslices.output.plan_text import count
from gitslices.output.svg import (
    DARK,
    HEAD,
    LEGEND_WIDTH,
    LIGHT,
    PAD,
    PAINT,
    SHAPES,
    draw_body,
    draw_heads,
    draw_legend,
    name_plan,
    quote,
    summarise,
)

_OPEN_ENTRIES: Final = 6
_EDGE: Final = 10

_PAGE_STYLE: Final = """\
* { box-sizing: border-box }
[hidden] { display: none !important }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif }
header, main { padding: 0 28px }
header { padding-top: 24px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere }
h2 { font-size: 18px; margin: 36px 0 12px }
h3 { font-size: 12px; margin: 16px 0 2px; color: var(--soft) }
p { margin: 0 }
a { color: var(--critical) }
code { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere;
  unicode-bidi: isolate }
ul { margin: 0; padding: 0; list-style: none }
.soft { color: var(--soft) }
.word { color: var(--critical); font-size: 12px; font-weight: 600 }
.tools { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 20px 0 12px }
.tools label { flex: 0 1 340px; display: flex }
input, button { font: inherit; color: inherit; background: var(--box); padding: 6px 12px;
  border: 1px solid var(--edge); border-radius: 6px }
input { width: 100% }
button { cursor: pointer; min-width: 40px }
:focus-visible { outline: 2px solid var(--critical); outline-offset: 2px }
.view { display: flex; gap: 20px; align-items: flex-start; margin-top: 12px }
.scroll { flex: 1; min-width: 0; max-height: 76vh; overflow: auto; border-radius: 10px;
  border: 1px solid var(--line) }
.scroll svg { display: block }
.heads { position: sticky; top: 0; width: max-content; min-width: 100%; background: var(--paper);
  box-shadow: 0 1px var(--line) }
.legend { display: block; max-width: 100%; margin-top: 16px }
aside { flex: 0 0 320px; max-height: 76vh; overflow: auto; padding: 16px 18px;
  border: 1px solid var(--line); border-radius: 10px; background: var(--band) }
aside h2 { margin: 0; font-size: 15px; font-weight: 400; overflow-wrap: anywhere }
h2 code { font-size: 15px; font-weight: 600 }
aside div { font-size: 14px }
.slice { text-decoration: none; cursor: pointer; outline: none }
.slice:hover rect { stroke: var(--edge) }
.slice.critical:hover rect { stroke: var(--critical) }
.slice:focus-visible rect, .slice[aria-current] rect { stroke: var(--ink); stroke-width: 3 }
.tracing .slice, .tracing .edge, .slice.missed { opacity: .18 }
.tracing .slice.lit, .tracing .edge.lit { opacity: 1 }
.edge.lit { stroke-width: 3 }
table { width: 100%; border-collapse: collapse; table-layout: fixed }
th, td { text-align: left; vertical-align: top; padding: 10px 14px 10px 0; font-weight: 400;
  border-top: 1px solid var(--line); overflow-wrap: anywhere }
thead th { position: sticky; top: 0; background: var(--paper); color: var(--soft); font-size: 12px;
  font-weight: 600; border: 0; box-shadow: 0 1px var(--line) }
tbody th code { font-weight: 600 }
tr:target th:first-child { box-shadow: -4px 0 var(--critical) }
tbody { font-size: 14px }
tbody code { font-size: 12.5px }
.wide { width: 19% }
.thin { width: 4.5em }
.gates { width: 14em }
footer { padding: 36px 28px 28px; font-size: 13px }
@media (max-width: 900px) {
  .view { display: block }
  aside { max-height: none; margin-top: 12px }
  .reasons { overflow-x: auto }
  table { min-width: 860px }
}
@media print {
  .tools, aside { display: none }
  .scroll { max-height: none; overflow: visible }
}
"""

_SCRIPT: Final = """\
"use strict";
(() => {
  const find = (query, within = document) => within.querySelector(query);
  const list = (query, within = document) => [...within.querySelectorAll(query)];
  const boxes = list(".slice");
  const edges = list("path[data-from]");
  const rows = list("#slices tbody tr");
  const titles = list("#slices thead th");
  const view = find(".scroll");
  const pictures = list("svg", view).map((svg) => [svg, svg.viewBox.baseVal]);
  const panel = find("aside");
  const hint = [...panel.childNodes];
  const before = boxes.map(() => []);
  const after = boxes.map(() => []);
  for (const { dataset } of edges) {
    before[dataset.to].push(Number(dataset.from));
    after[dataset.from].push(Number(dataset.to));
  }
  let chosen = null;
  let zoom = 1;

  const element = (name, ...children) => {
    const made = document.createElement(name);
    made.append(...children);
    return made;
  };

  const reach = (start, near) => {
    const seen = new Set([start]);
    for (const at of seen) near[at].forEach((next) => seen.add(next));
    return seen;
  };

  const trace = (index) => {
    const on = index !== null;
    const past = on ? reach(index, before) : new Set();
    const future = on ? reach(index, after) : new Set();
    view.classList.toggle("tracing", on);
    boxes.forEach((box, at) => box.classList.toggle("lit", past.has(at) || future.has(at)));
    for (const edge of edges) {
      const [from, to] = [Number(edge.dataset.from), Number(edge.dataset.to)];
      const lit = (past.has(from) && past.has(to)) || (future.has(from) && future.has(to));
      edge.classList.toggle("lit", lit);
    }
  };

  const link = (index) => {
    const made = element("a", element("code", find("code", rows[index]).textContent));
    made.href = `#slice-${index}`;
    return element("li", made);
  };

  const describe = (index) => {
    const [name, ...cells] = rows[index].cells;
    const copy = (cell) => [...cell.cloneNode(true).childNodes];
    const parts = [element("h2", ...copy(name))];
    cells.forEach((cell, at) => {
      parts.push(element("h3", titles[at + 1].textContent), element("div", ...copy(cell)));
    });
    if (after[index].length) {
      parts.push(element("h3", "Holds up"), element("ul", ...after[index].map(link)));
    }
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  };

  const choose = (index) => {
    if (chosen !== null) boxes[chosen].removeAttribute("aria-current");
    chosen = index;
    trace(index);
    if (index === null) {
      panel.replaceChildren(...hint);
      return;
    }
    boxes[index].setAttribute("aria-current", "true");
    boxes[index].scrollIntoView({ block: "nearest", inline: "nearest" });
    describe(index);
  };

  const resize = (wanted) => {
    zoom = Math.min(2, Math.max(0.1, wanted));
    for (const [svg, { width, height }] of pictures) {
      svg.setAttribute("width", width * zoom);
      svg.setAttribute("height", height * zoom);
    }
  };

  const search = () => {
    const words = find("#search").value.toLowerCase().split(/\\s+/).filter(Boolean);
    let matches = 0;
    rows.forEach((row, at) => {
      const text = row.textContent.toLowerCase();
      const match = words.every((word) => text.includes(word));
      row.hidden = !match;
      boxes[at].classList.toggle("missed", !match);
      matches += match;
    });
    find("#found").textContent = words.length ? `${matches} of ${rows.length}` : "";
  };

  const step = (index, key) => {
    if (key === "ArrowLeft") return before[index].at(-1);
    if (key === "ArrowRight") return after[index].at(-1);
    const place = (at) => boxes[at].transform.baseVal[0].matrix;
    const { e, f } = place(index);
    const sign = key === "ArrowDown" ? 1 : -1;
    const column = rows.map((_, at) => at).filter((at) => place(at).e === e);
    const ahead = column.filter((at) => (place(at).f - f) * sign > 0);
    return ahead.sort((a, b) => (place(a).f - place(b).f) * sign)[0];
  };

  document.addEventListener("click", ({ target }) => {
    const anchor = target.closest('.slice, aside a[href^="#slice-"]');
    if (!anchor) return;
    const href = anchor.getAttribute("href");
    choose(Number(href.slice("#slice-".length)));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(null);
    const box = document.activeElement.closest(".slice");
    if (!box || !/^Arrow/.test(event.key)) return;
    event.preventDefault();
    const next = step(Number(box.dataset.slice), event.key);
    if (next === undefined) return;
    boxes[next].focus();
    choose(next);
  });
  boxes.forEach((box, at) => {
    box.addEventListener("click", (event) => event.preventDefault());
    box.addEventListener("pointerenter", () => trace(at));
    box.addEventListener("pointerleave", () => trace(chosen));
  });
  find("#search").addEventListener("input", search);
  find("#search").addEventListener("keydown", ({ key }) => {
    const first = rows.findIndex((row) => !row.hidden);
    if (key === "Enter" && first >= 0) choose(first);
  });
  find("#fit").addEventListener("click", () => resize(view.clientWidth / pictures[0][1].width));
  find("#full").addEventListener("click", () => resize(1));
  find("#less").addEventListener("click", () => resize(zoom / 1.25));
  find("#more").addEventListener("click", () => resize(zoom * 1.25));
  list(".tools, aside").forEach((part) => part.removeAttribute("hidden"));
  const linked = rows.findIndex((row) => `#${row.id}` === location.hash);
  if (linked >= 0) choose(linked);
})();
"""


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


def format_html(plan: Plan) -> str:
    """Write the whole page."""
    picture = make_picture(plan)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        *_write_head(plan),
        "</head>",
        "<body>",
        *_write_header(plan),
        "<main>",
        *_write_picture(picture),
        *_write_table(picture),
        *_write_remarks(plan),
        "</main>",
        *_write_footer(plan),
        f"<script>{_SCRIPT}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _write_head(plan: Plan) -> list[str]:
    style = _make_style()
    sources = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(_SCRIPT)}"
    policy = f"{sources}; base-uri 'none'; form-action 'none'"
    return [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{quote(name_plan(plan))}</title>",
        f"<style>{style}</style>",
    ]


def _make_style() -> str:
    """Join page and picture; their colours are the same variables."""
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in palette.items())
        for palette in (LIGHT, DARK)
    )
    named = PAINT.substitute({name: f"var(--{name})" for name in LIGHT})
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n{_PAGE_STYLE}{SHAPES}{named}"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _write_header(plan: Plan) -> list[str]:
    base = f"{_code(plan.base.ref)} at {_code(plan.base.commit[:10])}"
    return [
        "<header>",
        f"<h1>{quote(name_plan(plan))}</h1>",
        f'<p class="soft">{quote(summarise(plan))}</p>',
        f'<p class="soft">base {base} · target {_code(plan.target)}</p>',
        "</header>",
    ]


def _write_picture(picture: Picture) -> list[str]:
    layout = make_layout(picture)
    return [
        '<section aria-label="Picture">',
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
        _write_scope(each.write_files, each.write_scope),
        _write_scope(each.read_files, each.read_scope),
        _list(_write_work(each)),
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


def _write_work(each: Slice) -> list[str]:
    owner = [quote(each.owner_role)] if each.owner_role else []
    return [*owner, name_estimate(each), f"risk {quote(each.risk)}", _code(each.branch_name)]


def _write_remarks(plan: Plan) -> list[str]:
    """Write what the plan says beside its slices, leaving out what is empty."""
    sections = {
        "What holds this plan back": [
            f"without the overlap in {_code(each.path)} the critical path costs"
            f" {each.cost_without:.12g} instead of {plan.critical_path_cost:.12g}"
            for each in plan.bottlenecks
        ],
        "Shared files": [
            f"{_code(each.entry)} is written by {', '.join(map(_code, each.slice_ids))}"
            for each in plan.shared_overlaps
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
        f"order {plan.order} · unborn {plan.unborn} · {plan.open_overlaps} overlaps left open"
    )
    digest = f"task graph {_code(plan.graph_digest)}"
    return [f'<footer class="soft">{settings} · {digest}</footer>']


def _code(text: str) -> str:
    return f"<code>{quote(text)}</code>"


def _list(entries: Iterable[str]) -> str:
    items = "".join(f"<li>{entry}</li>" for entry in entries)
    return items and f"<ul>{items}</ul>"
