"""`[teardown]` and `[setup] ports`: what a slice has outside of its worktree goes with it."""

import time
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError, UntrustedError
from gitslices.core.model import SliceId
from gitslices.ops.crew import RunRequest
from gitslices.ops.removal import PruneRequest, RemoveRequest, UndoRequest, prune, remove, undo
from gitslices.ops.run import run
from gitslices.provisioning.wanted import FIRST_PORT, PORTS, choose_ports
from gitslices.repo_commands.setup import SetupRequest, set_up
from gitslices.repo_commands.trust import approve
from gitslices.slices.environment import make_slice_environment
from gitslices.system.settings import load_settings
from gitslices.workspace import Workspace
from tests.support.kills import is_alive
from tests.support.repositories import write_settings
from tests.support.slices import apply_tasks, read_record, slice_path
from tests.support.workspaces import open_at

TASKS = ({"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
COMMIT = 'mkdir -p "$1" && echo "$1" >>"$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def databases(tmp_path: Path) -> Path:
    folder = tmp_path / "databases"
    folder.mkdir()
    return folder


def begin(repo: Path, databases: Path, *teardown: str, more: str = "") -> Workspace:
    drop = [*teardown, f"rm -f {databases}/$GITSLICES_NAME"]
    listed = ", ".join(f"'{one}'" for one in drop)
    write_settings(
        repo,
        f"[setup]\nports = 3\ncommands = ['touch {databases}/$GITSLICES_NAME']\n"
        f"[teardown]\ncommands = [{listed}]\n{more}",
    )
    workspace = open_at(repo)
    approve(workspace, load_settings(repo).texts)
    apply_tasks(workspace, *TASKS)
    assert set_up(workspace, SetupRequest(goal_id="default")).ready == ("a", "b")
    return workspace


def count(databases: Path) -> int:
    return len(list(databases.iterdir()))


def drop(workspace: Workspace, slice_id: str, *, force: bool = False) -> tuple[str, ...]:
    return remove(workspace, RemoveRequest(slice_id=SliceId(slice_id), force=force)).warnings


def test_what_set_up_made_goes_with_the_slice_and_comes_back(repo: Path, databases: Path) -> None:
    workspace = begin(repo, databases)
    assert count(databases) == 2
    drop(workspace, "a", force=True)
    assert count(databases) == 1
    assert undo(workspace, UndoRequest()).warnings == ()
    assert count(databases) == 2
    assert not read_record(workspace, "a").needs_setup


def test_what_may_not_go_is_not_torn_down(repo: Path, databases: Path) -> None:
    workspace = begin(repo, databases)
    (slice_path(workspace, "a") / "new.txt").write_text("work")
    with pytest.raises(RefusedError, match="'a' is not removed"):
        drop(workspace, "a")
    assert count(databases) == 2


def test_a_teardown_that_fails_keeps_the_slice_unless_it_is_forced(
    repo: Path, databases: Path
) -> None:
    workspace = begin(repo, databases, "echo no such server; exit 3")
    run_all(workspace)
    refused = prune(workspace, PruneRequest())
    assert (refused.removed, [one.place for one in refused.refused]) == ((), ["a", "b"])
    assert refused.refused[0].message == (
        "teardown command 'echo no such server; exit 3' failed (3): no such server"
    )
    # The others ran all the same.
    assert count(databases) == 0
    forced = prune(workspace, PruneRequest(force=True))
    assert len(forced.removed) == len(forced.warnings) == 2


def test_what_nobody_has_approved_is_not_run(repo: Path, databases: Path) -> None:
    workspace = begin(repo, databases)
    path = repo / ".gitslices" / "config.toml"
    path.write_text(path.read_text().replace("rm -f", "rm -rf"))
    with pytest.raises(UntrustedError):
        drop(workspace, "a")
    assert slice_path(workspace, "a").exists()
    (warning,) = drop(workspace, "a", force=True)
    assert warning == "a: its teardown was not run: its commands are not approved"
    assert count(databases) == 2


def test_a_server_of_a_worktree_ends_with_it_and_comes_back(repo: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    # What it has started ends, too, whatever session that is in.
    server = f"setsid sleep 1000 & echo $! >{pids}/$GITSLICES_SLICE.new; "
    server += f"mv {pids}/$GITSLICES_SLICE.new {pids}/$GITSLICES_SLICE; exec sleep 1000"
    write_settings(repo, f"[setup]\nbackground = ['{server}']\n")
    workspace = open_at(repo)
    approve(workspace, load_settings(repo).texts)
    apply_tasks(workspace, *TASKS)
    assert set_up(workspace, SetupRequest(goal_id="default")).ready == ("a", "b")
    first = {id_: read_pid(pids / id_) for id_ in "ab"}
    assert all(map(is_alive, first.values()))
    assert drop(workspace, "a", force=True) == ()
    assert [is_alive(one) for one in first.values()] == [False, True]
    (pids / "a").unlink()
    undo(workspace, UndoRequest())
    assert is_alive(read_pid(pids / "a"))
    run_all(workspace)
    assert len(prune(workspace, PruneRequest()).removed) == 2
    assert not any(is_alive(read_pid(pids / id_)) for id_ in "ab")


def read_pid(path: Path) -> int:
    give_up = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < give_up
    return int(path.read_text())


def run_all(workspace: Workspace) -> None:
    command = ("sh", "-c", COMMIT, "sh", "{slice}")
    report = run(workspace, RunRequest(command=command, holder="crew"), lambda step: None)
    assert len(report.merged) == 2


def test_a_run_takes_it_away_once_it_has_merged_where_it_says_so(
    repo: Path, databases: Path
) -> None:
    workspace = begin(repo, databases, more="after_merge = true\n")
    run_all(workspace)
    assert count(databases) == 0
    assert slice_path(workspace, "a").exists()


def test_each_slice_has_a_block_of_ports(repo: Path, databases: Path) -> None:
    workspace = begin(repo, databases)
    blocks = []
    for slice_id in "ab":
        record = read_record(workspace, slice_id)
        given = make_slice_environment(workspace, record)
        blocks.append([int(given[f"GITSLICES_PORT_{at}"]) for at in range(3)])
        assert given["GITSLICES_PORT"] == given["GITSLICES_PORT_0"]
        assert "GITSLICES_PORT_3" not in given
    assert len({port for block in blocks for port in block}) == 6


def test_blocks_of_ports_never_overlap_nor_leave_the_range() -> None:
    names = [str(number) for number in range(40)]
    firsts = choose_ports(names, [], 100)
    ports = [port for first in firsts for port in range(first, first + 100)]
    assert len(set(ports)) == len(ports)
    assert min(ports) >= FIRST_PORT
    assert max(ports) < FIRST_PORT + PORTS
    assert choose_ports(["a"], range(FIRST_PORT, FIRST_PORT + PORTS, 2), 2) == (0,)
