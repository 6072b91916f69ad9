"""Which ignored files are no loss, decided before the lock is taken.

An ignored path is *disposable* where tools make it again, where gitslices has put it, or where the
user says so in `gitslices.disposable`. One that is not, and that the main worktree has not alike,
is *precious*: it is nowhere else, git keeps nothing of it, and so it holds its slice from removal.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from gitslices.core.errors import GitError
from gitslices.git.ignored import list_placed
from gitslices.git.links import check_link
from gitslices.git.read import read_values
from gitslices.git.uncommitted import read_leftovers
from gitslices.rules.removal import DISPOSABLE
from gitslices.scopes.language.ignore import IgnoreRules, read_ignore_lines
from gitslices.state.store import SliceRecord
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
