"""Servers of worktrees: started once set-up is over, ended when the worktree goes."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final

from gitslices.core.errors import BusyError
from gitslices.repo_commands.trust import require_trust
from gitslices.slices.environment import make_slice_environment, name_setup_log
from gitslices.slices.settings import read_settings
from gitslices.state.store import SliceRecord
from gitslices.system.left_workers import end_left, start_in_background
from gitslices.system.settings_tables import Setup
from gitslices.workspace import Workspace

_LOCK: Final = "background-{}.lock"


def start_background(workspace: Workspace, setup: Setup, record: SliceRecord) -> None:
    """Start those background commands, which are approved, that are not at work in a worktree."""
    folder = _find_folder(workspace, record)
    for command in setup.background:
        # By the command: it is started once, however often that is asked for.
        name = sha256(f"{folder}\0{command}".encode()).hexdigest()[:16]
        start_in_background(
            folder / _LOCK.format(name),
            ("/bin/sh", "-c", command),
            cwd=Path(record.worktree_path),
            environ=make_slice_environment(workspace, record),
            log=folder / "background.log",
        )


def resume_background(workspace: Workspace, record: SliceRecord) -> None:
    """Start those that are approved and not at work where set-up is over, as after a restart."""
    if record.needs_setup:
        return
    with workspace.open_store() as store:
        goal = store.read_goal(record.goal_id)
    setup = read_settings(workspace, goal.plan.target if goal else None).setup
    if not require_trust(workspace, setup.background):
        start_background(workspace, setup, record)


def end_background(workspace: Workspace, records: Iterable[SliceRecord]) -> tuple[str, ...]:
    """End all of it with what it has started; what is to be said of what could not be ended."""
    warnings = []
    for record in records:
        for path in sorted(_find_folder(workspace, record).glob(_LOCK.format("*"))):
            try:
                end_left(path)
            except BusyError as error:
                warnings.append(f"{record.slice_id}: {error.message} ({error.hint})")
    return tuple(warnings)


def _find_folder(workspace: Workspace, record: SliceRecord) -> Path:
    return name_setup_log(workspace, record).parent
