"""The drawn pages, opened in a real browser through its remote protocol."""

import base64
import json
import os
import select
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.json import decode

from gitslices.core.model import Plan
from gitslices.output.pictures.html import format_html
from gitslices.output.pictures.svg import format_svg

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update --remote-debugging-pipe"
)
# The remote protocol speaks on descriptors 3 and 4, which pytest may have in use.
LAUNCH = """
import fcntl, os, sys
wires = [fcntl.fcntl(int(wire), fcntl.F_DUPFD, 10) for wire in sys.argv[1:3]]
for end, wire in zip((3, 4), wires):
    os.dup2(wire, end)
os.execv(sys.argv[3], sys.argv[3:])
"""
COMPLAINTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
PATIENCE = 60.0
GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


class Page:
    """One tab, and what its console said."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        wires = (theirs_in, theirs_out)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, *map(str, wires)),
                *(CHROMIUM, *FLAGS.split(), f"--user-data-dir={profile}", "--window-size=1280,900"),
            ],
            pass_fds=wires,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for wire in wires:
            os.close(wire)
        self._rest, self._last, self._loads = b"", 0, 0
        self._session: str | None = None
        self.complaints: list[Any] = []
        target = self.call("Target.getTargets")["targetInfos"][0]["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> Any:
        while b"\0" not in self._rest:
            assert select.select([self._in], [], [], PATIENCE)[0], "the browser says nothing"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser went away"
            self._rest += chunk
        text, self._rest = self._rest.split(b"\0", 1)
        event = json.loads(text)
        self._loads += event.get("method") == "Page.loadEventFired"
        if event.get("method") in COMPLAINTS:
            self.complaints.append(event["params"])
        return event

    def open(self, path: Path, scheme: str = "light", fragment: str = "") -> None:
        self._load("about:blank")
        self.complaints.clear()
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self._load(f"{path.as_uri()}#{fragment}")

    def _load(self, url: str) -> None:
        before = self._loads
        self.call("Page.navigate", url=url)
        while self._loads == before:
            self._receive()

    def ask(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)

    def click(self, selector: str) -> None:
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        x, y = self.ask(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)

    def take_picture(self) -> bytes:
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


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
