"""What the store says of slices, against what git has."""

import os
import shlex
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import InputError, suggest
from gitslices.core.model import FINISHED, BranchName, Oid
from gitslices.git.follow import find_rebased
from gitslices.git.read import HEADS, read_branches
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.worktrees import Worktree, find_last_commit, repair_worktree
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.provision import restore_worktree
from gitslices.recovery.recovery import recover_and_lock
from gitslices.slices.location import (
    Whereabouts,
    find_link,
    find_moved,
    find_other_user,
    look_for_worktrees,
)
from gitslices.slices.marks import read_marked_worktrees
from gitslices.slices.target import read_target
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.store import STORE_NAME, Event, SliceRecord, Store
from gitslices.workspace import Workspace


class Sight(Struct, frozen=True, kw_only=True):
    """Store and repository side by side."""

    workspace: Workspace
    store: Store
    records: tuple[SliceRecord, ...]
    branches: Mapping[BranchName, Oid]
    places: Whereabouts


def look_at_slices(workspace: Workspace, store: Store) -> Sight:
    """The slices that should stand, and every branch and worktree there is."""
    records = tuple(record for record in store.read_slices() if record.status != "removed")
    return Sight(
        workspace=workspace,
        store=store,
        records=records,
        branches=read_branches(workspace.repo),
        places=look_for_worktrees(workspace, records),
    )


def find_unstanding(sight: Sight) -> Iterator[Trouble]:
    """Slices whose branch or worktree is not where the store has it."""
    for record in sight.records:
        trouble = _examine(sight, record)
        if trouble is not None:
            yield trouble


def find_lost_store(workspace: Workspace) -> Iterator[Trouble]:
    """Slices that stand in a repository without a store."""
    marked = read_marked_worktrees(workspace.repo.common_dir)
    if marked:
        yield Trouble(
            finding=Finding(
                check="lost-store",
                thing=str(workspace.repo.common_dir / FOLDER_NAME / STORE_NAME),
                problem="it is gone, and slices stand",
                why=f"nothing is known of {', '.join(sorted(map(str, marked.values())))}",
                hint="take them over: gitslices plan --apply",
            )
        )


def find_strange_branches(sight: Sight) -> Iterator[Trouble]:
    """Branches under our prefix that no slice has."""
    own = {record.branch_name for record in sight.records}
    try:
        prefix = f"{sight.workspace.prefix}/"
    except InputError:
        return  # a finding of its own
    standing = set(sight.places.marked.values())
    for branch in sight.branches:
        if not branch.startswith(prefix) or branch in own:
            continue
        keep = f"keep it elsewhere: git branch -m {shlex.quote(branch)} NEW-NAME"
        is_lost = not standing.isdisjoint(sight.places.users.get(branch, ()))
        yield Trouble(
            finding=Finding(
                check="unknown-branch",
                thing=branch,
                problem="it is named like a slice's branch, and no slice has it",
                why="a slice of that name could not be made",
                hint=f"take its slice over: gitslices plan --apply; or {keep}" if is_lost else keep,
            )
        )


def find_lost_targets(sight: Sight) -> Iterator[Trouble]:
    """Goals that are under way, and whose target branch is gone."""
    waiting = [record for record in sight.records if record.status not in FINISHED]
    for goal_id in dict.fromkeys(record.goal_id for record in waiting):
        goal = sight.store.read_goal(goal_id)
        try:
            if goal is not None:
                read_target(sight.workspace.repo, goal.plan.target)
        except InputError as error:
            yield Trouble(
                finding=Finding(
                    check="lost-target",
                    thing=goal_id,
                    problem=error.message,
                    why="none of its slices can be claimed or merged",
                    hint=error.hint,
                )
            )


SLICE_CHECKS = (find_unstanding, find_strange_branches, find_lost_targets)


def _examine(sight: Sight, record: SliceRecord) -> Trouble | None:
    worktree = sight.places.worktrees.get(record.worktree_path)
    link = find_link(sight.places, record)
    if worktree is None or worktree.missing:
        return _examine_lost(sight, record)
    if link == "broken":
        return _tell_cut_off(sight, record)
    if link != "whole":
        return _tell_estranged(record)
    if record.branch_name not in sight.branches:
        return _tell_lost_branch(sight, record)
    return _tell_off_branch(sight, record, worktree) if _is_off_branch(record, worktree) else None


def _examine_lost(sight: Sight, record: SliceRecord) -> Trouble | None:
    moved = find_moved(sight.places, record)
    if moved is not None:
        return _tell_moved(sight, record, moved)
    if os.path.lexists(record.worktree_path):
        return _tell_estranged(record)
    user = find_other_user(sight.places, record)
    if user is not None:
        return _tell_used(record, user, "gitslices doctor --fix")
    if record.branch_name in sight.branches:
        return _tell_deleted(sight, record)
    # Merged, it may go: nobody needs its branch or its worktree any more.
    return None if record.status == "merged" else _tell_gone(sight, record)


def _is_off_branch(record: SliceRecord, worktree: Worktree) -> bool:
    at_hand = worktree.branch or find_rebased(worktree.path)
    return record.status != "merged" and at_hand != record.branch_name


def _tell_off_branch(sight: Sight, record: SliceRecord, worktree: Worktree) -> Trouble:
    switch = f"git -C {shlex.quote(record.worktree_path)} switch {record.branch_name}"
    user = find_other_user(sight.places, record)
    if user is not None:
        return _tell_used(record, user, switch)
    at_hand = repr(worktree.branch) if worktree.branch else "a detached HEAD"
    return Trouble(
        finding=Finding(
            check="off-branch",
            thing=record.slice_id,
            problem=f"its worktree is on {at_hand}, not on its branch",
            why="commits made there are not the slice's, and are not merged",
            hint=switch,
        )
    )


def _tell_used(record: SliceRecord, user: Path, then: str) -> Trouble:
    return Trouble(
        finding=Finding(
            check="branch-elsewhere",
            thing=record.slice_id,
            problem=f"its branch is checked out at {str(user)!r}",
            why="git gives a branch to one worktree only, so the slice's own cannot have it",
            hint=f"switch to another branch there, then: {then}",
        )
    )


def _tell_cut_off(sight: Sight, record: SliceRecord) -> Trouble:
    path = Path(record.worktree_path)
    finding = Finding(
        check="broken-link",
        thing=record.slice_id,
        problem=f"the link from {record.worktree_path!r} to git's folder for it is broken",
        why="git fails in the worktree: what is in it can be neither seen nor committed",
        fix="run git worktree repair",
    )
    return Trouble(finding=finding, mend=partial(repair_worktree, sight.workspace.repo, path))


def _tell_moved(sight: Sight, record: SliceRecord, path: Path) -> Trouble:
    finding = Finding(
        check="moved-worktree",
        thing=record.slice_id,
        problem=f"its worktree is at {str(path)!r}, not at {record.worktree_path!r}",
        why="gitslices takes it for deleted, and cannot say whether it has changes",
        fix="run git worktree repair there, and note the new place",
    )
    return Trouble(finding=finding, mend=partial(_note_move, sight, record, path))


def _tell_lost_branch(sight: Sight, record: SliceRecord) -> Trouble:
    admin = sight.places.admins.get(record.worktree_path)
    commit = (admin and find_last_commit(sight.workspace.repo, admin)) or record.base_commit
    finding = Finding(
        check="lost-branch",
        thing=record.slice_id,
        problem=f"branch {record.branch_name!r} is gone, its worktree is not",
        why="the next commit there would start a history of its own",
        fix=f"make the branch at {commit[:10]}, where the worktree had it last",
    )
    return Trouble(finding=finding, mend=partial(_make_branch, sight, record, commit))


def _tell_deleted(sight: Sight, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="lost-worktree",
        thing=record.slice_id,
        problem=f"worktree {record.worktree_path!r} is gone, its branch is not",
        why="nobody can work on the slice",
        fix="make the worktree again from the branch",
        hint="or, if it is not wanted: "
        + suggest("remove", record.slice_id, goal_id=record.goal_id),
    )
    return Trouble(finding=finding, mend=partial(_make_again, sight, record))


def _tell_gone(sight: Sight, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="lost-slice",
        thing=record.slice_id,
        problem="both its branch and its worktree are gone",
        why=f"gitslices takes it for {record.status}, and slices that wait for it wait for ever",
        fix="forget it; gitslices plan --apply makes it anew",
    )
    return Trouble(finding=finding, mend=partial(_forget, sight, record))


def _tell_estranged(record: SliceRecord) -> Trouble:
    return Trouble(
        finding=Finding(
            check="estranged-folder",
            thing=record.worktree_path,
            problem=f"the worktree of {record.slice_id!r} should be there, and is not what is",
            why="git does not know the folder, so no change in it is seen",
            hint="move it away, run gitslices doctor --fix, then copy what is wanted back",
        )
    )


def _note_move(sight: Sight, record: SliceRecord, path: Path) -> None:
    repair_worktree(sight.workspace.repo, path)
    _write(sight, structs.replace(record, worktree_path=str(path)), "moved")


def _make_branch(sight: Sight, record: SliceRecord, commit: Oid) -> None:
    update = RefUpdate(ref=HEADS + record.branch_name, new=commit)
    with recover_and_lock(sight.workspace, sight.store):
        update_refs(sight.workspace.repo, [update], reason="gitslices: doctor")


def _make_again(sight: Sight, record: SliceRecord) -> None:
    restore_worktree(sight.workspace, sight.store, record)
    sight.store.write_events([_make_event(sight, record, "repaired")])


def _forget(sight: Sight, record: SliceRecord) -> None:
    with recover_and_lock(sight.workspace, sight.store), sight.store.transaction():
        sight.store.delete_slice(record)
        sight.store.write_events([_make_event(sight, record, "forgotten")])


def _write(sight: Sight, record: SliceRecord, event: str) -> None:
    with recover_and_lock(sight.workspace, sight.store), sight.store.transaction():
        sight.store.write_slices([record])
        sight.store.write_events([_make_event(sight, record, event)])


def _make_event(sight: Sight, record: SliceRecord, event: str) -> Event:
    return Event(
        at=sight.workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event=event,
        detail={"branch": record.branch_name, "worktree": record.worktree_path},
    )
