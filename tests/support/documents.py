"""Examples in the documents for users: read as people read them, and run as they would be."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
HOME = "/home/ann/code"
"""Where the examples' repositories lie, as they are printed."""

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


class Given(Struct, frozen=True):
    """A file that the reader is told to write."""

    path: str
    text: str


class Step(Struct, frozen=True):
    """A command that the reader types, and what it prints, where that is shown."""

    command: str
    shown: str


class SetUp(Struct, frozen=True):
    """Commands for the machine, which no example runs."""

    text: str


def read_examples(page: Path) -> Iterator[Given | Step | SetUp]:
    """What a page has its reader do, in that order."""
    for language, title, body in _FENCE.findall(page.read_text()):
        if language == "console":
            yield from _read_steps(body)
        elif language == "sh":
            yield SetUp(text=body)
        elif title:
            yield Given(path=title, text=body)


def _read_steps(body: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while shown.startswith("> "):
            more, _, shown = shown.removeprefix("> ").partition("\n")
            command += "\n" + more
        yield Step(command=command, shown=shown.strip("\n"))


class Reader:
    """Somebody at a shell, who goes from step to step."""

    def __init__(self, place: Path, *, home: Path) -> None:
        self._home = home
        self._place = place

    def write(self, given: Given) -> None:
        (self._place / given.path).write_text(given.text)

    def run(self, step: Step) -> tuple[int, str]:
        """The exit code, and what it printed on both streams, as `normalise` has it."""
        place = self._home / "place"
        script = f'cd "$1" && {{ {step.command}\n}}; code=$?; pwd >"$2"; exit $code'
        paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script, "bash", self._place, place],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            env={**os.environ, "PATH": paths},
            text=True,
        )
        self._place = Path(place.read_text().rstrip("\n"))
        return done.returncode, normalise(done.stdout.replace(str(self._home), HOME))


def normalise(text: str) -> str:
    """The text without what differs from day to day: commits, times, who is at the machine."""
    text = re.sub(r"\b(?=\w*\d)[0-9a-f]{7,40}\b", "COMMIT", text)
    text = re.sub(r"(?:\b\d{4}-\d\d-\d\d )?\b\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\(\d+m left\)|\b\d+m left", "LEFT", text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def read_sentences(page: Path) -> Iterator[str]:
    """The sentences of a page, without code, tables, pictures and the addresses of links."""
    text = re.sub(r"^---\n.*?^---\n", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = _FENCE.sub("\n\n", text)
    text = re.sub(r"^[ ]*```.*?^[ ]*```$", "\n\n", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->|<[^>]+>", "", text, flags=re.DOTALL)
    text = re.sub(r"^\|.*$|^#.*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "CODE", text)
    for part in re.split(r"\n\s*\n|^\s*(?:[-*]|\d+\.) ", text, flags=re.MULTILINE):
        yield from (one for one in re.split(r"(?<=[.?!:])\s+", part.strip()) if one)
