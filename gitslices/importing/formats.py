"""Which formats there are, where each is found, and what reads it."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from gitslices.core.errors import InputError, MachineError
from gitslices.core.naming import natural_key
from gitslices.importing.beads import read_beads
from gitslices.importing.claude_tasks import read_claude_tasks
from gitslices.importing.foreign import ForeignTasks
from gitslices.importing.github import FIELDS, NEWER_FIELDS, read_github
from gitslices.importing.kiro import read_kiro
from gitslices.importing.linear import read_linear
from gitslices.importing.markdown import read_markdown
from gitslices.importing.omk import read_omk
from gitslices.importing.openspec import read_openspec
from gitslices.importing.sources import (
    SourceText,
    decode,
    list_files,
    read_source,
    read_stream,
)
from gitslices.importing.speckit import read_speckit
from gitslices.importing.taskmaster import read_taskmaster

_STANDARD_INPUT: Final = "standard input"
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_ISSUES: Final = 1000
_PATIENCE: Final = 120


class ImportSource(Struct, frozen=True, kw_only=True):
    """What is to be imported: `source` as it was given, `-` for `stream`, None for the usual place.

    Relative sources start from `cwd`, usual places from `root`; `home` is where tools keep what is
    the user's.
    """

    source: str | None
    stream: BinaryIO
    root: Path
    cwd: Path
    home: Path
    tag: str | None = None
    subtasks: bool = False


class _ForeignFormat(Struct, frozen=True, kw_only=True):
    """How one format is read, and where it is: `usual` below the root, `inside` below a folder."""

    read: Callable[[SourceText, ImportSource], ForeignTasks]
    usual: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()


_FORMATS: Final[Mapping[str, _ForeignFormat]] = {
    "taskmaster": _ForeignFormat(
        read=lambda text, wanted: read_taskmaster(text, tag=wanted.tag, subtasks=wanted.subtasks),
        usual=(".taskmaster/tasks/tasks.json", "tasks/tasks.json"),
        inside=("tasks/tasks.json", "tasks.json"),
    ),
    "beads": _ForeignFormat(
        read=lambda text, _: read_beads(text),
        usual=(".beads/issues.jsonl", ".beads/beads.jsonl"),
        inside=("issues.jsonl", "beads.jsonl"),
    ),
    "speckit": _ForeignFormat(
        read=lambda text, _: read_speckit(text), usual=("specs/*/tasks.md",), inside=("tasks.md",)
    ),
    "openspec": _ForeignFormat(
        read=lambda text, _: read_openspec(text),
        usual=("openspec/changes/*/tasks.md",),
        inside=("tasks.md",),
    ),
    "kiro": _ForeignFormat(
        read=lambda text, _: read_kiro(text),
        usual=(".kiro/specs/*/tasks.md",),
        inside=("tasks.md",),
    ),
    "github": _ForeignFormat(read=lambda text, _: read_github(text)),
    "linear": _ForeignFormat(read=lambda text, _: read_linear(text)),
    "claude-tasks": _ForeignFormat(read=lambda text, _: read_claude_tasks([text], "claude")),
    "omk": _ForeignFormat(
        read=lambda text, _: read_omk(text),
        usual=("task_graph.json",),
        inside=("task_graph.json",),
    ),
    "markdown": _ForeignFormat(
        read=lambda text, wanted: read_markdown(text, subtasks=wanted.subtasks),
        usual=("TODO.md", "TASKS.md", "tasks.md"),
    ),
}
FORMATS: Final = tuple(_FORMATS)


def read_foreign(format_: str, wanted: ImportSource) -> ForeignTasks:
    """The tasks of a source; raises `InputError` for one that is none of the format."""
    chosen = _FORMATS[format_]
    if wanted.source == "-":
        return chosen.read(read_stream(wanted.stream, _STANDARD_INPUT), wanted)
    if format_ == "github" and _means_repository(wanted):
        return chosen.read(_call_gh(wanted), wanted)
    path = _find_source(format_, chosen, wanted)
    if format_ == "claude-tasks" and path.is_dir():
        files = [read_source(one, one.name) for one in list_files(path, ".json")]
        return read_claude_tasks(files, path.resolve().name)
    return chosen.read(read_source(path, wanted.source or _show(path, wanted.root)), wanted)


def find_source(format_: str, wanted: ImportSource) -> Path:
    """The file or folder of a source that is not a stream and no program's answer."""
    return _find_source(format_, _FORMATS[format_], wanted)


def _show(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _find_source(format_: str, chosen: _ForeignFormat, wanted: ImportSource) -> Path:
    if wanted.source is None:
        return _find_usual(format_, chosen, wanted.root)
    path = wanted.cwd / wanted.source
    if format_ == "claude-tasks" and not path.exists() and "/" not in wanted.source:
        path = wanted.home / ".claude" / "tasks" / wanted.source
    if path.is_dir() and chosen.inside:
        found = next((path / name for name in chosen.inside if (path / name).is_file()), None)
        if found is None:
            raise InputError(f"{wanted.source!r} has no {' and no '.join(chosen.inside)} in it")
        return found
    return path


def _find_usual(format_: str, chosen: _ForeignFormat, root: Path) -> Path:
    found = [path for place in chosen.usual for path in root.glob(place) if path.is_file()]
    found = [path for path in found if "archive" not in path.relative_to(root).parts]
    if len(found) > 1 and "*" in chosen.usual[0]:
        names = sorted((_show(path, root) for path in found), key=natural_key)
        raise InputError(
            f"there are {len(found)} of them: {', '.join(names[:5])}{', …' * (len(found) > 5)}",
            hint=f"name one: gitslices import {format_} {names[0]}",
        )
    if not found:
        where = f"at {' or '.join(chosen.usual)}" if chosen.usual else "in a usual place"
        raise InputError(
            f"there is nothing of {format_} {where}",
            hint=f"name it: gitslices import {format_} SOURCE, or - for standard input",
        )
    return found[0]


def _means_repository(wanted: ImportSource) -> bool:
    """Whether gh is to be asked: nothing is named, or `owner/name` that is no file."""
    if wanted.source is None:
        return True
    is_name = bool(_REPOSITORY.fullmatch(wanted.source)) and not wanted.source.startswith("-")
    return is_name and not (wanted.cwd / wanted.source).exists()


def _call_gh(wanted: ImportSource) -> SourceText:
    """The open issues as gh knows them; an older gh is asked for less."""
    named = () if wanted.source is None else ("--repo", wanted.source)
    words = ("gh", "issue", "list", "--limit", str(_MOST_ISSUES), *named, "--json")
    done = _run((*words, f"{FIELDS},{NEWER_FIELDS}"), wanted.root)
    if done.returncode and b"nknown JSON field" in done.stderr:
        done = _run((*words, FIELDS), wanted.root)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise MachineError(
            f"gh issue list failed with exit status {done.returncode}: {said or 'it said nothing'}",
            hint="or hand it its answer: gh issue list --json … | gitslices import github -",
        )
    return SourceText(name="gh issue list", text=decode(done.stdout, "gh issue list"))


def _run(argv: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            argv, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no answer in {_PATIENCE} s"
        raise MachineError(
            f"gh cannot be asked: {reason}",
            hint="or hand its answer over: gh issue list --json … | gitslices import github -",
        ) from error
