"""How far a slice is: nobody has begun it, somebody has, or its target has all of its work.

And so how far its goal is.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.model import FINISHED, LANDED, Oid, Plan, Slice, SliceId, SliceStatus

Progress = Literal["untouched", "started", "landed"]
GoalState = Literal["under-way", "finished", "closed"]
LANDING_TRAILER: Final = "Gitslices-Slice:"
LandedBy = Literal["merge", "squash", "rebase", "trailer", "content", "word"]


class Landed(Struct, frozen=True, kw_only=True):
    """How a slice's work came into the target, and by which commit; null where none can be named.

    `content` says that a merge would add nothing, `word` that somebody has said it.
    """

    by: LandedBy
    commit: Oid | None = None


class Presence(Struct, frozen=True, kw_only=True):
    """What the target has of a slice whose tip alone does not tell.

    `reverted_by` is the commit that took it back again. Where only a part is there, `there` and
    `missing` are the slice's commits. Of one that git has no more it is not `known`.
    """

    known: bool = True
    landed: Landed | None = None
    reverted_by: Oid | None = None
    there: tuple[Oid, ...] = ()
    missing: tuple[Oid, ...] = ()


def make_landing_trailer(goal_id: str, slice_id: SliceId) -> str:
    """The line of a commit message by which a slice is known to have landed with that commit."""
    return f"{LANDING_TRAILER} {goal_id}/{slice_id}"


def find_progress(status: SliceStatus, *, has_commits: bool, in_target: bool) -> Progress:
    """How far a slice with this status is, a merge that was taken back counting as none.

    `has_commits` says that it has commits beyond those that it was brought up to, `in_target` that
    its target has all of them. Whoever asks about the files, too, takes one that is untouched for
    started where anything in its worktree is uncommitted, or nobody can tell.
    """
    if status == "merged" or (has_commits and in_target):
        return "landed"
    if has_commits or status in {"claimed", "done", "conflicted"}:
        return "started"
    return "untouched"


def find_waits(
    slice_: Slice, statuses: Mapping[SliceId, SliceStatus], plan: Plan
) -> tuple[SliceId, ...]:
    """The slices whose work `slice_` needs and that have not been merged.

    Of one that was dropped it needs only what was declared: where the two merely overlap, it waits
    for those instead that the dropped one came after.
    """
    waiting = [needed for needed in slice_.dependencies if statuses[needed] not in LANDED]
    if not any(statuses[needed] == "dropped" for needed in waiting):
        return tuple(waiting)
    planned = {one.slice_id: one for one in plan.slices}
    forced = {
        one.serializes_after
        for one in plan.overlap_serializations
        if one.blocked_slice_id == slice_.slice_id
    }
    declared = set(slice_.dependencies) - forced
    found: dict[SliceId, None] = {}
    seen = set(waiting)
    for needed in waiting:  # it grows
        if statuses[needed] != "dropped" or needed in declared:
            found[needed] = None
            continue
        before = [one for one in planned[needed].dependencies if statuses[one] not in LANDED]
        waiting += [one for one in before if one not in seen]
        seen.update(before)
    return tuple(found)


def list_before(plan: Plan, slice_id: SliceId) -> tuple[Slice, ...]:
    """The slices that `slice_id` comes after, directly or through others, in the plan's order."""
    planned = {one.slice_id: one for one in plan.slices}
    found: set[SliceId] = set()
    waiting = [slice_id] if slice_id in planned else []
    while waiting:
        needed = set(planned[waiting.pop()].dependencies) - found
        found |= needed
        waiting += needed
    return tuple(one for one in plan.slices if one.slice_id in found)


def find_start_waits(
    slice_: Slice,
    statuses: Mapping[SliceId, SliceStatus],
    plan: Plan,
    published: Collection[SliceId] = (),
) -> tuple[SliceId, ...]:
    """Those of `find_waits` that are not far enough for `slice_` to start, by the plan.

    A pull request of one that is not done is a draft, on which nobody is to stand.
    """
    waits = find_waits(slice_, statuses, plan)
    if plan.start == "merged":
        return waits
    far = {needed for needed in waits if statuses[needed] == "done"}
    if plan.start == "published":
        far &= set(published)
    return tuple(needed for needed in waits if needed not in far)


def describe_finished(status: SliceStatus) -> str:
    """Why nothing more is done for a slice that is finished."""
    return "it was dropped" if status == "dropped" else "it is merged already"


def find_goal_state(statuses: Iterable[SliceStatus], *, closed: bool) -> GoalState:
    """How far a goal is by the statuses of all its slices; `closed` says that somebody ended it."""
    if closed:
        return "closed"
    return "finished" if all(status in FINISHED for status in statuses) else "under-way"
