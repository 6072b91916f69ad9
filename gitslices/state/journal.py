"""The intent: what is being done to branches and worktrees, on disk before it is begun.

It is `intent.json` while its writer holds the topology lock, or after that process died. An apply
that has registered its worktrees goes on to fill them without that lock: then its intent is
`operation-ID.json`, and the lock of the operation tells whether somebody still works on it.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from msgspec import Struct, structs

from gitslices.core.decoding import decode_json
from gitslices.core.errors import DiskError, StateError
from gitslices.core.faults import reach
from gitslices.core.files import PARTIAL, follow_folder, name_partial
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.read import HEADS
from gitslices.git.repair import FileIdentity, LockOrigin, read_present_locks
from gitslices.state.folder import IDENTITY_NAME
from gitslices.state.landings import SliceChange
from gitslices.state.store import Goal, SliceRecord

_NAME: Final = "intent.json"
_FILLING: Final = "operation-{}.json"


class _Noted(Struct, frozen=True, kw_only=True):
    """What stands in every intent: the locks that others had before it was begun."""

    locks: tuple[FileIdentity, ...] = ()


class ApplyIntent(_Noted, frozen=True, kw_only=True, tag="apply"):
    """Worktrees to register for `records`, `new_branches` of them on branches to be made.

    With them the store learns of `goal`, and of other slices of it that were `rescoped`.
    """

    operation: str
    records: tuple[SliceRecord, ...]
    new_branches: frozenset[BranchName]
    goal: Goal | None = None
    rescoped: tuple[SliceRecord, ...] = ()


class Removal(Struct, frozen=True, kw_only=True):
    """One slice taken away: its branch at `tip`, its worktree and git's folder `admin` for it.

    `folder`, in the state folder, receives `admin`, and `files`, on the file system of the
    worktree, what is in it (None when it was gone already). `head` is a detached HEAD and `staged`
    a commit of what was staged, kept because nothing else names them. `landed` says whether the
    work is in the target.
    """

    record: SliceRecord
    tip: Oid | None
    head: Oid | None = None
    staged: Oid | None = None
    admin: str | None
    folder: str
    files: str | None
    landed: bool


class RemoveIntent(_Noted, frozen=True, kw_only=True, tag="remove"):
    """Slices to be taken away."""

    operation: str
    removals: tuple[Removal, ...]


class BranchMove(Struct, frozen=True, kw_only=True):
    """A branch that goes from `old` to `new` with the files of `worktrees`, where it is at hand.

    `changes` are recorded once it is there.
    """

    branch: BranchName
    old: Oid
    new: Oid
    worktrees: tuple[str, ...]
    changes: tuple[SliceChange, ...]


class MoveIntent(_Noted, frozen=True, kw_only=True, tag="move"):
    """Branches to be moved: a target that takes in slices, or slices that take in the target."""

    moves: tuple[BranchMove, ...]


class UndoIntent(_Noted, frozen=True, kw_only=True, tag="undo"):
    """Slices to be brought back that `operation` took away."""

    operation: str
    removals: tuple[Removal, ...]


class RenameIntent(_Noted, frozen=True, kw_only=True, tag="rename"):
    """A goal that is to be called otherwise."""

    goal_id: str
    new_id: str


_Intent = ApplyIntent | RemoveIntent | MoveIntent | UndoIntent | RenameIntent


def write_intent(folder: Path, intent: _Intent) -> None:
    """Put `intent` on disk, whole or not at all; raise `DiskError` if it cannot be."""
    partial = name_partial(folder / _NAME)
    with _report_failure("write", folder / _NAME):
        try:
            reach("write:intent")
            _write_new(partial, msgspec.json.encode(_note_locks(folder, intent)))
            reach("rename:intent")
            # The name, too, must be on the disk before a branch is touched: a power cut that
            # takes it back would leave what is half made with nobody to know of it.
            partial.replace(folder / _NAME)
            _sync_folder(folder)
        except OSError:
            # Nothing is begun yet, and the caller is told so: what stayed would be carried out by
            # the next command all the same.
            for path in (partial, folder / _NAME):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise


def is_moving(folder: Path, goal_id: str, slice_id: SliceId) -> bool:
    """Whether a slice is about to be merged, synced or forwarded: whoever asks leaves it alone."""
    if not has_intent(folder):
        return False
    # Without the lock it may go at any time: then there is None to be read, and nothing moves.
    intent = _read(folder / _NAME, _Intent)
    return isinstance(intent, MoveIntent) and any(
        (change.goal_id, change.slice_id) == (goal_id, slice_id)
        for move in intent.moves
        for change in move.changes
    )


def has_intent(folder: Path) -> bool:
    """Whether there is an intent: one stat, for those who do not hold the lock."""
    return (folder / _NAME).exists()


def find_intent(folder: Path) -> _Intent | None:
    """The intent that a killed process left, or None; what it was writing besides goes."""
    with _report_failure("clear", folder):
        for partial in folder.glob(f"*{PARTIAL}"):
            # The identity is written under another lock, so its writer may be alive.
            if not partial.name.startswith(IDENTITY_NAME):
                partial.unlink(missing_ok=True)
    return cast(_Intent | None, _read(folder / _NAME, _Intent))


def find_intent_file(folder: Path) -> Path:
    """Where the intent is: no other file reads like it."""
    return folder / _NAME


def find_damaged_intents(folder: Path) -> tuple[Path, ...]:
    """The intents in `folder`, of whatever kind, that cannot be read."""
    damaged = []
    for path in (folder / _NAME, *sorted(folder.glob(_FILLING.format("*")))):
        kind: Any = _Intent if path.name == _NAME else ApplyIntent
        try:
            _read(path, kind)
        except StateError:
            damaged.append(path)
    return tuple(damaged)


def read_lock_origin(folder: Path) -> LockOrigin:
    """By what the locks of the change that the intent is of are told from others."""
    with _report_failure("read", folder / _NAME):
        since = (folder / _NAME).stat().st_mtime
    return LockOrigin(since=since, before=_read(folder / _NAME, _Intent).locks)


def _note_locks(folder: Path, intent: _Intent) -> _Intent:
    branches: Iterable[BranchName] = ()
    if isinstance(intent, MoveIntent):
        branches = (move.branch for move in intent.moves)
    elif isinstance(intent, RemoveIntent | UndoIntent):
        branches = (one.record.branch_name for one in intent.removals)
    refs = [HEADS + branch for branch in branches]
    # The folder lies in the directory that all worktrees share.
    return structs.replace(intent, locks=read_present_locks(folder.parent, refs))


def clear_intent(folder: Path) -> None:
    """The change is complete, or undone."""
    with _report_failure("remove", folder / _NAME):
        reach("unlink:intent")
        # Synced, or a power cut brings it back, to be carried out again over what came since.
        (folder / _NAME).unlink(missing_ok=True)
        _sync_folder(folder)


def begin_filling(folder: Path, operation: str) -> None:
    """Keep the intent of an apply beyond the topology lock, until its worktrees are filled."""
    with _report_failure("rename", folder / _NAME):
        reach("rename:filling")
        # A rename: at no point does a kill leave two intents of one operation, or none.
        (folder / _NAME).rename(folder / _FILLING.format(operation))
        _sync_folder(folder)


def find_filling(folder: Path, operation: str) -> ApplyIntent | None:
    """The intent whose worktrees `operation` fills, or has left unfilled."""
    return cast(ApplyIntent | None, _read(folder / _FILLING.format(operation), ApplyIntent))


def clear_filling(folder: Path, operation: str) -> None:
    """Every worktree of `operation` is filled, or undone."""
    path = folder / _FILLING.format(operation)
    with _report_failure("remove", path):
        reach("unlink:filling")
        # Not synced: if it comes back, every worktree has its files, and the next command drops it.
        path.unlink(missing_ok=True)


def _write_new(path: Path, data: bytes) -> None:
    # The name is a new one: what is there already, somebody has put in the way.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    follow_folder(path)


def _read(path: Path, kind: Any) -> Any:
    try:
        return decode_json(path.read_bytes(), kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DiskError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}",
            hint="if no newer gitslices is at work, keep it aside: gitslices doctor --fix",
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _report_failure(verb: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskError(f"cannot {verb} {str(path)!r}: {error.strerror}") from error
