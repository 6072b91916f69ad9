"""Which worktree is a slice's, and on which disk: small files in git's own folder for it.

They move and go with that folder, and a hook sees them without starting anything.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import StateError
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import SliceId
from gitslices.git.links import (
    check_link,
    find_admin_folder,
    find_linked_worktree,
    list_admin_folders,
)
from gitslices.quick.git_calls import MARK_NAME
from gitslices.state.folder import FOLDER_NAME
from gitslices.system.mounts import find_mount, is_beneath, read_mounts

_MOUNT_NAME: Final = "gitslices-mount"
_KEPT_MOUNTS: Final = "mounts"
_LARGEST: Final = 64 * 1024


class Mark(Struct, frozen=True, kw_only=True):
    """The slice that a worktree belongs to."""

    goal_id: str
    slice_id: SliceId


class MarkedWorktree(Struct, frozen=True, kw_only=True):
    """A worktree, and the slice that it belongs to."""

    path: Path
    mark: Mark


def mark_worktree(worktree: Path, mark: Mark) -> None:
    """Write down whose worktree it is; nothing happens where there is none."""
    admin = find_admin_folder(worktree)
    if admin is not None and admin.is_dir():
        (admin / MARK_NAME).write_bytes(msgspec.json.encode(mark) + b"\n")


def rename_mark(admin: Path, goal_id: str, new_id: str) -> None:
    """Let a mark in git's folder for a worktree name `new_id`, if it names `goal_id`."""
    with suppress(StateError):
        mark = find_mark(admin)
        if mark is not None and mark.goal_id == goal_id:
            renamed = Mark(goal_id=new_id, slice_id=mark.slice_id)
            replace_file(admin / MARK_NAME, msgspec.json.encode(renamed) + b"\n")


def mark_mount(worktree: Path, common_dir: Path) -> None:
    """Write down where the disk of a worktree is mounted, if it is not the repository's own.

    Once that is away its mount point may be there all the same, an empty folder. It stands in git's
    folder, which follows the worktree, and beside the store: git prunes its folder while the disk
    is away.
    """
    admin, found, own = find_admin_folder(worktree), find_mount(worktree), find_mount(common_dir)
    if admin is None or not admin.is_dir():
        return
    for path in (admin / _MOUNT_NAME, _find_kept_mount(worktree, common_dir)):
        if found is None or found == own:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(exist_ok=True)
            replace_file(path, found.point.encode("utf-8", "surrogateescape"))


def find_unmounted(admin: Path | None, worktree: Path, common_dir: Path) -> str | None:
    """The mount point that a worktree was made below, where nothing is mounted there now."""
    mark = admin / _MOUNT_NAME if admin else _find_kept_mount(worktree, common_dir)
    with suppress(OSError):
        point = read_regular(mark, limit=_LARGEST).decode("utf-8", "surrogateescape")
        # The worktree may have been moved to another disk since, by git.
        if is_beneath(os.path.realpath(worktree), point):
            mounted = {one.point for one in read_mounts()}
            return point if mounted and point not in mounted else None
    return None


def _find_kept_mount(worktree: Path, common_dir: Path) -> Path:
    name = sha256(os.fsencode(worktree)).hexdigest()[:32]
    return common_dir / FOLDER_NAME / _KEPT_MOUNTS / name


def find_mark(git_dir: Path) -> Mark | None:
    """The mark of the worktree that `git_dir` belongs to; None where it is no slice's."""
    path = git_dir / MARK_NAME
    try:
        return decode_json(read_regular(path, limit=_LARGEST), Mark)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Damage is not absence: taken for no slice's, a worktree would be checked by no hook.
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}", hint="write it again: gitslices hook install"
        ) from error


def find_marked_worktree(directory: Path) -> MarkedWorktree | None:
    """The worktree of a slice that `directory` is in, be it in a repository inside that."""
    for folder in (directory, *directory.parents):
        admin = find_admin_folder(folder)
        mark = find_mark(admin) if admin else None
        if mark is not None:
            return MarkedWorktree(path=folder, mark=mark)
    return None


def read_marked_worktrees(common_dir: Path) -> dict[Mark, Path]:
    """Where the worktrees of slices are, as git's folders for them say; those that are there.

    A mark that cannot be read counts as none: whoever looks for a worktree can do without it.
    """
    return dict(_list_marked(common_dir))


def _list_marked(common_dir: Path) -> Iterator[tuple[Mark, Path]]:
    for admin in list_admin_folders(common_dir):
        worktree = find_linked_worktree(admin)
        if worktree is None or check_link(worktree, common_dir) in {"foreign", "gone"}:
            continue
        with suppress(StateError):
            mark = find_mark(admin)
            if mark is not None:
                yield mark, worktree
