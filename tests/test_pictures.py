"""Plans as mermaid, DOT, SVG and HTML: whole pictures, hostile texts, placement at scale."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.json import decode
from msgspec.structs import replace

from gitslices.model import (
    Base,
    BranchName,
    Oid,
    Plan,
    RepoPath,
    Serialization,
    Slice,
    SliceId,
    TaskId,
)
from gitslices.output.dot import format_dot
from gitslices.output.html import format_html
from gitslices.output.layout import make_layout
from gitslices.output.mermaid import format_mermaid
from gitslices.output.picture import COMPACT_FROM, make_picture
from gitslices.output.svg import DARK, LIGHT, fit, format_svg
from tests.golden import GOLDEN, compare

FORMATS = {"mmd": format_mermaid, "dot": format_dot, "svg": format_svg, "html": format_html}
Format = Callable[[Plan], str]

HOSTILE = (
    "</script><script>alert(1)</script>",
    "</title></style><svg onload=alert(1)>",
    "<!-- --> <![CDATA[ ]]> -- ;",
    "\"quoted\" 'twice' `thrice`",
    "line\nbreak\r\u2028\t",
    "#quot; &quot; &#60;b&#62; &amp;",
    "\\N \\G \\n trailing\\",
    '%%{init: {"securityLevel": "loose"}}%%',
    'click s0 "javascript:alert(1)"',
    "style a:#35; classDef b:",
    "1. list - item **bold** _x_ $$x^2$$ fa:fa-ban ﬂ°°60¶ß :::critical",
    "end",
    "\u202egnp.exe \u200b\x1b[31m\x00\ufffe\uffff",
    "bytes \udc80\udcff",
    '"]; s0 -> s0 [URL="https://example.org',
    "日本語のとても長いタイトル" * 4,
)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)).map(lambda text: text or "x")


def read_golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def load_small_plan() -> Plan:
    return decode((GOLDEN / "picture-small.json").read_bytes(), type=Plan)


def make_slice(
    index: int, wave: int, needs: Sequence[int], text: Callable[[int], str] = str
) -> Slice:
    name = SliceId(f"{text(index)} {index}")
    return Slice(
        slice_id=name,
        task_id=TaskId(name),
        title=text(index + 1),
        owner_role=text(index + 2),
        read_scope=(text(index + 3),),
        write_scope=(text(index + 4),),
        read_files=1,
        write_files=2,
        dependencies=tuple(SliceId(f"{text(need)} {need}") for need in needs),
        wave=wave,
        estimate=1,
        branch_name=BranchName(f"slices/{index}"),
        worktree_name=f"goal--{index}",
        worktree_path=f"/srv/{index}",
        risk=text(index + 5),
        gates=("acceptance_criteria",),
        review_needs=("code_review",),
    )


def make_plan(needs: Sequence[Sequence[int]], text: Callable[[int], str] = str) -> Plan:
    """A plan whose slice `i` waits for the earlier slices `needs[i]`, every other edge forced."""
    waves: list[int] = []
    for before in needs:
        waves.append(1 + max((waves[each] for each in before), default=-1))
    slices = [make_slice(i, waves[i], before, text) for i, before in enumerate(needs)]
    columns = defaultdict(list)
    for each in slices:
        columns[each.wave].append(each.slice_id)
    chain = [slices[-1].slice_id] if slices else []
    while chain and (more := {s.slice_id: s for s in slices}[chain[-1]].dependencies):
        chain.append(more[0])
    return Plan(
        goal_id=text(0),
        graph_digest="sha256:00",
        base=Base(ref=text(1), commit=Oid("0" * 40)),
        target=BranchName("main"),
        order="critical-path",
        unborn="anchored",
        slices=tuple(slices),
        overlap_serializations=tuple(
            Serialization(
                blocked_slice_id=each.slice_id,
                serializes_after=before,
                kind=("write_write", "write_read", "read_write")[i % 3],
                path=RepoPath(text(i)),
                exists=bool(i % 2),
            )
            for each in slices
            for i, before in enumerate(each.dependencies)
            if i % 2 == 0
        ),
        shared_overlaps=(),
        open_overlaps=0,
        skipped=(),
        waves=tuple(tuple(columns[wave]) for wave in sorted(columns)),
        critical_path=tuple(reversed(chain)),
        critical_path_cost=len(chain),
        bottlenecks=(),
        warnings=(text(2),),
    )


def make_wide_plan(size: int) -> Plan:
    """A plan of `size` slices in a few dozen waves, with short and long edges."""
    span = max(2, size // 20)
    needs = [
        sorted({i - 1 - (i * 7) % span, i - 1 - (i * 13) % (2 * span)} - set(range(-2 * span, 0)))
        if i % 3
        else []
        for i in range(size)
    ]
    return make_plan(needs, lambda index: f"part-{index}")


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(0, 24))
    return [
        sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [] for i in range(size)
    ]


WORST = make_plan(
    [[i - 1] if i else [] for i in range(len(HOSTILE))], lambda i: HOSTILE[i % len(HOSTILE)]
)


@st.composite
def hostile_plans(draw: st.DrawFn) -> Plan:
    pool = draw(st.lists(texts, min_size=1, max_size=8))
    needs = draw(graphs().filter(lambda needs: len(needs) < 8))
    return make_plan(needs, lambda index: pool[index % len(pool)])


def read_svg(drawn: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawn)  # noqa: S314 (drawn by the code under test)


# Whole pictures.


@pytest.mark.parametrize("name", FORMATS)
def test_small_plan_looks_like_its_golden_picture(name: str) -> None:
    compare(f"picture-small.{name}", FORMATS[name](load_small_plan()))


@pytest.mark.parametrize("form", FORMATS.values())
def test_plan_without_slices_is_a_picture_too(form: Format) -> None:
    picture = form(make_plan([]))
    assert picture.endswith("\n")
    assert not picture.endswith("\n\n")


def test_pictures_do_not_depend_on_hash_order() -> None:
    script = (
        "import sys; from msgspec.json import decode; from gitslices.model import Plan\n"
        "from gitslices.output.svg import format_svg\n"
        "print(format_svg(decode(sys.stdin.buffer.read(), type=Plan)), end='')"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=(GOLDEN / "picture-small.json").read_bytes(),
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert drawn == {read_golden("picture-small.svg").encode()}


# What a picture says.


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


# Texts that nobody vouches for.

SVG = "{http://www.w3.org/2000/svg}"
TITLE = f"{SVG}title"
SVG_TAGS = {"svg", "title", "style", "rect", "g", "defs", "clipPath", "marker", "path", "text"}
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\ufffe\uffff]"
)


@given(hostile_plans())
@example(WORST)
@settings(max_examples=60, deadline=None)
def test_no_control_or_reordering_character_is_printed(plan: Plan) -> None:
    for form in FORMATS.values():
        drawn = form(plan)
        assert not UNSAFE.search(drawn)
        drawn.encode()


@given(hostile_plans())
@example(WORST)
@settings(max_examples=60, deadline=None)
def test_svg_holds_nothing_but_its_own_elements(plan: Plan) -> None:
    root = read_svg(format_svg(plan))
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= SVG_TAGS
    for each in root.iter():
        assert not any("href" in name or name.startswith("on") for name in each.attrib)


class Reader(HTMLParser):
    """What a page is made of: its elements with their attributes, and its scripts' texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script":
            self.scripts.append(data)


@given(hostile_plans())
@example(WORST)
@settings(max_examples=60, deadline=None)
def test_html_holds_one_script_and_links_to_its_own_rows_only(plan: Plan) -> None:
    page = Reader(format_html(plan))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert tags.count("style") == 1
    assert (
        "".join(page.scripts).strip() == "".join(Reader(format_html(make_plan([]))).scripts).strip()
    )
    assert not {"img", "iframe", "link", "base", "form", "object", "embed"} & set(tags)
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
        assert re.fullmatch(r"#slice-\d+", attributes.get("href") or "#slice-0")


MERMAID_LINE = re.compile(
    r"flowchart LR|  subgraph (wave\d+|legend)\[LABEL\]|    s\d+\[LABEL\]|  end|    direction LR"
    r"|  s\d+ (-->|==>) s\d+|  s\d+ -\.->\|LABEL\| s\d+"
    r"|    k\d\[LABEL\] (-->|-\.->|==>) k\d\[LABEL\]"
    r"|  classDef critical stroke-width:3px|  class s\d+(,s\d+)* critical"
    r"|  linkStyle \d+(,\d+)* stroke-width:3px".replace("LABEL", r'"(?:[\w /,·.-]|#\d+;|<br/>)*"')
)


@given(hostile_plans())
@example(WORST)
@settings(max_examples=60, deadline=None)
def test_mermaid_labels_hold_words_and_numbered_characters_only(plan: Plan) -> None:
    for line in format_mermaid(plan).removesuffix("\n").split("\n"):
        assert MERMAID_LINE.fullmatch(line), line


def test_mermaid_keeps_apart_what_it_would_read_after_decoding() -> None:
    titles = ("$$x$$", "a\\nb", "fa:fa-ban", "ﬂ°°60¶ß")
    plan = make_plan([[]] * 4, lambda index: titles[index % 4])
    drawn = format_mermaid(plan)
    assert "#36;#8203;#36;x" in drawn
    assert "a#92;#8203;nb" in drawn
    assert "fa#58;#8203;fa" in drawn
    assert "ﬂ#8203;#176;#176;60#182;#8203;ß" in drawn


def read_strings(dot: str) -> Iterator[str]:
    """The quoted strings of a DOT file; what stands outside them must be plain syntax."""
    for line in dot.split("\n"):
        rest = re.sub(r'"((?:[^"\\]|\\.)*)"', "", line)
        assert re.fullmatch(r"[\w\s=,;.\[\]{}>-]*", rest), line
        yield from re.findall(r'"((?:[^"\\]|\\.)*)"', line)


@given(hostile_plans())
@example(WORST)
@settings(max_examples=60, deadline=None)
def test_dot_texts_stay_inside_their_quotes(plan: Plan) -> None:
    for text in read_strings(format_dot(plan)):
        assert not re.search(r"\\[^\\\"n]", text.replace("\\\\", "")), text


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_draws_hostile_texts_as_they_are() -> None:
    drawn = subprocess.run(
        ["dot", "-Tsvg"], input=format_dot(WORST).encode(), capture_output=True, check=True
    )
    assert drawn.stderr == b""
    svg = read_svg(drawn.stdout.decode())
    shown = {each.text.replace("\xa0", " ") for each in svg.iter(f"{SVG}text") if each.text}
    assert {f"{text} {i}" for i, text in enumerate(HOSTILE) if i in (0, 1, 2, 3, 5, 6, 8)} <= shown
    links = [each.get("{http://www.w3.org/1999/xlink}href") for each in svg.iter(f"{SVG}a")]
    assert set(links) == {None}


# Where it stands.


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_boxes_of_a_wave_stand_apart(needs: list[list[int]]) -> None:
    layout = make_layout(make_picture(make_plan(needs)))
    columns = defaultdict(list)
    for box in layout.boxes:
        columns[box.x].append(box.y)
    for column in columns.values():
        for above, below in pairwise(sorted(column)):
            assert below - above >= layout.sizes.height + layout.sizes.row_gap - 1
    assert all(0 <= box.y <= layout.height - layout.sizes.height for box in layout.boxes)


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_edges_run_rightwards_and_through_no_box(needs: list[list[int]]) -> None:
    layout = make_layout(make_picture(make_plan(needs)))
    for route in layout.routes:
        start, end = layout.boxes[route.edge.before], layout.boxes[route.edge.after]
        assert route.gaps[0].left == start.x + layout.sizes.width
        assert route.gaps[-1].right == end.x
        assert start.y < route.gaps[0].y_left < start.y + layout.sizes.height
        assert end.y < route.gaps[-1].y_right < end.y + layout.sizes.height
        for entering, leaving in pairwise(route.gaps):
            assert entering.y_right == leaving.y_left
            for box in layout.boxes:
                if box.x == entering.right:
                    assert not box.y - 4 <= entering.y_right <= box.y + layout.sizes.height + 4


def test_barycentre_sweeps_undo_crossings() -> None:
    crossed = make_layout(make_picture(make_plan([[], [], [], [2], [1], [0]])))
    heights = [(route.gaps[0].y_left, route.gaps[0].y_right) for route in crossed.routes]
    assert [right for _, right in sorted(heights)] == sorted(right for _, right in heights)


def test_edges_of_one_source_share_their_lane() -> None:
    plan = make_plan([[], [0], [1], [2, 0], [3, 0]])
    layout = make_layout(make_picture(replace(plan, overlap_serializations=())))
    long = [route for route in layout.routes if len(route.gaps) > 1]
    assert len(long) == 2
    assert long[0].gaps[0] == long[1].gaps[0]


def test_slices_without_edges_stand_below_the_others() -> None:
    layout = make_layout(make_picture(make_plan([[], [], [1]])))
    assert layout.boxes[0].y > layout.boxes[1].y


def test_many_slices_get_compact_boxes() -> None:
    few = make_layout(make_picture(make_wide_plan(COMPACT_FROM - 1)))
    many = make_layout(make_picture(make_wide_plan(COMPACT_FROM)))
    assert many.sizes.height < few.sizes.height / 2


def test_page_of_500_slices_stays_below_a_megabyte() -> None:
    assert len(format_html(make_wide_plan(500)).encode()) < 1_000_000


def test_long_chains_do_not_recurse() -> None:
    plan = make_plan([[i - 1] if i else [] for i in range(3000)])
    assert make_layout(make_picture(plan)).width > 3000 * 168


def test_thousands_of_slices_are_drawn_without_an_explosion() -> None:
    plan = make_wide_plan(3000)
    began = time.process_time()
    format_svg(plan)
    assert time.process_time() - began < 30
