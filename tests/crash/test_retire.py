"""Slices that are taken away while somebody claims or changes them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from msgspec import convert

from gitslices.core.errors import NothingLeftError, RefusedError
from gitslices.core.model import GONE, SliceId, TaskGraph
from gitslices.git.discovery import probe_repository
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.removal import (
    PruneRequest,
    RemoveRequest,
    UndoRequest,
    list_trash,
    prune,
    remove,
    undo,
)
from gitslices.recovery.recovery import recover
from gitslices.removal.candidates import find_candidates
from gitslices.removal.to_trash import trash_slices
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import Lease, add_lease, read_open_leases
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace
from tests.support.kills import run_killed
from tests.support.repositories import commit_all, commit_quietly, git
from tests.support.slices import apply_graph
from tests.support.workspaces import NOW, open_at

C = SliceId("c")
GRAPH = {
    "goal_id": "g",
    "tasks": [{"id": id_, "owner_role": "w", "write_set": [f"{id_}/"]} for id_ in "abc"],
}


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Three slices, provisioned."""
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return open_at(repo)


def take(workspace: Workspace) -> ClaimReport:
    return claim(workspace, ClaimRequest(holder="agent", slice_id=C))


def interrupt(repo: Path, before: Callable[[Workspace], object]) -> Workspace:
    """A workspace that does something else first when it is asked for the time, once."""
    waiting = [before]

    def tell_time() -> datetime:
        if waiting:
            waiting.pop()(open_at(repo))
        return NOW

    return Workspace(probe_repository(repo), clock=tell_time, lock_timeout=5, purpose="test")


def find_record(workspace: Workspace, slice_id: SliceId) -> SliceRecord | None:
    """What is recorded of a slice that stands."""
    with workspace.open_store() as store:
        found = store.find_slice("g", slice_id)
    return None if found is None or found.status in GONE else found


def test_a_slice_claimed_after_it_was_looked_at_stays(workspace: Workspace) -> None:
    with workspace.open_store() as store, workspace.hold_topology():
        goal = store.read_goal("g")
        assert goal is not None
        snapshot = Snapshot(workspace, store, goal.plan)
        records = list(snapshot.records.values())
        candidates = find_candidates(snapshot, records, lambda path: False)
        report = take(workspace)
        kept = trash_slices(workspace, store, candidates)
    assert [one.record.slice_id for one in kept] == ["c"]
    assert kept[0].facts.claimed
    assert (Path(report.worktree_path) / "Makefile").is_file()
    assert [one.slice_id for one in list_trash(workspace, None).trash] == ["a", "b"]
    assert not workspace.has_intent()


def test_removing_a_slice_that_is_claimed_meanwhile_is_refused(
    repo: Path, workspace: Workspace
) -> None:
    with pytest.raises(RefusedError) as caught:
        remove(interrupt(repo, take), RemoveRequest(slice_id=C, force=True))
    assert [one.message for one in caught.value.problems] == ["it is claimed"]
    record = find_record(workspace, C)
    assert record is not None
    assert record.status == "claimed"
    assert (Path(record.worktree_path) / "Makefile").is_file()


def test_removing_a_slice_that_changes_meanwhile_is_refused(
    repo: Path, workspace: Workspace
) -> None:
    def finish(other: Workspace) -> None:
        with other.open_store() as store:
            store.write_status("g", C, "done")

    with pytest.raises(RefusedError) as caught:
        remove(interrupt(repo, finish), RemoveRequest(slice_id=C))
    assert [one.message for one in caught.value.problems] == [
        "it has changed since it was looked at"
    ]
    remove(workspace, RemoveRequest(slice_id=C))


def test_pruning_leaves_the_slice_claimed_meanwhile_and_takes_the_others(
    repo: Path, workspace: Workspace
) -> None:
    for id_ in "ac":
        commit_all(workspace.worktree_root / f"g--{id_}", "Work")
        git(repo, "merge", "--quiet", "--no-ff", "-m", f"Merge {id_}", f"slices/g/{id_}")

    def lease(other: Workspace) -> None:
        """What a claim does that had looked at the target before the merge."""
        now, then = other.now(), other.after(60)
        wanted = Lease(
            token=0, goal_id="g", slice_id=C, holder="x", ttl=60, claimed_at=now, expires_at=then
        )
        with other.open_store() as store, store.transaction():
            add_lease(store, wanted)

    report = prune(interrupt(repo, lease), PruneRequest())
    assert [one.slice_id for one in report.removed] == ["a"]
    assert [(one.place, one.message) for one in report.refused] == [("c", "it is claimed")]
    assert (workspace.worktree_root / "g--c" / "Makefile").is_file()
    assert not (workspace.worktree_root / "g--a").exists()


def test_nobody_is_given_a_slice_that_is_half_taken_away(repo: Path, workspace: Workspace) -> None:
    for step in range(2, 40):
        killed = run_killed(lambda: remove(workspace, RemoveRequest(slice_id=C)), step)
        record = find_record(workspace, C)
        if record is None:
            with open_at(repo).hold_topology(), pytest.raises(NothingLeftError):
                take(open_at(repo, lock_timeout=0))
        else:
            assert (Path(record.worktree_path) / "Makefile").is_file()
            assert git(repo, "rev-parse", "slices/g/c") == record.base_commit
        recover(workspace)
        assert find_record(workspace, C) == record
        if record is None:
            undo(workspace, UndoRequest())
        if not killed:
            break
    assert not killed
    with workspace.open_store() as store:
        assert read_open_leases(store) == ()


def test_a_slice_whose_branch_moves_after_a_kill_stands_again(
    repo: Path, workspace: Workspace
) -> None:
    before = find_record(workspace, C)
    for step in range(2, 40):
        run_killed(lambda: remove(workspace, RemoveRequest(slice_id=C)), step)
        if find_record(workspace, C) is None:
            break
    commit = commit_quietly(workspace.worktree_root / "g--c", "Since")
    recover(workspace)
    assert find_record(workspace, C) == before
    assert git(repo, "rev-parse", "slices/g/c") == commit
    assert list_trash(workspace, None).trash == ()
    with workspace.open_store() as store:
        assert [one.event for one in store.read_events("g", C)][-2:] == ["removed", "restored"]
