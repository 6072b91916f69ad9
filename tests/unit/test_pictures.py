"""Plans as mermaid, DOT, SVG and HTML: what a picture shows."""

import re

import pytest
from msgspec import structs

from gitslices.core.model import PlanProgress
from gitslices.output.pictures.dot import format_dot
from gitslices.output.pictures.mermaid import format_mermaid
from gitslices.output.pictures.picture import DARK, LIGHT
from gitslices.output.pictures.svg import fit, format_svg
from tests.support.golden import compare
from tests.support.pictures import (
    FORMATS,
    TITLE,
    Format,
    load_small_plan,
    make_plan,
    read_svg,
)


@pytest.mark.parametrize("name", FORMATS)
def test_small_plan_looks_like_its_golden_picture(name: str) -> None:
    compare(f"picture-small.{name}", FORMATS[name](load_small_plan()))


@pytest.mark.parametrize("form", FORMATS.values())
def test_plan_without_slices_is_a_picture_too(form: Format) -> None:
    picture = form(make_plan([]))
    assert picture.endswith("\n")
    assert not picture.endswith("\n\n")


def test_forced_and_critical_edges_are_told_by_line_style() -> None:
    svg = format_svg(load_small_plan())
    assert '<path class="edge critical" data-from="0" data-to="2"' in svg
    assert '<path class="edge critical forced" data-from="2" data-to="4"' in svg
    assert '<path class="edge forced" data-from="1" data-to="3"' in svg
    assert ".edge.forced, .dash { stroke-dasharray: 6 4 }" in svg
    dot = format_dot(load_small_plan())
    assert re.search(r's1 -> s3 \[.*label="docs/api.md", style=dashed', dot)
    mermaid = format_mermaid(load_small_plan())
    assert "  s0 ==> s2\n" in mermaid
    assert '  s1 -.->|"docs/api.md"| s3\n' in mermaid
    assert "  s0 --> s3\n" in mermaid


def test_hover_names_both_slices_and_the_witness() -> None:
    hovers = [each.text for each in read_svg(format_svg(load_small_plan())).iter(TITLE)]
    assert "ui waits for docs: it reads docs/api.md, which docs writes" in hovers
    assert "api waits for schema: declared dependency" in hovers


def test_long_text_is_cut_in_the_box_and_whole_in_the_hover() -> None:
    svg = format_svg(load_small_plan())
    whole = "Login form &amp; &lt;reset&gt; page, in every language the shop speaks"
    assert svg.count(whole) == 1
    assert "Login form &amp; &lt;reset&gt; page, in e" in svg.replace(whole, "")


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_allowed_since_is_shown(name: str) -> None:
    plan = load_small_plan()
    api = next(one.slice_id for one in plan.slices if one.slice_id == "api")
    progress = PlanProgress(merged=(), under_way=(api,), left=(), allowed={api: ("docs/new.md",)})
    drawn = FORMATS[name](structs.replace(plan, progress=progress))
    assert "docs/new.md" in drawn or "1 allowed" in drawn
    if name in {"dot", "svg"}:
        assert "allowed since it was planned: docs/new.md" in drawn
    if name == "html":
        assert "<code>docs/new.md</code>" in drawn


def test_wide_characters_take_two_cells() -> None:
    assert fit("日本語", 60, 10) == "日本語"
    assert fit("日本語", 50, 10) == "日本…"
    assert fit("src/api/errors.py", 100, 10, keep_end=True) == "…errors.py"


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_has_a_contrast_of_at_least_4_5(palette: dict[str, str]) -> None:
    for ink in ("ink", "soft", "critical"):
        for ground in ("paper", "band", "box"):
            assert find_contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_edge_has_a_contrast_of_at_least_3(palette: dict[str, str]) -> None:
    for ink in ("edge", "forced", "critical"):
        for ground in ("paper", "band"):
            assert find_contrast(palette[ink], palette[ground]) >= 3, (ink, ground)


def find_contrast(one: str, other: str) -> float:
    """The ratio that WCAG 2 defines."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)
