"""Before the first change: everything that stands in the way, each with its remedy."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.errors import Problem, RefusedError
from gitslices.core.model import Base, BranchName, Oid, Plan, RepoPath, Slice, SliceId, TaskId
from gitslices.rules.reconcile import Observed, reconcile
from gitslices.rules.worktree_root import Place, find_disk_problems, find_place_problems, make_load
from gitslices.scopes.language.folding import Folding
from gitslices.system.folders import survey_place
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, path_beside
from tests.support.workspaces import open_at

ONE = {"id": "one", "write_set": ["src/"]}
PLACE = Place(root="/w", parent="/", longest_name=255, longest_path=4096, block=4096,
              free_bytes=10**9, free_files=10**6)  # fmt: skip
SLICE = Slice(slice_id=SliceId("one"), task_id=TaskId("one"), title="", owner_role=None,
              read_scope=(), write_scope=(), read_files=0, write_files=0, dependencies=(),
              wave=0, estimate=1, branch_name=BranchName("slices/g/one"), worktree_name="g--one",
              worktree_path="/w/g--one", risk="low", gates=(), review_needs=())  # fmt: skip
LOAD = make_load({RepoPath("a/b/c"): 5000, RepoPath("d"): 0}, block=4096, tracked=2)


def find_refusals(repo: Path, folder: Path, *tasks: Mapping[str, object]) -> list[Problem]:
    before = git(repo, "for-each-ref")
    with pytest.raises(RefusedError) as caught:
        apply_tasks(open_at(repo), *(tasks or (ONE,)))
    assert git(repo, "for-each-ref") == before
    return list(caught.value.problems)


def test_a_load_is_counted_in_blocks_with_folders_and_index() -> None:
    own = 12
    assert LOAD.files == 2 + 2 + own
    assert LOAD.size == (2 + 2 + own) * 4096 + 2 * 100
    assert LOAD.longest == "a/b/c"


def test_enough_of_everything_is_no_problem() -> None:
    assert find_place_problems(PLACE, [(SLICE, LOAD)]) == ()
    assert find_disk_problems(PLACE, [(SLICE, LOAD)]) == ()
    unknown = structs.replace(PLACE, free_bytes=None, free_files=None)
    assert find_disk_problems(unknown, [(SLICE, LOAD)]) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"free_bytes": 100_000}, "2 worktrees need 135 KiB of disk, and 98 KiB are free"),
        (
            {"free_files": 7},
            "2 worktrees need 33 files and folders, and the disk has room for 7",
        ),
        ({"writable": False}, "'/' may not be written to"),
    ],
)
def test_what_the_disk_lacks(change: dict[str, int], message: str) -> None:
    problems = find_disk_problems(structs.replace(PLACE, **change), [(SLICE, LOAD), (SLICE, LOAD)])
    assert [(one.place, one.message) for one in problems] == [("/w", message)]
    assert problems[0].hint is not None
    assert "git config gitslices.worktreeRoot DIR" in problems[0].hint


def test_names_and_paths_that_are_too_long() -> None:
    long = structs.replace(SLICE, worktree_name="x" * 300)
    load = structs.replace(LOAD, longest=RepoPath("d/" * 2045 + "é"))
    messages = [one.message for one in find_place_problems(PLACE, [(long, load)])]
    assert messages[0].endswith("is longer than 255 bytes")
    assert messages[1].endswith("in its worktree would be longer than 4096 bytes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": "/l"}, "'/l' is a symbolic link"),
        ({"file": "/f"}, "'/f' is no folder"),
        ({"git_folder": "/r/.git"}, "it lies inside git's own folder '/r/.git'"),
        ({"worktree": "/r"}, "it lies inside the worktree '/r'"),
        (
            {"recorder": "/r"},
            "it lies inside the repository '/r', which would record each worktree as a submodule",
        ),
    ],
)
def test_places_that_are_refused(change: dict[str, str], message: str) -> None:
    (problem,) = find_place_problems(structs.replace(PLACE, **change), [])
    assert (problem.place, problem.message) == ("/w", message)


def test_a_survey_sees_what_is_in_the_way(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    assert survey_place(tmp_path / "link", []).link == str(tmp_path / "link")
    assert survey_place(tmp_path / "dead" / "below", []).link == str(tmp_path / "dead")
    assert survey_place(tmp_path / "file" / "below", []).file == str(tmp_path / "file")
    assert survey_place(repo / ".git" / "x" / "y", []).git_folder == str(repo / ".git")
    assert survey_place(repo / "src" / "x", [tmp_path, repo]).worktree == str(tmp_path)
    fine = survey_place(tmp_path / "new" / "root", [repo])
    assert (fine.parent, fine.link, fine.file) == (str(tmp_path), None, None)
    assert (fine.git_folder, fine.worktree, fine.writable) == (None, None, True)


def test_everything_in_the_way_is_named_at_once(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "slices/default/one/below")
    path_beside(repo, "two").mkdir(parents=True)
    (repo / "Makefile").write_text("changed")
    two = {"id": "two", "write_set": ["docs/"]}
    problems = find_refusals(repo, tmp_path, ONE, two)
    assert [one.place for one in problems] == ["one", "two", str(repo)]
    assert all(one.hint for one in problems)


@pytest.mark.parametrize(
    ("setting", "branch", "in_the_way"),
    [
        ("core.ignorecase", "Slices/Default/ONE", True),
        ("core.ignorecase", "SLICES", True),
        ("core.ignorecase", "Slices/other", False),
        ("core.precomposeunicode", "SLICES", False),
    ],
)
def test_branches_that_differ_only_in_case_where_that_counts(
    repo: Path, tmp_path: Path, setting: str, branch: str, in_the_way: bool
) -> None:
    git(repo, "config", setting, "true")
    git(repo, "branch", branch)
    if not in_the_way:
        assert apply_tasks(open_at(repo), ONE).created == ("one",)
        return
    (problem,) = find_refusals(repo, tmp_path)
    assert problem.message == f"branch {branch!r} exists and is not this slice's"


def test_branches_that_differ_only_in_their_composition() -> None:
    plan = Plan(goal_id="g", graph_digest="", base=Base(ref="main", commit=Oid("0")),
                target=BranchName("main"), order="id", unborn="anchored",
                slices=(structs.replace(SLICE, branch_name=BranchName("\u00e9/g/one")),),
                overlap_serializations=(), shared_overlaps=(), open_overlaps=0, skipped=(),
                waves=(), critical_path=(), critical_path_cost=0, bottlenecks=(),
                warnings=())  # fmt: skip
    observed = Observed(existing={}, branches=frozenset({BranchName("e\u0301")}),
                        occupied=frozenset())  # fmt: skip
    folded = structs.replace(observed, folding=Folding(precompose_unicode=True))
    assert reconcile(plan.slices, observed).problems == ()
    assert len(reconcile(plan.slices, folded).problems) == 1


def test_a_worktree_root_that_is_a_link_is_refused(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "webshop.slices").symlink_to(tmp_path / "elsewhere")
    (problem,) = find_refusals(repo, tmp_path)
    assert problem.message.endswith("webshop.slices' is a symbolic link")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_worktree_root_inside_a_linked_worktree_is_refused(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    git(repo, "config", "gitslices.worktreeRoot", str(tmp_path / "linked" / "trees"))
    (problem,) = find_refusals(repo, tmp_path)
    assert problem.message == f"it lies inside the worktree {str(tmp_path / 'linked')!r}"


def test_a_worktree_root_inside_git_s_own_folder_is_refused(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "other.git")
    git(repo, "config", "gitslices.worktreeRoot", str(tmp_path / "other.git" / "trees"))
    (problem,) = find_refusals(repo, tmp_path)
    assert "it lies inside git's own folder" in problem.message


def test_a_deleted_worktree_of_another_root_says_how_to_get_it_back(
    repo: Path, tmp_path: Path
) -> None:
    apply_tasks(open_at(repo), ONE)
    before = path_beside(repo, "one")
    subprocess.run(["rm", "-rf", str(before)], check=True)
    git(repo, "config", "gitslices.worktreeRoot", "../elsewhere")
    (problem,) = find_refusals(repo, tmp_path)
    assert problem.hint == f"go back to that one: git config gitslices.worktreeRoot {before.parent}"


def run_on_small_disk(repo: Path, mount: str, tmp_path: Path) -> tuple[int, str]:
    """Apply with the worktree root on a file system of its own; the exit code and the output."""
    small = tmp_path / "small"
    small.mkdir()
    graph = tmp_path / "g.json"
    graph.write_text('{"tasks": [{"id": "one", "owner_role": "w", "write_set": ["new/"]}]}')
    git(repo, "config", "gitslices.worktreeRoot", str(small / "trees"))
    script = (
        f"mount -t tmpfs {mount} none {small} && cd {repo}"
        f" && exec {sys.executable} -m gitslices plan {graph} --apply --json"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if "gitslices" not in done.stdout + done.stderr and not done.stdout:
        pytest.skip("this machine does not let a test mount a small file system")
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ("-o size=128k", "1 worktree needs"),
        ("-o nr_inodes=20", "files and folders, and the disk has room for"),
        ("-o ro", "may not be written to"),
    ],
)
def test_a_disk_that_will_not_do_is_refused(
    repo: Path, tmp_path: Path, mount: str, message: str
) -> None:
    for number in range(40):
        (repo / f"file-{number}").write_text("x" * 4000)
    commit_all(repo)
    code, out = run_on_small_disk(repo, mount, tmp_path)
    assert code == 3
    assert '"code": "disk"' in out
    assert message in out
    assert git(repo, "for-each-ref", "--format=%(refname:short)") == "main"
