"""What has been done in a slice so far."""

import shlex
from pathlib import Path

from msgspec import Struct

from gitslices.errors import RefusedError
from gitslices.git.read import count_ahead_behind, find_tip, read_head_branch
from gitslices.git.worktrees import find_admin_folder, read_changes
from gitslices.model import Oid
from gitslices.state.leases import Lease, read_lease_history
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class Work(Struct, frozen=True, kw_only=True):
    """What a slice's next holder finds: commits that the target lacks, uncommitted paths."""

    ahead: int
    uncommitted: tuple[str, ...]
    previous_holder: str | None


def find_work(
    workspace: Workspace, store: Store, record: SliceRecord, target_tip: Oid, lease: Lease
) -> Work | None:
    """What was done in a slice before `lease`; None where it is as new."""
    repo = workspace.repo
    tip = find_tip(repo, record.branch_name)
    ahead = count_ahead_behind(repo, tip, target_tip)[0] if tip else 0
    uncommitted = read_changes(repo, Path(record.worktree_path), untracked=True)
    if not ahead and not uncommitted:
        return None
    history = read_lease_history(store, record.goal_id, record.slice_id)
    earlier = [one.holder for one in history if one.token < lease.token]
    return Work(
        ahead=ahead,
        uncommitted=uncommitted,
        previous_holder=earlier[-1] if earlier else None,
    )


def require_committed(
    workspace: Workspace, store: Store, goal_id: str, slice_id: str
) -> SliceRecord:
    """The record of a slice all of whose work is committed on its branch.

    Raises `RefusedError` for uncommitted or untracked files, or another branch in the worktree.
    """
    record = store.find_slice(goal_id, slice_id)
    admin = find_admin_folder(Path(record.worktree_path)) if record else None
    if record is None or admin is None:
        raise RefusedError(
            f"slice {slice_id!r} has no worktree", hint="bring it back with: gitslices plan --apply"
        )
    path = Path(record.worktree_path)
    if read_head_branch(workspace.repo, admin) != record.branch_name:
        raise RefusedError(
            f"the worktree of slice {slice_id!r} is not on its branch",
            hint=f"switch it back: git -C {shlex.quote(str(path))} switch {record.branch_name}",
        )
    changed = read_changes(workspace.repo, path, untracked=True)
    if changed:
        rest = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise RefusedError(
            f"slice {slice_id!r} has uncommitted work: {', '.join(changed[:3])}{rest}",
            hint=f"commit it in {path}, or remove what is not wanted",
        )
    return record
