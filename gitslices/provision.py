"""Folders for worktrees, on disk: found, made and taken back, with no git in it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gitslices.errors import DiskError


def find_occupied(paths: Sequence[str]) -> frozenset[str]:
    """Those of `paths` where something is, be it only a dangling symbolic link."""
    return frozenset(path for path in paths if _exists(Path(path)))


def make_worktree_root(root: Path) -> None:
    """Make the folder that holds all worktrees; raise `DiskError` if it is a link or a file."""
    if root.is_symlink():
        raise DiskError(
            f"the worktree root {str(root)!r} is a symbolic link",
            hint=f"name the real folder: git config gitslices.worktreeRoot {root.resolve()}",
        )
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make the worktree root {str(root)!r}: {error.strerror}") from error


def make_leaf(path: Path) -> None:
    """Make the empty folder of one worktree; raise `DiskError` if anything is there already."""
    try:
        path.mkdir()
    except OSError as error:
        raise DiskError(f"cannot make {str(path)!r}: {error.strerror}") from error


def remove_leaf(path: Path) -> None:
    """Take back a folder of `make_leaf`, as long as nobody has put anything into it."""
    with suppress(OSError):
        path.rmdir()


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def choose_trash(path: Path, state_folder: Path) -> Path:
    """Where `path` can be renamed to: the state folder, or beside it on another file system."""
    if not path.exists() or path.stat().st_dev == state_folder.stat().st_dev:
        return state_folder / "trash"
    return path.parent / ".gitslices-trash"


def move_to_trash(path: Path, place: Path) -> None:
    """Rename `path` to `place`, unless that has happened already."""
    if not path.exists() or place.exists():
        return
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.rename(place)
    except OSError as error:
        raise DiskError(f"cannot move {str(path)!r} to the trash: {error.strerror}") from error
