"""Files that git takes for changed as soon as it has written them are nobody's changes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.git.as_checked_out import find_changed_by_checkout
from gitslices.git.uncommitted import read_uncommitted
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.forward import forward_slices
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.removal import RemoveRequest, remove
from tests.support.repositories import commit_all, git, make_repository
from tests.support.slices import Desk, apply_tasks, check_at, find_owners, take, work

TASKS = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
ODD = "odd name [x].txt"


def crlf(repo: Path) -> None:
    """Committed with CRLF, and text since."""
    write_attributes(repo, "*.txt text eol=lf")


def crlf_by_eol_alone(repo: Path) -> None:
    write_attributes(repo, "*.txt eol=crlf")
    git(repo, "config", "core.eol", "lf")


def crlf_by_own_attributes(repo: Path) -> None:
    """Attributes that only this repository has."""
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text("*.txt text\n")
    git(repo, "config", "core.eol", "lf")


def clean_filter(repo: Path) -> None:
    """A clean filter that does more than when the files were committed."""
    git(repo, "config", "filter.strip.clean", "sed s/one/1/")
    write_attributes(repo, "*.txt filter=strip")


def both_filters(repo: Path) -> None:
    git(repo, "config", "filter.strip.clean", "sed s/one/1/")
    git(repo, "config", "filter.strip.smudge", "sed s/two/2/")
    write_attributes(repo, "*.txt filter=strip")


def ident(repo: Path) -> None:
    """A keyword that was committed as git expands it."""
    write_attributes(repo, "*.txt ident")


KINDS = [crlf, crlf_by_eol_alone, crlf_by_own_attributes, clean_filter, both_filters, ident]


def write_attributes(repo: Path, line: str) -> None:
    (repo / ".gitattributes").write_text(f"{line}\n")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "--quiet", "-m", "Attributes")


def make(folder: Path, kind: Callable[[Path], None]) -> Path:
    repo = make_repository(folder / "webshop")
    text = "one\r\ntwo\r\n$Id: 0123 $\r\n" if kind is not ident else "$Id: 0123 $\n"
    (repo / ODD).write_bytes(text.encode())
    commit_all(repo, "Texts")
    kind(repo)
    (repo / ODD).unlink()
    git(repo, "checkout", "--quiet", "--", ODD)
    return repo


def touch(path: Path) -> None:
    """Have git look into the file: while its times are those of the index, it does not."""
    (path / ODD).write_bytes((path / ODD).read_bytes())


def see(desk: Desk, path: Path) -> tuple[str, ...]:
    return read_uncommitted(desk.workspace.repo, path, untracked=True)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    return Desk(make(tmp_path, request.param))


def test_they_are_told_at_apply_and_nobody_s(desk: Desk) -> None:
    (warning,) = apply_tasks(desk.workspace, *TASKS).warnings
    assert "as soon as they are checked out" in warning
    assert f": {ODD}; " in warning
    path = desk.worktree("a")
    touch(path)
    assert git(path, "status", "--porcelain") == f' M "{ODD}"'
    assert see(desk, path) == ()
    assert check_at(path).ok
    (path / ODD).write_text("somebody's")
    assert see(desk, path) == (ODD,)
    assert list(find_owners(check_at(path))) == [ODD]


def test_once_they_are_mended_in_the_target_slices_follow(desk: Desk) -> None:
    desk.apply(*TASKS)
    for id_ in "ab":
        touch(desk.worktree(id_))
    touch(desk.repo)
    git(desk.repo, "add", "--renormalize", ".")
    mended = commit_all(desk.repo, "Renormalize")
    with desk.workspace.open_store() as store:
        goal = store.read_goal("default")
        assert goal
        assert set(forward_slices(desk.workspace, store, goal).slice_ids) == {"a", "b"}
    path = desk.worktree("a")
    assert git(path, "rev-parse", "HEAD") == mended
    touch(path)
    assert git(path, "status", "--porcelain") == ""
    assert find_changed_by_checkout(desk.workspace.repo, path, desk.workspace.config) == ()


def test_in_the_main_worktree_they_stop_neither_apply_nor_a_merge(desk: Desk) -> None:
    touch(desk.repo)
    desk.apply({"id": "a", "write_set": ["src/", ODD.replace("[x]", "*")]})
    token = take(desk.workspace, "a")
    work(desk.workspace, "a", {ODD: None})
    assert done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token)).ok
    assert merge(desk.workspace, MergeRequest(slice_ids=(SliceId("a"),))).merged
    assert not (desk.repo / ODD).exists()
    assert git(desk.repo, "status", "--porcelain") == ""


def test_a_slice_with_nothing_else_goes_without_force(desk: Desk) -> None:
    desk.apply(*TASKS)
    touch(desk.worktree("b"))
    remove(desk.workspace, RemoveRequest(slice_id=SliceId("b")))
    assert not (desk.repo.parent / "webshop.slices" / "default--b").exists()


def make_executable(path: Path) -> None:
    (path / ODD).chmod(0o755)


def stage(path: Path) -> None:
    touch(path)
    git(path, "add", ODD)


def delete(path: Path) -> None:
    (path / ODD).unlink()


def replace_by_link(path: Path) -> None:
    (path / ODD).unlink()
    (path / ODD).symlink_to("README.md")


def take_a_byte(path: Path) -> None:
    (path / ODD).write_bytes((path / ODD).read_bytes()[:-1])


@pytest.mark.parametrize("change", [make_executable, stage, delete, replace_by_link, take_a_byte])
def test_what_somebody_does_to_them_counts(tmp_path: Path, change: Callable[[Path], None]) -> None:
    desk = Desk(make(tmp_path, crlf))
    desk.apply(*TASKS)
    change(desk.worktree("a"))
    assert see(desk, desk.worktree("a")) == (ODD,)
    assert not check_at(desk.worktree("a")).ok


def test_a_commit_of_one_outside_the_scope_is_seen_through_it(tmp_path: Path) -> None:
    desk = Desk(make(tmp_path, crlf))
    desk.apply(*TASKS)
    path = desk.worktree("a")
    (path / ODD).write_bytes(b"other\r\n")
    blob = git(path, "hash-object", "-w", "--no-filters", ODD)
    git(path, "update-index", "--cacheinfo", f"100644,{blob},{ODD}")
    git(path, "commit", "--quiet", "-m", "Other")
    assert git(path, "status", "--porcelain") == f' M "{ODD}"'
    assert list(find_owners(check_at(path))) == [ODD]


@pytest.mark.parametrize("line", ["*.txt text=auto eol=lf", "*.txt -text", "*.txt diff=word"])
def test_where_git_leaves_line_endings_alone_nothing_is_told(tmp_path: Path, line: str) -> None:
    desk = Desk(make(tmp_path, lambda repo: write_attributes(repo, line)))
    assert apply_tasks(desk.workspace, *TASKS).warnings == ()


def test_in_a_sparse_worktree_only_files_that_are_there_are_told(tmp_path: Path) -> None:
    repo = make(tmp_path, lambda repo: None)
    for name in ("src/in.txt", "docs/out.txt"):
        (repo / name).write_bytes(b"one\r\n")
    commit_all(repo, "More texts")
    crlf(repo)
    (warning,) = apply_tasks(Desk(repo).workspace, TASKS[0], sparse=True).warnings
    assert f": {ODD}, src/in.txt; " in warning
