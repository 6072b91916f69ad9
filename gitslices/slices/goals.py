"""Which goals a command means, and how far goals are.

A command about one slice means one goal, a command about the whole every goal under way, unless
one is named or chosen for good.
"""

import shlex
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

from gitslices.core.errors import (
    GitslicesError,
    InputError,
    Problem,
    RefusedError,
    UnknownSliceError,
)
from gitslices.core.model import BranchName, SliceId, SliceStatus
from gitslices.git.read import read_missing, read_target_tips
from gitslices.rules.progress import GoalState, find_goal_state
from gitslices.slices.lookup import find_near, get_goal, refuse_none_applied
from gitslices.slices.marks import Mark, find_mark
from gitslices.slices.target import Lag
from gitslices.state.landings import read_landings
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace

if TYPE_CHECKING:
    from gitslices.slices.snapshot import Snapshot

_Report = TypeVar("_Report")

_SETTING = "gitslices.goal"
_VARIABLE = "GITSLICES_GOAL"
_CHOOSE = f"name one with --goal ID, or choose one for good: git config {_SETTING} ID"


def choose_goal(
    workspace: Workspace, store: Store, goal_id: str | None, *named: str | None
) -> Goal:
    """The one goal that a command means, by the slices `named` if there are any.

    It is the one named, else that of the slice whose worktree is at hand, else the one chosen for
    good, else the only one that has the slices, those under way first. The store alone is asked,
    and git's settings. Raises `InputError` where that leaves a choice.
    """
    slice_ids = [id_ for id_ in named if id_ is not None]
    if goal_id is not None:
        return get_goal(store, goal_id)
    goals = store.read_goals()
    refuse_none_applied(goals)
    fitting = [goal for goal in goals if _has_slices(store, goal, slice_ids)]
    if len(goals) > 1:
        # Not by the branch at hand: in a rebase or with a detached HEAD it is the same slice.
        mark = find_mark(store.opened_from) if store.opened_from else None
        at_hand = [goal for goal in fitting if mark is not None and goal.goal_id == mark.goal_id]
        if at_hand:
            return at_hand[0]
    # git's settings cost a process: they are asked where there is a choice.
    elif not workspace.environ.get(_VARIABLE):
        return goals[0]
    chosen = _find_chosen(workspace, store)
    return chosen or _choose_fitting(store, goals, fitting, slice_ids)


def choose_goals(workspace: Workspace, store: Store, goal_id: str | None) -> tuple[Goal, ...]:
    """The goals that a command about the whole means, in the order in which they were applied.

    The one named, else the one chosen for good, else all under way. Where none is, the one that
    was applied last, for its end is the answer. Raises `InputError` where all have been closed.
    """
    if goal_id is not None:
        return (get_goal(store, goal_id),)
    chosen = _find_chosen(workspace, store)
    if chosen is not None:
        return (chosen,)
    goals = store.read_goals()
    refuse_none_applied(goals)
    open_ = [goal for goal in goals if goal.closed_at is None]
    if not open_:
        ids = ", ".join(goal.goal_id for goal in goals)
        raise InputError(
            f"no goal is under way; closed: {ids}", hint="open one: gitslices goal reopen ID"
        )
    under_way = _find_under_way(workspace, store, open_) if len(open_) > 1 else open_
    return tuple(under_way) or (max(reversed(open_), key=lambda goal: goal.applied_at),)


def get_slice_here(git_dir: Path, goal_id: str | None) -> Mark:
    """The slice whose worktree `git_dir` belongs to; raise `InputError` where it is no slice's."""
    mark = find_mark(git_dir)
    if mark is None:
        raise InputError(
            "no slice is named, and this is no slice's worktree",
            hint="name one (see: gitslices status), or go to its worktree",
        )
    if goal_id not in {None, mark.goal_id}:
        raise InputError(
            f"this is the worktree of slice {mark.slice_id!r} of goal {mark.goal_id!r}, "
            f"not of goal {goal_id!r}",
            hint="name the slice that is meant",
        )
    return mark


def is_slice(workspace: Workspace, slice_id: str, goal_id: str | None) -> bool:
    """Whether the goal that is meant has, or had, a slice of that id."""
    with workspace.open_store() as store:
        return _has_slices(store, choose_goal(workspace, store, goal_id), [slice_id])


def refuse_closed(goal: Goal) -> None:
    """Raise `RefusedError` for a goal that somebody has ended: nothing of it is begun any more."""
    if goal.closed_at is not None:
        raise RefusedError(
            f"goal {goal.goal_id!r} is closed",
            hint=f"open it again: gitslices goal reopen {shlex.quote(goal.goal_id)}",
        )


def list_meant(
    workspace: Workspace, goal_id: str | None, slice_ids: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The goal of the slices that are named; where none are, all that `choose_goals` chooses."""
    with workspace.open_store() as store:
        if slice_ids is not None:
            return (choose_goal(workspace, store, goal_id, *slice_ids).goal_id,)
        return tuple(goal.goal_id for goal in choose_goals(workspace, store, goal_id))


class GoalFailure(Struct, frozen=True, kw_only=True):
    """A goal, one of several, that could not be served, and why."""

    goal_id: str
    error: GitslicesError


class Served(Struct, Generic[_Report], frozen=True, kw_only=True):
    """What a command came to for each of the goals that it means, in their order."""

    in_order: tuple[_Report | GoalFailure, ...]

    @property
    def reports(self) -> tuple[_Report, ...]:
        """Those of the goals that were served."""
        return tuple(one for one in self.in_order if not isinstance(one, GoalFailure))

    @property
    def failures(self) -> tuple[GoalFailure, ...]:
        """The goals that were not."""
        return tuple(one for one in self.in_order if isinstance(one, GoalFailure))


def serve_goals(goal_ids: Sequence[str], serve: Callable[[str], _Report]) -> Served[_Report]:
    """Serve one goal after the other: what is wrong with one of several keeps it from no other.

    Raises what is wrong where there is one goal only, or no other that was served.
    """
    found: list[_Report | GoalFailure] = []
    for goal_id in goal_ids:
        try:
            found.append(serve(goal_id))
        except GitslicesError as error:
            found.append(GoalFailure(goal_id=goal_id, error=error))
    served = Served(in_order=tuple(found))
    raise_if_none_served(served)
    return served


def raise_if_none_served(served: Served[_Report]) -> None:
    """Raise what is wrong with the first goal where none was served, the others' beside it."""
    if served.reports:
        return
    first, *others = served.failures
    error = first.error
    if others:
        error.message = f"goal {first.goal_id!r}: {error.message}"
    error.problems += tuple(
        Problem(one.goal_id, one.error.message, one.error.hint) for one in others
    )
    raise error


class GoalSummary(Struct, frozen=True, kw_only=True):
    """A goal that an answer is about; `problem` says what is wrong with its target.

    `lag` says what a local target lacks of the remote's branch that it follows, as that was fetched
    last; `status` alone tells it.
    """

    goal_id: str
    target: BranchName
    state: GoalState
    problem: str | None = None
    lag: Lag | UnsetType = UNSET


def summarize_goal(snapshot: "Snapshot", goal: Goal) -> GoalSummary:
    """How far a goal is, and whether its target is there."""
    return GoalSummary(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        state=read_goal_state(snapshot, goal),
        problem=None if snapshot.target else "no such branch",
    )


def read_goal_state(snapshot: "Snapshot", goal: Goal) -> GoalState:
    """How far a goal is by all that store and git have."""
    return find_goal_state(snapshot.statuses.values(), closed=goal.closed_at is not None)


def _find_chosen(workspace: Workspace, store: Store) -> Goal | None:
    """The goal that the user has chosen for good."""
    for name, values in ((_VARIABLE, workspace.environ), (_SETTING, workspace.config)):
        if values.get(name):
            return get_goal(store, values[name], named_by=name)
    return None


def _has_slices(store: Store, goal: Goal, slice_ids: Collection[str]) -> bool:
    planned = {slice_.slice_id for slice_ in goal.plan.slices}
    return all(id_ in planned or store.find_slice(goal.goal_id, id_) for id_ in slice_ids)


def _choose_fitting(
    store: Store, goals: Sequence[Goal], fitting: Sequence[Goal], slice_ids: Sequence[str]
) -> Goal:
    if not fitting:
        _refuse_unknown(goals, slice_ids)
    under_way = [goal for goal in fitting if _find_recorded_state(store, goal) == "under-way"]
    left = under_way or fitting
    if len(left) == 1:
        return left[0]
    ids = ", ".join(goal.goal_id for goal in left)
    if slice_ids:
        raise InputError(f"{len(left)} goals have a slice {slice_ids[0]!r}: {ids}", hint=_CHOOSE)
    raise InputError(
        f"{len(left)} goals are {'under way' if under_way else 'finished'}: {ids}", hint=_CHOOSE
    )


def _refuse_unknown(goals: Sequence[Goal], slice_ids: Sequence[str]) -> None:
    known = {str(slice_.slice_id) for goal in goals for slice_ in goal.plan.slices}
    unknown = next((id_ for id_ in slice_ids if id_ not in known), None)
    if unknown is None:
        named = ", ".join(slice_ids)
        raise InputError(f"no goal has all of these slices: {named}", hint="name those of one goal")
    raise UnknownSliceError(
        f"no goal has a slice {unknown!r}",
        hint=find_near(unknown, known) or "see: gitslices status",
    )


def _find_recorded_state(store: Store, goal: Goal) -> GoalState:
    """How far a goal is as recorded, whatever git and the clock add to that."""
    statuses: dict[SliceId, SliceStatus] = {one.slice_id: "planned" for one in goal.plan.slices}
    statuses |= {one.slice_id: one.status for one in store.read_slices(goal.goal_id)}
    return find_goal_state(statuses.values(), closed=goal.closed_at is not None)


def _find_under_way(workspace: Workspace, store: Store, goals: Sequence[Goal]) -> list[Goal]:
    # Imported here for the sake of hooks and heartbeats: they mean one goal.
    from gitslices.slices.snapshot import Snapshot

    ended = [goal for goal in goals if _find_recorded_state(store, goal) == "finished"]
    over = {goal.goal_id for goal in ended} - _find_set_back(workspace, store, ended)
    return [
        goal
        for goal in goals
        if goal.goal_id not in over
        and read_goal_state(Snapshot(workspace, store, goal.plan), goal) == "under-way"
    ]


def _find_set_back(workspace: Workspace, store: Store, goals: Sequence[Goal]) -> set[str]:
    """Those of the finished `goals` whose target may have lost what it was given.

    Two calls of git for all of them: finished goals only ever become more.
    """
    landed = {
        goal.goal_id: {one.landed_as for one in read_landings(store, goal.goal_id).values()}
        for goal in goals
    }
    found: set[str] = set()
    tips = read_target_tips(workspace.repo, {goal.plan.target for goal in goals})
    for target, tip in tips.items():
        own = [goal.goal_id for goal in goals if goal.plan.target == target]
        commits = {commit for id_ in own for commit in landed[id_]}
        missing = set(read_missing(workspace.repo, tip, commits)) if commits else set()
        found |= {id_ for id_ in own if landed[id_] & missing}
    return found
