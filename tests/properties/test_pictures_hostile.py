"""Pictures of plans whose texts nobody vouches for."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings

from gitslices.core.model import Plan
from gitslices.output.pictures.dot import format_dot
from gitslices.output.pictures.html import format_html
from gitslices.output.pictures.mermaid import format_mermaid
from gitslices.output.pictures.svg import format_svg
from tests.support.examples import scale
from tests.support.pictures import FORMATS, HOSTILE, SVG, WORST, hostile_plans, make_plan, read_svg

SVG_TAGS = {"svg", "title", "style", "rect", "g", "defs", "clipPath", "marker", "path", "text"}
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff"
    "\ufffe\uffff]"
)


@given(hostile_plans())
@example(WORST)
@settings(max_examples=scale(60))
def test_no_control_or_reordering_character_is_printed(plan: Plan) -> None:
    for form in FORMATS.values():
        drawn = form(plan)
        assert not UNSAFE.search(drawn)
        drawn.encode()


@given(hostile_plans())
@example(WORST)
@settings(max_examples=scale(60))
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
@settings(max_examples=scale(60))
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
@settings(max_examples=scale(60))
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
@settings(max_examples=scale(60))
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
