"""Folders to work in for a while, which whoever comes after a kill can find and delete."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.files import follow_folder
from gitslices.system.deletion import delete_tree
from gitslices.system.folders import make_worktree_root

# In the folder that stands for one elsewhere: where that is.
_ELSEWHERE: Final = "elsewhere"


def make_scratch(folder: Path, root: Path | None = None) -> Path:
    """A new folder to work in: `folder` itself, or one of its name in `root`."""
    try:
        folder.mkdir(mode=0o700)
        follow_folder(folder)
        if root is None:
            return folder
        # Noted first: what is made elsewhere must be found again from here.
        (folder / _ELSEWHERE).write_text(str(root / folder.name), "utf-8", "surrogateescape")
        make_worktree_root(root)
        (root / folder.name).mkdir(mode=0o700)
    except OSError as error:
        raise DiskError(f"cannot make {str(root or folder)!r}: {error.strerror}") from error
    return root / folder.name


def clear_scratch(folder: Path) -> None:
    """Delete what `make_scratch` has made for `folder`, if it has."""
    with suppress(OSError):
        elsewhere = Path((folder / _ELSEWHERE).read_text("utf-8", "surrogateescape"))
        # Only what bears the name of this very operation is ours to delete.
        if elsewhere.name == folder.name:
            delete_tree(elsewhere)
    delete_tree(folder)
