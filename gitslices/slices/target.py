"""The branch that slices are merged into: another one than before, gone, or set back."""

import shlex
from collections.abc import Mapping, Sequence

from gitslices.core.errors import InputError
from gitslices.core.model import LANDED, BranchName, Oid, Plan, SliceId
from gitslices.git.merge import would_add_nothing
from gitslices.git.read import find_tip, read_missing
from gitslices.git.repository import Repository
from gitslices.planning.diff import Retarget
from gitslices.state.landings import Landing, read_landings
from gitslices.state.store import Event, Store
from gitslices.workspace import Workspace


def find_retarget(
    workspace: Workspace, store: Store, applied: Plan | None, planned: Plan
) -> Retarget | None:
    """The step from the target of `applied` to that of `planned`; None where they are one.

    A merged slice stays merged, so that nothing takes it to the new target by itself.
    """
    if applied is None or applied.target == planned.target:
        return None
    landings = read_landings(store, planned.goal_id)
    merged = [one.slice_id for one in store.read_slices(planned.goal_id) if one.status in LANDED]
    landed = {id_: landings[id_].landed_as for id_ in merged if id_ in landings}
    tip = find_tip(workspace.repo, planned.target)
    missing = read_missing(workspace.repo, tip, landed.values()) if tip else set()
    return Retarget(
        before=applied.target,
        after=planned.target,
        missing=tuple(id_ for id_, commit in landed.items() if commit in missing),
    )


def read_target(repo: Repository, target: BranchName) -> Oid:
    """The last commit of the branch that slices are merged into; raise where it is gone."""
    commit = find_tip(repo, target)
    if commit is None:
        raise InputError(
            f"the goal is merged into {target!r}, and this branch is gone",
            hint="plan its graph for another one: gitslices plan FILE --apply --target BRANCH; "
            f"or make it again: git branch {shlex.quote(target)} COMMIT",
        )
    return commit


def find_taken_back(
    repo: Repository,
    store: Store,
    goal_id: str,
    merged: Mapping[SliceId, Landing],
    target: tuple[BranchName, Oid],
) -> frozenset[SliceId]:
    """Those of the `merged` slices whose work no target has any more.

    `target` is that of today, and its last commit. A target that was reset has lost them; one whose
    last commits were amended or put elsewhere has their work in other commits, and what was merged
    into a former target is there still.
    """
    name, tip = target
    # One call for all; a merge in memory is made for each of those alone that are missing.
    missing = read_missing(repo, tip, (one.landed_as for one in merged.values()))
    doubtful = {id_: one for id_, one in merged.items() if one.landed_as in missing}
    return frozenset(
        id_
        for id_, one in doubtful.items()
        if not would_add_nothing(repo, tip, one.tip)
        and not _is_elsewhere(repo, store.read_events(goal_id, id_), name, one.landed_as)
    )


def _is_elsewhere(
    repo: Repository, events: Sequence[Event], target: BranchName, landed_as: Oid
) -> bool:
    """Whether the target that a slice was merged into, another one than today's, has it."""
    named = [one.detail.get("target") for one in events if one.event == "merged"]
    if not named or named[-1] in {None, target}:
        return False
    former = find_tip(repo, BranchName(str(named[-1])))
    return former is not None and landed_as not in read_missing(repo, former, [landed_as])
