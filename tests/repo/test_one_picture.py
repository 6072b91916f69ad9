"""What all commands say of the same slice: whatever state it is in, none disagrees with another."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import Struct

from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path, work
from tests.support.workspaces import open_at


class Case(Struct, frozen=True, kw_only=True):
    """What is done to slice a, and what commands say of it then.

    `word` is that of `status`, `why` a part of the reason that others give; `check` is doctor's.
    None says that a command goes on; `claim`, `merge`, `conflicts` and `remove` tell those that are
    refused for `why`.
    """

    harm: Callable[[Path, Path], object]
    word: str | None
    why: str
    check: str | None
    refused: frozenset[str]


def move(repo: Path, top: Path) -> None:
    git(repo, "worktree", "move", str(top), str(top.with_name("moved")))


def move_by_hand(repo: Path, top: Path) -> None:
    top.rename(top.with_name("moved"))


def break_link(repo: Path, top: Path) -> None:
    (top / ".git").write_text(f"gitdir: {repo.with_name('before')}/.git/worktrees/default--a\n")


def replace_folder(repo: Path, top: Path) -> None:
    (top / ".git").unlink()
    git(top, "init", "--quiet")


def delete_worktree(repo: Path, top: Path) -> None:
    shutil.rmtree(top)


def delete_branch(repo: Path, top: Path) -> None:
    git(repo, "update-ref", "-d", "refs/heads/slices/default/a")


def lose_branch(repo: Path, top: Path) -> None:
    """What a power cut leaves of a reference."""
    (repo / ".git/refs/heads/slices/default/a").write_text("")


def detach(repo: Path, top: Path) -> None:
    git(top, "switch", "--quiet", "--detach")
    commit_all(top, "On no branch")


def switch(repo: Path, top: Path) -> None:
    git(top, "switch", "--quiet", "--create", "other")


def stop_rebase(repo: Path, top: Path) -> None:
    git(top, "rebase", "--quiet", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i s/pick/edit/")


def bisect(repo: Path, top: Path) -> None:
    git(top, "bisect", "start")
    git(top, "checkout", "--quiet", "HEAD~1")


def use_elsewhere(repo: Path, top: Path) -> None:
    git(top, "switch", "--quiet", "--detach")
    git(repo, "branch", "aside")
    git(repo, "switch", "--quiet", "slices/default/a")


def empty_index(repo: Path, top: Path) -> None:
    (repo / ".git/worktrees/default--a/index").write_bytes(b"")


def tear_index(repo: Path, top: Path) -> None:
    index = repo / ".git/worktrees/default--a/index"
    index.write_bytes(index.read_bytes()[:90])


def empty_head(repo: Path, top: Path) -> None:
    (repo / ".git/worktrees/default--a/HEAD").write_bytes(b"")


def leave(repo: Path, top: Path) -> None:
    """All is well."""


ALL = frozenset({"claim", "merge", "conflicts", "remove"})
CASES = {
    "whole": Case(harm=leave, word=None, why="", check=None, refused=frozenset()),
    "moved": Case(
        harm=move, word="moved", why="its worktree is at", check="moved-worktree",
        refused=frozenset({"claim", "remove"}),
    ),
    "moved by hand": Case(
        harm=move_by_hand, word="moved", why="its worktree is at", check="moved-worktree",
        refused=frozenset({"claim", "remove"}),
    ),
    "broken link": Case(
        harm=break_link, word="broken link", why="git's link to its worktree",
        check="broken-link", refused=frozenset({"claim", "remove"}),
    ),
    "another folder": Case(
        harm=replace_folder, word="not its worktree", why="the folder at its path is not",
        check="estranged-folder", refused=frozenset({"claim", "remove"}),
    ),
    "no worktree": Case(
        harm=delete_worktree, word="no worktree", why="", check="lost-worktree",
        refused=frozenset(),
    ),
    "no branch": Case(
        harm=delete_branch, word="no branch", why="its branch 'slices/default/a' is gone",
        check="lost-branch", refused=ALL - {"remove"},
    ),
    "branch of zeros": Case(
        harm=lose_branch, word="no branch", why="its branch 'slices/default/a' is gone",
        check="lost-branch", refused=ALL - {"remove"},
    ),
    "detached": Case(
        harm=detach, word="not on its branch", why="not on its branch", check="off-branch",
        refused=ALL - {"remove"},
    ),
    "another branch": Case(
        harm=switch, word="not on its branch", why="its worktree is on 'other'",
        check="off-branch", refused=ALL - {"remove"},
    ),
    "rebase": Case(
        harm=stop_rebase, word="rebase under way", why="a rebase is under way",
        check="off-branch", refused=ALL - {"remove"},
    ),
    "bisect": Case(
        harm=bisect, word="bisect under way", why="a bisect is under way", check="off-branch",
        refused=ALL - {"remove"},
    ),
    "branch elsewhere": Case(
        harm=use_elsewhere, word="branch elsewhere, not on its branch", why="",
        check="branch-elsewhere", refused=ALL,
    ),
    "empty index": Case(
        harm=empty_index, word="damaged", why="git cannot read the index", refused=ALL,
        check="damaged-worktree",
    ),
    "torn index": Case(
        harm=tear_index, word="damaged", why="git cannot read the index",
        refused=ALL, check="damaged-worktree",
    ),
    "empty HEAD": Case(
        harm=empty_head, word="damaged", why="git cannot read the HEAD", refused=ALL,
        check="damaged-worktree",
    ),
}  # fmt: skip


TASKS = ({"id": "a", "write_set": ["a/"]}, {"id": "b", "write_set": ["b/"]})


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices a and b, each with a commit."""
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    for id_ in "ab":
        work(workspace, id_, {f"{id_}/file": id_})
    return workspace


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_command_disagrees_about_a_slice(
    call: Cli, repo: Path, workspace: Workspace, case: Case
) -> None:
    case.harm(repo, slice_path(workspace, "a"))
    a, b = call("status", "--json").document["slices"]
    assert (a["problem"], b["problem"]) == (case.word, None)
    is_listed = "a" in [one["slice_id"] for one in call("ready", "--json").document["ready"]]
    assert is_listed is ("claim" not in case.refused)
    asked = {"conflicts": ("conflicts",), "remove": ("remove", "a"), "merge": ("merge", "a")}
    if "claim" in case.refused:
        asked = {"claim": ("claim", "a"), **asked}
    for name, words in asked.items():
        done = call(*words)
        assert (case.why in done.out + done.err) is (name in case.refused or not case.why), name
        if name in case.refused:
            assert done.code == 1, name


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_slice_in_disorder_stops_no_other(
    call: Cli, repo: Path, workspace: Workspace, tmp_path: Path, case: Case
) -> None:
    graph = write_graph(tmp_path / "g.json", *TASKS)
    case.harm(repo, slice_path(workspace, "a"))
    if case.harm is use_elsewhere:
        git(repo, "switch", "--quiet", "main")
    codes = {
        words: call(*words.split()).code
        for words in (
            "status",
            "ready",
            "check --all",
            "conflicts",
            "prune -n",
            "gate status",
            "gate run",
            "log",
            "doctor",
            f"plan {graph} --diff",
            f"plan {graph} --apply",
        )
    }
    assert set(codes.values()) <= {0, 1}, codes
    commit_all(repo, "Later")
    assert "synced b with main" in call("sync", "--all").out
    assert call("merge", "b").code == 0
    assert (repo / "b/file").read_text() == "b"
    assert "b" in call("prune").out


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_doctor_names_what_status_names_and_how_it_is_mended(
    call: Cli, repo: Path, workspace: Workspace, case: Case
) -> None:
    case.harm(repo, slice_path(workspace, "a"))
    findings = call("doctor", "--json").document["findings"]
    assert [one["check"] for one in findings if one["check"] != "git"] == (
        [case.check] if case.check else []
    )
    assert all(one["fix"] or one["hint"] for one in findings)


@pytest.mark.parametrize("name", ["empty index", "torn index", "empty HEAD", "branch of zeros"])
def test_what_a_power_cut_has_left_is_mended_without_losing_a_file(
    call: Cli, repo: Path, workspace: Workspace, name: str
) -> None:
    top = slice_path(workspace, "a")
    tip = git(top, "rev-parse", "HEAD")
    (top / "a/file").write_text("changed")
    (top / "loose.txt").write_text("new")
    CASES[name].harm(repo, top)
    assert call("doctor", "--fix").code == 0
    assert git(top, "status", "--porcelain", "--branch").splitlines() == [
        "## slices/default/a",
        " M a/file",
        "?? loose.txt",
    ]
    assert git(top, "rev-parse", "HEAD") == tip
    assert call("status", "--json").document["slices"][0]["problem"] is None
