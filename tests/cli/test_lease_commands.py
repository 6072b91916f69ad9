"""The lease and gate commands, end to end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitslices.git.links import find_admin_folder
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git, write_settings


@pytest.fixture
def standing(cli: Cli, tmp_path: Path) -> Path:
    """Two slices, b after a; returns the worktree of a."""
    graph = write_graph(
        tmp_path / "g.json",
        {"id": "a", "title": "First", "write_set": ["src/"], "acceptance": ["it works"]},
        {"id": "b", "write_set": ["src/"]},
    )
    assert cli("plan", graph, "--apply", "--ready").code == 0
    return tmp_path / "webshop.slices" / "default--a"


def test_claim_answers_what_programs_rely_on(cli: Cli, repo: Path, standing: Path) -> None:
    done = cli("claim", "--holder", "agent-1", "--ttl", "2h", "--json")
    assert (done.code, done.err) == (0, "")
    answer = done.document
    assert answer.pop("expires_at").endswith("Z")
    roots = answer.pop("writable_roots")
    assert str(standing) in roots
    assert all(Path(root).is_dir() for root in roots)
    assert answer == {
        "schema_version": 1, "ok": True, "goal_id": "default", "slice_id": "a",
        "holder": "agent-1", "token": 1,
        "worktree_path": str(standing), "branch_name": "slices/default/a",
        "base_commit": git(repo, "rev-parse", "main"), "read_scope": [], "write_scope": ["src/"],
        "title": "First", "description": "", "acceptance": ["it works"], "metadata": {},
        "gates": ["acceptance_criteria", "local_verification_wall"],
        "review_needs": ["anti_slop_review", "code_review", "test_engineer_review"],
        "scope": "Write only src/ and all beneath it.", "waits_for": [], "dependents": ["b"],
        "attempt": 1, "previous": None, "log": None,
    }  # fmt: skip


def test_from_claimed_to_done_in_text(cli: Cli, standing: Path) -> None:
    assert cli("ready").out == "a  ready  First\nb  waits for a (provisioned)\n"
    lines = cli("claim", env={"GITSLICES_HOLDER": "agent-1"}).out.splitlines()
    assert lines[0].startswith("a: held by agent-1 until ")
    assert lines[-2:] == [
        f"go there with: cd {standing}",
        "finish there with: gitslices done (elsewhere: gitslices done a --token 1 --goal default)",
    ]
    assert cli("heartbeat", "a", "--token", "1").out.startswith("a: held by agent-1 until ")
    commit = commit_all(standing, "Work")
    assert cli("done", "a", "--token", "1").out == f"a: done at {commit[:10]}\n"
    assert cli("release", "a", "--force").out == "a: open, was done\n"
    taken_up = cli("claim", "a", "--holder", "agent-2").out
    assert "  begun       1 commit (by agent-1)\n" in taken_up
    assert cli("release", "a", "--token", "2").out == "a: open, was held by agent-2\n"


def test_a_worker_that_waits_for_a_person_is_told_until_it_goes_on(
    cli: Cli, standing: Path
) -> None:
    refused = cli("note", "a", "--waiting", "may it?")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: nobody holds slice 'a'")
    cli("claim", "a", "--holder", "agent-1")
    assert cli("note", "--waiting", "may it?", directory=standing).out == (
        "a: waits for a person: may it?\n"
    )
    state = cli("status", "--json").document["slices"][0]
    assert (state["status"], state["waiting"]) == ("claimed", "may it?")
    assert (
        f"a waits for a person since {state['waiting_since'][11:16]}: may it?" in cli("status").out
    )
    assert cli("note", "a", "-m", "a detour", "--json").document["waiting"] == "may it?"
    assert cli("note", "a", "--going-on").out == "a: goes on\n"
    assert cli("note", "a", "--going-on", "--token", "9").code == 1
    for text in ("", " \t", "x" * 1001):
        assert cli("note", "a", "--waiting", text).code == 2, text
    cli("note", "a", "--waiting", "which one?")
    cli("release", "a", "--token", "1")
    cli("claim", "a", "--holder", "agent-2")
    state = cli("status", "--json").document["slices"][0]
    assert (state["waiting"], state["waiting_since"]) == (None, None)
    log = cli("log", "a", "--json").document["events"]
    told = [(one["event"], one["detail"].get("reason")) for one in log if one["event"] != "claimed"]
    assert [one for one in told if one[0] in {"waiting", "going-on", "note"}] == [
        ("waiting", "may it?"), ("note", None), ("going-on", None), ("waiting", "which one?")
    ]  # fmt: skip


def test_a_slice_without_commits_is_said_to_be_at_done_and_at_merge(
    cli: Cli, repo: Path, standing: Path
) -> None:
    head = git(repo, "rev-parse", "main")
    cli("claim", "a")
    done = cli("done", "a", "--token", "1")
    assert done.out == f"a: done at {head[:10]}, with no commit to merge\n"
    assert cli("merge", "a").out == "merged a into main: it had nothing new\n"
    assert git(repo, "rev-parse", "main") == head


REFUSALS = (
    ("claim a", 1, "lease-held"),
    ("claim", 1, "nothing-ready"),
    ("claim b", 1, "nothing-ready"),
    ("claim x", 2, "unknown-slice"),
    ("claim --ttl soon", 2, "usage"),
    ("claim --ttl 31d", 2, "usage"),
    ("note a", 2, "usage"),
    ("note a --waiting x --going-on", 2, "usage"),
    ("note x --waiting y", 2, "unknown-slice"),
    ("note a --waiting x --token 9", 1, "stale-token"),
    ("heartbeat a --token 9", 1, "stale-token"),
    ("done a --token 9", 1, "stale-token"),
    ("release a --token 9", 1, "stale-token"),
    ("release b --force", 1, "refused"),
    ("release a", 2, "usage"),
    ("release a --token 1 --force", 2, "usage"),
    ("log --evidence", 2, "usage"),
    ("log b --evidence", 1, "refused"),
    ("gate pass a", 2, "usage"),
    ("gate run --by ann", 2, "usage"),
    ("review a --kind code_review --by ann", 2, "usage"),
)


def test_a_refusal_has_its_exit_code_and_its_name(cli: Cli, standing: Path) -> None:
    cli("claim", "a", "--holder", "agent-1")
    for line, code, name in REFUSALS:
        done = cli(*line.split(), "--json")
        assert (done.code, done.document["error"]["code"]) == (code, name), line
        assert done.document["ok"] is False


def test_ready_says_no_with_exit_code_1(cli: Cli, standing: Path) -> None:
    cli("claim")
    done = cli("ready", "--json")
    assert (done.code, done.document["ready"]) == (1, [])


def test_a_claim_that_waits_gets_the_slice_once_it_is_free(
    cli: Cli, repo: Path, standing: Path
) -> None:
    cli("claim", "a", "--holder", "agent-1")
    argv = [sys.executable, "-m", "gitslices", "claim", "a", "--holder", "agent-2", "--wait"]
    waiting = subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE)
    assert cli("claim", "a", "--holder", "agent-3", "--wait=0.2").code == 1
    assert waiting.poll() is None
    cli("release", "a", "--token", "1")
    out, _ = waiting.communicate(timeout=60)
    assert out.startswith(b"a: held by agent-2 until ")


def test_gates_and_reviews_are_told(cli: Cli, repo: Path, standing: Path) -> None:
    write_settings(repo, '[gates]\nlocal_verification_wall = "exit 3"\n')
    cli("claim", "a", "--holder", "agent-1")
    commit = commit_all(standing, "Work")[:10]
    refused = cli("done", "a", "--token", "1", "--json")
    assert (refused.code, refused.document["error"]["code"]) == (1, "untrusted")
    assert cli("trust", "--yes").code == 0
    failed = cli("done", "a", "--token", "1")
    assert failed.code == 1
    assert "gate local_verification_wall failed: exit status 3" in failed.err
    shown = cli("gate", "status", "a")
    assert shown.code == 1
    assert shown.out.startswith(
        "a  acceptance_criteria: no command; record it with: "
        "gitslices gate pass a acceptance_criteria --by NAME --goal default\n"
        "a  local_verification_wall: failed: exit status 3; see "
    )
    passed = cli("gate", "pass", "a", "acceptance_criteria", "--by", "ann")
    assert passed.out == f"a  acceptance_criteria: passed by ann on {commit}\n"
    argv = ("review", "a", "--kind", "code_review", "--by", "ann", "--verdict", "approve")
    assert cli(*argv).out == f"a: code_review of {commit} by ann: approve\n"
    lines = cli("log", "a", "--evidence").out.splitlines()
    assert lines[:2] == [
        f"a: claimed at {commit}",
        f"  commit   {commit} Work (A U Thor <author@example.com>)",
    ]
    assert [line.split()[:2] for line in lines[2:]] == [
        ["scope", "kept"], ["held", "by"],
        ["gate", "local_verification_wall"], ["gate", "acceptance_criteria"],
        ["review", "code_review"], ["missing", "gate"],
    ]  # fmt: skip


def list_entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in (folder, *folder.rglob("*")):
        state = path.lstat()
        yield str(path), state.st_ino, state.st_mtime_ns


def test_a_commit_and_the_commands_of_its_holder_write_in_the_writable_roots_only(
    cli: Cli, repo: Path, standing: Path
) -> None:
    git(repo, "pack-refs", "--all")
    answer = cli("claim", "--json").document
    # A file made and removed again, a lock say, shows in the time of its folder.
    before = set(list_entries(repo)) | set(list_entries(standing.parent))
    (standing / "src" / "new.py").write_text("new")
    commit_all(standing, "Work")
    git(standing, "commit", "--quiet", "--amend", "-m", "Better words")
    cli("heartbeat", "a", "--token", "1", directory=standing)
    assert cli("done", "a", "--token", "1", directory=standing).code == 0
    after = set(list_entries(repo)) | set(list_entries(standing.parent))
    changed = {Path(path) for path, _, _ in after ^ before}
    assert find_admin_folder(standing) in {path.parent for path in changed}
    outside = [
        path
        for path in changed
        if not any(path.is_relative_to(root) for root in answer["writable_roots"])
    ]
    assert outside == []


HEAVY = ("git", "rich", "yaml", "tomllib", "gitslices.scopes.overlap", "gitslices.merging")


@pytest.mark.parametrize("command", ["claim", "ready"])
def test_lease_commands_load_nothing_that_takes_long(
    repo: Path, standing: Path, command: str
) -> None:
    code = (
        "import sys\n"
        "from gitslices.cli.main import run\n"
        f"assert run([{command!r}]) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=True,
        env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout.endswith("[]\n")


def test_a_bare_number_is_seconds_and_the_help_says_so(cli: Cli, standing: Path) -> None:
    for command in ("claim", "heartbeat", "run"):
        told = " ".join(cli(command, "--help").out.split())
        assert "90s, 30m, 2h; a bare number is seconds" in told
    assert cli("claim", "a", "--ttl", "1").code == 0
    assert cli("claim", "a", "--wait=10").code == 0
