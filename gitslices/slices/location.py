"""Where the worktrees of slices are, and what is wrong with them: read from files.

Files are enough for it, and cost a hundredth of what git takes for each worktree. Git is asked only
where references are kept in tables, and so no file tells which branch is at hand.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from gitslices.core.errors import GitError, InputError
from gitslices.core.lazy import lazy_property
from gitslices.core.model import BranchName, Link, Oid
from gitslices.git.follow import find_rebased
from gitslices.git.index import is_index_whole
from gitslices.git.links import (
    HeadFile,
    check_link,
    find_admin_folder,
    find_head_file,
    find_linked_worktree,
    read_admin_folders,
)
from gitslices.git.read import is_true
from gitslices.git.uncommitted import find_uncommitted
from gitslices.git.worktrees import Worktree, read_worktrees
from gitslices.rules.worktree_faults import (
    HIDES_WORK,
    Away,
    Uncommitted,
    WorktreeFacts,
    explain_failure,
    find_bar,
    find_faults,
)
from gitslices.slices.marks import Mark, find_unmounted, read_marked_worktrees
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace

_BISECT: Final = "BISECT_START"
_MERGE: Final = "MERGE_HEAD"


class WorktreeMap:
    """Every worktree of a repository, and where slices and branches are.

    Each part is read when it is first asked for, and never again.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._common_dir = workspace.repo.common_dir
        self._strays: dict[Path, Mapping[Path, Path]] = {}

    @lazy_property
    def listed(self) -> Mapping[str, Worktree]:
        """The worktrees that git lists, by path."""
        return {str(one.path): one for one in read_worktrees(self._workspace.repo)}

    @lazy_property
    def admins(self) -> Mapping[str, Path]:
        """Git's folder for each linked worktree, by the worktree's path, be it there or not."""
        return read_admin_folders(self._common_dir)

    @lazy_property
    def marked(self) -> Mapping[Mark, Path]:
        """Where the worktrees of slices are, as git's folders for them say."""
        return read_marked_worktrees(self._common_dir)

    @lazy_property
    def users(self) -> Mapping[BranchName, tuple[Path, ...]]:
        """The worktrees that have each branch checked out, or will have when a rebase ends."""
        found: dict[BranchName, tuple[Path, ...]] = {}
        for path, git_dir in self._list_git_dirs():
            # A rebase detaches HEAD, and moves the branch at its end all the same.
            branch = self._find_branch(path, git_dir) or find_rebased(path)
            if branch is not None:
                found[branch] = (*found.get(branch, ()), path)
        return found

    def read_facts(
        self, record: SliceRecord, *, has_branch: bool, has_merged: bool, alone: bool
    ) -> WorktreeFacts:
        """What files show of one slice.

        With `alone` nothing is read of other worktrees that its own does not give a reason for.
        """
        path = Path(record.worktree_path)
        link = self._find_link(path)
        # It takes a look into every folder nearby: only where nothing of the slice's is in place.
        moved_to = self._find_moved(record, path) if link in {"foreign", "gone"} else None
        place = moved_to or path
        admin = self._find_admin(place) if moved_to or link in {"whole", "broken"} else None
        head = self._find_branch(place, admin) if admin else None
        is_elsewhere = head != record.branch_name
        return WorktreeFacts(
            slice_id=record.slice_id,
            branch=record.branch_name,
            path=record.worktree_path,
            link=link,
            moved_to=str(moved_to) if moved_to else None,
            away=self.find_away(path) if link == "gone" and not moved_to else None,
            has_branch=has_branch,
            head=head,
            midway=_find_midway(place, admin, record.branch_name)
            if admin and is_elsewhere
            else None,
            is_merging=admin is not None and (admin / _MERGE).exists(),
            used_at=self._find_other_user(record, place) if is_elsewhere or not alone else None,
            # While files are being written the index can be cut short for a moment: no damage.
            damaged=tuple(_find_damaged(admin, record.base_commit))
            if admin and not record.filling_operation
            else (),
            has_merged=has_merged,
        )

    def read_uncommitted(self, facts: WorktreeFacts) -> Uncommitted:
        """What is uncommitted where the worktree of a slice is now; one git fails in is told."""
        # First by files: with a damaged index git may take every file for deleted.
        hidden = find_bar(find_faults(facts), HIDES_WORK)
        if hidden is not None:
            return Uncommitted(fault=hidden)
        try:
            return Uncommitted(paths=find_uncommitted(self._workspace.repo, Path(facts.place)))
        except GitError as error:
            return Uncommitted(fault=explain_failure(facts, error))

    def find_away(self, path: Path) -> Away | None:
        """What is missing above the place of a worktree that is not there."""
        admin = self.admins.get(str(path))
        point = find_unmounted(admin, path, self._common_dir)
        if point is not None:
            return Away(point, was_mounted=True)
        return None if path.parent.exists() else Away(str(path.parent), was_mounted=False)

    def find_away_beneath(self, root: Path, recorded: Iterable[str] = ()) -> Away | None:
        """The same for all of `recorded` and those that git knows in the folder `root`."""
        for path in map(Path, {**dict.fromkeys(recorded), **self.admins}):
            if path.parent == root and not path.exists():
                away = self.find_away(path)
                if away is not None:
                    return away
        return None

    def find_admin(self, record: SliceRecord) -> Path | None:
        """Git's folder for the worktree of a slice, be that there or not."""
        # Not from the `.git` file: whoever works in the worktree can write anything into it.
        return self.admins.get(record.worktree_path)

    def _find_link(self, path: Path) -> Link:
        """How what is at `path` is tied to git's folder for it.

        The link is broken, too, where it leads to git's folder for another worktree.
        """
        link = check_link(path, self._common_dir)
        if link == "whole":
            admin = find_admin_folder(path)
            linked = find_linked_worktree(admin) if admin else None
            # The same text is enough nearly always: resolving takes a call for each folder above.
            if linked is not None and (linked == path or linked.resolve() == path.resolve()):
                return "whole"
        if link in {"whole", "broken"}:
            # Git has a worktree by this path: its link was damaged. Else it is somebody's own.
            return "broken" if str(path) in self.admins else "foreign"
        return link

    def _find_moved(self, record: SliceRecord, path: Path) -> Path | None:
        """Where the worktree of a slice is now: where git knows, or else in a folder nearby."""
        marked = self.marked.get(_make_mark(record))
        if marked is not None and marked != path:
            return marked
        admin = self.admins.get(record.worktree_path)
        return self._find_stray(path.parent, admin.resolve()) if admin else None

    def _find_admin(self, place: Path) -> Path | None:
        link = find_admin_folder(place)
        if link is not None and link.is_dir():
            return link
        return self.admins.get(str(place))

    def _find_branch(self, path: Path, git_dir: Path) -> BranchName | None:
        """The branch that is at hand in a worktree."""
        head = find_head_file(git_dir) or HeadFile(None)
        if not head.is_stub:
            return head.branch
        listed = self.listed.get(str(path))
        return listed.branch if listed else None

    def _find_other_user(self, record: SliceRecord, place: Path) -> str | None:
        """A worktree not the slice's own that has its branch checked out."""
        # Both: of a worktree that was moved by hand git knows the old place only.
        own = {Path(record.worktree_path), place}
        users = self.users.get(record.branch_name, ())
        return next((str(path) for path in users if path not in own), None)

    def _list_git_dirs(self) -> Iterator[tuple[Path, Path]]:
        # HEAD of a bare repository names a branch, too, but no files are there to use it.
        if not is_true(self._workspace.config.get("core.bare")):
            yield self._workspace.main_worktree or self._common_dir, self._common_dir
        for path, admin in self.admins.items():
            if (Path(path) / ".git").exists():
                yield Path(path), admin

    def _find_stray(self, parent: Path, admin: Path) -> Path | None:
        """The folder in `parent`, or where worktrees are made now, that leads to `admin`."""
        parents = [parent]
        # A wrong setting is for those to refuse who make worktrees: here nothing is made.
        with suppress(InputError):
            parents.append(self._workspace.worktree_root)
        for one in parents:
            # Once for each folder: all that were moved together ask for the same one.
            if one not in self._strays:
                self._strays[one] = dict(self._list_strays(one))
        return next((found for one in parents if (found := self._strays[one].get(admin))), None)

    def _list_strays(self, parent: Path) -> Iterator[tuple[Path, Path]]:
        """Folders in `parent` that lead to a folder of git's, that one in front.

        Where repository and worktrees were moved together, a link names the old place of git's
        folder, and the worktree is still called what that folder says.
        """
        admins = self._common_dir.resolve() / "worktrees"
        for folder in sorted(_list_folders(parent), reverse=True):  # of two the first one counts
            link = find_admin_folder(folder)
            if link is not None and link.is_dir():
                yield link.resolve(), folder
            elif link is not None and _is_called(folder, admins / link.name):
                yield admins / link.name, folder


def _make_mark(record: SliceRecord) -> Mark:
    """What git's folder for the worktree of a slice says of it."""
    return Mark(goal_id=record.goal_id, slice_id=record.slice_id)


def _find_midway(
    place: Path, admin: Path, branch: BranchName
) -> Literal["rebase", "bisect"] | None:
    if find_rebased(place) == branch:
        return "rebase"
    with suppress(OSError):
        # The name of the branch at which the bisect began: HEAD is detached meanwhile.
        start = (admin / _BISECT).read_text("utf-8", "surrogateescape").strip()
        return "bisect" if start == branch else None
    return None


def _find_damaged(admin: Path, commit: Oid) -> Iterator[str]:
    if not is_index_whole(admin / "index", commit=commit):
        yield "index"
    if find_head_file(admin) is None:
        yield "HEAD"


def _is_called(folder: Path, admin: Path) -> bool:
    worktree = find_linked_worktree(admin)
    return worktree is not None and worktree.name == folder.name


def _list_folders(parent: Path) -> list[Path]:
    with suppress(OSError):
        return [entry for entry in parent.iterdir() if not entry.is_symlink()]
    return []
