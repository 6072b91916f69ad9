"""Where every slice stands, told again whenever it changes."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import GitslicesError
from gitslices.core.model import FINISHED
from gitslices.git.links import find_admin_folder
from gitslices.ops.progress import GoalProgress, read_progress
from gitslices.ops.status import StatusReport, has_many, status
from gitslices.slices.goals import choose_goals
from gitslices.state.store import Store
from gitslices.workspace import Workspace

_PAUSE: Final = 0.5
# An edit that nobody has added leaves no trace but itself, so git is asked this often in any case.
_LONGEST: Final = 10.0

_Stamp = tuple[tuple[int, int], ...]


def watch(workspace: Workspace, goal_id: str | None) -> Iterator[StatusReport]:
    """Yield the status now, and each time it has changed, until every slice has landed.

    Between two looks git is not asked: the store tells whether somebody has written to it, and of
    references, indexes and logs only times and sizes are read.
    """
    shown: tuple[StatusReport, _Stamp] | None = None
    with workspace.open_store() as store:
        goals = choose_goals(workspace, store, goal_id)
        worktrees = [Path(one.worktree_path) for goal in goals for one in goal.plan.slices]
        while True:
            before = _read_stamp(workspace, store, worktrees)
            logs = _read_logs(workspace, worktrees)
            report = status(workspace, goal_id)
            if shown != (report, logs):
                yield report
                shown = (report, logs)
            if all(one.status in FINISHED for one in report.slices):
                return
            give_up = time.monotonic() + _LONGEST
            while time.monotonic() < give_up:
                time.sleep(_PAUSE)
                if _read_stamp(workspace, store, worktrees) != before:
                    break


Progress = tuple[GoalProgress, ...] | GitslicesError
"""How far all goals are, or why that cannot be told now."""


def watch_progress(workspace: Workspace, over: threading.Event) -> Iterator[Progress]:
    """Yield how far the goals are that are under way, now and whenever that may have changed.

    Goes on until `over` is set, whatever is finished, applied or broken meanwhile. It asks git no
    more often than `watch` does, and the caller tells whether anything is new. Where many slices
    stand, what needs no files comes first.
    """
    quick = has_many(workspace)
    with workspace.open_store() as store:
        while not over.is_set():
            worktrees = [Path(one.worktree_path) for one in store.read_slices()]
            before = _read_stamp(workspace, store, worktrees)
            try:
                yield read_progress(workspace, None, quick=quick)
            except GitslicesError as error:
                yield error
            if quick:
                quick = False
                continue
            give_up = time.monotonic() + _LONGEST
            while time.monotonic() < give_up and not over.wait(_PAUSE):
                if _read_stamp(workspace, store, worktrees) != before:
                    break


def _read_stamp(workspace: Workspace, store: Store, worktrees: list[Path]) -> _Stamp:
    common = workspace.repo.common_dir
    places = [common / "packed-refs", common / "reftable" / "tables.list"]
    places += [Path(folder) for folder, _, _ in os.walk(common / "refs" / "heads")]
    for admin in map(find_admin_folder, worktrees):
        places += [admin / "index", admin / "HEAD"] if admin else []
    written = (store.read_data_version(), 0)
    return (written, *map(_read_times, places), *_read_logs(workspace, worktrees))


def _read_logs(workspace: Workspace, worktrees: list[Path]) -> _Stamp:
    folder = workspace.state_folder / "logs"
    return tuple(_read_times(folder / worktree.name / "run.log") for worktree in worktrees)


def _read_times(place: Path) -> tuple[int, int]:
    with suppress(OSError):
        found = place.stat()
        return found.st_mtime_ns, found.st_size
    return 0, 0
