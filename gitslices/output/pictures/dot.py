"""A plan in Graphviz's DOT language, for `dot`: waves from left to right, one cluster each.

Nodes are numbered in the order of the plan's slices, so that no id can be mistaken for another.
"""

from gitslices.core.model import Plan
from gitslices.output.pictures.picture import (
    NO_STATES,
    Edge,
    Picture,
    States,
    describe,
    explain,
    head_wave,
    list_facts,
    list_names,
    make_picture,
    name_picture,
)
from gitslices.output.words import escape

_FRAME = """\
  rankdir=LR;
  newrank=true;
  nodesep=0.25;
  ranksep=0.9;
  fontname="Helvetica";
  fontsize=12;
  node [shape=box, style="rounded,filled", fillcolor=white, color=gray60,
    fontname="Helvetica", fontsize=11, margin="0.16,0.09"];
  edge [color=gray40, fontname="Helvetica", fontsize=9, arrowsize=0.7];"""

_LEGEND = """\
  subgraph cluster_legend {
    label="legend";
    style=dashed;
    color=gray70;
    node [shape=plaintext, style=""];
    k0 [label=""]; k1 [label="declared dependency"];
    k2 [label=""]; k3 [label="order forced by an overlap, with its path"];
    k4 [label=""]; k5 [label="critical path"];
    k0 -> k1;
    k2 -> k3 [style=dashed, color=chocolate4];
    k4 -> k5 [penwidth=3, color=mediumblue];
  }"""


def format_dot(plan: Plan, states: States = NO_STATES) -> str:
    """Write the plan as one digraph."""
    picture = make_picture(plan, states)
    lines = ["digraph plan {", _FRAME, f"  label={_quote(name_picture(picture))};"]
    for wave, members in enumerate(picture.waves):
        lines += _open_wave(picture, wave)
        lines += (_write_node(picture, index) for index in members)
        lines.append("  }")
    lines += (_write_edge(picture, edge) for edge in picture.edges)
    return "\n".join([*lines, _LEGEND, "}"]) + "\n"


def _open_wave(picture: Picture, wave: int) -> list[str]:
    return [
        f"  subgraph cluster_{wave} {{",
        f"    label={_quote(head_wave(picture, wave))};",
        '    style="rounded,filled";',
        "    color=gray96;",
        "    rank=same;",
    ]


def _write_node(picture: Picture, index: int) -> str:
    each = picture.plan.slices[index]
    critical = index in picture.critical
    words = ["critical path"] if critical else []
    drawn = ", color=mediumblue, penwidth=2.5" if critical else ""
    label = _quote(*list_names(each), list_facts(picture, each), *words)
    return f"    s{index} [label={label}, tooltip={_quote(*describe(picture, index))}{drawn}];"


def _write_edge(picture: Picture, edge: Edge) -> str:
    attributes = [f"tooltip={_quote(explain(picture, edge))}"]
    if edge.overlap:
        attributes += [f"label={_quote(edge.overlap.path)}", "style=dashed"]
    if edge.critical:
        attributes += ["penwidth=3", "color=mediumblue"]
    elif edge.overlap:
        attributes.append("color=chocolate4")
    return f"  s{edge.before} -> s{edge.after} [{', '.join(attributes)}];"


def _quote(*lines: str) -> str:
    r"""Quote the lines as one string.

    A backslash begins an escape (`\N` is the node's name) and an ampersand an entity.
    """
    escaped = (
        # Backslashes before quotes: the other way round the quotes' own would be doubled.
        escape(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
        for line in lines
    )
    return '"' + "\\n".join(escaped) + '"'
