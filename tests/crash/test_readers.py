"""Readers beside writers: no error, and no answer that was never true."""

import multiprocessing
import subprocess
from collections import Counter
from collections.abc import Mapping
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

from gitslices.core.errors import GitError
from gitslices.core.model import Oid, SliceId
from gitslices.git.compare import count_all_ahead_behind
from gitslices.git.read import count_beyond
from gitslices.git.repository import Repository, Result
from gitslices.git.worktrees import read_worktrees
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.apply import ApplyRequest, apply
from gitslices.ops.plan import PlanRequest, plan
from gitslices.ops.removal import RemoveRequest, UndoRequest, remove, undo
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.ops.status import status
from gitslices.workspace import Workspace
from tests.support.graphs import make_graph
from tests.support.repositories import commit_all, git
from tests.support.workspaces import open_at


def provision(workspace: Workspace, *ids: str, goal: str = "default") -> None:
    graph = make_graph(*({"id": id_, "write_set": [f"{id_}/"]} for id_ in ids), goal_id=goal)
    made = plan(workspace, PlanRequest(scoped=parse_scopes(graph)))
    apply(workspace, ApplyRequest(graph=graph, plan=made), lambda progress: None)


def take_and_bring_back(repo: Path, stop: Signal) -> None:
    workspace = open_at(repo)
    while not stop.is_set():
        remove(workspace, RemoveRequest(slice_id=SliceId("a"), goal_id="default", force=True))
        undo(workspace, UndoRequest(slice_id=SliceId("a")))


def come_and_go(repo: Path, stop: Signal) -> None:
    workspace = open_at(repo)
    while not stop.is_set():
        provision(workspace, "x", goal="other")
        remove(workspace, RemoveRequest(slice_id=SliceId("x"), goal_id="other"))
        reopen(workspace, ReopenRequest(slice_id=SliceId("x"), goal_id="other"))


def test_status_is_right_while_slices_are_removed_and_made(repo: Path) -> None:
    workspace = open_at(repo)
    provision(workspace, "a", "b")
    worktree = workspace.worktree_root / "default--a"
    commit_all(worktree, "Work")
    (worktree / "Makefile").write_text("changed")
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    writers = [
        context.Process(target=writer, args=(repo, stop))
        for writer in (take_and_bring_back, come_and_go)
    ]
    for writer in writers:
        writer.start()
    seen: Counter[tuple[str, int, bool | None]] = Counter()
    while min(seen.values(), default=0) < 5 or len(seen) < 2:
        a, b = status(workspace, "default").slices
        seen[(a.status, a.ahead, a.dirty)] += 1
        assert (b.status, b.ahead, b.dirty) == ("provisioned", 0, False)
        assert set(seen) <= {("provisioned", 1, True), ("dropped", 0, False)}
        assert all(writer.is_alive() for writer in writers)
    stop.set()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0


def test_a_torn_registration_is_waited_for(repo: Path) -> None:
    workspace = open_at(repo)
    provision(workspace, "a")
    torn = repo / ".git" / "worktrees" / "default--a" / "commondir"
    context = multiprocessing.get_context("spawn")
    torn.write_text("")
    assert git(repo, "worktree", "list", ok=False) == ""
    mender = context.Process(target=torn.write_text, args=("../..\n",))
    mender.start()
    answer = None
    while answer is None:
        # Each look waits for less than half a second, which a new process may take to start.
        try:
            answer = status(workspace, None)
        except GitError:
            assert torn.read_text() == ""
    mender.join()
    assert [one.status for one in answer.slices] == ["provisioned"]


def test_a_lock_that_goes_while_git_reads_it_is_no_error(repo: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "--lock", str(repo.parent / "w"))
    locked = repo / ".git" / "worktrees" / "w" / "locked"
    locked.unlink()
    # git finds the file there, and then cannot open it
    locked.symlink_to("nowhere")
    statuses = []

    def run(argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]) -> Result:
        done = subprocess.run(["git", *argv], input=data, capture_output=True, check=False)
        statuses.append(done.returncode)
        locked.unlink(missing_ok=True)
        return Result(done.returncode, done.stdout, done.stderr)

    worktrees = read_worktrees(Repository(repo, repo / ".git", repo / ".git", run))
    assert [worktree.locked for worktree in worktrees] == [None, None]
    assert statuses == [128, 0]


def test_counts_of_many_are_those_of_one_at_a_time(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    tips = [base]
    for number in range(4):
        git(repo, "switch", "--quiet", "--detach", tips[number // 2])
        tips += [commit_all(repo, f"Work {number}") for _ in range(number + 1)]
    git(repo, "merge", "--quiet", "--no-edit", tips[2], tips[-1])
    tips.append(git(repo, "rev-parse", "HEAD"))
    git(repo, "switch", "--quiet", "--orphan", "unrelated")
    tips.append(commit_all(repo, "Unrelated"))
    handle = open_at(repo).repo
    for target in (Oid(tips[0]), Oid(tips[3]), Oid(tips[-2])):
        counted = count_all_ahead_behind(handle, [Oid(tip) for tip in tips], target)
        assert counted == {
            one: (count_beyond(handle, one, [target]), count_beyond(handle, target, [one]))
            for one in map(Oid, tips)
        }
