"""A local branch brought to where a remote's branch is, with the worktrees that have it at hand."""

from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import GitError, GitLockedError, RefusedError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import HEADS, find_tip, is_ancestor, read_present
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.remotes import RemoteBranch, find_upstream
from gitslices.git.repository import Repository
from gitslices.merging.branch_worktrees import (
    find_branch_worktrees,
    find_in_the_way,
    read_branch_worktrees,
)
from gitslices.merging.move_branches import Outdated, move_branches
from gitslices.remote.work import fetch_work
from gitslices.state.journal import BranchMove
from gitslices.state.sharing import read_pushed_work
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class Followed(Struct, frozen=True, kw_only=True):
    """A local branch that went from one commit to another, and the worktrees that went with it."""

    branch: BranchName
    old: Oid
    new: Oid
    worktrees: tuple[Path, ...]


class LeftBehind(Struct, frozen=True, kw_only=True):
    """A local branch that stays where it is, and why."""

    branch: BranchName
    reason: str


def find_follower(repo: Repository, there: RemoteBranch) -> BranchName | None:
    """The local branch of the same name, unless it follows another one."""
    if find_tip(repo, there.branch) is None:
        return None
    upstream = find_upstream(repo, there.branch)
    return there.branch if upstream is None or upstream.ref == there.ref else None


def follow_remote(
    workspace: Workspace, store: Store, branch: BranchName, new: Oid
) -> Followed | LeftBehind | None:
    """Fast-forward `branch` to `new`, or say why that cannot be; None where it has all of it.

    The caller holds the topology lock. Uncommitted work that would be overwritten keeps the branch
    where it is, and so do commits of its own.
    """
    repo, old = workspace.repo, find_tip(workspace.repo, branch)
    if old is None or is_ancestor(repo, new, old):
        return None
    if not is_ancestor(repo, old, new):
        return LeftBehind(branch=branch, reason="it has commits that the remote lacks")
    places = find_branch_worktrees(workspace, [branch]).get(branch, ())
    worktrees = read_branch_worktrees(repo, places)
    changes = read_tree_changes(repo, old, new)
    in_the_way = find_in_the_way(repo, SliceId(branch), worktrees, changes)
    if in_the_way is not None:
        return LeftBehind(branch=branch, reason=in_the_way.message)
    paths = tuple(str(one) for one in places)
    move = BranchMove(branch=branch, old=old, new=new, worktrees=paths, changes=())
    try:
        outcome = move_branches(workspace, store, [move], [])
    except (GitError, GitLockedError) as error:
        return LeftBehind(branch=branch, reason=error.message)
    if isinstance(outcome, Outdated):
        return LeftBehind(branch=branch, reason="a git is at work in its worktree")
    if outcome.stuck:
        return LeftBehind(branch=branch, reason=outcome.stuck[0].complaint)
    return Followed(branch=branch, old=old, new=new, worktrees=places)


def bring_work(workspace: Workspace, store: Store, record: SliceRecord) -> bool:
    """Have a slice's branch here begin where another clone has left it; tell whether it has moved.

    A worktree that has it at hand goes along. Raises `RefusedError` where commits or edits here are
    in the way: they stay as they are.
    """
    work = read_pushed_work(store, record.goal_id).get(record.slice_id)
    if work is None or work.tip is None:
        return False
    repo, id_, branch = workspace.repo, record.slice_id, record.branch_name
    tip = find_tip(repo, branch)
    fetch_work(workspace, store, [record])
    if not read_present(repo, [work.tip]):
        raise RefusedError(
            f"what was pushed of slice {id_!r} is not on the remote any more",
            hint=f"have whoever has the commit push it again: {work.tip[:10]} to {branch}",
        )
    if tip is not None and is_ancestor(repo, work.tip, tip):
        return False
    if tip is None:
        update = RefUpdate(ref=HEADS + branch, new=work.tip)
        update_refs(repo, [update], reason="gitslices: from the remote")
        return True
    outcome = follow_remote(workspace, store, branch, work.tip)
    if isinstance(outcome, LeftBehind):
        raise RefusedError(
            f"slice {id_!r} goes on from {work.tip[:10]}, which others have pushed, and here "
            f"{branch} cannot follow: {outcome.reason}",
            hint=f"keep what is here under another name: git branch NAME {branch}, then "
            f"git branch -f {branch} {work.tip[:10]}",
        )
    return True


def describe_left_behind(one: LeftBehind, there: RemoteBranch) -> str:
    """The same in words, with what to do."""
    return (
        f"{one.branch} was not brought to {there.name}: {one.reason}; "
        f"later: git merge --ff-only {there.name}"
    )
