"""What must be done for slices to stand: decided whole before anything is touched."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import FINISHED, LANDED, BranchName, Plan, Slice, SliceId, SliceStatus
from gitslices.rules.worktree_faults import BARS_APPLY, BARS_RESTORE, Fault, find_bar
from gitslices.scopes.language.folding import Folding

Action = Literal["create", "restore", "rescope", "keep"]


class Recorded(Struct, frozen=True, kw_only=True):
    """What the store and git know of one slice of the goal, and what is wrong with its worktree.

    `scopes` are those it was planned with, as `Slice.scopes` has them.
    """

    status: SliceStatus
    worktree_path: str
    scopes: tuple[tuple[str, ...], ...]
    has_branch: bool
    has_worktree: bool
    faults: tuple[Fault, ...] = ()


class Observed(Struct, frozen=True, kw_only=True):
    """The repository before slices are provisioned.

    `branches` holds every local branch, `occupied` the paths that exist among those planned.
    `worktrees` are the paths of all
    worktrees, `lost` those where git knows of one that is not there. `folding` says which names
    are one.
    """

    existing: Mapping[SliceId, Recorded]
    branches: frozenset[BranchName]
    occupied: frozenset[str]
    worktrees: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    folding: Folding = Folding()


class _Step(Struct, frozen=True, kw_only=True):
    """What happens to one slice."""

    action: Action
    slice: Slice


class Reconciliation(Struct, frozen=True, kw_only=True):
    """The steps in the order of the slices, and what keeps them from being taken."""

    steps: tuple[_Step, ...]
    problems: tuple[Problem, ...]

    def select(self, action: Action) -> tuple[Slice, ...]:
        """The slices to which `action` happens."""
        return tuple(step.slice for step in self.steps if step.action == action)


def reconcile(
    slices: Sequence[Slice], observed: Observed, *, ready_only: bool = False
) -> Reconciliation:
    """Decide what makes each of `slices` stand; where `problems` is not empty nothing may be done.

    `ready_only` leaves out new slices that wait for others.
    """
    wanted = [slice_ for slice_ in slices if not ready_only or _is_ready(slice_, observed)]
    steps = tuple(_Step(action=_choose(slice_, observed), slice=slice_) for slice_ in wanted)
    problems = (problem for step in steps for problem in _find_problems(step, observed))
    return Reconciliation(steps=steps, problems=tuple(problems))


def find_started_overlaps(plan: Plan) -> tuple[Problem, ...]:
    """What keeps `plan` from being applied: work under way that its new scopes bring together."""
    return tuple(
        Problem(
            one.slice_ids[1],
            f"it is under way, and so is {one.slice_ids[0]!r}: by their new scopes they meet in "
            f"{one.path!r}",
            "take the path out of one scope, or finish one of the two before the change",
        )
        for one in plan.started_overlaps
    )


def _is_ready(slice_: Slice, observed: Observed) -> bool:
    if slice_.slice_id in observed.existing:
        return True
    return all(
        needed in observed.existing and observed.existing[needed].status in LANDED
        for needed in slice_.dependencies
    )


def _choose(slice_: Slice, observed: Observed) -> Action:
    recorded = observed.existing.get(slice_.slice_id)
    if recorded is None:
        return "create"
    if recorded.status in FINISHED:
        return "keep"
    # The branch has the work: it gets a worktree again and is not started anew.
    if not recorded.has_worktree:
        return "restore" if recorded.has_branch else "create"
    if recorded.scopes != slice_.scopes:
        return "rescope"
    return "keep"


def _find_problems(step: _Step, observed: Observed) -> Sequence[Problem]:
    faulty = _find_faulty(step, observed.existing.get(step.slice.slice_id))
    if faulty:
        return faulty
    if step.action == "create":
        return (
            _find_branch_problems(step.slice, observed)
            + _find_path_problems(step.slice, observed)
            + _find_lost_problems(step.slice, observed)
        )
    if step.action == "restore":
        return _find_move_problems(step.slice, observed)
    return ()


def _find_faulty(step: _Step, recorded: Recorded | None) -> tuple[Problem, ...]:
    if recorded is None or recorded.status in FINISHED:
        return ()
    bars = BARS_RESTORE if step.action == "restore" else BARS_APPLY
    bar = find_bar(recorded.faults, bars)
    return (bar.problem,) if bar else ()


def _find_branch_problems(slice_: Slice, observed: Observed) -> tuple[Problem, ...]:
    """The branches that leave no room for the slice's own: at, above or beneath its name."""
    fold = observed.folding.fold
    # Git cannot have `a` and `a/b` both, and where the file system ignores case, the files of `A`
    # and `a` are one as well.
    name = fold(slice_.branch_name)
    above = {name, *(str(parent) for parent in PurePath(name).parents)}
    in_the_way = sorted(
        branch
        for branch in observed.branches
        if fold(branch) in above or fold(branch).startswith(f"{name}/")
    )
    return tuple(
        Problem(
            slice_.slice_id,
            f"branch {branch!r} exists and is not this slice's",
            f"rename it: git branch -m {shlex.quote(branch)} NEW-NAME",
        )
        for branch in in_the_way
    )


def _find_path_problems(slice_: Slice, observed: Observed) -> tuple[Problem, ...]:
    path = slice_.worktree_path
    if path not in observed.occupied:
        return ()
    how = "move it away"
    if path in observed.worktrees:
        # Moved by other means it would share git's folder for it with the slice's own worktree.
        how = f"move it away: git worktree move {shlex.quote(path)} NEW-PATH"
    return (
        Problem(
            slice_.slice_id,
            f"path {path!r} exists and is not this slice's worktree",
            f"{how}, or choose another folder: git config gitslices.worktreeRoot DIR",
        ),
    )


def _find_lost_problems(slice_: Slice, observed: Observed) -> tuple[Problem, ...]:
    """A worktree that git knows at the path of a new slice may live on elsewhere."""
    path = slice_.worktree_path
    # It may have been moved by hand, with work in it. Made by force at that path, a new worktree
    # would take the old one's entry in git's list from it.
    if path not in observed.lost or slice_.slice_id in observed.existing:
        return ()
    return (
        Problem(
            slice_.slice_id,
            f"git knows a worktree at {path!r} that is not there",
            "if it was moved, tell git where it is: git worktree repair NEW-PATH; if not, have git"
            f" forget it: git worktree remove {shlex.quote(path)}",
        ),
    )


def _find_move_problems(slice_: Slice, observed: Observed) -> tuple[Problem, ...]:
    before = observed.existing[slice_.slice_id].worktree_path
    if before == slice_.worktree_path:
        return ()
    return (
        Problem(
            slice_.slice_id,
            f"its worktree was at {before!r}, outside the folder for worktrees",
            f"go back to that one: git config gitslices.worktreeRoot {PurePath(before).parent}",
        ),
    )
