"""A real browser, led through its remote protocol."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

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
        self.visit(f"{path.as_uri()}#{fragment}", scheme)

    def visit(self, url: str, scheme: str = "light") -> None:
        self._load("about:blank")
        self.complaints.clear()
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self._load(url)

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
        # Without its text a key is not what a button or a field is waiting for.
        codes = {"Enter": 13, "Escape": 27}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind, key=key, windowsVirtualKeyCode=codes.get(key, 0), **more,
            )  # fmt: skip

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def wait_for(self, expression: str) -> None:
        """Until it is so; the page is asked again at each of its frames."""
        asked = f"""new Promise((done, fail) => {{
            const begun = performance.now();
            const look = () => {{
                if ({expression}) done(true);
                else if (performance.now() - begun > {1000 * PATIENCE / 2}) fail("never");
                else setTimeout(look, 20);
            }};
            look();
        }})"""
        answer = self.call("Runtime.evaluate", expression=asked, awaitPromise=True)
        assert "exceptionDetails" not in answer, expression

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
