"""The gits that run now, whoever runs them, and which repository each may be changing."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from gitslices.git.discovery import find_common_dir
from gitslices.git.links import find_admin_folder, find_linked_worktree, list_admin_folders

_PROC: Final = Path("/proc")
# They lock nothing, and run for as long as a pager, an editor or a machine does.
_READERS: Final = frozenset(
    {"blame", "cat-file", "daemon", "diff", "fsmonitor--daemon", "grep", "http-backend", "log",
     "show"}
)  # fmt: skip
_VALUED: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})

Process = tuple[int, str]
"""Number and start of a process: another one of the same number has another start."""


def can_see_processes() -> bool:
    """Whether this system tells what runs on it."""
    return (_PROC / "self" / "stat").exists()


def find_living_gits(common_dir: Path) -> frozenset[Process]:
    """The gits that may be changing the repository of `common_dir` now, whoever runs them."""
    return frozenset(
        (int(process.name), start)
        for process in _PROC.glob("[0-9]*")
        if (start := _read_start(process)) and _may_change(process, common_dir)
    )


def find_open_files() -> frozenset[tuple[int, int]]:
    """Device and inode of every file that a process of ours has open."""
    opened = set()
    for process in _PROC.glob("[0-9]*"):
        for link in _list_descriptors(process):
            with suppress(OSError):
                found = link.stat()
                opened.add((found.st_dev, found.st_ino))
    return frozenset(opened)


def _list_descriptors(process: Path) -> list[Path]:
    """Links to the open files of a process: none where it has ended or is another user's."""
    with suppress(OSError):
        return list((process / "fd").iterdir())
    return []


def _read_start(process: Path) -> str | None:
    """When a git that has not ended was started, in the kernel's ticks; None for all others."""
    with suppress(OSError):
        # The name is in brackets, and may hold brackets and spaces itself: the last one counts.
        name, _, rest = (process / "stat").read_text(errors="replace").rpartition(")")
        state, *fields = rest.split()
        if name.partition("(")[2].startswith("git") and state not in {"Z", "X"}:
            # The 22nd field of all (proc(5)), the 20th after the name, the 19th after the state.
            return fields[18]
    return None


def _may_change(process: Path, common_dir: Path) -> bool:
    command = _read_command(os.fsdecode(_read_link(process / "cmdline")).split("\0"))
    if command.name in _READERS:
        return False
    try:
        cwd = (process / "cwd").readlink()
    except OSError:
        return process.exists()  # of another user, who may be at work here
    # Git goes to the folder of -C as it starts: it may be there by now, or not yet.
    starts = {cwd, cwd.joinpath(*command.folders)}
    named = command.git_dir or _read_git_dir(process)
    if named is not None:
        found = [start / named for start in starts if (start / named).exists()]
        # A relative one of which nothing is found was meant from where git was started.
        return not found or any(_is_of(common_dir, _find_common(one)) for one in found)
    if not cwd.is_dir():
        return _is_near(cwd, common_dir)  # it was deleted since
    return any(_is_of(common_dir, find_common_dir(start)) for start in starts)


def _is_of(common_dir: Path, found: Path | None) -> bool:
    return found is not None and found.resolve() == common_dir.resolve()


def _find_common(git_dir: Path) -> Path | None:
    """The folder that all worktrees share, by the value of a `--git-dir`, be it a file."""
    if git_dir.is_dir():
        return find_common_dir(git_dir, git_dir)
    admin = find_admin_folder(git_dir.parent)
    return find_common_dir(git_dir, admin) if admin else None


def _is_near(folder: Path, common_dir: Path) -> bool:
    """Whether a folder that is gone was in the repository, or beside one of its worktrees."""
    linked = map(find_linked_worktree, list_admin_folders(common_dir))
    homes = {common_dir.resolve().parent, *(one.resolve().parent for one in linked if one)}
    return any(home in folder.parents for home in homes)


class _Command(NamedTuple):
    """What a git was started with: its command, the folders of `-C`, and its `--git-dir`."""

    name: str | None = None
    folders: tuple[str, ...] = ()
    git_dir: str | None = None


def _read_command(argv: list[str]) -> _Command:
    command = _Command()
    words: Iterator[str] = iter(argv[1:])
    for word in words:
        if word in _VALUED:
            value = next(words, "")
            if word == "-C":
                command = command._replace(folders=(*command.folders, value))
            elif word == "--git-dir":
                command = command._replace(git_dir=value)
        elif word.startswith("--git-dir="):
            command = command._replace(git_dir=word.partition("=")[2])
        elif not word.startswith("-"):
            return command._replace(name=word)
    return command


def _read_git_dir(process: Path) -> str | None:
    variables = _read_link(process / "environ").split(b"\0")
    found = (one.partition(b"=")[2] for one in variables if one.startswith(b"GIT_DIR="))
    return next(map(os.fsdecode, found), None)


def _read_link(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
