"""The work in slices of shared goals: pushed by who has it, fetched by who goes on with it."""

from collections.abc import Sequence

from gitslices.core.errors import RefusedError
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS, REMOTES, find_tip, is_ancestor, read_present
from gitslices.git.remotes import (
    Overtaken,
    Pushed,
    RemoteBranch,
    push_branch,
    read_branches_there,
)
from gitslices.state.sharing import (
    Sharing,
    find_sharing,
    list_shared_goals,
    read_pushed_work,
)
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


def push_work(workspace: Workspace, store: Store, record: SliceRecord) -> Oid | None:
    """Push the branch of a slice of a shared goal; its last commit there, None where it has none.

    The caller holds neither lock nor transaction: hooks of the repository run. Raises
    `RefusedError` where the remote does not take it, `RemoteError` where it cannot be reached.
    """
    sharing = find_sharing(store)
    if sharing is None or record.goal_id not in list_shared_goals(store):
        return None
    known = read_pushed_work(store, record.goal_id).get(record.slice_id)
    old = known.tip if known else None
    tip = find_tip(workspace.repo, record.branch_name)
    if tip is None or tip in {old, record.base_commit}:
        return old
    there = _name_there(sharing, record.branch_name)
    top = workspace.main_worktree or workspace.repo.worktree
    outcome = push_branch(
        workspace.repo, there, new=tip, old=old, access=workspace.access, worktree=top
    )
    if isinstance(outcome, Pushed) or (
        isinstance(outcome, Overtaken) and _is_there(workspace, there, tip)
    ):
        return tip
    reason = "somebody else has pushed to it" if isinstance(outcome, Overtaken) else outcome.reason
    raise RefusedError(
        f"{sharing.remote} does not take the work of slice {record.slice_id!r}: {reason}",
        hint=f"it stays here; see what it asks for: git push {sharing.remote} {record.branch_name}",
    )


def fetch_work(workspace: Workspace, store: Store, records: Sequence[SliceRecord]) -> None:
    """Fetch what others have pushed of these slices, where it is not here yet.

    What the remote has no more is not fetched: their branches are looked for when they are needed.
    """
    sharing = find_sharing(store)
    if sharing is None:
        return
    pushed = {
        record.branch_name: work.tip
        for record in records
        if (work := read_pushed_work(store, record.goal_id).get(record.slice_id)) and work.tip
    }
    here = read_present(workspace.repo, filter(None, pushed.values())) if pushed else set()
    missing = [name for name, tip in pushed.items() if tip not in here]
    if not missing:
        return
    specs = [f"+{HEADS}{one}:{REMOTES}{sharing.remote}/{one}" for one in missing]
    workspace.repo.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
        "--no-auto-maintenance", "--", sharing.remote, *specs,
        ok=tuple(range(256)), env=workspace.access.make_env(workspace.repo),
    )  # fmt: skip


def _name_there(sharing: Sharing, branch: BranchName) -> RemoteBranch:
    ref = f"{REMOTES}{sharing.remote}/{branch}"
    return RemoteBranch(remote=sharing.remote, branch=branch, ref=ref)


def _is_there(workspace: Workspace, there: RemoteBranch, tip: Oid) -> bool:
    """Whether the remote has `tip` all the same: the answer to an earlier push was lost."""
    found = read_branches_there(workspace.repo, there.remote, [there.branch], workspace.access)
    at = found.get(there.branch)
    return at is not None and (at == tip or (
        at in read_present(workspace.repo, [at]) and is_ancestor(workspace.repo, tip, at)
    ))  # fmt: skip
