"""Whatever way git writes a worktree's files, they come out as a plain checkout has them."""

import os
import stat
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.git.worktrees import is_filled
from gitslices.provisioning.wanted import Progress
from tests.support.repositories import commit_all, git, list_files
from tests.support.slices import apply_tasks, path_beside, read_record
from tests.support.workspaces import open_at

TASKS = [{"id": id_, "write_set": [f"new-{id_}"], "read_set": ["all/"]} for id_ in "abc"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with files of every kind, and a plain checkout of it beside it."""
    root = tmp_path_factory.mktemp("kinds")
    lib, repo = root / "lib", root / "repo"
    for path in (lib, repo / "all" / "deep"):
        path.mkdir(parents=True)
    git(lib, "init", "--quiet")
    (lib / "inside").write_text("x")
    commit_all(lib)
    git(repo, "init", "--quiet")
    for name, value in {
        "filter.swap.clean": "tr a-z n-za-m",
        "filter.swap.smudge": "tr a-z n-za-m",
        "filter.swap.required": "true",
        "submodule.recurse": "true",
        "core.splitIndex": "true",
    }.items():
        git(repo, "config", name, value)
    (repo / ".gitattributes").write_text(
        "*.swap filter=swap\n*.crlf text eol=crlf\n*.lf text eol=lf\n*.id ident\n"
    )
    (repo / "all" / "pointer.swap").write_text("real content\n")
    (repo / "all" / "a.crlf").write_bytes(b"one\r\ntwo\r\n")
    (repo / "all" / "a.lf").write_bytes(b"one\ntwo\n")
    (repo / "all" / "a.id").write_text("$Id$\n")
    (repo / "all" / "deep" / "run").write_text("#!/bin/sh\n")
    (repo / "all" / "deep" / "run").chmod(0o755)
    (repo / "all" / "link").symlink_to("deep/run")
    (repo / "all" / "dangling").symlink_to("nowhere")
    (repo / "all" / os.fsdecode(b"caf\xe9 \n")).write_text("odd")
    (repo / "all" / "empty").write_text("")
    git(
        repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(lib), "all/lib"
    )
    commit_all(repo)
    git(repo, "worktree", "add", "--quiet", "-b", "plain", str(root / "plain"))
    return repo


def describe(root: Path) -> dict[str, tuple[str, int, bytes]]:
    """Kind, mode and content of all that is in a worktree."""
    found = {}
    for path in sorted(root.rglob("*")):
        mode = path.lstat().st_mode
        content = b""
        if stat.S_ISLNK(mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(mode) and path.name != ".git":
            content = path.read_bytes()
        found[str(path.relative_to(root))] = (stat.filemode(mode)[0], mode & 0o777, content)
    return found


@pytest.mark.parametrize("tasks", [TASKS[:1], TASKS], ids=["alone", "several"])
@pytest.mark.parametrize("sparse", [False, True], ids=["whole", "sparse"])
def test_files_of_every_kind(
    source: Path, tmp_path: Path, tasks: list[dict[str, object]], sparse: bool
) -> None:
    repo = tmp_path / "repo"
    git(tmp_path, "clone", "--quiet", str(source), "repo")
    (repo / ".git" / "config").write_text((source / ".git" / "config").read_text())
    (repo / "all" / "pointer.swap").unlink()
    git(repo, "checkout", "--quiet", "--", "all/pointer.swap")
    apply_tasks(open_at(repo), *tasks, sparse=sparse)
    plain = describe(source.parent / "plain")
    assert plain["all/a.crlf"][2] == b"one\r\ntwo\r\n"
    assert plain["all/pointer.swap"][2] == b"real content\n"
    for task in tasks:
        path = path_beside(repo, str(task["id"]))
        assert describe(path) == plain
        assert git(path, "status", "--porcelain", "--ignored") == ""
        assert git(path, "diff-files", "--name-only") == ""
        assert is_filled(path)


def test_a_fill_that_was_cut_short_is_done_again(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    path, admin = path_beside(repo, "a"), repo / ".git/worktrees/default--a"
    git(repo, "worktree", "lock", "--reason", "gitslices:ended", str(path))
    (admin / "gitslices-filling").touch()
    (path / "Makefile").unlink()
    (path / "README.md").write_text("ha")
    assert not is_filled(path)
    with workspace.open_store() as store:
        store.write_slices(
            [structs.replace(read_record(workspace, "a"), filling_operation="ended")]
        )
    apply_tasks(workspace, *TASKS)
    assert git(path, "status", "--porcelain") == ""
    assert is_filled(path)


def test_progress_counts_files(repo: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    apply_tasks(open_at(repo), *TASKS, on_progress=seen.append)
    files = len(git(repo, "ls-files").splitlines())
    fill = [one for one in seen if one.stage == "fill"]
    assert [(one.done, one.total) for one in fill] == [
        (files, 3 * files), (2 * files, 3 * files), (3 * files, 3 * files)
    ]  # fmt: skip
    assert list_files(path_beside(repo, "a")) == set(git(repo, "ls-files").splitlines())


def test_the_first_status_reads_no_file_again(repo: Path, tmp_path: Path) -> None:
    """Each file is written early in a second, so its index is written in the same one."""
    marker = tmp_path / "read"
    wait = "sh -c 's=$(date +%s); while [ $(date +%s) = $s ]; do :; done; cat'"
    git(repo, "config", "filter.slow.smudge", wait)
    git(repo, "config", "filter.slow.clean", f"sh -c 'touch {marker}; cat'")
    (repo / ".gitattributes").write_text("*.slow filter=slow\n")
    (repo / "one.slow").write_text("1\n")
    commit_all(repo)
    apply_tasks(open_at(repo), *TASKS[:2], jobs=1)
    marker.unlink()
    first, last = (path_beside(repo, id_) for id_ in "ab")
    assert git(first, "--no-optional-locks", "status", "--porcelain") == ""
    assert not marker.exists()
    (first / "one.slow").write_text("2\n")
    assert git(first, "status", "--porcelain") == " M one.slow"
    assert git(last, "status", "--porcelain") == ""
