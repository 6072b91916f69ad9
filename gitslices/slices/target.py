"""What it means for a goal to be merged into another branch than before."""

import shlex

from gitslices.core.errors import InputError
from gitslices.core.model import FINISHED, BranchName, Oid, Plan
from gitslices.git.read import find_tip, read_missing
from gitslices.git.repository import Repository
from gitslices.planning.diff import Retarget
from gitslices.state.landings import read_landings
from gitslices.state.store import Store
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
    merged = [one.slice_id for one in store.read_slices(planned.goal_id) if one.status in FINISHED]
    landed = {id_: landings[id_] for id_ in merged if id_ in landings}
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
