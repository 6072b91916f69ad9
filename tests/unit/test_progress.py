"""How far a slice is, decided from plain values."""

import pytest

from gitslices.core.model import SliceStatus
from gitslices.rules.progress import Progress, find_progress


@pytest.mark.parametrize(
    ("status", "has_commits", "in_target", "progress"),
    [
        ("provisioned", False, False, "untouched"),
        ("provisioned", False, True, "untouched"),  # only brought up to date
        ("provisioned", True, False, "started"),
        ("provisioned", True, True, "landed"),
        ("claimed", False, True, "started"),
        ("done", False, False, "started"),
        ("done", True, True, "landed"),
        ("conflicted", True, False, "started"),
        ("merged", False, False, "landed"),
    ],
)
def test_progress(
    status: SliceStatus, has_commits: bool, in_target: bool, progress: Progress
) -> None:
    assert find_progress(status, has_commits=has_commits, in_target=in_target) == progress
