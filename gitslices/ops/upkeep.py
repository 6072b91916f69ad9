"""The trash emptied of what has been in it for 14 days, and the log kept within bounds."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from gitslices.core.errors import InputError
from gitslices.core.model import SliceId
from gitslices.git.read import read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.trash import TRASH_REFS, find_kept
from gitslices.rules.removal import count_age, is_expired
from gitslices.state.event_log import compact_store, find_trimmable, trim_events
from gitslices.state.store import Event, Store
from gitslices.state.trash import (
    Trashed,
    count_trash,
    delete_trash,
    is_in_trash,
    read_trash,
    write_age,
)
from gitslices.system.folders import delete_expired, is_away, set_expired
from gitslices.workspace import Workspace

_STEP: Final = 200


class Emptied(Struct, frozen=True, kw_only=True):
    """A slice that was, or would be, deleted from the trash."""

    goal_id: str
    slice_id: SliceId
    removed_at: str


class EmptyReport(Struct, frozen=True, kw_only=True):
    """What `gitslices prune --trash --json` prints.

    Where the trash is large a process of its own does it, in the `background`, and tells nothing.
    """

    emptied: tuple[Emptied, ...]
    background: bool = False


def empty_trash(workspace: Workspace, *, dry_run: bool = False, step: int = _STEP) -> EmptyReport:
    """Delete for good what was removed 14 days ago, and the references that keep its commits.

    The lock is given back after each `step` of it: nobody waits for all of a large trash.
    """
    with workspace.open_store() as store:
        with recover_and_lock(workspace, store):
            expired = _find_expired(workspace, _look(workspace, store, note=not dry_run))
        if not dry_run:
            steps = range(0, len(expired), step)
            expired = tuple(
                one
                for start in steps
                for one in _empty(workspace, store, expired[start : start + step])
            )
            for trash in _find_trashes(workspace, ()):
                delete_expired(trash)
            trim_log(workspace, store)
    return EmptyReport(emptied=tuple(_describe(one) for one in expired))


def hand_over_trash(workspace: Workspace, *, step: int = _STEP) -> EmptyReport | None:
    """Have a process of its own empty a trash that takes long; None where there is no need for it.

    Which of it is old enough is not looked up here: that alone takes a second for ten thousand.
    Killed, the process leaves what the next one goes on with.
    """
    with workspace.open_store() as store:
        is_large = count_trash(store) > step
    return (
        EmptyReport(emptied=(), background=True) if is_large and _start_process(workspace) else None
    )


def _empty(workspace: Workspace, store: Store, expired: Sequence[Trashed]) -> tuple[Trashed, ...]:
    """Delete some of the trash, and return it; others get the lock before the next ones' turn."""
    with recover_and_lock(workspace, store):
        # Whoever had the lock meanwhile may have brought one back.
        left = tuple(one for one in expired if is_in_trash(store, one.operation, one.removal))
        _forget(workspace, store, left)
    # Without the lock: it takes as long as there are files.
    for trash in _find_trashes(workspace, left):
        delete_expired(trash)
    return left


def start_emptying(workspace: Workspace, store: Store) -> None:
    """Empty the trash and trim the log in a process of its own, where there is anything to do."""
    if _find_expired(workspace, _look(workspace, store)) or is_log_long(workspace, store):
        # A removal is to be quick. Where no process can be had, the next removal tries again.
        _start_process(workspace)


def _start_process(workspace: Workspace) -> bool:
    argv = [sys.executable, "-m", "gitslices", "prune", "--trash", "--wait"]
    # It waits for the lock, which the caller holds now.
    with suppress(OSError):
        subprocess.Popen(
            # From `/`, in a session of its own: the caller's folder may be what is removed, and its
            # terminal may be closed.
            [*argv, "-C", workspace.repo.common_dir], cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return True
    return False


def _look(workspace: Workspace, store: Store, *, note: bool = True) -> tuple[Trashed, ...]:
    """The trash as it is now: everything in it has grown older since it was last looked at."""
    now = workspace.now()
    known = read_trash(store)
    seen = tuple(structs.replace(one, aged=_count_age(one, now), looked_at=now) for one in known)
    # What was looked at today has nothing to gain, and a large trash would be written each time.
    older = [after for before, after in zip(known, seen, strict=True) if _is_later(before, now)]
    if note and older:
        with store.transaction():
            for one in older:
                write_age(store, one)
    return seen


def _count_age(trashed: Trashed, now: str) -> int:
    age = timedelta(seconds=trashed.aged)
    return int(count_age(age, trashed.looked_at or trashed.at, now).total_seconds())


def _is_later(trashed: Trashed, now: str) -> bool:
    """Whether another day has come, or the clock was put back."""
    return now[:10] != (trashed.looked_at or trashed.at)[:10]


def _find_expired(workspace: Workspace, trashed: Sequence[Trashed]) -> tuple[Trashed, ...]:
    now = workspace.now()
    return tuple(
        one
        for one in trashed
        if is_expired(one.at, timedelta(0, one.aged), now)
        # On a disk that is not mounted nothing can be deleted, and nothing would tell of it later.
        and not (one.removal.files and is_away(Path(one.removal.files)))
    )


def _forget(workspace: Workspace, store: Store, expired: Sequence[Trashed]) -> None:
    """Put folders where nothing comes back from, then drop references and rows.

    Killed in between, the next run goes on: what has happened already is passed over.
    """
    if not expired:
        return
    for one in expired:
        for place in _find_places(one):
            set_expired(place, f"{one.operation}-{place.name}")
    # The rows go last: they are how the next run finds what is left of the others.
    refs = read_refs(workspace.repo, [TRASH_REFS.rstrip("/")])
    kept = [name for one in expired for name in find_kept(one.operation, one.removal)]
    updates = [RefUpdate(ref=name, old=refs[name]) for name in kept if name in refs]
    update_refs(workspace.repo, updates, reason="gitslices: prune --trash")
    with store.transaction():
        for one in expired:
            delete_trash(store, one.operation, [one.removal])
        store.write_events([_make_event(workspace.now(), one) for one in expired])


def _find_places(trashed: Trashed) -> tuple[Path, ...]:
    folder = Path(trashed.removal.folder)
    files = trashed.removal.files
    beside = Path(files).parent if files else folder
    return (folder,) if beside == folder else (folder, beside)


def _find_trashes(workspace: Workspace, expired: Sequence[Trashed]) -> set[Path]:
    own = {place.parent.parent for one in expired for place in _find_places(one)}
    # The state's own trash in any case: a run that was killed may have left there what no row tells
    # of.
    return own | {workspace.state_folder / "trash"}


def _describe(trashed: Trashed) -> Emptied:
    record = trashed.removal.record
    return Emptied(goal_id=record.goal_id, slice_id=record.slice_id, removed_at=trashed.at)


def _make_event(now: str, trashed: Trashed) -> Event:
    record = trashed.removal.record
    return Event(
        at=now,
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="emptied",
        detail={"branch": record.branch_name, "tip": trashed.removal.tip},
    )


_DEFAULT_EVENTS: Final = 100_000
_DEFAULT_DAYS: Final = 365
# A clock that is years ahead makes every event old, so an age alone takes none of the newest.
_YOUNGEST: Final = 10_000
_MOST: Final = 1_000_000_000
_LONGEST: Final = 36_500


class LogBounds(Struct, frozen=True, kw_only=True):
    """How many events are kept, and for how many days those beyond the newest few are."""

    events: int
    days: int


def read_log_bounds(workspace: Workspace) -> LogBounds:
    """What `gitslices.logEvents` and `gitslices.logDays` say; raise `InputError` for no number."""
    return LogBounds(
        events=_read_number(workspace, "logEvents", _DEFAULT_EVENTS, _MOST),
        days=_read_number(workspace, "logDays", _DEFAULT_DAYS, _LONGEST),
    )


def is_log_long(workspace: Workspace, store: Store) -> bool:
    """Whether it is time to trim the log: it has a tenth more events than it shall have."""
    try:
        bounds = read_log_bounds(workspace)
    except InputError:
        return False  # doctor tells; whoever removes a slice has other worries
    # A tenth over: else each removal at the bound would start a process for a single event.
    return find_trimmable(store, bounds.events + bounds.events // 10)


def trim_log(workspace: Workspace, store: Store) -> int:
    """Forget events beyond the bounds, and give their room back; return how many are gone."""
    bounds = read_log_bounds(workspace)
    before = datetime.fromisoformat(workspace.now()) - timedelta(days=bounds.days)
    gone = trim_events(
        store,
        keep=bounds.events,
        before=before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        least=_YOUNGEST,
    )
    compact_store(store)
    return gone


def _read_number(workspace: Workspace, name: str, default: int, most: int) -> int:
    value = workspace.config.get(f"gitslices.{name.lower()}")
    if value is None:
        return default
    if value.isascii() and value.isdigit() and 0 < int(value[:20]) <= most:
        return int(value)
    raise InputError(
        f"gitslices.{name} is {value!r}",
        hint=f"it is a whole number from 1 to {most:,}: git config gitslices.{name} {default}",
    )
