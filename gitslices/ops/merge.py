"""Merge finished slices into the target: in memory first, then by moving one branch."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from gitslices.core.errors import BusyError, GitError, Problem, RefusedError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.core.naming import show_path
from gitslices.git.hooks import run_hook
from gitslices.git.read import find_tip, read_tips
from gitslices.git.snapshot import find_complaint
from gitslices.merging.compose import Composed, Composer, Conflicted
from gitslices.merging.in_memory import Merger, open_merger
from gitslices.merging.inputs import Scene, find_target_checkouts, look
from gitslices.merging.move_branches import Checkout, Stuck, find_in_the_way, move_branches
from gitslices.merging.rerun_gates import Rehearsal
from gitslices.ops.forward import Forwarded, forward_slices
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.merging import find_merge_obstacle
from gitslices.slices.lookup import choose_goal
from gitslices.slices.scopes import ScopeMatchers
from gitslices.slices.settings import choose_merge_style
from gitslices.state.journal import Move
from gitslices.state.landings import SliceChange, record_changes, write_conflict
from gitslices.state.store import Store
from gitslices.system.settings import MergeStyle
from gitslices.workspace import Workspace

_ATTEMPTS = 100
_REMEDY = "commit what is changed there, or switch it to another branch"


class MergeRequest(Struct, frozen=True, kw_only=True):
    """The slices to merge, None for all that are done; a `style` of None is the settings'."""

    slice_ids: tuple[SliceId, ...] | None
    goal_id: str | None = None
    style: MergeStyle | None = None


class Landed(Struct, frozen=True, kw_only=True):
    """A slice that was merged, and the target's commit that took it in.

    `empty` where the target had all of it already; then that is the commit it was at.
    """

    slice_id: SliceId
    commit: Oid
    empty: bool | UnsetType = UNSET


class MergeReport(Struct, frozen=True, kw_only=True):
    """What a merge did; `refused` are slices that were not tried, with the reason.

    `forwarded` are slices nobody has begun, brought forward to the new target.
    """

    goal_id: str
    target: BranchName
    style: MergeStyle
    merged: tuple[Landed, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]
    forwarded: tuple[SliceId, ...]
    warnings: tuple[str, ...]


class _Composition(Struct, frozen=True):
    composed: tuple[Composed, ...]
    conflicted: tuple[Conflicted, ...]
    refused: tuple[Problem, ...]
    head: Oid


def merge(workspace: Workspace, request: MergeRequest) -> MergeReport:
    """Merge what is wanted in the order of the plan; one that cannot be merged stops no other.

    Nothing is locked while git merges and signs and gates run again on what it has made. Then the
    target moves, once for all slices, if it is where the merge began; else all is done again on the
    new one. Raises `UntrustedError` for gates to be run again that have not been approved,
    `RefusedError` where a worktree that has the target checked out cannot follow after all.

    Whether the files of a worktree that has the target checked out can follow, git is asked for
    each slice only when they could not: then all is done again without those that are in the way.
    """
    style = choose_merge_style(workspace, request.style)
    with workspace.open_store() as store:
        goal = choose_goal(store, request.goal_id)
        rehearsal = Rehearsal(workspace, store, goal)
        stuck: tuple[Stuck, ...] = ()
        for _ in range(_ATTEMPTS):
            scene = look(workspace, store, goal, request.slice_ids)
            made = _compose(workspace, store, scene, style, rehearsal, careful=bool(stuck))
            landed = _land(workspace, store, scene, made, style)
            if landed == ():
                break
            if landed and stuck:
                raise RefusedError(
                    f"a worktree that has {goal.plan.target} checked out cannot follow: "
                    f"{landed[0].complaint}",
                    hint=_REMEDY,
                )
            stuck = landed or stuck
        else:
            raise BusyError(f"{goal.plan.target} keeps moving", hint="try again later")
        moved = made.head != scene.target
        warnings = _run_hooks(workspace, scene.checkouts, style) if moved else ()
        forwarded = forward_slices(workspace, store, goal) if moved else Forwarded()
    return MergeReport(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        style=style,
        merged=_list_landed(scene.target, made.composed),
        conflicted=made.conflicted,
        refused=made.refused,
        forwarded=forwarded.slice_ids,
        warnings=(*warnings, *forwarded.warnings),
    )


def _list_landed(target: Oid, composed: Sequence[Composed]) -> tuple[Landed, ...]:
    heads = [target, *(one.commit for one in composed)]
    return tuple(
        Landed(
            slice_id=one.standing.slice.slice_id,
            commit=one.commit,
            empty=one.commit == before or UNSET,
        )
        for before, one in zip(heads, composed, strict=False)
    )


def _compose(
    workspace: Workspace,
    store: Store,
    scene: Scene,
    style: MergeStyle,
    rehearsal: Rehearsal,
    *,
    careful: bool,
) -> _Composition:
    statuses, head = dict(scene.statuses), scene.target
    composed: list[Composed] = []
    conflicted: list[Conflicted] = []
    refused: list[Problem] = []
    with open_merger(workspace, scene.goal, head) as merger:
        matchers = ScopeMatchers(workspace, store)
        composer = Composer(workspace, scene.goal, scene.records, matchers, merger, style)
        for slice_ in scene.wanted:
            id_ = slice_.slice_id
            standing = scene.standings.get(id_)
            obstacle = find_merge_obstacle(scene.goal.goal_id, standing, slice_, statuses)
            missing = [obstacle] if obstacle else scene.missing.get(id_, ())
            if standing is None or missing:
                refused += missing
                continue
            made = composer.compose(standing, head, statuses)
            if isinstance(made, Composed):
                made = (
                    find_in_the_way(workspace.repo, id_, scene.checkouts, made.changes)
                    or (_find_stuck(workspace, scene, made, head, merger) if careful else None)
                    or rehearsal.find_failure(scene.records[id_], made.commit, head)
                    or made
                )
            if isinstance(made, Problem):
                refused.append(made)
            elif isinstance(made, Conflicted):
                conflicted.append(made)
            else:
                composed.append(made)
                merger.follow(made.commit, made.changes)
                statuses[id_], head = "merged", made.commit
    return _Composition(tuple(composed), tuple(conflicted), tuple(refused), head)


def _find_stuck(
    workspace: Workspace, scene: Scene, made: Composed, head: Oid, merger: Merger
) -> Problem | None:
    """Why the files of the target's worktrees do not follow to `made`, though to `head`."""
    if made.commit == head:
        return None
    for one in scene.checkouts:
        complaint = find_complaint(
            workspace.repo, one.worktree, scene.target, made.commit, merger.scratch
        )
        if complaint is not None:
            why = f"{str(one.worktree)!r} cannot follow: {complaint}"
            return Problem(made.standing.slice.slice_id, why, _REMEDY)
    return None


def _land(
    workspace: Workspace, store: Store, scene: Scene, made: _Composition, style: MergeStyle
) -> tuple[Stuck, ...] | None:
    """Move the target and record everything; None if what was looked at has changed.

    Where files could not follow nothing has moved, and nothing is recorded.
    """
    with recover_and_lock(workspace, store):
        if not _is_as_before(workspace, store, scene, made):
            return None
        stuck = _move(workspace, store, scene, made, style)
        if stuck == ():
            _record_conflicts(workspace, store, scene, made.conflicted)
    return stuck


def _move(
    workspace: Workspace, store: Store, scene: Scene, made: _Composition, style: MergeStyle
) -> tuple[Stuck, ...] | None:
    target = scene.goal.plan.target
    changes = [_describe(workspace, scene, one, style) for one in made.composed]
    if made.head == scene.target:
        with store.transaction():
            record_changes(store, changes)
        return ()
    move = Move(
        branch=target,
        old=scene.target,
        new=made.head,
        worktrees=tuple(str(one.worktree) for one in scene.checkouts),
        changes=tuple(changes),
    )
    try:
        stuck = move_branches(workspace, store, [move])
    except GitError:
        if find_tip(workspace.repo, target) == scene.target:
            raise
        return None
    if stuck and find_tip(workspace.repo, target) != scene.target:
        return None
    return stuck


def _is_as_before(workspace: Workspace, store: Store, scene: Scene, made: _Composition) -> bool:
    """Whether target, checkouts, slices and their branches are still as they were looked at."""
    places = tuple(one.worktree for one in scene.checkouts)
    if find_target_checkouts(workspace, scene.goal) != places:
        return False
    if any(
        find_in_the_way(workspace.repo, one.standing.slice.slice_id, scene.checkouts, one.changes)
        for one in made.composed
    ):  # A file that git ignores has come: git would not refuse to overwrite it.
        return False
    touched = [one.standing.slice.slice_id for one in made.composed]
    touched += [one.slice_id for one in made.conflicted]
    before = {scene.records[id_].branch_name: scene.standings[id_].tip for id_ in touched}
    before[scene.goal.plan.target] = scene.target
    if read_tips(workspace.repo, before) != before:
        return False
    now = {record.slice_id: record for record in store.read_slices(scene.goal.goal_id)}
    return all(now.get(id_) == scene.records[id_] for id_ in touched)


def _describe(workspace: Workspace, scene: Scene, made: Composed, style: MergeStyle) -> SliceChange:
    return SliceChange(
        at=workspace.now(),
        goal_id=scene.goal.goal_id,
        slice_id=made.standing.slice.slice_id,
        event="merged",
        detail={"target": scene.goal.plan.target, "commit": made.commit, "style": style},
        status="merged",
        tip=made.standing.tip,
        landed_as=made.commit,
    )


def _record_conflicts(
    workspace: Workspace, store: Store, scene: Scene, conflicted: Sequence[Conflicted]
) -> None:
    goal_id = scene.goal.goal_id
    with store.transaction():
        for one in conflicted:
            write_conflict(store, goal_id, one.slice_id, one.files)
        record_changes(
            store,
            [
                SliceChange(
                    at=workspace.now(),
                    goal_id=goal_id,
                    slice_id=one.slice_id,
                    event="conflicted",
                    detail={"files": [show_path(path) for path in one.files]},
                    status="conflicted",
                )
                for one in conflicted
            ],
        )


def _run_hooks(
    workspace: Workspace, checkouts: Sequence[Checkout], style: MergeStyle
) -> tuple[str, ...]:
    """Run `post-merge` where the target is checked out, as `git merge` does after its work."""
    squashed = "1" if style == "squash" else "0"
    complaints = (
        run_hook(workspace.repo, checkout.worktree, "post-merge", squashed)
        for checkout in checkouts
    )
    return tuple(f"the post-merge hook failed: {one}" for one in complaints if one)
