"""Remove the worktrees and branches of every slice whose work has landed or is no longer wanted."""

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import SliceId
from gitslices.ops.purge import start_emptying
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.candidates import Candidate, IsDisposable, find_candidates, find_disposable
from gitslices.removal.to_trash import trash_slices
from gitslices.rules.removal import find_removal_problems
from gitslices.slices.location import WorktreeMap
from gitslices.slices.lookup import get_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace


class PruneRequest(Struct, frozen=True, kw_only=True):
    """`goal_id` None means every goal; `dry_run` changes nothing."""

    goal_id: str | None = None
    force: bool = False
    dry_run: bool = False


class Pruned(Struct, frozen=True, kw_only=True):
    """A slice that was, or would be, removed."""

    goal_id: str
    slice_id: SliceId
    reason: str


class PruneReport(Struct, frozen=True, kw_only=True):
    """What went, and what would have gone but for work that would be lost."""

    removed: tuple[Pruned, ...]
    refused: tuple[Problem, ...]


def prune(workspace: Workspace, request: PruneRequest) -> PruneReport:
    """Move to the trash every slice that has landed or that its plan no longer has."""
    with workspace.open_store() as store:
        is_disposable = find_disposable(workspace, store.read_slices(request.goal_id))
        with recover_and_lock(workspace, store):
            worktrees = WorktreeMap(workspace)
            prunable = [
                found
                for goal in _choose_goals(store, request.goal_id)
                for found in _find_prunable(
                    Snapshot(workspace, store, goal.plan, worktrees=worktrees), is_disposable
                )
            ]
            looked_at = [candidate for candidate, _ in prunable]
            chosen = [one for one in looked_at if not _find_problems(one, request)]
            kept: tuple[Candidate, ...] = ()
            if not request.dry_run:
                kept = trash_slices(workspace, store, chosen)
                start_emptying(workspace, store)
    # As they were at the move: what was written in between keeps a slice, and the report says so.
    now = {_name(one): one for one in (*looked_at, *kept)}
    return PruneReport(
        removed=tuple(
            Pruned(goal_id=one.record.goal_id, slice_id=one.record.slice_id, reason=reason)
            for one, reason in prunable
            if not _find_problems(now[_name(one)], request)
        ),
        refused=tuple(
            problem for one in looked_at for problem in _find_problems(now[_name(one)], request)
        ),
    )


def _name(candidate: Candidate) -> tuple[str, SliceId]:
    return candidate.record.goal_id, candidate.record.slice_id


def _find_problems(candidate: Candidate, request: PruneRequest) -> tuple[Problem, ...]:
    return find_removal_problems(candidate.facts, force=request.force)


def _choose_goals(store: Store, goal_id: str | None) -> list[Goal]:
    ids = store.read_goal_ids() if goal_id is None else (goal_id,)
    return [get_goal(store, id_) for id_ in ids]


def _find_prunable(snapshot: Snapshot, is_disposable: IsDisposable) -> list[tuple[Candidate, str]]:
    records = [one for one in snapshot.records.values() if one.status != "removed"]
    planned = {slice_.slice_id for slice_ in snapshot.plan.slices}
    prunable = []
    for candidate in find_candidates(snapshot, records, is_disposable):
        if candidate.facts.landed:
            prunable.append((candidate, f"merged into {snapshot.plan.target}"))
        elif candidate.record.slice_id not in planned:
            prunable.append((candidate, "no longer in the plan"))
    return prunable
