"""The intent: what is being done to branches and worktrees, on disk before it is begun.

One file, there only while its writer holds the topology lock, or after it was killed.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import msgspec
from msgspec import Struct

from gitslices.errors import DiskError, StateError
from gitslices.model import BranchName, Oid
from gitslices.state.store import SliceRecord

_NAME: Final = "intent.json"


class ApplyIntent(Struct, frozen=True, kw_only=True, tag="apply"):
    """Worktrees to register for `records`, `new_branches` of them on branches to be made."""

    operation: str
    records: tuple[SliceRecord, ...]
    new_branches: frozenset[BranchName]


class Removal(Struct, frozen=True, kw_only=True):
    """One slice to be taken away: its branch at `tip`, its worktree and git's folder for it.

    `trash` is the folder that receives both; `landed` says whether the work is in the target.
    """

    record: SliceRecord
    tip: Oid | None
    admin: str | None
    trash: str
    landed: bool


class RemoveIntent(Struct, frozen=True, kw_only=True, tag="remove"):
    """Slices to be taken away."""

    operation: str
    removals: tuple[Removal, ...]


Intent = ApplyIntent | RemoveIntent


def write_intent(folder: Path, intent: Intent) -> None:
    """Put `intent` on disk, whole or not at all; raise `DiskError` if it cannot be."""
    partial = folder / f"{_NAME}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(msgspec.json.encode(intent))
            file.flush()
            os.fsync(descriptor)
        partial.replace(folder / _NAME)
        _sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DiskError(f"cannot write {str(folder / _NAME)!r}: {error.strerror}") from error


def has_intent(folder: Path) -> bool:
    """Whether there is an intent: one stat, for those who do not hold the lock."""
    return (folder / _NAME).exists()


def find_intent(folder: Path) -> Intent | None:
    """The intent that a killed process left, or None; its temporary files go."""
    for partial in folder.glob(f"{_NAME}.*.tmp"):
        partial.unlink(missing_ok=True)
    path = folder / _NAME
    try:
        return cast(Intent, msgspec.json.decode(path.read_bytes(), type=Intent))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}", hint="was it written by a newer gitslices?"
        ) from error


def clear_intent(folder: Path) -> None:
    """The change is complete, or undone."""
    (folder / _NAME).unlink(missing_ok=True)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
