"""Move branches, and the worktrees that have them checked out, as one journaled change."""

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, GitslicesError
from gitslices.core.model import Oid
from gitslices.git.follow import (
    LockedWorktree,
    find_git_dir,
    move_files,
    move_files_back,
    restore_files,
)
from gitslices.git.index import (
    COPY,
    describe_index_lock,
    drop_copy,
    find_index_lock,
    hold_index,
    publish_copy,
    release_index,
)
from gitslices.git.read import HEADS, is_ancestor, read_head_branch, read_tips
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repair import clear_shared_locks
from gitslices.git.repository import Repository
from gitslices.merging.branch_worktrees import find_branch_worktrees
from gitslices.merging.recheck import are_as_recorded
from gitslices.state.journal import (
    BranchMove,
    MoveIntent,
    clear_intent,
    find_intent_file,
    read_lock_origin,
    write_intent,
)
from gitslices.state.landings import record_changes
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class StuckMove(Struct, frozen=True):
    """A move that was not begun or was taken back, and why.

    `busy` where a git is at work in one of its worktrees: it may go later.
    """

    move: BranchMove
    complaint: str
    busy: bool = False


class Moved(Struct, frozen=True):
    """The moves were carried out, but for those that are `stuck`."""

    stuck: tuple[StuckMove, ...] = ()


class Outdated(Struct, frozen=True):
    """Nothing has moved: what the moves rest on is not so any more."""


def move_branches(
    workspace: Workspace,
    store: Store,
    moves: Sequence[BranchMove],
    expected: Sequence[SliceRecord],
) -> Moved | Outdated:
    """Carry out `moves` under their journal, if the store has `expected`: slices that they change.

    The caller holds the topology lock. Each move is done whole, or not at all and then named.
    Raises `GitslicesError` when git or the disk fails, or a branch is not where its move starts:
    then everything is as it was.
    """
    busy = _find_busy(moves)
    # A kill would leave moves in the journal that nobody can complete while a git is at work there.
    going = [move for move in moves if all(move is not one.move for one in busy)]
    if not going:
        return Moved(busy)
    # First of all: index locks are links to this file, and a claim that sees it leaves its
    # slices alone.
    write_intent(workspace.state_folder, MoveIntent(moves=tuple(going)))
    begun: Sequence[BranchMove] = ()
    try:
        if not _are_still_recorded(store, expected) or not _hold_all_indexes(workspace, going):
            _close_journal(workspace, going)
            return Outdated()
        # Not before: where an index is not locked by this process, nothing may be taken back.
        begun = going
        stuck = _move_files_then_branches(workspace, store, going)
    except GitslicesError:
        for move in begun:
            _take_move_back(workspace.repo, move)
        _close_journal(workspace, going)
        raise
    _close_journal(workspace, going)
    return Moved((*busy, *stuck))


def _find_busy(moves: Sequence[BranchMove]) -> tuple[StuckMove, ...]:
    locks = ((move, find_index_lock(_list_git_dirs([move]))) for move in moves)
    return tuple(
        StuckMove(move, describe_index_lock(lock), busy=True) for move, lock in locks if lock
    )


def _are_still_recorded(store: Store, expected: Sequence[SliceRecord]) -> bool:
    """Whether the slices are as they were when the intent named them.

    A claim takes the store's lock only, and looks whether an intent names its slice before it
    writes. So it is either seen here, which waits for the same lock, or it has seen the intent.
    """
    with store.transaction():
        return are_as_recorded(store, expected)


def resume_moves(workspace: Workspace, store: Store, intent: MoveIntent) -> None:
    """Complete what a killed process began; doing it twice does nothing.

    A branch that somebody has moved on meanwhile is left where it is, and so is a worktree that
    somebody has switched to another branch.
    """
    repo = workspace.repo
    # First: a lock that a killed git left on a branch would keep it from moving ever again.
    _clear_locks(workspace, intent.moves)
    branches = [move.branch for move in intent.moves]
    # Where the branches are at hand now: worktrees can have been switched or moved since.
    places = find_branch_worktrees(workspace, branches)
    moves = [
        structs.replace(move, worktrees=tuple(map(str, places.get(move.branch, ()))))
        for move in intent.moves
    ]
    tips = read_tips(repo, branches)
    _hold_indexes(workspace, [one for one in moves if tips.get(one.branch) in (one.old, one.new)])
    # Once more: until the indexes were locked, a commit could still move a branch on.
    tips = read_tips(repo, branches)
    begun = [move for move in moves if tips.get(move.branch) == move.old]
    at_end = [move for move in moves if tips.get(move.branch) == move.new]
    beyond = [move for move in moves if _is_beyond(repo, move, tips.get(move.branch))]
    # How far git had come in a copy nobody can tell: it is made again from the index.
    for git_dir in _list_git_dirs([*intent.moves, *moves]):
        drop_copy(git_dir)
    # A git that was killed leaves files half written. To the next one they would be edits of the
    # user, which it refuses to overwrite.
    for move in (*begun, *at_end):
        for locked in _list_following(repo, move):
            restore_files(repo, locked, move.old, move.new)
    _move_files_then_branches(workspace, store, [*begun, *at_end], arrived=at_end)
    # They had moved before somebody went on from there: their slices have landed all the same.
    _record_moves(store, beyond)
    _close_journal(workspace, [*intent.moves, *moves])


def _hold_indexes(workspace: Workspace, moves: Sequence[BranchMove]) -> None:
    """Lock the index of every worktree that may follow, before anything moves.

    A commit made between branch and files would have the new parent and the old files: it would
    revert what has just been merged.
    """
    for git_dir in _list_git_dirs(moves):
        hold_index(git_dir, find_intent_file(workspace.state_folder))


def _hold_all_indexes(workspace: Workspace, moves: Sequence[BranchMove]) -> bool:
    """Lock the indexes; tell of a git that has begun to work since none was found at work."""
    try:
        _hold_indexes(workspace, moves)
    except BusyError:
        return False
    return True


def _close_journal(workspace: Workspace, moves: Sequence[BranchMove]) -> None:
    for git_dir in _list_git_dirs(moves):
        release_index(git_dir, find_intent_file(workspace.state_folder))
    # git says nothing of a lock file that it could not remove
    _clear_locks(workspace, moves)
    # Last: it alone tells whose the index locks are.
    clear_intent(workspace.state_folder)


def _clear_locks(workspace: Workspace, moves: Sequence[BranchMove]) -> None:
    common = workspace.repo.common_dir
    # git locks the copy of an index as it does an index: a kill leaves that lock, too.
    names = [os.path.relpath(folder / COPY, common) for folder in _list_git_dirs(moves)]
    names += [HEADS + move.branch for move in moves]
    clear_shared_locks(common, names, origin=read_lock_origin(workspace.state_folder))


def _move_files_then_branches(
    workspace: Workspace,
    store: Store,
    moves: Sequence[BranchMove],
    *,
    arrived: Sequence[BranchMove] = (),
) -> tuple[StuckMove, ...]:
    """Move files, then branches, then indexes, which are locked; of `arrived` the branch has moved.

    Files come first because they are what may refuse, or take long: a branch that has moved stays
    so, and where a kill leaves it behind, HEAD still fits the index. Between the two there are only
    renames.
    """
    repo = workspace.repo
    stuck = tuple(one for move in moves if (one := _move_worktrees(repo, move)))
    failed = {one.move.branch for one in stuck}
    going = [move for move in moves if move.branch not in failed]
    # One transaction: where one branch has gone on, none moves. A kill may leave some of them moved
    # even so (git 2.39); the journal is for that.
    _move_refs(repo, [move for move in going if move not in arrived])
    # Last, while the lock still keeps every git out: an index behind its branch shows what has come
    # as staged to be reverted, one ahead of it as staged to be made again.
    for git_dir in _list_git_dirs(going):
        publish_copy(git_dir)
    _record_moves(store, going)
    return stuck


def _move_refs(repo: Repository, moves: Sequence[BranchMove]) -> None:
    updates = [RefUpdate(ref=HEADS + one.branch, old=one.old, new=one.new) for one in moves]
    update_refs(repo, updates, reason="gitslices: move")


def _move_worktrees(repo: Repository, move: BranchMove) -> StuckMove | None:
    for locked in _list_following(repo, move):
        complaint = move_files(repo, locked, move.old, move.new)
        if complaint is not None:
            _take_move_back(repo, move)
            # Those that had followed have gone back with it: one branch, one state of files.
            return StuckMove(move, complaint)
    return None


def _take_move_back(repo: Repository, move: BranchMove) -> None:
    """Bring the branch and its worktrees back to where the move began."""
    tip = read_tips(repo, [move.branch]).get(move.branch)
    # Somebody has built on it: taken back, the branch would lose their commits.
    if _is_beyond(repo, move, tip):
        return
    places = _list_following(repo, move)
    for locked in places:
        move_files_back(repo, locked, move.old, move.new)
    # By its old value, so that a commit made meanwhile is not lost with it.
    if tip == move.new:
        back = RefUpdate(ref=HEADS + move.branch, old=move.new, new=move.old)
        update_refs(repo, [back], reason="gitslices: undo")
    for locked in places:
        publish_copy(locked.git_dir)


def _is_beyond(repo: Repository, move: BranchMove, tip: Oid | None) -> bool:
    """Whether somebody has moved the branch on from where the move ends."""
    return tip not in (None, move.old, move.new) and is_ancestor(repo, move.new, tip)


def _list_git_dirs(moves: Sequence[BranchMove]) -> list[Path]:
    paths = dict.fromkeys(Path(path) for move in moves for path in move.worktrees)
    return [folder for path in paths if (folder := find_git_dir(path))]


def _list_following(repo: Repository, move: BranchMove) -> list[LockedWorktree]:
    """Those of its worktrees that still have the branch at hand."""
    folders = {path: find_git_dir(path) for path in map(Path, move.worktrees)}
    return [
        LockedWorktree(path, folder)
        for path, folder in folders.items()
        # One that was switched has the files of another branch: they must not be touched.
        if folder and read_head_branch(repo, folder) == move.branch
    ]


def _record_moves(store: Store, moves: Sequence[BranchMove]) -> None:
    with store.transaction():
        record_changes(store, [change for move in moves for change in move.changes])
