"""Locks that gits of others hold are theirs, however quiet they are; those of the dead are not."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitslices.git.living import find_living_gits
from gitslices.git.repair import LockOrigin, clear_ref_locks, clear_shared_locks
from tests.support.repositories import git

WAIT = """\
#!/bin/sh
[ "$1" = prepared ] && [ ! -e "{met}.over" ] && echo . >"{met}" &&
  while [ -e "{met}" ]; do sleep .02; done
exit 0
"""

Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def met(repo: Path, tmp_path: Path) -> Path:
    """What is there while a git waits in a hook, with all its locks closed."""
    met = tmp_path / "met"
    for name in ("old", "older"):
        git(repo, "branch", name)
    git(repo, "pack-refs", "--all")
    hook = repo / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(WAIT.format(met=met))
    hook.chmod(0o755)
    return met


@pytest.fixture
def begin(met: Path) -> Iterator[Begin]:
    """Start git as a user does, and return once it waits in the hook."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*args: str, cwd: Path, **extra: str) -> "subprocess.Popen[bytes]":
        Path(f"{met}.over").unlink(missing_ok=True)
        process = subprocess.Popen(["git", *args], cwd=cwd, env={**os.environ, **extra})
        started.append(process)
        wait_for(met.exists)
        return process

    yield start
    end(met)
    for process in started:
        process.kill()
        process.wait()


def end(met: Path) -> None:
    """Let the waiting git go on; one command may have several transactions."""
    Path(f"{met}.over").touch()
    met.unlink(missing_ok=True)


def wait_for(is_so: Callable[[], bool]) -> None:
    latest = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < latest
        time.sleep(0.01)


def clear_all(common_dir: Path) -> None:
    clear_shared_locks(
        common_dir, ["refs/heads/old", "refs/heads/main"], origin=LockOrigin(since=0)
    )
    clear_ref_locks(common_dir, ["refs/heads/old", "refs/heads/main"])


def list_locks(common_dir: Path) -> set[str]:
    return {str(path.relative_to(common_dir)) for path in common_dir.rglob("*.lock")}


@pytest.mark.parametrize(
    "args",
    [
        ("branch", "-D", "old"),
        ("update-ref", "-d", "refs/heads/old"),
        ("commit", "--allow-empty", "-m", "more"),
        ("branch", "-f", "old", "HEAD~0"),
        ("reset", "--soft", "HEAD"),
        ("tag", "new"),
    ],
)
def test_a_git_that_waits_in_a_hook_keeps_its_locks(
    repo: Path, met: Path, begin: Begin, args: tuple[str, ...]
) -> None:
    waiting = begin(*args, cwd=repo)
    before = list_locks(repo / ".git")
    clear_all(repo / ".git")
    assert list_locks(repo / ".git") == before
    end(met)
    assert waiting.wait(20) == 0


def test_a_git_is_known_from_wherever_it_works(
    repo: Path, met: Path, begin: Begin, tmp_path: Path
) -> None:
    quiet = ("-c", "core.hooksPath=/dev/null")
    git(repo, *quiet, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "init", "--quiet", str(elsewhere))
    starts: list[tuple[tuple[str, ...], Path, dict[str, str]]] = [
        (("branch", "-D", "old"), tmp_path / "linked" / "src", {}),
        (("-C", str(repo), "branch", "-D", "older"), elsewhere, {}),
        ((f"--git-dir={repo}/.git", "tag", "one"), elsewhere, {}),
        (("tag", "two"), elsewhere, {"GIT_DIR": f"{repo}/.git"}),
    ]
    for args, cwd, extra in starts:
        waiting = begin(*args, cwd=cwd, **extra)
        assert find_living_gits(repo / ".git"), args
        end(met)
        assert waiting.wait(20) == 0


def test_a_git_of_another_repository_is_nobody_s_here_however_it_was_started(
    repo: Path, met: Path, begin: Begin, tmp_path: Path
) -> None:
    alone, gone = tmp_path / "alone", tmp_path / "alone" / "gone"
    git(tmp_path, "init", "--quiet", str(alone))
    gone.mkdir()
    starts: list[tuple[tuple[str, ...], Path, dict[str, str]]] = [
        ((f"--git-dir={repo}/.git", "branch", "-D", "old"), alone, {}),
        (("--git-dir", ".git", "branch", "-D", "older"), repo, {}),
        (("tag", "two"), alone, {"GIT_DIR": f"{repo}/.git"}),
        (("-C", str(repo), "tag", "three"), tmp_path, {}),
        ((f"--git-dir={repo}/.git", "tag", "four"), gone, {}),
    ]
    for args, cwd, extra in starts:
        waiting = begin(*args, cwd=cwd, **extra)
        if cwd == gone:
            gone.rmdir()
        assert find_living_gits(repo / ".git"), args
        assert not find_living_gits(alone / ".git"), args
        end(met)
        assert waiting.wait(20) == 0


def test_a_git_whose_folder_was_deleted_counts_where_that_was(
    repo: Path, met: Path, begin: Begin, tmp_path: Path
) -> None:
    alone, gone = tmp_path / "apart" / "alone", repo / "gone"
    git(tmp_path, "init", "--quiet", str(alone))
    gone.mkdir()
    waiting = begin("--git-dir", str(repo / ".git"), "branch", "-D", "old", cwd=gone)
    gone.rmdir()
    assert find_living_gits(repo / ".git")
    assert not find_living_gits(alone / ".git")
    end(met)
    assert waiting.wait(20) == 0


def test_a_stopped_git_keeps_its_locks_and_a_killed_one_does_not(
    repo: Path, met: Path, begin: Begin
) -> None:
    waiting = begin("branch", "-D", "old", cwd=repo)
    waiting.send_signal(signal.SIGSTOP)
    before = list_locks(repo / ".git")
    assert "packed-refs.lock" in before
    clear_all(repo / ".git")
    assert list_locks(repo / ".git") == before
    waiting.kill()
    waiting.wait()
    clear_all(repo / ".git")
    assert list_locks(repo / ".git") == set()


def test_gits_of_other_repositories_and_those_that_only_read_keep_nothing(
    repo: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", str(tmp_path / "other"))
    lock = repo / ".git" / "packed-refs.lock"
    lock.write_text("")
    readers = [
        subprocess.Popen(["git", *args], cwd=cwd, stdin=subprocess.PIPE)
        for args, cwd in (
            (("cat-file", "--batch"), repo),
            (("-c", "core.pager=cat", "cat-file", "--batch-check"), repo),
            (("hash-object", "--stdin"), tmp_path / "other"),
        )
    ]
    clear_shared_locks(repo / ".git", [], origin=LockOrigin(since=0))
    for reader in readers:
        reader.communicate()
    assert not lock.exists()
