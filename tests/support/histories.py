"""Histories of many commits, made in one call of git."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from tests.support.repositories import git

ANNE = "Anne <anne@localhost>"


class Made(Struct, frozen=True):
    """A commit to be made: files with what they hold, None for deleted; `moved` new by old."""

    title: str
    files: Mapping[str, str | None] = {}
    moved: Mapping[str, str] = {}
    author: str = ANNE


def make_history(path: Path, commits: Iterable[Made]) -> Path:
    """A repository with these commits on main, the first one first, and its files checked out."""
    git(path.parent, "init", "--quiet", "--initial-branch=main", str(path))
    add_history(path, commits)
    return path


def add_history(path: Path, commits: Iterable[Made]) -> None:
    """The same on top of what is on main."""
    parent = git(path, "rev-parse", "--quiet", "--verify", "main", ok=False)
    stream = b"".join(_write(made, number, parent) for number, made in enumerate(commits))
    subprocess.run(
        ["git", "-C", str(path), "fast-import", "--quiet", "--force"],
        input=stream, check=True, capture_output=True,
    )  # fmt: skip
    git(path, "reset", "--quiet", "--hard", "main")


def _write(made: Made, number: int, parent: str) -> bytes:
    lines = [
        "commit refs/heads/main",
        f"author {made.author} {1_700_000_000 + number} +0000",
        f"committer {ANNE} {1_700_000_000 + number} +0000",
        f"data <<END\n{made.title}\nEND",
    ]
    if number == 0 and parent:
        lines.append(f"from {parent}")
    lines += [f"R {_quote(old)} {_quote(new)}" for old, new in made.moved.items()]
    for path, text in made.files.items():
        if text is None:
            lines.append(f"D {_quote(path)}")
        else:
            lines.append(f"M 100644 inline {_quote(path)}\ndata <<END\n{text}\nEND")
    return "\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")


def _quote(path: str) -> str:
    plain = path.encode("utf-8", "surrogateescape")
    return (
        '"'
        + "".join(
            chr(one) if 32 < one < 127 and one not in b'"\\' else f"\\{one:03o}" for one in plain
        )
        + '"'
    )
