"""The commit that a slice starts from before what it waits for has landed, made in memory.

It is the target with the last commits of what the slice waits for, taken in by the plan's order.
"""

from collections.abc import Sequence

from gitslices.core.errors import RefusedError
from gitslices.core.model import Oid, Slice
from gitslices.git.commits import write_nobodys_merge
from gitslices.git.compare import read_commit_changes
from gitslices.merging.build import Conflicted
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.rules.merging import describe_footing_conflict
from gitslices.slices.early_starts import Footing, find_footing
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace


def make_start(workspace: Workspace, store: Store, goal: Goal, slice_: Slice, target: Oid) -> Oid:
    """What a slice is to start from now: `target`, with what it waits for and has not landed.

    Raises `RefusedError` where these conflict.
    """
    if goal.plan.start == "merged" or not slice_.dependencies:
        return target
    footing = find_footing(Snapshot(workspace, store, goal.plan), goal.plan, slice_)
    if not footing:
        return target
    with open_merge_rules(workspace, goal, target) as rules:
        made = make_early_base(rules, target, footing)
    if isinstance(made, Conflicted):
        problem = describe_footing_conflict(slice_.slice_id, made.slice_id, made.files)
        raise RefusedError(f"slice {slice_.slice_id!r} cannot start yet", problems=[problem])
    return made


def make_early_base(
    rules: GoalMergeRules, target: Oid, footing: Sequence[Footing]
) -> Oid | Conflicted:
    """That commit, the same for all that stand on the same; or which of them conflicts, and where.

    No commit is made where one has all the others: a slice then stands on the branch before it.
    """
    repo, head = rules.repo, target
    for one in footing:
        origin = rules.find_origin(one.tip, head)
        if origin is None:
            return Conflicted(slice_id=one.slice_id, files=())
        if origin.commit == one.tip:
            continue
        if origin.commit == head:
            head = one.tip
            continue
        changes = read_commit_changes(repo, repo.common_dir, one.tip, [origin])
        merged = rules.merge(head, one.tip, rules.find_joined(origin, changes))
        if merged.conflicts:
            return Conflicted(slice_id=one.slice_id, files=merged.conflicts)
        # No trailer of a slice: nothing of this has landed.
        message = f"Start with {one.slice_id}\n"
        head = write_nobodys_merge(repo, merged.tree, [head, one.tip], message)
    return head
