"""`[merge] rerun_gates`: gates judge the merged files before the target moves."""

import sys
from pathlib import Path

import pytest

from gitslices.core.errors import UntrustedError
from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.log import read_evidence
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.recovery.recovery import recover
from gitslices.repo_commands.trust import approve
from gitslices.system.settings import load_settings
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import Desk

WALL = "local_verification_wall"
RERUN = f'[merge]\nrerun_gates = ["{WALL}"]\n'


@pytest.fixture
def desk(repo: Path) -> Desk:
    """A slice a with a commit, claimed with token 1, beside b; the target went on meanwhile."""
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    path = Path(desk.claim("a").worktree_path)
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    (repo / "later.txt").write_text("later")
    commit_all(repo, "Later")
    return desk


def set_gate(desk: Desk, command: str, more: str = RERUN) -> None:
    """Let `command` decide the wall, and finish the slice where it passes there."""
    text = f"{more}[gates]\n{WALL} = '''\n{command}'''\n"
    write_settings(desk.repo, text)
    approve(desk.workspace, load_settings(desk.repo).texts)
    done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=1))


def land(desk: Desk) -> MergeReport:
    return merge(desk.workspace, MergeRequest(slice_ids=None))


def list_scratch(desk: Desk) -> list[str]:
    folder = desk.repo / ".git" / "gitslices"
    return [path.name for path in (*folder.glob("scratch-*"), *folder.glob("operation-*"))]


def test_a_gate_sees_the_merged_files_and_the_slices_own_stay(desk: Desk, tmp_path: Path) -> None:
    set_gate(desk, f"ls later.txt src/new.py >> {tmp_path}/seen 2> /dev/null; true")
    before = git(desk.worktree("a"), "rev-parse", "HEAD")
    (landed,) = land(desk).merged
    assert (tmp_path / "seen").read_text().split() == ["src/new.py", "later.txt", "src/new.py"]
    assert git(desk.worktree("a"), "rev-parse", "HEAD") == before
    assert not (desk.worktree("a") / "later.txt").exists()
    runs = read_evidence(desk.workspace, "a", None).gates
    assert [(run.gate, run.passed, run.commit) for run in runs] == [
        (WALL, True, before),
        (WALL, True, landed.commit),
    ]
    assert list_scratch(desk) == []


def test_a_gate_that_fails_on_the_merged_files_refuses_the_merge(desk: Desk, cli: Cli) -> None:
    set_gate(desk, "! test -e later.txt || { echo 1 test failed; exit 3; }")
    before = git(desk.repo, "rev-parse", "main")
    finished = cli("merge", "--all")
    log = desk.repo / f".git/gitslices/logs/default--a--merged/gate-{WALL}.log"
    why = f"on the merged files: gate {WALL} failed: exit status 3: 1 test failed"
    assert (finished.code, finished.out) == (1, f"not merged a: {why} (see {log})\n")
    assert log.read_text() == "1 test failed\n"
    assert git(desk.repo, "rev-parse", "main") == before
    assert desk.record("a").status == "done"
    assert list_scratch(desk) == []


def test_git_works_where_the_gate_runs(desk: Desk, tmp_path: Path) -> None:
    set_gate(desk, f"git diff --name-only main HEAD > {tmp_path}/changed && git log -3")
    assert land(desk).merged
    assert (tmp_path / "changed").read_text() == "src/new.py\n"


def test_a_tree_that_has_passed_is_not_judged_again(repo: Path, tmp_path: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    path = Path(desk.claim("a").worktree_path)
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    set_gate(desk, f"echo ran >> {tmp_path}/runs")
    assert land(desk).merged
    assert (tmp_path / "runs").read_text() == "ran\n"


def test_a_target_that_moves_meanwhile_is_merged_with_and_judged_again(
    desk: Desk, tmp_path: Path
) -> None:
    once = f"test -e later.txt && mkdir {tmp_path}/once 2> /dev/null"
    move = f"git -C {desk.repo} rm -q Makefile && git -C {desk.repo} commit -q -m Meanwhile"
    set_gate(desk, f"ls Makefile >> {tmp_path}/runs 2>&1; {{ {once} && {move}; }}; true")
    assert land(desk).merged
    runs = (tmp_path / "runs").read_text().splitlines()
    assert runs[:2] == ["Makefile", "Makefile"]
    assert "No such file" in runs[2]
    assert git(desk.repo, "log", "-1", "--format=%s", "main^1") == "Meanwhile"


def test_others_change_worktrees_while_a_gate_runs(desk: Desk) -> None:
    sync = f"{sys.executable} -m gitslices sync b -C {desk.repo} --lock-timeout 0"
    set_gate(desk, f"! test -e later.txt || {sync}")
    assert land(desk).merged
    assert "synced" in [event.event for event in desk.events() if event.slice_id == "b"]


def test_a_gate_that_changes_the_merged_files_does_not_count(desk: Desk) -> None:
    set_gate(desk, "! test -e later.txt || echo more >> src/new.py")
    (refused,) = land(desk).refused
    assert refused.message == (
        f"on the merged files: gate {WALL} ran beside changes that are not committed, "
        "so it does not count"
    )


def test_what_worktrees_are_given_is_there_too(desk: Desk) -> None:
    (desk.repo / ".gitignore").write_text(".env\nready\n")
    (desk.repo / ".worktreeinclude").write_text(".env\n")
    commit_all(desk.repo, "Environment")
    (desk.repo / ".env").write_text("KEY=1")
    setup = '[setup]\ncommands = ["touch ready"]\n'
    set_gate(desk, "! test -e later.txt || cat .env ready", RERUN + setup)
    assert land(desk).merged


def test_a_set_up_that_fails_refuses_the_merge(desk: Desk) -> None:
    set_gate(desk, "true", RERUN + '[setup]\ncommands = ["echo no network; false"]\n')
    (refused,) = land(desk).refused
    assert refused.message.startswith(
        "on the merged files: set-up command 'echo no network; false' failed (1): no network (see "
    )


def test_nothing_is_merged_before_the_commands_are_approved(desk: Desk) -> None:
    set_gate(desk, "true")
    write_settings(desk.repo, f"{RERUN}[gates]\n{WALL} = 'false'\n")
    before = git(desk.repo, "rev-parse", "main")
    with pytest.raises(UntrustedError, match="not been approved"):
        land(desk)
    assert git(desk.repo, "rev-parse", "main") == before


def test_what_a_killed_merge_leaves_goes_with_the_next_command(desk: Desk, cli: Cli) -> None:
    set_gate(desk, "! test -e later.txt || { mkdir -m 500 sealed; kill -9 $PPID; }")
    assert cli("merge", "--all").code == -9
    assert list_scratch(desk)
    recover(desk.workspace)
    assert list_scratch(desk) == []
    assert git(desk.repo, "worktree", "list", "--porcelain").count("worktree ") == 3


def test_core_worktree_does_not_lead_the_merged_files_elsewhere(desk: Desk) -> None:
    set_gate(desk, "test ! -e later.txt || test -e .git")
    git(desk.repo, "config", "core.worktree", str(desk.repo))
    (desk.repo / "README.md").write_text("unsaved")
    assert land(desk).merged
    assert (desk.repo / "README.md").read_text() == "unsaved"


def test_an_ignored_file_that_a_gate_makes_meanwhile_is_in_the_way(desk: Desk, cli: Cli) -> None:
    (desk.repo / ".git/info/exclude").write_text("new.py\n")
    made = desk.repo / "src/new.py"
    set_gate(desk, f"if test -e later.txt; then echo precious > {made}; fi")
    done = cli("merge", "--all")
    assert (done.code, f"uncommitted work in '{desk.repo}': src/new.py (" in done.out) == (1, True)
    assert made.read_text() == "precious\n"
