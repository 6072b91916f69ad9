"""Slices that might be taken away, as git and the store have them now.

An ignored path is *disposable* where tools make it again, where gitslices has put it, or where the
user says so in `gitslices.disposable`. One that is not, and that the main worktree has not alike,
is *precious*: it is nowhere else, git keeps nothing of it, and so it holds its slice from removal.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import GitError
from gitslices.core.model import Oid
from gitslices.git.compare import read_tree_changes
from gitslices.git.ignored import list_placed
from gitslices.git.links import check_link
from gitslices.git.read import count_unreferenced, read_values
from gitslices.git.submodules import count_unpushed_inside
from gitslices.git.uncommitted import Leftovers, count_unpushed, find_hidden_changes, read_leftovers
from gitslices.git.worktrees import LOCK_REASON
from gitslices.rules.progress import Progress
from gitslices.rules.removal import DISPOSABLE, Retirable
from gitslices.rules.worktree_faults import (
    HIDES_WORK,
    Fault,
    explain_failure,
    find_bar,
    find_faults,
)
from gitslices.scopes.language.ignore import IgnoreRules, read_ignore_lines
from gitslices.slices.looks import look_at_each
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import SliceRecord
from gitslices.system.folders import is_copied
from gitslices.workspace import Workspace

SETTING = "gitslices.disposable"

IsDisposable = Callable[[str], bool]


def find_disposable(workspace: Workspace, records: Sequence[SliceRecord]) -> IsDisposable:
    """The test whether an ignored path may go: made again by tools, or ours, or named by the user.

    To be had before the lock, and good for all that `records` have now: a user's pattern never runs
    inside the lock. What comes to be after that, no user's pattern covers.
    """
    ours = [*DISPOSABLE, *(f"/{path}" for path in list_placed(workspace.repo.common_dir))]
    configured = read_values(workspace.repo, SETTING)
    rules = read_ignore_lines([*ours, *configured])
    if not configured:
        # Our own patterns are known to be quick: they may be matched under the lock.
        return rules.covers
    seen = {path for record in records for path in _list_ignored(workspace, record)}
    return frozenset(filter(rules.covers, seen)).__contains__


def read_configured_rules(workspace: Workspace) -> IgnoreRules:
    """What the user's setting says, and what of it does not count."""
    return read_ignore_lines(read_values(workspace.repo, SETTING))


def _list_ignored(workspace: Workspace, record: SliceRecord) -> tuple[str, ...]:
    path = Path(record.worktree_path)
    if check_link(path, workspace.repo.common_dir) != "whole":
        return ()
    try:
        return read_leftovers(workspace.repo, path).ignored
    except GitError:
        return ()  # whoever looks under the lock says what is wrong with it


class Candidate(Struct, frozen=True, kw_only=True):
    """A slice that might be taken away, and what speaks for and against it.

    `head` is the commit of a detached HEAD, `admin` git's folder for the worktree.
    """

    record: SliceRecord
    tip: Oid | None
    head: Oid | None
    admin: Path | None
    facts: Retirable


def find_candidates(
    snapshot: Snapshot, records: Sequence[SliceRecord], is_disposable: IsDisposable
) -> tuple[Candidate, ...]:
    """What git and the store say of each of `records` now.

    `is_disposable` tells of an ignored path that it is no loss.
    """
    # Read once for all of them, before several are looked at side by side.
    _ = snapshot.counts, snapshot.worktrees.listed
    looked = look_at_each(snapshot, partial(_look_at, snapshot, is_disposable), records)
    return tuple(looked.values())


def _look_at(snapshot: Snapshot, is_disposable: IsDisposable, record: SliceRecord) -> Candidate:
    repo = snapshot.workspace.repo
    worktree = snapshot.worktrees.listed.get(record.worktree_path)
    faults, left, hidden = _read_left(snapshot, record)
    admin = snapshot.worktrees.find_admin(record)
    # A branch keeps its commits; those of a detached HEAD go with the worktree.
    head = worktree.head if worktree and worktree.branch is None else None
    locked = worktree.locked if worktree else None
    progress = snapshot.find_committed_progress(record)
    facts = Retirable(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        changed=(*left.changed, *hidden),
        ignored=_find_precious(snapshot, is_disposable, record, left.ignored),
        ahead=_count_ahead(snapshot, record, progress),
        detached=count_unreferenced(repo, head) if head else 0,
        unpushed={
            **(count_unpushed(repo, admin) if admin else {}),
            **_count_inside(snapshot, record),
        },
        progress=progress,
        # A lock of our own, left by a kill, is nobody's wish to keep it.
        locked=None if locked is None or locked.startswith(LOCK_REASON) else locked,
        busy=bool(record.filling_operation),
        claimed=record.status == "claimed",
        faults=faults,
    )
    return Candidate(
        record=record, tip=snapshot.find_tip(record), head=head, admin=admin, facts=facts
    )


def _count_inside(snapshot: Snapshot, record: SliceRecord) -> Mapping[str, int]:
    """Commits of repositories that were made inside the slice, and that nobody else has."""
    repo, tip = snapshot.workspace.repo, snapshot.find_tip(record)
    # A repository inside becomes a link in a commit: without own commits there is none.
    if tip is None or tip == record.base_commit:
        return {}
    changes = read_tree_changes(repo, record.base_commit, tip)
    links = [one.path for one in changes if one.is_submodule]
    return count_unpushed_inside(repo, Path(record.worktree_path), links) if links else {}


def _find_precious(
    snapshot: Snapshot, is_disposable: IsDisposable, record: SliceRecord, ignored: Sequence[str]
) -> tuple[str, ...]:
    """Those of the ignored paths that are precious, as `removal.disposable` has it."""
    worktree, main = Path(record.worktree_path), snapshot.workspace.main_worktree
    kept = (path for path in ignored if not is_disposable(path))
    return tuple(
        path for path in kept if main is None or not is_copied(worktree / path, main / path)
    )


def _count_ahead(snapshot: Snapshot, record: SliceRecord, progress: Progress) -> int:
    """How many commits the target lacks; one that was squashed or rebased into it lacks none."""
    tip, landing = snapshot.find_tip(record), snapshot.landings.get(record.slice_id)
    if tip is None:
        return 0
    if snapshot.target is None:
        # Nobody can count against no target: any commit then speaks for keeping the slice.
        return 0 if progress == "untouched" else 1
    # Squashed or rebased, its commits are not in the target: the landing tells, as long as the
    # branch has not gone on.
    as_merged = landing is not None and landing.tip == tip
    if as_merged and record.slice_id not in snapshot.taken_back:
        return 0
    return snapshot.count_ahead(record)


def _read_left(
    snapshot: Snapshot, record: SliceRecord
) -> tuple[tuple[Fault, ...], Leftovers, tuple[str, ...]]:
    """What is wrong with a worktree, what it has besides its commit, and edits hidden from git."""
    repo, path = snapshot.workspace.repo, Path(record.worktree_path)
    facts = snapshot.read_facts(record)
    faults = find_faults(facts)
    # Without its link git would answer for a repository above.
    if record.filling_operation or facts.link != "whole" or find_bar(faults, HIDES_WORK):
        return faults, Leftovers(), ()
    try:
        left = read_leftovers(repo, path)
        admin = snapshot.worktrees.find_admin(record)
        # `git status` is silent on files marked assume-unchanged or skip-worktree.
        hidden = (
            find_hidden_changes(repo, path, admin / "index", commit=record.base_commit)
            if admin
            else ()
        )
    except GitError as error:
        return (*faults, explain_failure(facts, error)), Leftovers(), ()
    return faults, left, hidden
