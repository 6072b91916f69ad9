"""The drawn pages, opened in a real browser through its remote protocol."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode

from gitslices.core.model import Plan
from gitslices.output.pictures.html import format_html
from gitslices.output.pictures.svg import format_svg
from tests.support.browser import CHROMIUM, Page

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return decode((GOLDEN / "picture-small.json").read_bytes(), type=Plan)


@pytest.fixture
def html(tmp_path: Path, plan: Plan) -> Path:
    path = tmp_path / "plan.html"
    path.write_text(format_html(plan), encoding="utf-8")
    return path


def count_byte_values(png: bytes) -> int:
    """How many values the filtered rows of a picture hold: a blank one has a handful."""
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    return len(set(zlib.decompress(data)))


def test_page_runs_under_its_own_policy_and_complains_of_nothing(page: Page, html: Path) -> None:
    page.open(html)
    assert page.ask("document.querySelector('.tools').hidden") is False
    assert page.complaints == []


def test_clicked_slice_shows_what_it_waits_for(page: Page, html: Path) -> None:
    page.open(html)
    page.click("[data-slice='4']")
    told = page.ask("document.querySelector('aside').innerText")
    assert "billing" in told
    assert "both write src/api/errors.py" in told
    lit = page.ask("[...document.querySelectorAll('.edge.lit title')].map(e => e.textContent)")
    assert "billing waits for api: both write src/api/errors.py (not there yet)" in lit
    assert page.complaints == []


def test_escape_lets_a_slice_go(page: Page, html: Path) -> None:
    page.open(html)
    page.click("[data-slice='4']")
    page.press("Escape")
    assert page.ask("document.querySelector('[aria-current]')") is None
    assert "Choose a slice" in page.ask("document.querySelector('aside').innerText")


def test_arrow_keys_walk_along_the_edges(page: Page, html: Path) -> None:
    page.open(html)
    page.ask("document.querySelector('[data-slice=\"0\"]').focus()")
    page.press("ArrowRight")
    assert page.ask("document.activeElement.querySelector('.id').textContent") == "api"
    page.press("ArrowLeft")
    assert page.ask("document.activeElement.querySelector('.id').textContent") == "schema"


def test_search_finds_slices_by_path(page: Page, html: Path) -> None:
    page.open(html)
    page.ask("document.querySelector('#search').focus()")
    page.call("Input.insertText", text="WEB/")
    assert page.ask("document.querySelector('#found').textContent") == "1 of 5"
    assert page.ask("document.querySelectorAll('.slice.missed').length") == 4
    page.press("Enter")
    assert page.ask("document.querySelector('aside code').textContent") == "ui"


def test_picture_fits_into_its_frame(page: Page, html: Path) -> None:
    page.open(html)
    page.click("#more")
    page.click("#more")
    frame = "document.querySelector('.scroll')"
    assert page.ask(f"{frame}.scrollWidth > {frame}.clientWidth")
    page.click("#fit")
    assert page.ask(f"{frame}.scrollWidth <= {frame}.clientWidth")


def test_page_is_readable_without_its_script(page: Page, html: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.open(html)
        page.call("Emulation.setScriptExecutionDisabled", value=False)
        assert page.ask("document.querySelector('.tools').hidden") is True
        assert "both write src/api/errors.py" in page.ask("document.body.innerText")
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("form", [format_html, format_svg])
def test_both_colour_schemes_draw_something(
    page: Page, plan: Plan, tmp_path: Path, form: Any, scheme: str
) -> None:
    path = tmp_path / f"plan.{form.__name__.removeprefix('format_')}"
    path.write_text(form(plan), encoding="utf-8")
    page.open(path, scheme)
    assert count_byte_values(page.take_picture()) > 50
    assert page.complaints == []


def test_dark_page_is_dark(page: Page, html: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page.open(html, scheme)
        grounds.append(page.ask("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(14, 17, 22)"]


def test_link_to_a_row_chooses_its_slice(page: Page, html: Path) -> None:
    page.open(html, fragment="slice-3")
    assert "ui" in page.ask("document.querySelector('aside h2').innerText")
