"""`gitslices board` in a real browser, by its keyboard alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_board import HOSTILE, Board, work
from tests.support.browser import CHROMIUM, Page
from tests.support.commands import run_cli
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture
def board(repo: Path) -> Iterator[Board]:
    apply_tasks(
        open_at(repo),
        {"id": "a", "title": HOSTILE, "description": HOSTILE, "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
    )
    work(repo, "src/<img src=x onerror=alert(1)>.py", "Makefile")
    one = Board(repo)
    yield one
    one.end()


def test_the_keyboard_does_everything_and_no_text_acts(
    repo: Path, board: Board, page: Page
) -> None:
    page.visit(board.report["url"])
    page.wait_for("document.querySelectorAll('.card').length === 2")
    assert page.ask("document.querySelector('.card p').textContent").startswith("</script>")
    page.press("/")
    assert page.ask("document.activeElement.id") == "find"
    page.type("docs")
    assert page.ask("document.querySelectorAll('.card:not([hidden])').length") == 1
    page.press("Escape")
    for key, chosen in (("j", "a"), ("j", "b"), ("j", "b"), ("k", "a")):
        page.press(key)
        assert page.ask("document.querySelector('.card.here a').textContent") == chosen
    page.press("Enter")
    page.wait_for("document.querySelectorAll('.file').length === 2")
    assert page.ask("document.querySelector('.file.outside code').textContent") == "Makefile"
    assert page.ask("document.images.length") == 0
    page.press("j")
    assert page.ask("document.activeElement.tagName") == "SUMMARY"
    page.ask("document.querySelector('.acts button').focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('.command')?.textContent")
    assert "--verdict approve" in page.ask("document.querySelector('.command').textContent")
    page.ask("document.querySelector('#ask .main').focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('.result').textContent.includes('approve')")
    assert run_cli(repo, "show", "a", "--json").document["reviews"][0]["verdict"] == "approve"
    page.press("Escape")
    page.wait_for("!document.querySelector('dialog[open]')")
    page.press("Escape")
    page.wait_for("!document.querySelector('#all').hidden")
    run_cli(repo, "note", "a", "--waiting", "May I <b>drop</b> it?")
    page.wait_for("document.querySelector('.card').textContent.includes('May I <b>drop</b> it?')")
    assert page.complaints == []


@pytest.mark.parametrize("width", [420, 1600])
def test_nothing_is_wider_than_the_screen(board: Board, page: Page, width: int) -> None:
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=900, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    for fragment in ("", "#/default/a"):
        page.visit(board.report["url"] + fragment, "dark")
        page.wait_for("document.querySelectorAll('.card, .file').length >= 2")
        assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.complaints == []
