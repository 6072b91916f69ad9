"""`sync --resolve`: a merge that git cannot make, begun in the slice's worktree."""

from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.show import show
from gitslices.ops.sync import SyncReport, SyncRequest, sync
from gitslices.slices.claims import Work
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, examine

A = SliceId("a")


@pytest.fixture
def desk(repo: Path) -> Desk:
    """A slice that has changed `src/x` and the shared change log, as its target has since."""
    for name in ("src/x", "CHANGELOG.md"):
        (repo / name).write_text("one\ntwo\nthree\n")
    commit_all(repo, "Files")
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/", "CHANGELOG.md"]}, shared=("CHANGELOG.md",))
    for top, word in ((desk.worktree("a"), "mine"), (repo, "theirs")):
        (top / "src" / "x").write_text(f"one\n{word}\nthree\n")
        (top / "CHANGELOG.md").write_text(f"one\n{word}\ntwo\nthree\n")
        commit_all(top, f"Say {word}")
    return desk


def resolve(desk: Desk) -> SyncReport:
    return sync(desk.workspace, SyncRequest(slice_ids=(A,), resolve=True))


def land(desk: Desk) -> MergeReport:
    return merge(desk.workspace, MergeRequest(slice_ids=(A,)))


def find_problem(desk: Desk) -> str | None:
    return show(desk.workspace, A, None).state.problem


def test_it_is_begun_resolved_and_merged(desk: Desk) -> None:
    top = desk.worktree("a")
    assert land(desk).conflicted[0].files == ("src/x",)
    assert git(top, "status", "--porcelain") == ""
    (begun,) = resolve(desk).begun
    assert (begun.files, begun.joined) == (("src/x",), ("CHANGELOG.md",))
    assert begun.worktree_path == str(top)
    marked = (top / "src" / "x").read_text()
    assert [line[:7] for line in marked.splitlines()] == [
        "one", "<<<<<<<", "mine", "=======", "theirs", ">>>>>>>", "three",
    ]  # fmt: skip
    assert (top / "CHANGELOG.md").read_text() == "one\nmine\ntheirs\ntwo\nthree\n"
    assert git(top, "diff", "--name-only", "--diff-filter=U") == "src/x"
    # What is under way is told everywhere, and keeps back what rests on the branch.
    assert find_problem(desk) == "merge under way"
    (finding,) = (one for one in examine(desk.repo) if one.check == "merge-under-way")
    assert finding.hint is not None
    assert finding.hint.endswith(f"or abort it: git -C {top} merge --abort")
    assert "a merge is under way" in land(desk).refused[0].message
    assert "a merge is under way" in resolve(desk).refused[0].message
    token = desk.claim("a").token
    with pytest.raises(RefusedError, match="is not done: a merge is under way"):
        done(desk.workspace, DoneRequest(slice_id=A, token=token))
    (top / "src" / "x").write_text("one\nboth\nthree\n")
    git(top, "add", "src/x")
    git(top, "commit", "--quiet", "--no-edit")
    assert git(top, "log", "-1", "--format=%s") == "Merge branch 'main' into slices/default/a"
    assert find_problem(desk) is None
    done(desk.workspace, DoneRequest(slice_id=A, token=token))
    assert land(desk).merged
    assert (desk.repo / "src" / "x").read_text() == "one\nboth\nthree\n"
    assert (desk.repo / "CHANGELOG.md").read_text() == "one\nmine\ntheirs\ntwo\nthree\n"
    assert "merge-begun" in [event.event for event in desk.events()]


def test_it_is_taken_back_with_git(desk: Desk) -> None:
    top = desk.worktree("a")
    before = git(top, "rev-parse", "HEAD")
    assert resolve(desk).begun
    git(top, "merge", "--abort")
    assert (git(top, "rev-parse", "HEAD"), git(top, "status", "--porcelain")) == (before, "")
    assert resolve(desk).begun


def test_whoever_takes_the_slice_goes_on_with_it(desk: Desk) -> None:
    assert resolve(desk).begun
    work = desk.claim("a", "two").work
    assert isinstance(work, Work)
    assert "src/x" in work.uncommitted
    assert git(desk.worktree("a"), "diff", "--name-only", "--diff-filter=U") == "src/x"


def test_nothing_is_begun_beside_uncommitted_work_or_where_git_needs_nobody(desk: Desk) -> None:
    top = desk.worktree("a")
    (top / "README.md").write_text("half")
    (refused,) = resolve(desk).refused
    assert refused.message == "it has uncommitted work: README.md"
    git(top, "checkout", "README.md")
    git(desk.repo, "checkout", "HEAD~1", "--", "src/x")
    git(desk.repo, "commit", "--quiet", "-m", "Back")
    report = resolve(desk)
    assert ([one.slice_id for one in report.synced], report.begun) == (["a"], ())
    assert git(top, "status", "--porcelain") == ""


def test_a_filter_of_the_users_own_attributes_writes_the_files(desk: Desk, repo: Path) -> None:
    own = repo.parent / "attributes"
    own.write_text("src/y filter=loud\n")
    git(repo, "config", "core.attributesFile", str(own))
    git(repo, "config", "filter.loud.smudge", "tr a-z A-Z")
    (repo / "src" / "y").write_text("loud\n")
    commit_all(repo, "More")
    assert resolve(desk).begun
    assert (desk.worktree("a") / "src" / "y").read_text() == "LOUD\n"


def test_the_words_lead_from_the_merge_to_the_end(call: Cli, desk: Desk) -> None:
    merged = call("merge", "a")
    assert merged.out == (
        "a: conflicts with main in 1 file\n"
        "  src/x\n"
        "nothing was moved; to resolve it, begin the merge in its worktree: "
        "gitslices sync a --resolve --goal default\n"
    )
    begun = call("sync", "a", "--resolve", "--goal", "default")
    assert begun.code == 1
    assert begun.out == (
        "a: the merge of main is under way, 1 file to resolve\n"
        "  src/x\n"
        "  CHANGELOG.md: the lines of both sides\n"
        f"go there with: cd {desk.worktree('a')}\n"
        "conclude it with: git add FILE..., git commit; or take it back with: git merge --abort\n"
    )
    assert "--resolve is about one slice" in call("sync", "--all", "--resolve").err
