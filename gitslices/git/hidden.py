"""Edits that git does not show, because it was told not to look (git-update-index).

Files that are assumed unchanged, or skipped, are marked in the index; it is read here, as
gitformat-index has it, because hardly any index has such a mark and git would be asked for each.
"""

import os
import struct
from pathlib import Path
from typing import Final

from gitslices.git.repository import Repository
from gitslices.model import Oid

_ASSUMED: Final = 0x8000
_EXTENDED: Final = 0x4000
_SKIPPED: Final = 0x4000
# The bits of the length of a name; all of them are set where it is longer.
_LONGEST: Final = 0x0FFF
# Of an entry, what comes before the name of its object: times, device, owner, size.
_STAT: Final = 40
_HEADER: Final = 12
# The extension that names another file with further entries.
_SPLIT: Final = b"link"


def find_hidden_changes(
    repo: Repository, worktree: Path, index: Path, *, commit: Oid
) -> tuple[str, ...]:
    """Paths in one worktree whose edits `git status` does not show; a deleted one is no loss.

    Of `commit`, any of the repository, only the length counts: it tells the kind of its hashes.
    """
    if not _may_hide(index, len(commit) // 2):
        return ()
    # With `-v` a letter comes first: a small one where it is assumed unchanged, S where skipped.
    listing = repo.run_at(worktree, "ls-files", "-v", "--stage", "-z").text
    entries = [
        entry[2:] for entry in listing.split("\0") if entry[:1].islower() or entry[:1] == "S"
    ]
    there = [one for one in entries if os.path.lexists(worktree / one.partition("\t")[2])]
    return _compare(repo, worktree, there) if there else ()


def _compare(repo: Repository, worktree: Path, entries: list[str]) -> tuple[str, ...]:
    """The paths of those index entries whose files are not what they say."""
    # Imported here: hardly any removal needs it, and it takes as long as looking at a worktree.
    from tempfile import TemporaryDirectory

    marked = "".join(f"{entry}\0" for entry in entries).encode("utf-8", "surrogateescape")
    with TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        repo.run_at(worktree, "update-index", "-z", "--index-info", input=marked, env=env)
        listing = repo.run_at(
            worktree, "diff", "--no-ext-diff", "--no-relative", "--name-only", "-z", env=env
        ).text
    return tuple(path for path in listing.split("\0") if path)


def _may_hide(index: Path, width: int) -> bool:
    """Whether an entry is marked; yes, too, where that cannot be told, as in a split index."""
    try:
        data = index.read_bytes()
        signature, version, count = struct.unpack_from(">4sII", data)
        if signature != b"DIRC" or version not in {2, 3, 4}:
            return True
        find_end = _find_end_by_names if version == 4 else _find_end
        end = find_end(data, count, _STAT + width)
    except FileNotFoundError:
        return False
    except (struct.error, ValueError, IndexError):
        return True
    return end is None or _SPLIT in data[end:]


def _find_end(data: bytes, count: int, fixed: int) -> int | None:
    """Where the entries end, before version 4; None where one of them is marked.

    Of an entry `fixed` bytes come before its flags, which hold the length of its name, too. Zeros
    fill it up to a multiple of eight bytes.
    """
    read = struct.Struct(">H").unpack_from
    place, name = _HEADER, fixed + 2
    for _ in range(count):
        (flags,) = read(data, place + fixed)
        if flags < _EXTENDED and (length := flags & _LONGEST) < _LONGEST:
            place += name + length + 8 & ~7
        else:
            end = _find_name_end(data, place + fixed)
            if end is None:
                return None
            place += end - place + 8 & ~7
    return place


def _find_end_by_names(data: bytes, count: int, fixed: int) -> int | None:
    """The same in version 4, where names are shortened and nothing fills up."""
    place = _HEADER
    for _ in range(count):
        end = _find_name_end(data, place + fixed, shortened=True)
        if end is None:
            return None
        place = end + 1
    return place


def _find_name_end(data: bytes, place: int, *, shortened: bool = False) -> int | None:
    """Where the name of the entry ends that has its flags at `place`; None where it is marked."""
    flags, more = struct.unpack_from(">HH", data, place)
    extended = flags & _EXTENDED
    if flags & _ASSUMED or (extended and more & _SKIPPED):
        return None
    name = place + (4 if extended else 2)
    return data.index(b"\0", _skip_number(data, name) if shortened else name)


def _skip_number(data: bytes, place: int) -> int:
    """Past the count of bytes that a name has in common with the one before it."""
    while data[place] & 0x80:
        place += 1
    return place + 1
