"""How far slices are, in the fields of the tools that their tasks came from; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from gitslices.core.model import Oid, Slice, SliceStatus, Task
from gitslices.importing.update import MARK
from gitslices.rules.evidence import GateRun, Review
from gitslices.state.leases import Lease

_DELIVERY_STATUS: Final[Mapping[SliceStatus, str]] = {
    "planned": "planned", "provisioned": "planned", "claimed": "in_progress",
    "done": "ready_for_review", "conflicted": "blocked", "dropped": "blocked", "merged": "merged",
    "removed": "merged",
}  # fmt: skip


class SliceOutcome(Struct, frozen=True, kw_only=True):
    """A slice, how far it is, and what shows it; `commit` is its tip or what it was merged as."""

    slice: Slice
    key: str
    status: SliceStatus
    lease: Lease | None = None
    commit: Oid | None = None
    conflicts: tuple[str, ...] = ()
    gate_runs: tuple[GateRun, ...] = ()
    reviews: tuple[Review, ...] = ()

    @property
    def is_merged(self) -> bool:
        """Whether the target has its work."""
        return self.status in {"merged", "removed"}


def find_key(task: Task, format_: str) -> str:
    """What the tool calls a task: as it was imported from there, else its id."""
    mark = task.metadata.get(MARK)
    if isinstance(mark, Mapping) and str(mark.get("from")).partition(":")[0] == format_:
        return str(mark.get("key"))
    return task.id


def make_delivery(outcome: SliceOutcome) -> dict[str, Any]:
    """The original planner's `delivery`, less the fields that say nothing."""
    planned, lease = outcome.slice, outcome.lease
    blocked = [f"merge conflict in {', '.join(outcome.conflicts)}"] if outcome.conflicts else []
    blocked += [lease.waiting] if lease and lease.waiting else []
    blocked += ["given up"] if outcome.status == "dropped" else []
    status = "blocked" if blocked and not outcome.is_merged else _DELIVERY_STATUS[outcome.status]
    fields = {
        "slice_id": planned.slice_id,
        "owner": planned.owner_role,
        "read_scope": list(planned.read_scope),
        "write_scope": list(planned.write_scope),
        "dependencies": list(planned.dependencies),
        "branch": planned.branch_name,
        "worktree_name": planned.worktree_name,
        "worktree_path": planned.worktree_path,
        "gates": list(planned.gates),
        "review_needs": list(planned.review_needs),
        "pr_url": planned.pr_url,
        "commit_sha": outcome.commit,
        "verification_summary": summarize(outcome),
        "status": status,
        "conflict_blocking_reason": "; ".join(blocked) if status == "blocked" else None,
        "slice_lease_id": str(lease.token) if lease else None,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def summarize(outcome: SliceOutcome) -> str:
    """The last run of each gate and the last verdict of each reviewer, in one line."""
    runs = {one.gate: "passed" if one.passed else "failed" for one in outcome.gate_runs}
    reviews = {f"{one.kind} by {one.reviewer}": one.verdict for one in outcome.reviews}
    return "; ".join(f"{name} {said}" for name, said in (runs | reviews).items())


def make_metadata(outcome: SliceOutcome) -> dict[str, Any]:
    """The same for tools that have a free object for it."""
    delivery = make_delivery(outcome)
    names = ("slice_id", "branch", "worktree_path", "commit_sha", "status")
    kept: dict[str, Any] = {name: delivery[name] for name in names if name in delivery}
    passed = {one.gate: one.passed for one in outcome.gate_runs}
    reviews = [f"{one.kind} by {one.reviewer}: {one.verdict}" for one in outcome.reviews]
    reason = delivery.get("conflict_blocking_reason")
    others = {"gates": passed, "reviews": reviews, "blocked": reason}
    return kept | {name: value for name, value in others.items() if value}


def update_omk(record: dict[str, Any], outcome: SliceOutcome, now: str) -> None:
    """Write into a task of the original planner; whatever else stands in it stays."""
    before = record.get("delivery")
    made = make_delivery(outcome)
    kept = dict(before) if isinstance(before, dict) else {}
    # These tell of now: what they said before is no longer so.
    for name in ("conflict_blocking_reason", "slice_lease_id"):
        kept.pop(name, None)
    record["delivery"] = kept | made
    if outcome.is_merged and record.get("status") != "done":
        record["status"] = "done"
        record.setdefault("completed_at", now)
        record["completed_at"] = record["completed_at"] or now


def update_claude_task(record: dict[str, Any], outcome: SliceOutcome, _now: str) -> None:
    """Write into a task of Claude Code."""
    status = "completed" if outcome.is_merged else "in_progress"
    at_work = outcome.status in {"claimed", "done", "conflicted"}
    if outcome.is_merged or at_work or record.get("status") == "in_progress":
        record["status"] = status if outcome.is_merged or at_work else "pending"
    if outcome.lease:
        record["owner"] = outcome.lease.holder
    _put_metadata(record, outcome)


def update_bead(record: dict[str, Any], outcome: SliceOutcome, now: str) -> None:
    """Write into an issue of beads."""
    before = dict(record)
    status = str(record.get("status") or "open")
    if outcome.is_merged and status != "closed":
        record |= {"status": "closed", "closed_at": now}
        record.setdefault("close_reason", f"merged as {outcome.commit}")
    elif not outcome.is_merged and outcome.status in {"claimed", "done"}:
        record["status"] = "in_progress"
    elif outcome.status in {"conflicted", "dropped"}:
        record["status"] = "blocked"
    elif status in {"in_progress", "blocked"} and _has_metadata(record):
        record["status"] = "open"
    if outcome.lease:
        record["assignee"] = outcome.lease.holder
    _put_metadata(record, outcome)
    if record != before:
        record["updated_at"] = now


def _has_metadata(record: Mapping[str, Any]) -> bool:
    free = record.get("metadata")
    return isinstance(free, Mapping) and "gitslices" in free


def _put_metadata(record: dict[str, Any], outcome: SliceOutcome) -> None:
    free = record.get("metadata")
    kept = dict(free) if isinstance(free, Mapping) else {}
    record["metadata"] = kept | {"gitslices": make_metadata(outcome)}


def update_records(
    records: Sequence[Any], outcomes: Mapping[str, SliceOutcome], update: Any, now: str
) -> tuple[str, ...]:
    """Have `update` write into the records that are tasks of slices; the keys of changed ones."""
    changed = []
    for record in records:
        key = str(record.get("id")) if isinstance(record, dict) else ""
        if key not in outcomes:
            continue
        before = dict(record)
        update(record, outcomes[key], now)
        if record != before:
            changed.append(key)
    return tuple(changed)
