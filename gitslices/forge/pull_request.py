"""What a forge has of a branch, and what it is to have: one shape for all of them."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from gitslices.core.model import BranchName, SliceId
from gitslices.system.settings_tables import MergeStyle

PullStage = Literal["draft", "open", "merged", "closed"]
ChecksState = Literal["none", "pending", "passed", "failed"]
ReviewState = Literal["none", "wanted", "approved", "rejected"]


class PullRequest(Struct, frozen=True, kw_only=True):
    """The pull request of a branch, as its forge tells of it.

    `handle` is what the forge calls it where that is not its number.
    """

    number: int
    url: str
    branch: BranchName
    base: BranchName
    title: str
    body: str
    state: PullStage
    checks: ChecksState = "none"
    review: ReviewState = "none"
    handle: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it can still be merged."""
        return self.state in {"draft", "open"}


class PullState(Struct, frozen=True, kw_only=True):
    """How the pull request of a slice stands, as its forge tells it now."""

    slice_id: SliceId
    number: int
    pr_url: str
    state: str
    base: BranchName
    checks: str
    review: str


def make_pull_state(slice_id: SliceId, pull: PullRequest) -> PullState:
    """What is told of the pull request of a slice."""
    return PullState(
        slice_id=slice_id,
        number=pull.number,
        pr_url=pull.url,
        state=pull.state,
        base=pull.base,
        checks=pull.checks,
        review=pull.review,
    )


class Proposal(Struct, frozen=True, kw_only=True):
    """What the pull request of a branch is to be; `reviewers` are users, `teams` groups of them."""

    branch: BranchName
    base: BranchName
    title: str
    body: str
    draft: bool
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class Forge(Protocol):
    """A place where branches are reviewed.

    All raise `RemoteError` where it cannot be reached, `RefusedError` where it does not do what it
    is asked, or its client is not there.
    """

    name: str

    def find_all(self, branches: Sequence[BranchName]) -> Mapping[BranchName, PullRequest]:
        """The latest pull request of each of `branches` that has one, in one call."""

    def open(self, proposal: Proposal) -> tuple[PullRequest, tuple[str, ...]]:
        """Open a pull request; what did not come through is said beside it."""

    def update(self, known: PullRequest, proposal: Proposal) -> tuple[str, ...]:
        """Bring an open pull request to what is proposed; what did not come through is told."""

    def enter_queue(self, known: PullRequest, style: MergeStyle) -> None:
        """Have the forge merge it by itself once all that it asks for is there."""
