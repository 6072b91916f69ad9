"""A plan as a mermaid flowchart, for Markdown pages: waves from left to right, a subgraph each."""

import re
from collections.abc import Iterator
from typing import Final

from gitslices.core.model import Plan
from gitslices.output.pictures.picture import (
    LIGHT,
    NO_STATES,
    Edge,
    Picture,
    States,
    find_mark,
    head_wave,
    list_facts,
    list_names,
    make_picture,
)
from gitslices.output.words import escape

# What a label may hold as it is: words, and what joins them.
_ENCODED: Final = re.compile(r"[^\w /,·.-]|(?<![^\W_])[-._]|[-._](?![^\W_])")

# mermaid 11 decodes a label and then still reads these pairs in it: formulas, line breaks, icons
# and its own marks for an entity. A zero-width space between the two keeps them apart.
_SEAM: Final = re.compile(r"(?<=\$)(?=\$)|(?<=\\)(?=n)|(?<=:)(?=fa-)|(?<=ﬂ)(?=°)|(?<=¶)(?=ß)")

_LEGEND: Final = """\
  subgraph legend["legend"]
    direction LR
    k0[" "] --> k1["declared dependency"]
    k2[" "] -.-> k3["order forced by an overlap, with its path"]
    k4[" "] ==> k5["critical path"]
  end"""


def format_mermaid(plan: Plan, states: States = NO_STATES) -> str:
    """Write the plan as one flowchart."""
    picture = make_picture(plan, states)
    lines = ["flowchart LR"]
    for wave, members in enumerate(picture.waves):
        lines.append(f"  subgraph wave{wave}[{_quote(head_wave(picture, wave))}]")
        lines += (_write_node(picture, index) for index in members)
        lines.append("  end")
    lines += map(_write_edge, picture.edges)
    return "\n".join([*lines, _LEGEND, *_write_styles(picture)]) + "\n"


def _write_node(picture: Picture, index: int) -> str:
    each = picture.plan.slices[index]
    words = ["critical path"] if index in picture.critical else []
    return f"    s{index}[{_quote(*list_names(each), list_facts(picture, each), *words)}]"


def _write_edge(edge: Edge) -> str:
    if edge.overlap:
        return f"  s{edge.before} -.->|{_quote(edge.overlap.path)}| s{edge.after}"
    return f"  s{edge.before} {'==>' if edge.critical else '-->'} s{edge.after}"


def _write_styles(picture: Picture) -> list[str]:
    """Draw the critical path thick; edges are styled by their number."""
    nodes = ",".join(f"s{index}" for index in sorted(picture.critical))
    edges = ",".join(str(i) for i, edge in enumerate(picture.edges) if edge.critical)
    styles = ["  classDef critical stroke-width:3px", f"  class {nodes} critical"] if nodes else []
    styles += [f"  linkStyle {edges} stroke-width:3px"] if edges else []
    return styles + list(_write_marks(picture))


def _write_marks(picture: Picture) -> Iterator[str]:
    marks = [find_mark(picture, each) for each in picture.plan.slices]
    for mark in sorted({mark for mark in marks if mark}):
        nodes = ",".join(f"s{index}" for index, one in enumerate(marks) if one == mark)
        yield f"  classDef {mark} stroke:{LIGHT[mark]}"
        yield f"  class {nodes} {mark}"


def _quote(*lines: str) -> str:
    """Quote the lines as one label.

    Everything but words goes in as its number, so that no label can end the quotes or hold
    Markdown, a directive (`%%{`) or what mermaid takes for styling (`style a:#quot;`).
    """
    apart = (_SEAM.sub("\u200b", escape(line)) for line in lines)
    encoded = (_ENCODED.sub(lambda found: f"#{ord(found[0])};", line) for line in apart)
    return '"' + "<br/>".join(encoded) + '"'
