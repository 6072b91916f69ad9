"""Where the worktrees of slices are: in their place, elsewhere, or gone."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.model import BranchName
from gitslices.git.follow import find_rebased
from gitslices.git.links import (
    Link,
    check_link,
    find_admin_folder,
    find_linked_worktree,
    read_admin_folders,
)
from gitslices.git.worktrees import Worktree, read_worktrees
from gitslices.slices.marks import Mark, read_marked_worktrees
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
        link = check_link(path, common_dir)
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


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Every worktree of a repository, by path, and where slices and branches are.

    `admins` are git's folders for linked worktrees. `users` have a branch checked out, or will have
    when a rebase ends. `strays` are folders that git may not know of, by the folder of git's that
    is theirs.
    """

    common_dir: Path
    worktrees: Mapping[str, Worktree]
    admins: Mapping[str, Path]
    marked: Mapping[Mark, Path]
    users: Mapping[BranchName, tuple[Path, ...]]
    strays: Mapping[Path, Path]


def look_for_worktrees(workspace: Workspace, records: Sequence[SliceRecord]) -> Whereabouts:
    """The worktrees there are; strays are looked for only where one of `records` lacks its own."""
    common_dir = workspace.repo.common_dir
    worktrees = read_worktrees(workspace.repo)
    present = {str(one.path) for one in worktrees if not one.missing}
    lost = [Path(one.worktree_path) for one in records if one.worktree_path not in present]
    return Whereabouts(
        common_dir=common_dir,
        worktrees={str(one.path): one for one in worktrees},
        admins=read_admin_folders(common_dir),
        marked=read_marked_worktrees(common_dir),
        users=_find_users(workspace, worktrees),
        strays=_find_strays(workspace, {path.parent for path in lost}) if lost else {},
    )


def find_link(places: Whereabouts, record: SliceRecord) -> Link:
    """How what is at the path of a slice's worktree is tied to git's folder for it.

    The link is broken, too, where it leads to git's folder for another worktree.
    """
    path = Path(record.worktree_path)
    link = check_link(path, places.common_dir)
    admin, led_to = places.admins.get(record.worktree_path), find_admin_folder(path)
    if admin is None or led_to is None:
        return "gone" if link == "gone" else "foreign"
    if link == "whole" and led_to.resolve() != admin.resolve():
        return "broken"
    return link


def find_moved(places: Whereabouts, record: SliceRecord) -> Path | None:
    """Where the worktree of a slice is now: where git knows, or else in a folder nearby."""
    known = places.worktrees.get(record.worktree_path)
    if known is not None and not known.missing:
        return None
    marked = places.marked.get(make_mark(record))
    if marked is not None:
        return marked
    admin = places.admins.get(record.worktree_path)
    return places.strays.get(admin.resolve()) if admin else None


def find_all_moved(
    workspace: Workspace, records: Sequence[SliceRecord], present: Collection[str]
) -> dict[str, str]:
    """Where the worktrees of those slices are whose path is not `present`, by that path."""
    lost = [one for one in records if one.status != "removed" and one.worktree_path not in present]
    places = look_for_worktrees(workspace, lost) if lost else None
    found = {one.worktree_path: find_moved(places, one) for one in lost} if places else {}
    return {path: str(moved) for path, moved in found.items() if moved}


def is_cut_off(workspace: Workspace, record: SliceRecord) -> bool:
    """Whether the worktree of a slice is in its place, and its link to git is broken."""
    path = Path(record.worktree_path)
    return check_link(path, workspace.repo.common_dir) == "broken"


def find_other_user(places: Whereabouts, record: SliceRecord) -> Path | None:
    """A worktree not the slice's own that has its branch checked out."""
    own = {Path(record.worktree_path), find_moved(places, record)}
    users = places.users.get(record.branch_name, ())
    return next((path for path in users if path not in own), None)


def _find_users(
    workspace: Workspace, worktrees: Iterable[Worktree]
) -> dict[BranchName, tuple[Path, ...]]:
    found: dict[BranchName, tuple[Path, ...]] = {}
    for place, worktree in enumerate(worktrees):
        # Of a submodule, or beside a separate git directory, git names a folder within itself.
        path = worktree.path if place else workspace.main_worktree or worktree.path
        branch = worktree.branch or find_rebased(path)
        if branch is not None and not worktree.missing:
            found[branch] = (*found.get(branch, ()), path)
    return found


def _find_strays(workspace: Workspace, parents: set[Path]) -> dict[Path, Path]:
    """Folders in `parents`, or where worktrees are made now, that lead to a folder of git's.

    Where repository and worktrees were moved together, a link names the old place of git's folder,
    and the worktree is still called what that folder says.
    """
    with suppress(InputError):
        parents = {*parents, workspace.worktree_root}
    admins = workspace.repo.common_dir.resolve() / "worktrees"
    strays: dict[Path, Path] = {}
    for folder in sorted(entry for parent in parents for entry in _list_folders(parent)):
        link = find_admin_folder(folder)
        if link is not None and link.is_dir():
            strays.setdefault(link.resolve(), folder)
        elif link is not None and _is_called(folder, admins / link.name):
            strays.setdefault(admins / link.name, folder)
    return strays


def _is_called(folder: Path, admin: Path) -> bool:
    worktree = find_linked_worktree(admin)
    return worktree is not None and worktree.name == folder.name


def _list_folders(parent: Path) -> list[Path]:
    with suppress(OSError):
        return [entry for entry in parent.iterdir() if not entry.is_symlink()]
    return []
