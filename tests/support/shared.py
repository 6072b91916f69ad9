"""Clones that share a goal, each with a clock of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path

from gitslices.core.model import SliceId
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.done import DoneReport, DoneRequest, done
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.leases import HeartbeatRequest, ReleaseRequest, heartbeat, release
from gitslices.ops.log import LogRequest, read_log
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.share import JoinRequest, ShareReport, ShareRequest, join, share
from gitslices.ops.status import status
from gitslices.state.store import Event
from tests.support.remotes import clone
from tests.support.repositories import git
from tests.support.slices import GOAL, apply_tasks, slice_path, work
from tests.support.workspaces import HandClock, open_at

STATE = "refs/gitslices/state"
TASKS: tuple[Mapping[str, object], ...] = (
    {"id": "a", "write_set": ["a/"]},
    {"id": "b", "write_set": ["b/"]},
    {"id": "c", "write_set": ["c/"], "dependencies": ["a"]},
)


class Clone:
    """One clone, and short forms of what its user does."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.clock = HandClock()
        self.workspace = open_at(repo, clock=self.clock)

    def share(self, *tasks: Mapping[str, object], provision: bool = False) -> ShareReport:
        """Share a goal of `tasks`; with `provision` all of its worktrees are made here."""
        apply_tasks(
            self.workspace, *(tasks or TASKS), target="origin/main", ready_only=not provision
        )
        return share(self.workspace, ShareRequest(goal_ids=(GOAL,)))

    def join(self, *, restore: bool = False) -> ShareReport:
        return join(self.workspace, JoinRequest(restore=restore))

    def claim(
        self, slice_id: str | None = "a", holder: str = "one", ttl: int = 1800
    ) -> ClaimReport:
        wanted = SliceId(slice_id) if slice_id else None
        return claim(self.workspace, ClaimRequest(slice_id=wanted, holder=holder, ttl=ttl))

    def work(self, slice_id: str, text: str = "1") -> str:
        return work(self.workspace, slice_id, {f"{slice_id}/file": text})

    def heartbeat(self, slice_id: str, token: int) -> None:
        heartbeat(self.workspace, HeartbeatRequest(slice_id=SliceId(slice_id), token=token))

    def release(self, slice_id: str, token: int | None = None) -> None:
        release(self.workspace, ReleaseRequest(slice_id=SliceId(slice_id), token=token))

    def done(self, slice_id: str, token: int) -> DoneReport:
        return done(self.workspace, DoneRequest(slice_id=SliceId(slice_id), token=token))

    def merge(self, *ids: str) -> MergeReport:
        return merge(self.workspace, MergeRequest(slice_ids=tuple(map(SliceId, ids)) or None))

    def statuses(self) -> dict[str, str]:
        return {one.slice_id: one.status for one in status(self.workspace, None).slices}

    def read_log(self) -> tuple[Event, ...]:
        return tuple(read_log(self.workspace, LogRequest()).events)

    def worktree(self, slice_id: str) -> Path:
        return slice_path(self.workspace, slice_id)


def make_clones(hub: Path, *names: str) -> list[Clone]:
    return [Clone(clone(hub, name)) for name in names]


def read_state(hub: Path) -> dict[str, str]:
    """The files of the shared state as the server has them."""
    names = git(hub, "ls-tree", "-r", "--name-only", STATE).splitlines()
    return {name: git(hub, "show", f"{STATE}:{name}") for name in names}


def write_state(clone: Path, change: Callable[[Path], object]) -> None:
    """Push a commit upon the state as anybody can who may push."""
    git(clone, "fetch", "--quiet", "origin", STATE)
    folder = clone.with_name(f"{clone.name}-state")
    git(clone, "worktree", "add", "--quiet", "--detach", str(folder), "FETCH_HEAD")
    change(folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "by hand")
    git(folder, "push", "--quiet", "origin", f"HEAD:{STATE}")
    git(clone, "worktree", "remove", "--force", str(folder))
