"""`.worktreeinclude`: ignored files that come along into new worktrees."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.core.model import RepoPath
from gitslices.system.worktreeinclude import copy_included
from tests.support.repositories import commit_all, git, list_files
from tests.support.slices import apply_tasks, path_beside
from tests.support.workspaces import open_at

ONE = {"id": "one", "write_set": ["new/"]}


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def bring(repo: Path, folder: Path, ignored: str, include: str) -> tuple[str, ...]:
    """Provision one worktree, and return the warnings."""
    (repo / ".git/info/exclude").write_text(ignored)
    (repo / ".worktreeinclude").write_text(include)
    return apply_tasks(open_at(repo), ONE).warnings


def brought(repo: Path) -> set[str]:
    return list_files(path_beside(repo, "one")) - set(git(repo, "ls-files").splitlines())


def test_ignored_files_that_match_come_along_with_mode_and_time(repo: Path, tmp_path: Path) -> None:
    write(repo / ".env", "SECRET=1")
    (repo / ".env").chmod(0o600)
    run = write(repo / "cache/deep/run")
    run.chmod(0o755)
    os.utime(run, (1_000_000_000, 1_000_000_000))
    write(repo / "cache/big.log")
    assert bring(repo, tmp_path, ".env\ncache/\n", ".env\ncache/**\n!*.log\n") == ()
    path = path_beside(repo, "one")
    assert brought(repo) == {".env", "cache/deep/run"}
    assert (path / ".env").read_text() == "SECRET=1"
    assert stat.S_IMODE((path / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((path / "cache/deep/run").stat().st_mode) == 0o755
    assert (path / "cache/deep/run").stat().st_mtime == 1_000_000_000
    assert git(path, "status", "--porcelain") == ""


def test_neither_tracked_nor_merely_untracked_files_come_along(repo: Path, tmp_path: Path) -> None:
    write(repo / "notes.txt")
    write(repo / "made.o")
    assert bring(repo, tmp_path, "*.o\n", "*\n") == ()
    assert brought(repo) == {"made.o"}


def test_without_the_file_nothing_comes_along(repo: Path, tmp_path: Path) -> None:
    write(repo / ".env")
    (repo / ".git/info/exclude").write_text(".env\n")
    apply_tasks(open_at(repo), ONE)
    assert brought(repo) == set()


def test_a_file_that_the_base_tracks_is_not_replaced(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "before")
    git(repo, "rm", "--quiet", "--cached", "Makefile")
    git(repo, "commit", "--quiet", "-m", "Drop it")
    write(repo / "Makefile", "local")
    (repo / ".git/info/exclude").write_text("Makefile\n")
    (repo / ".worktreeinclude").write_text("Makefile\n")
    apply_tasks(open_at(repo), ONE, base="before", sparse=True)
    assert git(path_beside(repo, "one"), "status", "--porcelain") == ""


def test_links_come_along_only_if_they_stay_inside(repo: Path, tmp_path: Path) -> None:
    write(tmp_path / "outside/secret")
    write(repo / "cache/real")
    links = {
        "inside": "real", "up": "../Makefile", "out": "../../outside", "absolute": str(repo),
        "git": "../.git/config", "around": "../cache/out/secret",
    }  # fmt: skip
    for name, target in links.items():
        (repo / "cache" / name).symlink_to(target)
    warnings = bring(repo, tmp_path, "cache/\n", "cache/\n")
    assert brought(repo) == {"cache/real", "cache/inside", "cache/up"}
    assert (path_beside(repo, "one") / "cache/inside").readlink() == Path("real")
    assert sorted(warnings) == [
        f"one: 'cache/{name}' was not brought along: it is a symbolic link out of the repository"
        for name in ("absolute", "around", "git", "out")
    ]


def test_a_folder_that_is_a_link_in_the_base_is_not_written_through(
    repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (repo / "cache").symlink_to(tmp_path / "outside")
    commit_all(repo)
    git(repo, "rm", "--quiet", "--cached", "cache")
    (repo / "cache").unlink()
    write(repo / "cache/file")
    remarks = copy_included(repo, make_checkout(repo, tmp_path), [RepoPath("cache/file")])
    assert "is no folder in the new worktree" in remarks[0]
    assert list((tmp_path / "outside").iterdir()) == []


def make_checkout(repo: Path, tmp_path: Path) -> Path:
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "HEAD")
    return tmp_path / "linked"


def test_what_is_there_already_stays(repo: Path, tmp_path: Path) -> None:
    target = make_checkout(repo, tmp_path)
    write(repo / "a/.env", "from main")
    write(target / "a/.env", "its own")
    write(target / "b.gitslices-partial", "cut short")
    write(repo / "b", "whole")
    assert copy_included(repo, target, [RepoPath("a/.env"), RepoPath("b")]) == ()
    assert (target / "a/.env").read_text() == "its own"
    assert (target / "b").read_text() == "whole"
    assert not (target / "b.gitslices-partial").exists()


def test_what_cannot_be_copied_is_said_and_the_rest_is(repo: Path, tmp_path: Path) -> None:
    os.mkfifo(repo / "pipe")
    write(repo / "fine")
    git(tmp_path, "init", "--quiet", str(repo / "nested"))
    paths = [RepoPath(one) for one in ("fine", "gone", "nested/", "pipe")]
    target = make_checkout(repo, tmp_path)
    assert copy_included(repo, target, paths) == (
        "'gone' was not brought along: No such file or directory",
        "'nested/' was not brought along: it is a repository of its own",
        "'pipe' was not brought along: it is no regular file",
    )
    assert (target / "fine").is_file()


def test_a_full_disk_is_an_error(repo: Path, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a test mount a small file system")
    (repo / "big").write_bytes(os.urandom(200_000))
    small = tmp_path / "small"
    small.mkdir()
    script = tmp_path / "copy.py"
    script.write_text(
        "from pathlib import Path\n"
        "from gitslices.core.errors import DiskError\n"
        "from gitslices.system.worktreeinclude import copy_included\n"
        "try:\n"
        f"    copy_included(Path({str(repo)!r}), Path({str(small)!r}), ['big'])\n"
        "except DiskError as error:\n"
        "    print(error.message)\n"
    )
    mount = f"mount -t tmpfs -o size=64k none {small} && exec {sys.executable} {script}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True, check=False
    )
    assert done.stdout == "cannot copy 'big': No space left on device\n", done.stderr
