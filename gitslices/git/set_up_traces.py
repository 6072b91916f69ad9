"""Files of a worktree that are as its set-up left them: changes that nobody made.

A set-up command may rewrite tracked files, a lock file say, and does it in every worktree alike.
What it leaves is noted beside the worktree's index, with a digest for each path. A path that has
changed since is a change like any other.
"""

import os
import stat
from collections.abc import Collection, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from gitslices.core.decoding import decode_json
from gitslices.core.files import read_regular, replace_file
from gitslices.git.links import find_admin_folder

_NAME: Final = "gitslices-set-up"
# A set-up that leaves more than this wants a line in .gitignore; to look through it all takes time.
_MOST_PATHS: Final = 1000
_MOST_FILES: Final = 20_000
_LARGEST: Final = 8 * 1024 * 1024


def note_traces(worktree: Path, paths: Collection[str]) -> None:
    """Note that set-up has left `paths` as they are now; a folder, untracked, ends in `/`.

    Raises `DiskError` where that cannot be written.
    """
    admin = find_admin_folder(worktree)
    if admin is None or not paths or len(paths) > _MOST_PATHS:
        return
    digests = {path: digest for path in paths if (digest := _digest(worktree / path))}
    replace_file(admin / _NAME, msgspec.json.encode({**_read_traces(admin), **digests}))


def drop_traces(worktree: Path, paths: Iterable[str], admin: Path | None = None) -> tuple[str, ...]:
    """Those of `paths` that are not as set-up left them, nor in a folder that is.

    `admin` is git's folder for the worktree, where its own link does not lead there.
    """
    found = tuple(paths)
    folder = admin or find_admin_folder(worktree)
    noted = _read_traces(folder) if found and folder else {}
    if not noted:
        return found
    whole = {path for path, digest in noted.items() if _digest(worktree / path) == digest}
    folders = tuple(path for path in whole if path.endswith("/"))
    return tuple(path for path in found if path not in whole and not path.startswith(folders))


def _read_traces(admin: Path) -> dict[str, str]:
    try:
        return decode_json(read_regular(admin / _NAME, limit=_LARGEST), dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}  # then they count as changes: nothing is lost by that


def _digest(path: Path) -> str | None:
    """What tells the state of a path from any other; None for what cannot be told."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return f"link {os.fsencode(path.readlink()).hex()}"
        if stat.S_ISREG(found.st_mode):
            runs = "x" if found.st_mode & stat.S_IXUSR else "-"
            return f"file {runs} {sha256(path.read_bytes()).hexdigest()}"
        return _digest_folder(path) if stat.S_ISDIR(found.st_mode) else None
    except FileNotFoundError:
        return "gone"
    except OSError:
        return None


def _digest_folder(top: Path) -> str | None:
    """By names, sizes and times: what a package manager installs is too much to be read."""
    lines = []
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            found = Path(folder, name).lstat()
            relative = os.path.relpath(Path(folder, name), top)
            lines.append(f"{relative}\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_mode}")
        if len(lines) > _MOST_FILES:
            return None
    return f"folder {sha256(os.fsencode(chr(10).join(lines))).hexdigest()}"
