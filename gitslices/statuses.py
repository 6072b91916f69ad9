"""What the statuses of slices mean together, and how one comes about."""

from typing import Final

from gitslices.model import SliceStatus

FINISHED: Final[frozenset[SliceStatus]] = frozenset({"merged", "removed"})
"""Nothing waits for a slice in one of these."""

UNDER_WAY: Final[frozenset[SliceStatus]] = frozenset(
    {"provisioned", "claimed", "done", "conflicted"}
)
"""A slice in one of these has a branch and a worktree, and its write scope holds."""

LANDABLE: Final[frozenset[SliceStatus]] = UNDER_WAY - {"claimed"}
"""A slice in one of these counts as merged once its commits are in the target."""


def settle_status(recorded: SliceStatus | None, *, leased: bool, landed: bool) -> SliceStatus:
    """The status of a slice, from its record and from what the clock and git add to that.

    `leased` says that its lease is live: one that has lapsed counts as none.
    """
    if leased and recorded not in FINISHED:
        return "claimed"
    if recorded is None:
        return "planned"
    standing: SliceStatus = "provisioned" if recorded == "claimed" else recorded
    return "merged" if landed and standing in LANDABLE else standing
