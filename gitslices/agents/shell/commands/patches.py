"""The files that a patch changes, and where the patch itself is found."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gitslices.agents.shell.commands.calls import Invoker, Started
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.reading.words import Aftermath, Word, join_path

_LARGEST: Final = 1 << 22
_NAMED: Final = re.compile(
    r"^(?:(?:\+\+\+|---|\*\*\*|Index:) +(?P<stripped>\"?[^\t\n]+)"
    r"|(?:rename|copy) (?:from|to) (?P<whole>.+))",
    re.MULTILINE,
)
_HEADER: Final = re.compile(r"^diff --git (?P<one>\S+) (?P<other>\S+)$", re.MULTILINE)

_OF_AGENTS: Final = re.compile(
    r"^\s*\*\*\* (?:Add File|Update File|Delete File|Move to): *(.*?)\s*$", re.MULTILINE
)


def list_patched(text: str, strip: int) -> list[str]:
    """The paths that a patch changes, with the first `strip` parts of its names taken away."""
    names: list[str] = []
    for found in _NAMED.finditer(text):
        if found["whole"]:
            names.append(found["whole"].strip('"'))
        else:
            names.append(_strip_parts(found["stripped"].strip().strip('"'), strip))
    for found in _HEADER.finditer(text):
        names += [_strip_parts(found["one"], strip), _strip_parts(found["other"], strip)]
    return [name for name in dict.fromkeys(names) if name and name != "/dev/null"]


def _strip_parts(name: str, strip: int) -> str:
    if name == "/dev/null":
        return name
    parts = name.split("/")
    return "/".join(parts[strip:]) if len(parts) > strip else ""


def read_patch(walker: Invoker, files: Sequence[Word], started: Started) -> str | None:
    """The text of a patch in `files`, or else on standard input; None where nobody knows it."""
    stdin = started.state.stdin
    if not files:
        if stdin.text is not None and stdin.is_exact:
            return stdin.text
        return _read(walker, Word(stdin.path), started) if stdin.path else None
    texts = [_read(walker, file, started) for file in files]
    return "\n".join(text or "" for text in texts) if None not in texts else None


def _read(walker: Invoker, file: Word, started: Started) -> str | None:
    if file.content:
        return file.content.text
    if (known := walker.read_file(file, started.state)) is not None:
        return known
    cwds = started.state.cwds
    path = join_path(cwds[0], file.text) if len(cwds) == 1 and file.plain else None
    try:
        place = Path(path) if path else None
        if place is None or not place.is_file() or place.stat().st_size > _LARGEST:
            return None
        return place.read_text("utf-8", "surrogateescape")
    except OSError:
        return None


def run_patch(walker: Invoker, started: Started) -> Aftermath:
    """`patch`: what it changes stands in the patch."""
    parsed = parse_command("patch", started.words)
    if parsed.has("--dry-run", "--version", "--help"):
        return started.done()
    outputs = [value for name, value in parsed.options
               if name in {"-o", "-r", "--output", "--reject-file"}]  # fmt: skip
    walker.write_all(outputs, started.state)
    if parsed.operands:
        walker.write_all(parsed.operands[:1], started.state)
        return started.done()
    given = parsed.find("-i", "--input")
    text = read_patch(walker, [given] if given else [], started)
    if text is None:
        walker.unseen.append("the patch")
        return started.done()
    strip = parsed.find("-p", "--strip")
    folder = parsed.find("-d", "--directory")
    level = int(strip.text) if strip and strip.text.isdigit() else 0
    names = list_patched(text, level)
    if not strip:
        names += [name.rpartition("/")[2] for name in names]
    for name in names:
        place = f"{folder.text}/{name}" if folder else name
        walker.write(Word(place, not folder or folder.plain), started.state)
    return started.done()


def run_apply_patch(walker: Invoker, started: Started) -> Aftermath:
    """`apply_patch`, which some agents have in their shells."""
    given = started.words[0] if started.words else None
    text = given.text if given and given.plain else None
    if given is None:
        text = started.state.stdin.text
    names = _OF_AGENTS.findall(text) if text else []
    if not names:
        walker.unseen.append("the patch")
    walker.write_all([Word(name) for name in names], started.state)
    return started.done()
