"""Clear away what a killed git left half made: by path, never by a command over all worktrees.

A killed `git worktree add` can leave an empty `commondir`, after which every git command that lists
worktrees fails, `git worktree repair` too: so this runs on files alone.
"""

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.files import replace_file
from gitslices.core.model import BranchName
from gitslices.git.links import find_admin_folder, find_linked_worktree, list_admin_folders
from gitslices.git.living import Process, can_see_processes, find_living_gits, find_open_files
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository

# A git that lives replaces or removes its lock well within this time, unless a hook or a signal
# stops it; then its process is there.
_QUIET_SECONDS: Final = 1.0
_LIFE_SECONDS: Final = 2.0
_LIFE_PAUSE: Final = 0.05

_SHARED: Final = (
    # It is locked with the branch that it stands for, to log its move.
    "HEAD.lock",
    "packed-refs.lock",
    "packed-refs.new",
    "reftable/tables.list.lock",
    "config.lock",
    "config.worktree.lock",
)


class FileIdentity(Struct, frozen=True):
    """Which file it is, whatever it is called."""

    device: int
    inode: int


class LockOrigin(Struct, frozen=True, kw_only=True):
    """What tells the locks of a change from others: when it began, and which were there before."""

    since: float
    before: tuple[FileIdentity, ...] = ()


class _Stamp(Struct, frozen=True):
    """Which file it is, when it was written, and when anything of it was changed last.

    The first of the two times is copied along with a file, and can be set; the second is not.
    """

    written: float
    changed: float
    file: FileIdentity


# Of locks whose names nobody else uses: then no age is asked for.
_ANY_TIME: Final = LockOrigin(since=0)


def clear_ref_locks(
    common_dir: Path, refs: Sequence[str], *, origin: LockOrigin = _ANY_TIME
) -> None:
    """Remove the lock files of `refs`, full names, if the processes that made them died.

    Others may lock these at any time, and a lock says nothing of its holder: git closes it, and may
    wait in a hook. So only a file goes that was not there before the change, and by all its times
    was made between its begin, in seconds since 1970, and now; that no process has open, that stays
    as it is for a second, and that is there when every git has ended that was at work in the
    repository. Where processes cannot be seen none goes.
    """
    _clear(common_dir, [f"{ref}.lock" for ref in refs], origin)


def clear_shared_locks(common_dir: Path, refs: Sequence[str], *, origin: LockOrigin) -> None:
    """The same for `refs`, HEAD, what all references are kept in, and the settings."""
    _clear(common_dir, [*_SHARED, *(f"{ref}.lock" for ref in refs)], origin)


def read_present_locks(common_dir: Path, refs: Sequence[str]) -> tuple[FileIdentity, ...]:
    """The lock files of these that are there: whoever is about to begin did not make them.

    Clocks do not tell as much: of a process that died while the clock was ahead, a lock seems to
    have come later.
    """
    names = (*_SHARED, *(f"{ref}.lock" for ref in refs))
    stamps = (_read_stamp(common_dir / name) for name in names)
    return tuple(stamp.file for stamp in stamps if stamp)


def find_left_locks(common_dir: Path) -> tuple[Path, ...]:
    """Lock files of branches, indexes, HEADs and settings whose processes died; none goes."""
    heads = (path.relative_to(common_dir) for path in _list_files(common_dir, "refs/heads"))
    inner = ("HEAD.lock", "index.lock")
    names = [*_SHARED, "index.lock", *(str(one) for one in heads if one.suffix == ".lock")]
    for admin in list_admin_folders(common_dir):
        names += [str((admin / name).relative_to(common_dir)) for name in inner]
    return _find_left(common_dir, names, _ANY_TIME)


def _clear(common_dir: Path, names: Sequence[str], origin: LockOrigin) -> None:
    for path in _find_left(common_dir, names, origin):
        path.unlink(missing_ok=True)


def _find_left(common_dir: Path, names: Sequence[str], origin: LockOrigin) -> tuple[Path, ...]:
    found = {common_dir / name: _read_stamp(common_dir / name) for name in names}
    # Stamps from before the wait: what another git locks meanwhile has another one, and stays.
    left = {path: stamp for path, stamp in found.items() if stamp and _is_of(stamp, origin)}
    if not left or not can_see_processes():
        return ()
    alive = find_living_gits(common_dir)
    time.sleep(_QUIET_SECONDS)
    if _outlive(common_dir, alive):
        return ()
    # Whoever is no git by name, an editor that locks by itself say, is told by this alone.
    opened = find_open_files()
    return tuple(
        path
        for path, stamp in left.items()
        if _read_stamp(path) == stamp and (stamp.file.device, stamp.file.inode) not in opened
    )


def _outlive(common_dir: Path, alive: frozenset[Process]) -> bool:
    """Whether one of `alive` stays; those that came later did not make what was there before."""
    end = time.monotonic() + _LIFE_SECONDS
    while alive := alive & find_living_gits(common_dir):
        if time.monotonic() > end:
            return True
        time.sleep(_LIFE_PAUSE)
    return False


def find_unfinished_folders(common_dir: Path, worktree: Path, reason: str) -> tuple[Path, ...]:
    """Git's folders for `worktree`, made or half made by an `add` that locks with `reason`."""
    folders = list_admin_folders(common_dir)
    return tuple(folder for folder in folders if _is_unfinished(folder, worktree, reason))


def is_unfinished_worktree(common_dir: Path, worktree: Path, reason: str) -> bool:
    """Whether the folder `worktree` was made for an `add` that locks with `reason`."""
    admin = find_admin_folder(worktree)
    if admin is None:
        return is_bare_leaf(worktree) and not _read(worktree / ".git")
    # Another repository's worktree stands there: not ours to clear away.
    if admin.parent.resolve() != (common_dir / "worktrees").resolve():
        return False
    return not admin.exists() or _is_unfinished(admin, worktree, reason)


def is_bare_leaf(worktree: Path) -> bool:
    """Whether git has written nothing but `.git`, if that, into the folder `worktree`."""
    return worktree.is_dir() and all(entry.name == ".git" for entry in worktree.iterdir())


def is_registered(worktree: Path, branch: BranchName, reason: str) -> bool:
    """Whether `worktree` is one of `branch`, locked with `reason`, and waits for its files."""
    admin = find_admin_folder(worktree)
    if admin is None or not is_bare_leaf(worktree) or any(admin.glob("*.lock")):
        return False
    # Each of these files is there before it has its text: a kill between the two leaves it empty.
    return (
        find_linked_worktree(admin) == worktree
        and _read(admin / "commondir") == "../.."
        and _read(admin / "HEAD") == f"ref: refs/heads/{branch}"
        and _read(admin / "locked") == reason
    )


def write_head(admin: Path, value: str) -> None:
    """Put a worktree whose file HEAD is damaged on a full reference name, or on a commit."""
    # By hand: with a HEAD it cannot read git takes the folder for no repository, and does nothing.
    text = f"ref: {value}" if value.startswith("refs/") else value
    replace_file(admin / "HEAD", f"{text}\n".encode("utf-8", "surrogateescape"))


def rebuild_index(repo: Repository, worktree: Path, admin: Path) -> None:
    """Make the index of a worktree anew from its HEAD; the damaged one is kept beside it.

    Files stay as they are, so that what was changed shows as changed.
    """
    index = admin / "index"
    with suppress(FileNotFoundError):
        index.replace(admin / "index.damaged")
    repo.run_at(worktree, "read-tree", "HEAD")
    # read-tree marks nothing as left out: all that is not there would show as deleted.
    if (admin / "info" / "sparse-checkout").exists():
        repo.run_at(worktree, "sparse-checkout", "reapply")


def find_pruned_admin(worktree: Path, common_dir: Path) -> Path | None:
    """Where git's folder for a worktree was, by its link, if that is there no more; or None.

    `git worktree prune` deletes it while the worktree's disk is away. Another worktree may have the
    name since.
    """
    link = find_admin_folder(worktree)
    if link is None or link.parent.resolve() != (common_dir / "worktrees").resolve():
        return None
    return link if find_linked_worktree(link) != worktree else None


def renew_admin(repo: Repository, worktree: Path, branch: BranchName, scratch: Path) -> Path:
    """Give a worktree whose folder of git's was pruned a new one, on `branch`; no file changes.

    What was staged is not staged any more. The folder comes into its place whole: git fails
    everywhere on one that is half made.
    """
    folders = repo.common_dir / "worktrees"
    folders.mkdir(exist_ok=True)
    names = (f"{worktree.name}{number or ''}" for number in count())
    admin = next(place for name in names if not os.path.lexists(place := folders / name))
    made = scratch / admin.name
    made.mkdir()
    link = os.fsencode(worktree / ".git")
    for name, data in (("gitdir", link), ("commondir", b"../.."), ("locked", b"being renewed")):
        (made / name).write_bytes(data + b"\n")
    write_head(made, HEADS + branch)
    made.rename(admin)
    replace_file(worktree / ".git", b"gitdir: " + os.fsencode(admin) + b"\n")
    rebuild_index(repo, worktree, admin)
    (admin / "locked").unlink()
    return admin


def find_empty_refs(common_dir: Path) -> tuple[str, ...]:
    """The branches, full names, whose files hold nothing: a power cut leaves them so."""
    files = _list_files(common_dir, "refs/heads")
    empty = (path for path in files if path.suffix != ".lock" and _is_empty(path))
    return tuple(str(path.relative_to(common_dir)) for path in empty)


def find_last_value(log: Path, *, switches: bool = False) -> str | None:
    """What a reference was set to last, by its log; of a HEAD the last `switches` of branches."""
    with suppress(OSError):
        text = log.read_text("utf-8", "surrogateescape")
        lines = [line for line in text.split("\n") if line]
        if switches:
            lines = [line for line in lines if "\tcheckout: moving from " in line]
        if lines:
            return lines[-1] if switches else lines[-1].split()[1]
    return None


def _list_files(common_dir: Path, folder: str) -> list[Path]:
    # With reftable `refs/heads` is a file itself, and nothing is found beneath it.
    return sorted(path for path in (common_dir / folder).rglob("*") if path.is_file())


def _is_empty(path: Path) -> bool:
    with suppress(OSError):
        return not path.read_bytes().strip(b"\0\n")
    return False


def drop_empty_ref(common_dir: Path, ref: str) -> None:
    """Delete the file of a reference that holds nothing: git would not write over it."""
    if _is_empty(common_dir / ref):
        (common_dir / ref).unlink()


def _is_unfinished(folder: Path, worktree: Path, reason: str) -> bool:
    linked, lock = find_linked_worktree(folder), _read(folder / "locked")
    if linked is not None:
        # The reason holds our operation's id: no worktree of anybody else is locked with it.
        return linked == worktree and lock == reason
    # Without `gitdir`, only the folder's name tells whose it is; git adds digits where another
    # worktree has a folder of that name. `locked` is the first file, empty where git died there.
    named = re.fullmatch(rf"{re.escape(worktree.name)}\d*", folder.name)
    return bool(named) and lock in {"", reason}


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "surrogateescape").rstrip("\n")
    return ""


def _is_of(stamp: _Stamp, origin: LockOrigin) -> bool:
    """Whether a file may come from a change, as far as clocks tell and it was not there before.

    A lock or an intent from the future shows that the clock has jumped between them: which of the
    two came first is not known then, and the lock may be anybody's.
    """
    now = time.time()
    if stamp.file in origin.before:
        return False
    times = (stamp.written, stamp.changed)
    return not origin.since or all(origin.since <= at <= now for at in times)


def _read_stamp(path: Path) -> _Stamp | None:
    with suppress(OSError):
        found = path.stat()
        file = FileIdentity(found.st_dev, found.st_ino)
        return _Stamp(found.st_mtime, found.st_ctime, file)
    return None
