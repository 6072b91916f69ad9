"""A lock goes only where all times agree that it came after the change that was cut short."""

import os
import time
from pathlib import Path

import pytest

from gitslices.git.repair import (
    LockOrigin,
    clear_ref_locks,
    clear_shared_locks,
    find_left_locks,
    read_present_locks,
)

MAIN = "refs/heads/main"
LOCKS = (
    "HEAD.lock",
    "packed-refs.lock",
    "packed-refs.new",
    "config.lock",
    "reftable/tables.list.lock",
    f"{MAIN}.lock",
)
DAY = 24 * 3600.0
# When the change began, and what the lock says of when it was written, both counted from now.
JUMPS = {
    "the lock is from the future": (-60.0, DAY),
    "the change is from the future": (DAY, 0.0),
    "both are from the future": (DAY, DAY + 1),
    "the lock is older": (-60.0, -DAY),
    "the lock was made just now and is dated back": (-1.0, -2.0),
}


def make_locks(common_dir: Path, written: float) -> list[Path]:
    paths = [common_dir / name for name in LOCKS]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (written, written))
    return paths


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_after_a_jump_of_the_clock_no_lock_goes(tmp_path: Path, jump: tuple[float, float]) -> None:
    began, written = (time.time() + offset for offset in jump)
    paths = make_locks(tmp_path, written)
    clear_shared_locks(tmp_path, [MAIN], origin=LockOrigin(since=began))
    clear_ref_locks(tmp_path, [MAIN], origin=LockOrigin(since=began))
    assert [path for path in paths if not path.exists()] == []
    assert set(find_left_locks(tmp_path)) == set(paths), "the doctor tells of them"


def test_a_lock_that_is_later_by_one_of_its_times_alone_stays(tmp_path: Path) -> None:
    began = time.time() + 5
    paths = make_locks(tmp_path, began + 1)
    clear_shared_locks(tmp_path, [MAIN], origin=LockOrigin(since=began))
    assert all(path.exists() for path in paths)


def test_where_all_times_agree_the_locks_go(tmp_path: Path) -> None:
    paths = make_locks(tmp_path, time.time())
    clear_shared_locks(tmp_path, [MAIN], origin=LockOrigin(since=time.time() - 60))
    assert [path for path in paths if path.exists()] == []


def test_of_locks_that_were_there_before_no_clock_makes_ours(tmp_path: Path) -> None:
    began = time.time() - 60
    theirs = make_locks(tmp_path, time.time())
    before = read_present_locks(tmp_path, [MAIN])
    ours = tmp_path / "refs/heads/other.lock"
    ours.write_text("")
    clear_shared_locks(
        tmp_path, [MAIN, "refs/heads/other"], origin=LockOrigin(since=began, before=before)
    )
    assert [path for path in (*theirs, ours) if not path.exists()] == [ours]
