"""Checks on files alone: they work, and repair, where every git command fails."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from gitslices.git.locate import find_torn_folders, mend_torn_folder
from gitslices.git.repository import TORN_PAUSES
from gitslices.git.worktrees import LOCK_REASON, find_linked_worktree
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.lock import find_stale_holders, is_held
from gitslices.state.store import STORE_NAME, open_store

TORN: Final = "torn-registration"


def find_torn_registrations(common_dir: Path) -> Iterator[Trouble]:
    """An empty `commondir`: a killed `git worktree add`, or a power cut, leaves one."""
    torn = find_torn_folders(common_dir)
    if not torn or is_held(common_dir / FOLDER_NAME, "topology"):
        return
    # One of a living process is empty for a moment only.
    time.sleep(sum(TORN_PAUSES))
    own = _read_own_paths(common_dir)
    for folder in sorted(set(torn) & set(find_torn_folders(common_dir))):
        ours = (
            _read(folder / "locked").startswith(LOCK_REASON) or find_linked_worktree(folder) in own
        )
        finding = Finding(
            check=TORN,
            thing=str(folder),
            problem="its file commondir is empty",
            why="git commands that list worktrees fail in the whole repository",
            fix="write what git writes into it" if ours else None,
            hint=None if ours else f"not made by gitslices: echo ../.. > {folder / 'commondir'}",
        )
        yield Trouble(finding=finding, mend=partial(mend_torn_folder, folder) if ours else None)


def find_stale_locks(common_dir: Path) -> Iterator[Trouble]:
    """Notes of who holds a lock, left by processes that are gone."""
    for path in find_stale_holders(common_dir / FOLDER_NAME):
        finding = Finding(
            check="stale-lock",
            thing=str(path),
            problem="it names the holder of a lock that nobody holds",
            why="whoever waits for that lock next is told of a process that is gone",
            fix="remove it",
        )
        yield Trouble(finding=finding, mend=partial(path.unlink, missing_ok=True))


FILE_CHECKS = (find_torn_registrations, find_stale_locks)


def _read_own_paths(common_dir: Path) -> frozenset[Path]:
    folder = common_dir / FOLDER_NAME
    if not (folder / STORE_NAME).exists():
        return frozenset()
    with open_store(folder, timeout=1) as store:
        return frozenset(Path(record.worktree_path) for record in store.read_slices())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape").rstrip("\n")
    except OSError:
        return ""
