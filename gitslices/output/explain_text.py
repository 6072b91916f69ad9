"""Why one slice waits, for people."""

from collections.abc import Iterable, Sequence

import click

from gitslices.explanation import Explanation, Meeting, Wait
from gitslices.output.escape import escape
from gitslices.output.words import count, format_overlap


def format_explanation(explanation: Explanation) -> str:
    """Direct waits with all their reasons, then those through others, then what is left open."""
    own = explanation.slice_id
    direct = [wait for wait in explanation.waits_for if wait.before == own]
    through = [wait for wait in explanation.waits_for if wait.before != own]
    blocks = [
        [_format_head(explanation)],
        _format_waits("waits for", direct),
        _format_waits("and through these for", through),
        _format_open(explanation),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _format_head(explanation: Explanation) -> str:
    waits = count(len(explanation.waits_for), "slice") if explanation.waits_for else "nothing"
    name = click.style(escape(explanation.slice_id), bold=True)
    return f"{name} · wave {explanation.wave} · waits for {waits}"


def _format_waits(heading: str, waits: Sequence[Wait]) -> list[str]:
    if not waits:
        return []
    width = max(len(escape(wait.slice_id)) for wait in waits)
    lines = [click.style(heading, bold=True)]
    for wait in waits:
        name = escape(wait.slice_id).ljust(width)
        before = f"before {escape(wait.before)}: " if heading != "waits for" else ""
        lines.append(f"  {name}  {before}{'; '.join(_list_reasons(wait))}")
    return lines


def _list_reasons(wait: Wait) -> Iterable[str]:
    if wait.declared:
        yield "declared"
    if wait.overlap:
        yield _format_meeting(wait.overlap, wait.slice_id)


def _format_open(explanation: Explanation) -> list[str]:
    if not explanation.open_overlaps:
        return []
    return [
        click.style("left open, closed with --unborn all", bold=True),
        *(
            f"  {escape(one.slice_id)}: {_format_meeting(one.overlap, one.slice_id)}"
            for one in explanation.open_overlaps
        ),
    ]


def _format_meeting(overlap: Meeting, other: str) -> str:
    return format_overlap(overlap.kind, overlap.path, other, exists=overlap.exists)
