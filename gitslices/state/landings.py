"""What became of slices at the merge: where they landed, which files conflict, trials made."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath, SliceId, SliceStatus
from gitslices.rules.progress import LandedBy
from gitslices.state.scope_record import write_touched
from gitslices.state.store import Event, Store


class SliceChange(Struct, frozen=True, kw_only=True):
    """What is to be recorded of a slice; what is None stays as it is.

    `landed_as` is the target's commit that took in the slice's `tip`, in the way `landed_by`. Only
    the columns named are written: whoever has claimed the slice meanwhile keeps it. `touched` are
    the files that it has changed in the target.
    """

    at: str
    goal_id: str
    slice_id: SliceId
    event: str
    detail: dict[str, Any]
    status: SliceStatus | None = None
    base_commit: Oid | None = None
    tip: Oid | None = None
    landed_as: Oid | None = None
    landed_by: LandedBy = "merge"
    touched: tuple[str, ...] = ()


def record_changes(store: Store, changes: Sequence[SliceChange]) -> None:
    """Write `changes` and their events; the caller holds a transaction."""
    for change in changes:
        key = (change.goal_id, change.slice_id)
        store.execute(
            "UPDATE slices SET status = coalesce(?, status), "
            "base_commit = coalesce(?, base_commit) WHERE goal_id = ? AND slice_id = ?",
            (change.status, change.base_commit, *key),
        )
        if change.landed_as is not None:
            row = (*key, change.tip, change.landed_as, change.landed_by)
            store.execute("INSERT OR REPLACE INTO landings VALUES (?, ?, ?, ?, ?)", row)
        if change.touched:
            write_touched(store, *key, change.touched)
    store.write_events(
        [
            Event(at=change.at, goal_id=change.goal_id, slice_id=change.slice_id,
                  event=change.event, detail=change.detail)
            for change in changes
        ]
    )  # fmt: skip


class Landing(Struct, frozen=True, kw_only=True):
    """The last commit of a slice that was merged, and the target's commit that took it in."""

    tip: Oid
    landed_as: Oid
    landed_by: LandedBy = "merge"


def read_landings(store: Store, goal_id: str) -> dict[SliceId, Landing]:
    """How each slice was merged, squashed and rebased ones included."""
    sql = "SELECT slice_id, tip, landed_as, landed_by FROM landings WHERE goal_id = ?"
    return {
        SliceId(slice_id): Landing(tip=tip, landed_as=landed_as, landed_by=landed_by)
        for slice_id, tip, landed_as, landed_by in store.query(sql, (goal_id,))
    }


def write_landing(store: Store, goal_id: str, slice_id: SliceId, landing: Landing) -> None:
    """Keep how a slice was merged."""
    row = (goal_id, slice_id, landing.tip, landing.landed_as, landing.landed_by)
    store.execute("INSERT OR REPLACE INTO landings VALUES (?, ?, ?, ?, ?)", row)


def forget_landing(store: Store, goal_id: str, slice_id: SliceId) -> None:
    """Forget how a slice was merged: it is to be merged again."""
    store.execute("DELETE FROM landings WHERE goal_id = ? AND slice_id = ?", (goal_id, slice_id))


def write_conflict(
    store: Store, goal_id: str, slice_id: SliceId, files: Sequence[RepoPath]
) -> None:
    """Remember which files kept a slice from being merged."""
    store.execute(
        "INSERT OR REPLACE INTO conflicts VALUES (?, ?, ?)", (goal_id, slice_id, _encode(files))
    )


def read_conflicts(store: Store, goal_id: str) -> dict[SliceId, tuple[RepoPath, ...]]:
    """The files that kept slices from being merged, when it was last tried."""
    rows = store.query("SELECT slice_id, files FROM conflicts WHERE goal_id = ?", (goal_id,))
    return {SliceId(slice_id): _decode(files) for slice_id, files in rows}


class Trial(Struct, frozen=True, kw_only=True):
    """Two commits to be merged for a trial, and a digest of the rules that apply."""

    ours: Oid
    theirs: Oid
    rules: str


def find_trial(store: Store, trial: Trial) -> tuple[RepoPath, ...] | None:
    """The conflicts of a trial made before, or None: ids never change their meaning."""
    rows = store.query(
        "SELECT files FROM trial_merges WHERE ours = ? AND theirs = ? AND rules = ?",
        (trial.ours, trial.theirs, trial.rules),
    )
    return _decode(rows[0][0]) if rows else None


def write_trials(store: Store, trials: Mapping[Trial, Sequence[RepoPath]]) -> None:
    """Remember what came of these trials, and forget all others."""
    with store.transaction():
        # Branches go on, and hardly a pair of before is asked for again: the table would only grow.
        store.execute("DELETE FROM trial_merges")
        for trial, files in trials.items():
            row = (trial.ours, trial.theirs, trial.rules, _encode(files))
            store.execute("INSERT INTO trial_merges VALUES (?, ?, ?, ?)", row)


def _encode(paths: Sequence[RepoPath]) -> bytes:
    # Not as JSON: it takes no name that is not UTF-8, and git has those. NUL is in none.
    return "\0".join(paths).encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> tuple[RepoPath, ...]:
    text = data.decode("utf-8", "surrogateescape")
    return tuple(RepoPath(path) for path in text.split("\0")) if text else ()
