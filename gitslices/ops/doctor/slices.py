"""What the store says of slices, their branches and worktrees, against what git has."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from gitslices.core.errors import InputError, suggest
from gitslices.core.model import GONE
from gitslices.git.links import check_link
from gitslices.git.repair import (
    find_pruned_admin,
)
from gitslices.git.worktrees import find_last_commit, is_held, is_locked, repair_worktree
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.repairs import (
    Examined,
    forget_slice,
    make_branch,
    make_worktree,
    mend_damage,
    note_move,
    renew_registration,
)
from gitslices.rules.worktree_faults import (
    Fault,
    WorktreeFacts,
    WorktreeFault,
    describe_fault,
)
from gitslices.slices.claims import free_slice, hold_slice
from gitslices.slices.location import WorktreeMap
from gitslices.slices.marks import read_marked_worktrees
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.leases import find_open_lease
from gitslices.state.store import STORE_NAME, SliceRecord, Store
from gitslices.workspace import Workspace


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


def find_strange_branches(examined: Examined) -> Iterator[Trouble]:
    """Branches under our prefix that no slice has."""
    own = {record.branch_name for record in examined.records}
    try:
        prefix = f"{examined.workspace.prefix}/"
    except InputError:
        return  # a finding of its own
    own_worktrees = set(examined.worktrees.marked.values())
    for branch in examined.branches:
        if not branch.startswith(prefix) or branch in own:
            continue
        keep = f"keep it elsewhere: git branch -m {shlex.quote(branch)} NEW-NAME"
        is_lost = not own_worktrees.isdisjoint(examined.worktrees.users.get(branch, ()))
        yield Trouble(
            finding=Finding(
                check="unknown-branch",
                thing=branch,
                problem="it is named like a slice's branch, and no slice has it",
                why="a slice of that name could not be made",
                hint=f"take its slice over: gitslices plan --apply; or {keep}" if is_lost else keep,
            )
        )


def find_wrong_holds(examined: Examined) -> Iterator[Trouble]:
    """Claimed slices that plain `git worktree remove` would take, and others that it could not."""
    for record in examined.records:
        admin = examined.worktrees.find_admin(record)
        if admin is None or check_link(Path(record.worktree_path), _common(examined)) != "whole":
            continue
        lease = find_open_lease(examined.store, record.goal_id, record.slice_id)
        if lease is not None and not is_locked(admin):
            yield _tell_hold(
                record,
                problem="it is claimed, and git may remove its worktree",
                why="git worktree remove would take away what somebody is working on",
                fix="lock the worktree for git, as a claim does",
                mend=partial(hold_slice, examined.workspace, record),
            )
        elif lease is None and is_held(admin):
            yield _tell_hold(
                record,
                problem="nobody has claimed it, and its worktree is locked as if somebody had",
                why="git worktree remove and move refuse",
                fix="unlock it",
                mend=partial(
                    free_slice, examined.workspace, examined.store, record.goal_id, record.slice_id
                ),
            )


def _common(examined: Examined) -> Path:
    return examined.workspace.repo.common_dir


def _tell_hold(
    record: SliceRecord, *, problem: str, why: str, fix: str, mend: Callable[[], object]
) -> Trouble:
    finding = Finding(
        check="claim-lock", thing=f"slice {record.slice_id}", problem=problem, why=why, fix=fix
    )
    return Trouble(finding=finding, mend=mend)


def find_deleted_folders(workspace: Workspace, store: Store) -> Iterator[Trouble]:
    """Folders of worktrees that are not there, and are on no disk that is known to be away.

    Once they are made, empty, what was in them counts as deleted, too.
    """
    worktrees = WorktreeMap(workspace)
    paths = (Path(one.worktree_path) for one in store.read_slices() if one.status not in GONE)
    away = (worktrees.find_away(path) for path in paths if not path.exists())
    for folder in sorted({one.folder for one in away if one and not one.was_mounted}):
        finding = Finding(
            check="deleted-folder",
            thing=folder,
            problem="the folder that worktrees are in is not there, and was deleted",
            why="while it may be away, nothing is made anew",
            fix="make it, empty",
        )
        yield Trouble(finding=finding, mend=partial(os.makedirs, folder, exist_ok=True))


_Report = Callable[[Examined, WorktreeFacts, SliceRecord], Trouble]


def find_faulty_slices(examined: Examined) -> Iterator[Trouble]:
    """Slices whose branch or worktree is not as the store has it: of each the gravest fault."""
    for snapshot in examined.snapshots:
        for record in snapshot.records.values():
            faults = snapshot.find_faults(record)
            if faults:
                facts = snapshot.read_facts(record)
                yield _REPORTS[faults[0].kind](examined, facts, record)


def _tell_away(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    problem = describe_fault(WorktreeFault.AWAY, facts).problem
    drop = suggest("remove", record.slice_id, "--force", goal_id=record.goal_id)
    return Trouble(
        finding=Finding(
            check="away-worktree",
            thing=record.slice_id,
            problem=problem.message,
            why="what is uncommitted there cannot be seen, and made anew it would be given up",
            hint=f"{problem.hint}; or, if it is lost for good: {drop}",
        )
    )


def _tell_lost(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="lost-slice",
        thing=record.slice_id,
        problem="both its branch and its worktree are gone",
        why=f"gitslices takes it for {record.status}, and slices that wait for it wait for ever",
        fix="forget it; gitslices plan --apply makes it anew",
    )
    return Trouble(finding=finding, mend=partial(forget_slice, examined, record))


def _tell_moved(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="moved-worktree",
        thing=record.slice_id,
        problem=f"its worktree is at {facts.moved_to!r}, not at {record.worktree_path!r}",
        why="gitslices takes it for deleted, and cannot say whether it has changes",
        fix="run git worktree repair there, and note the new place",
    )
    return Trouble(finding=finding, mend=partial(note_move, examined, record, Path(facts.place)))


def _tell_foreign(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    repo, path = examined.workspace.repo, Path(record.worktree_path)
    if facts.has_branch and not facts.used_at and find_pruned_admin(path, repo.common_dir):
        finding = Finding(
            check="pruned-worktree",
            thing=record.slice_id,
            problem=f"git does not know {record.worktree_path!r} any more: it was pruned while it "
            "was away",
            why="git fails in the worktree: what is in it can be neither seen nor committed",
            fix="register it again on its branch; no file is touched, what was staged is not "
            "staged any more",
        )
        return Trouble(finding=finding, mend=partial(renew_registration, examined, record))
    return Trouble(
        finding=Finding(
            check="estranged-folder",
            thing=record.worktree_path,
            problem=f"the worktree of {record.slice_id!r} should be there, and is not what is",
            why="git does not know the folder, so no change in it is seen",
            hint="move it away, run gitslices doctor --fix, then copy what is wanted back",
        )
    )


def _tell_broken_link(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="broken-link",
        thing=record.slice_id,
        problem=f"the link from {record.worktree_path!r} to git's folder for it is broken",
        why="git fails in the worktree: what is in it can be neither seen nor committed",
        fix="run git worktree repair",
    )
    repair = partial(repair_worktree, examined.workspace.repo, Path(record.worktree_path))
    return Trouble(finding=finding, mend=repair)


def _tell_damaged(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="damaged-worktree",
        thing=record.slice_id,
        problem=describe_fault(WorktreeFault.DAMAGED, facts).problem.message,
        why="git fails in the worktree: what is in it can be neither seen nor committed",
        fix="write what git would; no file of the worktree is touched, what was staged is not "
        "staged any more",
    )
    return Trouble(finding=finding, mend=partial(mend_damage, examined, facts, record))


def _tell_used(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    then = "gitslices doctor --fix" if facts.link == "gone" else facts.switch_back
    return Trouble(
        finding=Finding(
            check="branch-elsewhere",
            thing=record.slice_id,
            problem=f"its branch is checked out at {facts.used_at!r}",
            why="git gives a branch to one worktree only, so the slice's own cannot have it",
            hint=f"switch to another branch there, then: {then}",
        )
    )


def _tell_lost_branch(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    admin = examined.worktrees.find_admin(record)
    # The log of its HEAD outlives the branch, whose own log git deletes with it.
    commit = (admin and find_last_commit(examined.workspace.repo, admin)) or record.base_commit
    finding = Finding(
        check="lost-branch",
        thing=record.slice_id,
        problem=f"branch {record.branch_name!r} is gone, its worktree is not",
        why="the next commit there would start a history of its own",
        fix=f"make the branch at {commit[:10]}, where the worktree had it last",
    )
    return Trouble(finding=finding, mend=partial(make_branch, examined, record, commit))


def _tell_lost_worktree(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    finding = Finding(
        check="lost-worktree",
        thing=record.slice_id,
        problem=f"worktree {record.worktree_path!r} is gone, its branch is not",
        why="nobody can work on the slice",
        fix="make the worktree again from the branch",
        hint="or, if it is not wanted: "
        + suggest("remove", record.slice_id, goal_id=record.goal_id),
    )
    return Trouble(finding=finding, mend=partial(make_worktree, examined, record))


def _tell_off_branch(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    kind = WorktreeFault.MIDWAY if facts.midway else WorktreeFault.OFF_BRANCH
    fault: Fault = describe_fault(kind, facts)
    return Trouble(
        finding=Finding(
            check="off-branch",
            thing=record.slice_id,
            problem=fault.problem.message,
            why="commits made there are not the slice's, and are not merged",
            hint=fault.problem.hint if facts.midway else facts.switch_back,
        )
    )


def _tell_merging(examined: Examined, facts: WorktreeFacts, record: SliceRecord) -> Trouble:
    fault = describe_fault(WorktreeFault.MERGING, facts)
    return Trouble(
        finding=Finding(
            check="merge-under-way",
            thing=record.slice_id,
            problem=fault.problem.message,
            why="the slice is neither done nor merged before that is concluded",
            hint=fault.problem.hint,
        )
    )


_REPORTS: Final[Mapping[WorktreeFault, _Report]] = {
    WorktreeFault.AWAY: _tell_away,
    WorktreeFault.LOST: _tell_lost,
    WorktreeFault.MOVED: _tell_moved,
    WorktreeFault.FOREIGN: _tell_foreign,
    WorktreeFault.BROKEN_LINK: _tell_broken_link,
    WorktreeFault.DAMAGED: _tell_damaged,
    WorktreeFault.USED: _tell_used,
    WorktreeFault.NO_BRANCH: _tell_lost_branch,
    WorktreeFault.NO_WORKTREE: _tell_lost_worktree,
    WorktreeFault.MIDWAY: _tell_off_branch,
    WorktreeFault.MERGING: _tell_merging,
    WorktreeFault.OFF_BRANCH: _tell_off_branch,
}
