"""What forbids making worktrees at a place, as far as it can be known before the first change."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import RepoPath, Slice
from gitslices.core.naming import count
from gitslices.scopes.language.atoms import walk_up

_MARGIN: Final = 1.05
"""Room for what is not counted: line endings, filters, folders that grow."""
_OWN_FILES: Final = 12
"""What git keeps for a worktree in its own folder, about."""
_INDEX_BYTES: Final = 100
"""What the index takes for a tracked path, about, checked out or not."""
_CHOOSE: Final = "choose another folder: git config gitslices.worktreeRoot DIR"


class Place(Struct, frozen=True, kw_only=True):
    """The folder for worktrees, as the file system shows it before an apply.

    `parent` is its nearest part that exists. `link` and `file` are what stands in its way, and
    `git_folder`, `worktree` and `recorder` what it lies in: the last is the work tree of another
    repository, which does not ignore it. Bytes and files are those still free, None where
    the file system does not say.
    """

    root: str
    parent: str
    link: str | None = None
    file: str | None = None
    git_folder: str | None = None
    worktree: str | None = None
    recorder: str | None = None
    writable: bool = True
    longest_name: int
    longest_path: int
    block: int
    free_bytes: int | None
    free_files: int | None


class Load(Struct, frozen=True, kw_only=True):
    """What one new worktree puts on the disk; `longest` is the longest path in it."""

    longest: RepoPath
    files: int
    size: int


def make_load(sizes: Mapping[RepoPath, int], *, block: int, tracked: int) -> Load:
    """What files of these sizes take, in blocks, with their folders and an index of `tracked`."""
    folders = {folder for path in sizes for folder in walk_up(path.rpartition("/")[0])}
    blocks = sum(-(-size // block) for size in sizes.values())
    return Load(
        longest=max(sizes, key=_count_bytes, default=RepoPath("")),
        files=len(sizes) + len(folders) + _OWN_FILES,
        size=(blocks + len(folders) + _OWN_FILES) * block + tracked * _INDEX_BYTES,
    )


def find_place_problems(place: Place, loads: Sequence[tuple[Slice, Load]]) -> tuple[Problem, ...]:
    """What is wrong with where the worktrees would be."""
    problems = list(_find_root_problems(place))
    for slice_, load in loads:
        problems += _find_length_problems(place, slice_, load)
    return tuple(problems)


def find_disk_problems(place: Place, loads: Sequence[tuple[Slice, Load]]) -> tuple[Problem, ...]:
    """What the disk lacks for `loads`: the permission, the room."""
    if not loads:
        return ()
    if not place.writable:
        return (Problem(place.root, f"{place.parent!r} may not be written to", _CHOOSE),)
    size = int(sum(load.size for _, load in loads) * _MARGIN)
    files = int(sum(load.files for _, load in loads) * _MARGIN)
    remedy = f"free some, check out less with --sparse, or {_CHOOSE}"
    problems = []
    if place.free_bytes is not None and size > place.free_bytes:
        free = _show_size(place.free_bytes)
        message = f"{_count(len(loads))} {_show_size(size)} of disk, and {free} are free"
        problems.append(Problem(place.root, message, remedy))
    # A disk can run out of inodes long before it is full: many small files are what worktrees are.
    if place.free_files is not None and files > place.free_files:
        message = f"{_count(len(loads))} {files:,} files and folders, and the disk has room "
        problems.append(Problem(place.root, f"{message}for {place.free_files:,}", remedy))
    return tuple(problems)


def _find_root_problems(place: Place) -> Iterable[Problem]:
    if place.link is not None:
        yield Problem(place.root, f"{place.link!r} is a symbolic link", _CHOOSE)
    if place.file is not None:
        yield Problem(place.root, f"{place.file!r} is no folder", _CHOOSE)
    if place.git_folder is not None:
        yield Problem(place.root, f"it lies inside git's own folder {place.git_folder!r}", _CHOOSE)
    if place.worktree is not None:
        yield Problem(place.root, f"it lies inside the worktree {place.worktree!r}", _CHOOSE)
    if place.recorder is not None:
        yield Problem(
            place.root,
            f"it lies inside the repository {place.recorder!r}, which would record each worktree "
            "as a submodule",
            f"{_CHOOSE}; or have that repository ignore it",
        )


def _find_length_problems(place: Place, slice_: Slice, load: Load) -> Iterable[Problem]:
    if _count_bytes(slice_.worktree_name) > place.longest_name:
        yield Problem(
            slice_.slice_id,
            f"the name {slice_.worktree_name!r} is longer than {place.longest_name} bytes",
            "give the goal or the task a shorter id",
        )
    # The limit counts the byte that ends a path, too.
    length = _count_bytes(f"{slice_.worktree_path}/{load.longest}") + 1
    if length > place.longest_path:
        yield Problem(
            slice_.slice_id,
            f"{load.longest!r} in its worktree would be longer than {place.longest_path} bytes",
            _CHOOSE,
        )


def _count_bytes(text: str) -> int:
    # File systems count bytes, and a letter may have four.
    return len(text.encode("utf-8", "surrogateescape"))


def _count(worktrees: int) -> str:
    return count(worktrees, "worktree", ("needs", "need"))


def _show_size(size: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
