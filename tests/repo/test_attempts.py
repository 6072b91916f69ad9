"""What the next attempt at a slice is told of the last one, by `run`, `claim` and `show`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.crew import RunRequest
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.run import run
from gitslices.ops.show import show
from gitslices.repo_commands.trust import approve
from gitslices.state.salvage import find_damage
from gitslices.system.settings import load_settings
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import Desk, apply_tasks, slice_path
from tests.support.workspaces import MINUTE, open_at

# The first attempt at each slice fails in its own way, the second keeps what it was told.
WORK = r"""
set -e
slice=$1 attempt=$2 task=$3 reason=$4 target=$5 repo=$6 told=$7
if [ "$attempt" = 2 ]; then
  cp "$task" "$told/$slice.json"; cp "$reason" "$told/$slice.txt"; exit 9
fi
test ! -s "$reason"
mkdir -p "$slice"; echo "mine" > "$slice/f"; git add .; git commit -qm "Mine of $slice"
case $slice in
  exit) echo "no luck"; touch exit/left; exit 3;;
  scope) echo x > Makefile; git add .; git commit -qm "Outside";;
  conflict)
    mkdir -p "$repo/conflict"; echo "theirs" > "$repo/conflict/f"
    git -C "$repo" add conflict; git -C "$repo" commit -qm "Theirs on $target";;
esac
"""


def test_each_failure_is_told_to_the_next_attempt(repo: Path, tmp_path: Path) -> None:
    workspace, told = open_at(repo), tmp_path / "told"
    told.mkdir()
    ids = ("conflict", "exit", "gate", "scope")
    wall = '[gates]\nlocal_verification_wall = "test ! -e gate/f || { seq 300; exit 5; }"\n'
    write_settings(repo, wall)
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Settings")
    approve(workspace, load_settings(repo).texts)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in ids))
    names = ("slice", "attempt", "task_file", "reason_file", "target")
    words = (*(f"{{{name}}}" for name in names), str(repo), str(told))
    request = RunRequest(command=("sh", "-c", WORK, "sh", *words), holder="crew", jobs=2, retries=1)
    report = run(workspace, request, lambda step: None)
    assert {one.message for one in report.failed} == {"exit status 9"}
    documents: dict[str, Any] = {id_: json.loads((told / f"{id_}.json").read_text()) for id_ in ids}
    for id_, document in documents.items():
        assert (document["attempt"], document["previous"]["reason"]) == (2, id_)
        assert document["task"]["id"] == document["claim"]["slice_id"] == id_
        assert document["previous"] == document["claim"]["previous"]
        log = Path(document["previous"]["log"])
        assert log.name == "attempt-1.log"
        assert (log.parent / "run.log").resolve() == log.with_name("attempt-2.log")
    last = {id_: document["previous"] for id_, document in documents.items()}
    assert last["exit"]["message"] == "exit status 3: no luck"
    assert last["exit"]["uncommitted"] == ["exit/left"]
    assert [one["subject"] for one in last["exit"]["committed"]] == ["Mine of exit"]
    assert Path(last["exit"]["log"]).read_text() == "no luck\n"
    assert [(one["path"], one["reason"]) for one in last["scope"]["violations"]] == [
        ("Makefile", "in no slice")
    ]
    (gate,) = last["gate"]["gates"]
    assert (gate["gate"], gate["reason"]) == ("local_verification_wall", "exit status 5: 300")
    assert gate["tail"] == [str(number) for number in range(101, 301)]
    (file,) = last["conflict"]["conflicts"]
    assert (file["path"], [one["subject"] for one in file["in_target"]]) == (
        "conflict/f", ["Theirs on main"],
    )  # fmt: skip
    assert [one["subject"] for one in file["in_slice"]] == ["Mine of conflict"]
    reasons = {id_: (told / f"{id_}.txt").read_text() for id_ in ids}
    assert "attempt 1 by crew: conflicts with main in conflict/f\n" in reasons["conflict"]
    assert "Makefile: in no slice" in reasons["scope"]
    assert "    300\n" in reasons["gate"]
    # What is shown now is the second attempt; and the doctor reads the new table.
    shown = show(workspace, SliceId("gate"), None)
    assert shown.previous is not None
    assert (shown.attempt, shown.previous.attempt, shown.previous.reason) == (2, 2, "exit")
    assert find_damage(workspace.state_folder) is None


def test_a_merge_in_conflict_is_begun_for_the_next_attempt(repo: Path) -> None:
    write_settings(repo, '[run]\nconflict = "begin"\n')
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Settings")
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "conflict", "write_set": ["conflict/"]})
    script = r"""
    set -e; cd conflict 2>/dev/null || { mkdir conflict; cd conflict; }
    if [ $2 = 1 ]; then
      echo mine > f; git add .; git commit -qm Mine
      mkdir "$3/conflict"; echo theirs > "$3/conflict/f"
      git -C "$3" add conflict; git -C "$3" commit -qm Theirs; exit 0
    fi
    grep -q '<<<<<<<' f; grep -q 'the merge is under way' "$1"
    printf 'theirs\nmine\n' > f; git add f; git commit -qm Both
    """
    words = ("sh", "-c", script, "sh", "{reason_file}", "{attempt}", str(repo))
    report = run(workspace, RunRequest(command=words, holder="crew", retries=1), lambda step: None)
    assert (report.merged, report.failed, report.warnings) == (("conflict",), (), ())
    assert (repo / "conflict" / "f").read_text() == "theirs\nmine\n"


def test_every_attempt_is_told_with_its_log(call: Cli, cli: Cli, repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})
    script = 'printf "try %s\\n\\033[31mred\\033[0m\\033]0;title\\a\\n" $1; test $1 = 3'
    words = ("sh", "-c", script, "sh", "{attempt}")
    run(workspace, RunRequest(command=words, holder="crew", retries=2), lambda step: None)
    lines = call("log", "a", "--attempts").out.splitlines()
    assert [line.split()[:2] for line in lines[::2]] == [[n, "crew"] for n in "123"]
    assert "exit status 1: " in lines[0]
    assert "failed" not in lines[4]
    assert [Path(line.strip()).name for line in lines[1::2]] == [
        f"attempt-{number}.log" for number in (1, 2, 3)
    ]
    assert call("logs", "a").out == "try 3\nred\\x1b]0;title\\x07\n"
    assert call("logs", "a", "--attempt", "1").out.startswith("try 1\n")
    assert call("log", "b", "--attempts").out.count("crew") == 3
    assert call("logs", "a", "--attempt", "7").err.splitlines()[0] == (
        "error: no log of attempt 7 at slice 'a' is kept"
    )


def test_a_log_is_followed_until_its_attempt_ends(cli: Cli, repo: Path, tmp_path: Path) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["a/"]})
    go, argv = tmp_path / "go", (sys.executable, "-m", "gitslices")
    os.mkfifo(go)
    script = f'echo begun; read line < "{go}"; echo "$line"; exit 1'
    with subprocess.Popen((*argv, "run", "--", "sh", "-c", script), cwd=repo,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # fmt: skip
        assert running.stderr is not None
        assert b"started" in running.stderr.readline()
        with subprocess.Popen((*argv, "logs", "a", "--follow"), cwd=repo,
                              stdout=subprocess.PIPE) as following:  # fmt: skip
            assert following.stdout is not None
            assert following.stdout.readline() == b"begun\n"
            assert following.poll() is None
            go.write_text("ended\n")
            assert following.stdout.read() == b"ended\n"
            assert following.wait() == 0
        running.communicate()


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply(
        {
            "id": "a", "title": "First", "description": "Do it\nwell.",
            "write_set": ["src/", "!src/x/"], "read_set": ["docs/"],
            "acceptance": ["it works"], "metadata": {"ticket": "T-1"},
        },
        {"id": "b", "write_set": ["*.md"], "dependencies": ["a"]},
        shared=("CHANGELOG.md",),
    )  # fmt: skip
    return desk


def test_a_claim_and_show_tell_the_task(desk: Desk) -> None:
    claimed, shown = desk.claim("a"), show(desk.workspace, SliceId("a"), None)
    for told in (claimed, shown):
        assert (told.title, told.description) == ("First", "Do it\nwell.")
        assert (told.acceptance, told.metadata) == (("it works",), {"ticket": "T-1"})
        assert told.gates == ("acceptance_criteria", "local_verification_wall")
        assert told.review_needs == ("anti_slop_review", "code_review", "test_engineer_review")
        assert (told.waits_for, told.dependents) == ((), ("b",))
        assert (told.attempt, told.previous) == (1, None)
        assert told.scope == (
            "Write only src/ and all beneath it, but not src/x/ and all beneath it. "
            "Nobody else changes docs/ and all beneath it meanwhile. "
            "Others append to CHANGELOG.md as well: the lines of all are kept."
        )
    waiting = show(desk.workspace, SliceId("b"), None)
    assert (waiting.waits_for, waiting.state.status) == (("a",), "provisioned")
    assert waiting.attempt == 0
    assert waiting.scope.startswith("Write only what matches *.md. ")


def test_who_takes_over_is_told_that_the_lease_was_lost(desk: Desk) -> None:
    desk.claim("a")
    desk.clock.advance(31 * MINUTE)
    taken = desk.claim("a", "two")
    assert taken.previous is not None
    assert (taken.attempt, taken.previous.reason, taken.previous.holder) == (2, "lost-lease", "one")
    # Given back by its holder it has not failed.
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=taken.token))
    again = desk.claim("a", "one")
    assert (again.attempt, again.previous) == (3, None)


def test_a_conflict_at_the_merge_is_told_until_the_slice_is_merged(desk: Desk) -> None:
    top = Path(desk.claim("a").worktree_path)
    (top / "src" / "new.py").write_text("mine\n")
    commit_all(top, "Mine")
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=1))
    (desk.repo / "src" / "new.py").write_text("theirs\n")
    commit_all(desk.repo, "Theirs")
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).conflicted
    for told in (show(desk.workspace, SliceId("a"), None), desk.claim("a", "two")):
        assert told.previous is not None
        assert (told.previous.reason, told.previous.holder) == ("conflict", "one")
        (file,) = told.previous.conflicts
        assert [one.subject for one in file.in_target] == ["Theirs"]
        assert [one.subject for one in file.in_slice] == ["Mine"]
    git(top, "merge", "-X", "ours", "-qm", "Both", "main")
    release(desk.workspace, ReleaseRequest(slice_id=SliceId("a"), token=2))
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).merged
    assert show(desk.workspace, SliceId("a"), None).previous is None


def test_show_in_text(call: Cli, repo: Path, desk: Desk) -> None:
    call("claim", "a", "--holder", "one")
    first, rest = call("show", "a").out.split("\n", 1)
    assert (first[:21], first[-14:]) == ("a: claimed by one unt", ", goal default")
    assert rest == (
        f"  worktree    {slice_path(desk.workspace, 'a')}\n"
        "  branch      slices/default/a, into main\n"
        "  task        First\n"
        "              Do it\n"
        "              well.\n"
        "  scope       Write only src/ and all beneath it, but not src/x/ and all beneath it. "
        "Nobody else changes docs/ and all beneath it meanwhile. "
        "Others append to CHANGELOG.md as well: the lines of all are kept.\n"
        "  acceptance  it works\n"
        "  ticket      T-1\n"
        "  gates       acceptance_criteria, local_verification_wall\n"
        "  reviews     anti_slop_review, code_review, test_engineer_review\n"
        "  needed by   b\n"
        "  plan        wave 0, risk low, estimate 1, for executor\n"
        "  attempts    1\n"
    )
