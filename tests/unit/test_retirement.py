"""When a slice may be taken away, decided from plain values."""

import pytest

from gitslices.core.model import BranchName, SliceId
from gitslices.rules.removal import (
    DISPOSABLE,
    Retirable,
    find_expiry,
    find_removal_problems,
)
from gitslices.rules.worktree_faults import WorktreeFacts, WorktreeFault, describe_fault
from gitslices.scopes.language.ignore import read_ignore_lines

FOREIGN = describe_fault(
    WorktreeFault.FOREIGN,
    WorktreeFacts(slice_id=SliceId("s"), branch=BranchName("slices/g/s"), path="/g--s"),
)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, []),
        ({"changed": ("a", "b", "c", "d")}, ["uncommitted: a, b, c and 1 more"]),
        ({"ignored": ("data/",)}, ["ignored by git, and nowhere else: data/"]),
        ({"ahead": 2}, ["2 commits not in the target"]),
        ({"detached": 1}, ["1 commit on no branch, at the worktree's detached HEAD"]),
        ({"unpushed": {"lib": 1}}, ["submodule lib: 1 commit that no remote has"]),
        ({"changed": ("a",), "ahead": 1}, ["uncommitted: a", "1 commit not in the target"]),
    ],
)
def test_work_forbids_removal_until_it_is_given_up(
    fields: dict[str, object], says: list[str]
) -> None:
    facts = Retirable(goal_id="g", slice_id=SliceId("s"), **fields)  # type: ignore[arg-type]
    assert [one.message for one in find_removal_problems(facts, force=False)] == says
    assert find_removal_problems(facts, force=True) == ()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"locked": "usb"}, "its worktree is locked: usb"),
        ({"locked": ""}, "its worktree is locked"),
        ({"busy": True}, "its worktree is being filled"),
        ({"claimed": True}, "it is claimed"),
        ({"stale": True}, "it has changed since it was looked at"),
        ({"faults": (FOREIGN,)}, "the folder at its path is not its worktree"),
    ],
)
def test_no_force_removes_what_others_hold(fields: dict[str, object], says: str) -> None:
    facts = Retirable(goal_id="g", slice_id=SliceId("s"), **fields)  # type: ignore[arg-type]
    for force in (False, True):
        assert [one.message for one in find_removal_problems(facts, force=force)] == [says]


@pytest.mark.parametrize(
    ("path", "precious"),
    [
        ("node_modules/", False),
        ("web/node_modules/", False),
        ("src/__pycache__/", False),
        ("src/__pycache__/a.cpython-311.pyc", False),
        ("src/a.pyc", False),
        (".venv/", False),
        (".env", True),
        ("data/", True),
        ("targets/", True),
        ("target", True),
    ],
)
def test_only_what_tools_make_again_is_disposable(path: str, precious: bool) -> None:
    assert read_ignore_lines(DISPOSABLE).covers(path) is not precious


def test_the_last_pattern_decides() -> None:
    patterns = (*DISPOSABLE, "!target/", "*.log", "!keep.log")
    paths = ("target/", "a.log", "keep.log", "node_modules/")
    covered = read_ignore_lines(patterns).covers
    assert [path for path in paths if not covered(path)] == ["target/", "keep.log"]


def test_a_removal_can_be_undone_for_fourteen_days() -> None:
    assert find_expiry("2026-01-20T10:00:00Z").isoformat() == "2026-02-03T10:00:00+00:00"
