"""What is wrong with a worktree, and what that keeps a slice from, decided from plain values."""

import pytest
from msgspec import structs

from gitslices.core.model import BranchName, SliceId
from gitslices.rules.worktree_faults import (
    BARS_APPLY,
    BARS_MERGE,
    BARS_REMOVAL,
    BARS_SYNC,
    BARS_WORK,
    HIDES_WORK,
    WorktreeFacts,
    WorktreeFault,
    find_bar,
    find_faults,
)

BRANCH = BranchName("slices/g/a")
WHOLE = WorktreeFacts(slice_id=SliceId("a"), branch=BRANCH, path="/w/g--a", head=BRANCH)


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, []),
        ({"link": "gone", "head": None}, ["NO_WORKTREE"]),
        ({"link": "gone", "head": None, "has_branch": False}, ["LOST"]),
        ({"link": "gone", "head": None, "has_branch": False, "has_merged": True}, []),
        ({"link": "gone", "head": None, "used_at": "/repo"}, ["USED", "NO_WORKTREE"]),
        ({"link": "gone", "moved_to": "/w/b", "has_branch": False}, ["MOVED", "NO_BRANCH"]),
        ({"link": "foreign", "head": None}, ["FOREIGN"]),
        ({"link": "broken"}, ["BROKEN_LINK"]),
        ({"has_branch": False}, ["NO_BRANCH"]),
        ({"head": None}, ["OFF_BRANCH"]),
        ({"head": BranchName("main")}, ["OFF_BRANCH"]),
        ({"head": None, "has_merged": True}, []),
        ({"head": None, "midway": "bisect"}, ["MIDWAY"]),
        ({"is_merging": True}, ["MERGING"]),
        ({"head": None, "is_merging": True}, ["OFF_BRANCH"]),
        ({"head": None, "used_at": "/repo"}, ["USED", "OFF_BRANCH"]),
        ({"damaged": ("index",)}, ["DAMAGED"]),
        ({"damaged": ("HEAD",), "head": None}, ["DAMAGED"]),
    ],
)
def test_faults_come_in_their_order_the_gravest_first(
    fields: dict[str, object], kinds: list[str]
) -> None:
    facts = structs.replace(WHOLE, **fields)
    assert [fault.kind.name for fault in find_faults(facts)] == kinds


def test_a_fault_says_what_is_so_and_the_next_move_for_a_shell() -> None:
    facts = structs.replace(WHOLE, path="/w/o k", head=None, midway="rebase")
    (fault,) = find_faults(facts)
    assert (fault.word, fault.problem.place) == ("rebase under way", "a")
    assert fault.problem.message == "a rebase is under way in '/w/o k'"
    assert fault.problem.hint == ("conclude or abort it first: git -C '/w/o k' rebase --abort")


@pytest.mark.parametrize("kind", WorktreeFault)
def test_no_fault_is_without_a_consequence(kind: WorktreeFault) -> None:
    bars = BARS_APPLY | BARS_MERGE | BARS_REMOVAL | BARS_SYNC | BARS_WORK | HIDES_WORK
    # What is gone is made anew for whoever wants it.
    assert kind in bars or kind is WorktreeFault.NO_WORKTREE


def test_only_what_bars_an_act_is_named_for_it() -> None:
    faults = find_faults(structs.replace(WHOLE, head=None, used_at="/repo"))
    bar = find_bar(faults, BARS_MERGE)
    assert bar is not None
    assert bar.kind is WorktreeFault.OFF_BRANCH
    assert find_bar(faults, BARS_APPLY) is None
