"""Whether slices stand where they should, by git's files alone: no git is started."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.git.marks import Mark, read_marked_worktrees
from gitslices.git.worktrees import Link, judge_link
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace

_FAULTS: Final[Mapping[Link, str]] = {
    "broken": "broken link",
    "foreign": "not its worktree",
    "gone": "no worktree",
}


class Footing(Struct, frozen=True, kw_only=True):
    """Where the worktree of a slice is, and how what is in its place is tied to git."""

    worktree: Path
    moved: bool
    link: Link


Finder = Callable[[SliceRecord], Footing]


def make_finder(workspace: Workspace) -> Finder:
    """What says how a slice stands: in its place, or where its worktree was moved to.

    The marks of all worktrees are read only where one is not in its place. A folder that was moved
    without git is not found.
    """
    common_dir = workspace.repo.common_dir
    read_marked = cache(partial(read_marked_worktrees, common_dir))

    def find(record: SliceRecord) -> Footing:
        path = Path(record.worktree_path)
        link = judge_link(path, common_dir)
        astray = link in {"foreign", "gone"}
        found = read_marked().get(make_mark(record), path) if astray else path
        return Footing(worktree=found, moved=found != path, link=link)

    return find


def describe_fault(record: SliceRecord, footing: Footing, *, has_branch: bool) -> str | None:
    """What is wrong with where a slice stands, in a word or two; None where all is well."""
    if not has_branch and footing.link == "gone" and record.status == "merged":
        return None  # it may go
    faults = [] if has_branch else ["no branch"]
    if footing.moved:
        faults.append("moved")
    elif footing.link != "whole":
        faults.append(_FAULTS[footing.link])
    return ", ".join(faults) or None


def make_mark(record: SliceRecord) -> Mark:
    """What git's folder for the worktree of a slice says of it."""
    return Mark(goal_id=record.goal_id, slice_id=record.slice_id)
