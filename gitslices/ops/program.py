"""Whether the program that a run is to start can be found from the slices' worktrees."""

import os.path
from pathlib import Path

from gitslices.errors import InputError
from gitslices.git.blobs import has_entry
from gitslices.git.read import find_tip
from gitslices.git.worktrees import is_filled
from gitslices.model import RepoPath
from gitslices.state.store import Goal
from gitslices.statuses import FINISHED
from gitslices.workspace import Workspace


def refuse_missing_program(workspace: Workspace, goal: Goal, program: str) -> None:
    """Raise `InputError` for a relative path that neither the target nor any worktree has.

    Nothing is known, and nothing refused, while a slice has no worktree yet: what git ignores may
    come along into it, or be made there by its set-up.
    """
    if "/" not in program or Path(program).is_absolute() or "{" in program:
        return
    path = os.path.normpath(program)
    tip = None if path.startswith("..") else find_tip(workspace.repo, goal.plan.target)
    if tip is not None and has_entry(workspace.repo, tip, RepoPath(path)):
        return
    tops = _list_open_worktrees(workspace, goal)
    if not tops or any(not is_filled(top) or (top / path).exists() for top in tops):
        return
    raise InputError(
        f"there is no program {program!r} in the worktrees of the slices, where it is looked up",
        hint=f"commit it to {goal.plan.target}, or name it by an absolute path",
    )


def _list_open_worktrees(workspace: Workspace, goal: Goal) -> list[Path]:
    with workspace.open_store() as store:
        records = {record.slice_id: record for record in store.read_slices(goal.goal_id)}
    finished = {id_ for id_, record in records.items() if record.status in FINISHED}
    return [Path(one.worktree_path) for one in goal.plan.slices if one.slice_id not in finished]
