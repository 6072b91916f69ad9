"""Whether slices have landed, told from what was found of the same commits before.

A verdict rests on ids of commits alone, and these never change their meaning: where a branch moves
it is another question. Kept are those that a goal was last asked for, so that they do not grow.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import BusyError, MachineError
from gitslices.core.model import Oid, SliceId
from gitslices.git.read import REMOTES, find_commit, is_shallow, read_refs
from gitslices.git.remotes import list_remotes
from gitslices.git.repository import Repository
from gitslices.rules.progress import Presence
from gitslices.slices.landed import judge_slices
from gitslices.slices.target import Doubt
from gitslices.state.publications import Publication
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace

# To be counted up whenever the signs become others: what was told by the former ones is forgotten.
_SIGNS: Final = 1


class _Verdict(Struct, frozen=True, kw_only=True):
    """What was told of a slice, and of which commits."""

    commits: tuple[Oid, ...]
    presence: Presence


class _Verdicts(Struct, frozen=True, kw_only=True):
    """By slice; of another number of signs, or another target, none counts."""

    signs: int
    target: Oid
    slices: dict[SliceId, _Verdict]


def judge_once(
    repo: Repository, store: Store, goal_id: str, target: Oid, asked: Sequence[Doubt]
) -> dict[SliceId, Presence]:
    """What `target` has of the slices `asked`, as `judge_slices` tells it, each found once."""
    kept = _read(store, goal_id, target)
    commits = {
        record.slice_id: (record.base_commit, tip, *([landing.landed_as] if landing else []))
        for record, tip, landing in asked
    }
    known = {
        id_: kept[id_].presence
        for id_, ends in commits.items()
        if id_ in kept and kept[id_].commits == ends
    }
    new = [doubt for doubt in asked if doubt[0].slice_id not in known]
    if not new:
        return known
    presences = {**known, **judge_slices(repo, target, new)}
    # What git does not have today may come tomorrow, and tell more.
    lasting = {} if is_shallow(repo) else {i: one for i, one in presences.items() if one.known}
    slices = {id_: _Verdict(commits=commits[id_], presence=one) for id_, one in lasting.items()}
    if slices:
        _write(store, goal_id, _Verdicts(signs=_SIGNS, target=target, slices=slices))
    return presences


def list_branchless(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    published: Mapping[SliceId, Publication],
) -> list[Doubt]:
    """Those of `records`, all without a branch, whose last commits are known, and still there.

    A forge's button and `git branch -d` take away the branch, and not what it has brought.
    """
    remotes = list_remotes(workspace.config)
    refs = [f"{REMOTES}{remote}/{one.branch_name}" for remote in remotes for one in records]
    there = read_refs(workspace.repo, refs) if refs else {}
    found: list[Doubt] = []
    for record in records:
        known = published.get(record.slice_id)
        pushed = [there.get(f"{REMOTES}{remote}/{record.branch_name}") for remote in remotes]
        named = [_find_declared(store, record), known.pushed if known else None, *pushed]
        commits = (find_commit(workspace.repo, one) for one in named if one)
        last = next((one for one in commits if one), None)
        if last:
            found.append((record, last, None))
    return found


def _find_declared(store: Store, record: SliceRecord) -> str | None:
    """The commit of a slice that was said to be done, or published, last."""
    events = store.read_events(record.goal_id, record.slice_id)
    named = (one.detail.get("commit") for one in events if one.event in {"done", "published"})
    return next(iter([*map(str, filter(None, named))][::-1]), None)


def _read(store: Store, goal_id: str, target: Oid) -> Mapping[SliceId, _Verdict]:
    rows = store.query("SELECT verdicts FROM verdicts WHERE goal_id = ?", (goal_id,))
    # It can all be found again: one that is damaged, or of another gitslices, is passed over.
    with suppress(msgspec.MsgspecError):
        kept = decode_json(rows[0][0], _Verdicts) if rows else None
        if kept and kept.signs == _SIGNS and kept.target == target:
            return kept.slices
    return {}


def _write(store: Store, goal_id: str, verdicts: _Verdicts) -> None:
    # Whoever may only read, or finds the store busy, finds out anew the next time: to wait would
    # keep a reader until another's transaction is over.
    with suppress(BusyError, MachineError):
        store.execute_if_free(
            "INSERT OR REPLACE INTO verdicts VALUES (?, ?)",
            (goal_id, msgspec.json.encode(verdicts)),
        )
