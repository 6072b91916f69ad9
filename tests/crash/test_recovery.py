"""What a killed process can leave, made by hand or by a fault, and what the next command does."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.git.repair import LockOrigin, clear_shared_locks
from gitslices.state.folder import make_state_folder
from gitslices.state.lock import hold_operation
from tests.support.repositories import commit_all, git
from tests.support.shim import Action, Ended, Server, Strike
from tests.support.trials import COMMANDS, KEPT_IN_STATE, Stage

Kill = Callable[..., Ended]


def make_stage(factory: pytest.TempPathFactory, server: Server, name: str) -> Stage:
    (command,) = (command for command in COMMANDS if command.name == name)
    return Stage(factory.mktemp(name), command, server.run)


@pytest.fixture(scope="module")
def apply_stage(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Stage:
    return make_stage(tmp_path_factory, server, "apply")


@pytest.fixture(scope="module")
def remove_stage(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Stage:
    return make_stage(tmp_path_factory, server, "remove")


@pytest.fixture
def killed_apply(apply_stage: Stage, server: Server) -> Kill:
    """Kill an apply at a named point."""
    apply_stage.reset()
    return lambda point: server.run(
        apply_stage.repo, apply_stage.command.argv, Strike("kill", point)
    )


@pytest.fixture
def killed_remove(remove_stage: Stage, server: Server) -> Kill:
    """Kill `remove c --force` at a named point."""
    remove_stage.reset()
    return lambda point: server.run(
        remove_stage.repo, remove_stage.command.argv, Strike("kill", point)
    )


def statuses(server: Server, stage: Stage) -> dict[str, str]:
    done = server.run(stage.repo, ("status", "--json"))
    assert done.code == 0, done
    return {one["slice_id"]: one["status"] for one in json.loads(done.out)["slices"]}


PROVISIONED = dict.fromkeys("abc", "provisioned")


@pytest.mark.parametrize("left", ["commondir", "gitdir", "HEAD", "locked"])
def test_an_admin_folder_cut_short_anywhere_is_made_anew_by_any_command(
    apply_stage: Stage, server: Server, killed_apply: Kill, left: str
) -> None:
    killed_apply("git:worktree-add:after#2")
    admin = apply_stage.repo / ".git" / "worktrees" / "g--b"
    (admin / left).write_text("")
    written = ("locked", "gitdir", "HEAD", "commondir")  # in this order
    for later in written[written.index(left) + 1 :]:
        (admin / later).unlink()
    assert statuses(server, apply_stage) == PROVISIONED
    assert list(apply_stage.find_damage()) == []


def test_every_command_works_though_an_empty_commondir_stops_git(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:worktree-add:after#3")
    (apply_stage.repo / ".git" / "worktrees" / "g--c" / "commondir").write_text("")
    assert "commondir" not in git(apply_stage.repo, "worktree", "list", ok=False)
    assert server.run(apply_stage.repo, ("plan", str(apply_stage.graph))).code == 0
    assert len(git(apply_stage.repo, "worktree", "list").splitlines()) == 4


def test_an_empty_link_in_a_leaf_is_ours(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:worktree-add:after#1")
    (apply_stage.worktree("a") / ".git").write_text("")
    assert statuses(server, apply_stage) == PROVISIONED
    assert list(apply_stage.find_damage()) == []


def test_a_half_filled_worktree_is_filled_again_and_what_was_in_it_is_kept(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:read-tree:before#1")
    path = apply_stage.worktree("a")
    (path / "Makefile").write_text("half")
    (path / "found.txt").write_text("somebody's")
    (apply_stage.repo / ".git" / "worktrees" / "g--a" / "index.lock").write_text("")
    # Not by the apply that was killed: any command that takes the lock completes it.
    assert server.run(apply_stage.repo, ("prune", "--dry-run")).code == 0
    assert list(apply_stage.find_damage()) == []
    assert not (path / "found.txt").exists()
    (kept,) = (apply_stage.repo / ".git" / "gitslices" / "trash").rglob("found.txt")
    assert kept.read_text() == "somebody's"


def test_a_filled_worktree_keeps_what_was_done_in_it_since(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:worktree-unlock:before#1")
    whole = [id_ for id_ in "abc" if (apply_stage.worktree(id_) / "Makefile").exists()]
    for id_ in whole:
        (apply_stage.worktree(id_) / "later.txt").write_text("work")
        commit_all(apply_stage.worktree(id_), "Work")
    assert whole
    assert statuses(server, apply_stage) == PROVISIONED
    assert all((apply_stage.worktree(id_) / "later.txt").exists() for id_ in whole)
    assert list(apply_stage.find_damage()) == []


def test_a_folder_that_somebody_made_since_is_left_alone(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("mkdir:worktree#2")
    path = apply_stage.worktree("b")
    path.mkdir()
    (path / "mine.txt").write_text("mine")
    assert statuses(server, apply_stage) == {**PROVISIONED, "b": "planned"}
    assert (path / "mine.txt").read_text() == "mine"
    assert git(apply_stage.repo, "branch", "--list", "slices/g/b") == ""


def test_a_lock_that_the_user_put_on_a_worktree_stays(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("unlink:filling")
    git(apply_stage.repo, "worktree", "lock", "--reason", "mine", str(apply_stage.worktree("a")))
    statuses(server, apply_stage)
    assert "locked mine" in git(apply_stage.repo, "worktree", "list", "--porcelain")


def test_a_slice_is_planned_until_its_files_are_there(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:read-tree:before#1")
    state = make_state_folder(apply_stage.repo / ".git")
    (filling,) = state.glob("operation-*.json")
    operation = filling.stem.removeprefix("operation-")
    with hold_operation(state, operation, timeout=0):  # somebody is alive and fills them
        assert set(statuses(server, apply_stage).values()) == {"planned"}
    assert statuses(server, apply_stage) == PROVISIONED


def test_records_of_an_operation_that_left_no_intent_are_completed(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:read-tree:before#1")
    for path in (apply_stage.repo / ".git" / "gitslices").glob("operation-*"):
        path.unlink()
    assert server.run(apply_stage.repo, ("prune", "--dry-run")).code == 0
    assert statuses(server, apply_stage) == PROVISIONED
    assert list(apply_stage.find_damage()) == []


def test_a_recovery_that_cannot_fill_a_worktree_undoes_it(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("git:read-tree:before#1")
    git(apply_stage.repo, "config", "filter.broken.smudge", "false")
    git(apply_stage.repo, "config", "filter.broken.required", "true")
    attributes = apply_stage.repo / ".git" / "info" / "attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("Makefile filter=broken\n")
    assert set(statuses(server, apply_stage).values()) == {"planned"}
    attributes.unlink()
    assert list(apply_stage.find_damage()) == []
    assert git(apply_stage.repo, "branch", "--list", "slices/*") == ""


def test_a_removal_that_had_not_begun_is_forgotten(
    remove_stage: Stage, server: Server, killed_remove: Kill
) -> None:
    killed_remove("git:update-ref:before")
    commit = commit_all(remove_stage.worktree("c"), "Work since")
    assert statuses(server, remove_stage)["c"] == "provisioned"
    assert git(remove_stage.repo, "rev-parse", "slices/g/c") == commit
    assert list(remove_stage.find_damage()) == []


def test_a_branch_that_moves_while_it_is_removed_stays(
    remove_stage: Stage, server: Server, killed_remove: Kill
) -> None:
    """The transaction reached the trash reference, then somebody moved the branch."""
    killed_remove("git:update-ref:before")
    intent = (remove_stage.repo / ".git" / "gitslices" / "intent.json").read_text()
    operation = intent.partition('"operation":"')[2][:32]
    keep = f"refs/gitslices/trash/{operation}/tip/slices/g/c"
    git(remove_stage.repo, "update-ref", keep, "slices/g/c")
    commit = commit_all(remove_stage.worktree("c"), "Work since")
    assert statuses(server, remove_stage)["c"] == "provisioned"
    assert git(remove_stage.repo, "rev-parse", "slices/g/c") == commit
    assert git(remove_stage.repo, "for-each-ref", "refs/gitslices/") == ""
    assert list(remove_stage.find_damage()) == []


@pytest.mark.parametrize("action", ["enospc", "eio"])
def test_a_removal_that_fails_puts_everything_back(
    remove_stage: Stage, server: Server, action: Action
) -> None:
    remove_stage.reset()
    before = remove_stage.snapshot()
    strike = Strike(action, "rename:trash#2")
    ended = server.run(remove_stage.repo, remove_stage.command.argv, strike)
    assert ended.code == 3
    assert ended.err.startswith("error: cannot move ")
    assert remove_stage.snapshot() == before
    assert list(remove_stage.find_damage()) == []
    assert (remove_stage.worktree("c") / "mine-loose").read_text() == "loose in c"


def test_locks_of_a_killed_git_are_removed_and_a_foreign_one_stays(
    remove_stage: Stage, server: Server, killed_remove: Kill
) -> None:
    killed_remove("git:update-ref:after")
    common_dir = remove_stage.repo / ".git"
    names = ["packed-refs.lock", "packed-refs.new", "refs/heads/slices/g/c.lock"]
    (common_dir / "refs" / "heads" / "slices" / "g").mkdir(parents=True, exist_ok=True)
    for name in (*names, "refs/heads/main.lock"):
        (common_dir / name).write_text("")
    statuses(server, remove_stage)
    assert [name for name in names if (common_dir / name).exists()] == []
    assert (common_dir / "refs" / "heads" / "main.lock").exists()


def test_a_shared_lock_stays_while_somebody_may_hold_it(tmp_path: Path) -> None:
    lock, new = tmp_path / "packed-refs.lock", tmp_path / "packed-refs.new"
    lock.write_text("")
    clear_shared_locks(tmp_path, [], origin=LockOrigin(since=time.time() + 60))
    assert lock.exists(), "it is older than the intent"
    with new.open("w"):
        clear_shared_locks(tmp_path, [], origin=LockOrigin(since=time.time() - 60))
        assert new.exists(), "a process has it open"
    assert not lock.exists()


def test_what_dead_operations_leave_is_cleared(
    apply_stage: Stage, server: Server, killed_apply: Kill
) -> None:
    killed_apply("write:intent")
    state = apply_stage.repo / ".git" / "gitslices"
    assert len(list(state.glob("operation-*.lock"))) == 1
    assert (state / "topology.holder").exists()
    (state / "intent.json.1.tmp").write_text("half")
    assert server.run(apply_stage.repo, ("prune", "--dry-run")).code == 0
    assert list(apply_stage.find_damage()) == []


def test_a_look_at_conflicts_that_was_killed_leaves_nothing(
    apply_stage: Stage, server: Server
) -> None:
    apply_stage.reset()
    server.run(apply_stage.repo, apply_stage.command.argv)
    (apply_stage.worktree("a") / "src" / "new").write_text("work")
    ended = server.run(apply_stage.repo, ("conflicts",), Strike("kill", "git:write-tree:before"))
    assert ended.code < 0
    assert list(apply_stage.find_damage())
    assert server.run(apply_stage.repo, ("prune", "--dry-run")).code == 0
    state = apply_stage.repo / ".git" / "gitslices"
    assert {path.name for path in state.iterdir()} <= KEPT_IN_STATE


def test_a_reader_is_never_told_of_a_change_half_way(apply_stage: Stage, server: Server) -> None:
    apply_stage.reset()
    graph = str(apply_stage.graph)
    server.run(apply_stage.repo, ("plan", graph, "--apply"))
    script = "$1 remove a && $1 remove b && $1 reopen a && $1 reopen b && $1 plan $2 --apply"
    writer = subprocess.Popen(
        ["sh", "-c", script, "sh", f"{sys.executable} -m gitslices", graph],
        cwd=apply_stage.repo,
        stdout=subprocess.DEVNULL,
    )
    seen: set[tuple[str, ...]] = set()
    while writer.poll() is None:
        seen.add(tuple(statuses(server, apply_stage).values()))
    assert writer.returncode == 0
    assert {status for one in seen for status in one} <= {"dropped", "planned", "provisioned"}
    assert {one[2] for one in seen} == {"provisioned"}
    assert statuses(server, apply_stage) == PROVISIONED
