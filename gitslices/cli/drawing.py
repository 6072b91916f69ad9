"""A plan in one of its formats, printed or written to a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import click

from gitslices.core.model import Plan, SliceId

Format = Literal["text", "json", "mermaid", "dot", "svg", "html"]
_BY_ENDING: Final[dict[str, Format]] = {
    ".json": "json", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot",
    ".svg": "svg", ".html": "html", ".htm": "html",
}  # fmt: skip


def find_format(output: Path | None) -> Format:
    """The format that the ending of a file asks for."""
    return _BY_ENDING.get(output.suffix.lower(), "text") if output else "text"


def write_drawn(
    plan: Plan, format_: Format, output: Path, states: Mapping[SliceId, str] | None = None
) -> str:
    """Write the plan to a file, without colours; what is to be said of it."""
    from gitslices.core.files import replace_file
    from gitslices.output.words import escape

    drawn = click.unstyle(draw(plan, format_, states))
    replace_file(output, drawn.encode(), mode=0o666)
    return f"wrote {escape(str(output))}\n"


def write_lock(plan: Plan, path: Path) -> None:
    """Write the plan into the file, beside those of other goals that are there already."""
    from gitslices.core.files import replace_file
    from gitslices.planning.lock import decode_locks, encode_locks, make_lock, replace_lock

    known = decode_locks(path.read_bytes(), str(path)) if path.exists() else ()
    replace_file(path, encode_locks(replace_lock(known, make_lock(plan))), mode=0o666)


def draw(plan: Plan, format_: Format, states: Mapping[SliceId, str] | None = None) -> str:
    """The plan as text, JSON or a picture; a picture has the word of where each slice stands."""
    if format_ != "text":
        return _draw(plan, format_, states or {})
    from gitslices.output.text.plan import format_plan

    return format_plan(plan)


def _draw(plan: Plan, format_: Format, states: Mapping[SliceId, str]) -> str:
    if format_ == "json":
        from gitslices.output.document import encode_document

        return encode_document(plan).decode()
    if format_ == "mermaid":
        from gitslices.output.pictures.mermaid import format_mermaid

        return format_mermaid(plan, states)
    if format_ == "dot":
        from gitslices.output.pictures.dot import format_dot

        return format_dot(plan, states)
    if format_ == "svg":
        from gitslices.output.pictures.svg import format_svg

        return format_svg(plan, states)
    from gitslices.output.pictures.html import format_html

    return format_html(plan, states)
