"""Settings of git's, and locks of other gits, that must not stop the work, or stop it in words."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitslices.core.errors import BusyError, GitError, MachineError
from gitslices.git.discovery import probe_repository
from gitslices.git.environment import expand_home, find_home
from gitslices.git.read import read_config
from gitslices.git.repository import Result
from gitslices.state.trust import find_user_folder
from tests.support.commands import Cli, run_cli
from tests.support.graphs import format_toml
from tests.support.repositories import commit_all, git

EXPLICIT = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
}
GRAPH = format_toml("g", a="src/", b="docs/")
LIFE = (
    ("plan", "--apply"),
    ("claim", "a", "--holder", "one"),
    ("check", "--slice", "a"),
    ("status",),
    ("conflicts",),
    ("done", "a", "--token", "1"),
    ("sync", "--all"),
    ("merge", "a"),
    ("prune",),
    ("doctor",),
)


@pytest.fixture
def shop(repo: Path) -> Path:
    (repo / "gitslices.toml").write_text(GRAPH)
    commit_all(repo)
    return repo


def find_slice(shop: Path, slice_id: str) -> Path:
    return shop.parent / f"{shop.name}.slices" / f"g--{slice_id}"


@pytest.mark.parametrize("linked", [False, True])
def test_a_whole_life_where_bare_repositories_must_be_named(shop: Path, linked: bool) -> None:
    for command in LIFE:
        there = find_slice(shop, "b") if linked and command[0] != "plan" else shop
        done = run_cli(there, *command, env=EXPLICIT)
        assert done.code == 0, (command, done)
        if command[0] == "claim":
            (find_slice(shop, "a") / "src" / "new.py").write_text("new\n")
            commit_all(find_slice(shop, "a"))


def test_a_bare_repository_is_worked_on_once_it_is_named(shop: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(shop, "clone", "--quiet", "--bare", ".", str(bare))
    refused = run_cli(bare, "status", env=EXPLICIT)
    assert refused.code == 3
    assert f"GIT_DIR={bare}" in refused.err
    graph = str(shop / "gitslices.toml")
    done = run_cli(bare, "plan", graph, "--apply", env={**EXPLICIT, "GIT_DIR": str(bare)})
    assert done.code == 0, done
    tree = tmp_path / "bare.slices" / "g--a"
    assert run_cli(tree, "status", env=EXPLICIT).code == 0


def flip_bare(shop: Path) -> None:
    git(shop, "config", "core.bare", "true")


def share_worktree(shop: Path) -> None:
    git(shop, "config", "extensions.worktreeConfig", "true")
    git(shop, "config", "core.worktree", str(shop))


def share_bare(shop: Path) -> None:
    git(shop, "config", "extensions.worktreeConfig", "true")
    git(shop, "config", "core.bare", "true")
    git(shop, f"--git-dir={shop}/.git", "config", "--worktree", "core.bare", "false")


def take_linked_for_main(shop: Path) -> None:
    git(shop, "config", "core.worktree", str(find_slice(shop, "b")))


MISLEAD = (flip_bare, share_worktree, share_bare, take_linked_for_main)


@pytest.mark.parametrize("mislead", MISLEAD)
@pytest.mark.parametrize(
    "command", [("merge", "a"), ("sync", "b"), ("remove", "b"), ("plan", "--apply"), ("undo",)]
)
def test_nothing_is_moved_while_a_setting_leads_git_astray(
    shop: Path, mislead: Callable[[Path], None], command: tuple[str, ...]
) -> None:
    assert run_cli(shop, "plan", "--apply").code == 0
    (find_slice(shop, "a") / "src" / "new.py").write_text("new\n")
    commit_all(find_slice(shop, "a"))
    assert run_cli(shop, "remove", "b").code == 0
    assert run_cli(shop, "reopen", "b").code == 0
    assert run_cli(shop, "plan", "--apply").code == 0
    before = git(shop, "for-each-ref")
    mislead(shop)
    graph = (str(shop / "gitslices.toml"),) if command[0] == "plan" else ()
    done = run_cli(shop, *command[:1], *graph, *command[1:])
    assert done.code == 3, done
    told = [name for name in ("core.bare", "core.worktree", "gitslices doctor") if name in done.err]
    assert told
    assert "hint: " in done.err
    found = run_cli(shop, "doctor").out
    assert found.startswith("core.")
    assert "[setting]" in found
    assert git(shop, f"--git-dir={shop}/.git", "for-each-ref") == before


def test_a_bare_repository_with_worktrees_is_not_astray(shop: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(shop, "clone", "--quiet", "--bare", ".", str(bare))
    assert run_cli(bare, "plan", str(shop / "gitslices.toml"), "--apply").code == 0
    assert run_cli(bare, "doctor").code == 0


def test_line_endings_that_a_user_guards_do_not_stop_a_look(shop: Path, cli: Cli) -> None:
    cli("plan", "--apply")
    git(shop, "config", "core.autocrlf", "true")
    git(shop, "config", "core.safecrlf", "true")
    for slice_id, name in (("a", "src/mixed.py"), ("b", "docs/mixed.md")):
        (find_slice(shop, slice_id) / name).write_bytes(b"one\r\ntwo\n")
    for command in ("conflicts", "status", "doctor", "check --all"):
        done = cli(*command.split())
        assert done.code == 0, (command, done)


LOCKS: Mapping[str, tuple[str, ...]] = {
    "config": ("config", "gitslices.some", "value"),
    "index": ("read-tree", "HEAD"),
    "packed-refs": ("pack-refs", "--all"),
    "HEAD": ("symbolic-ref", "HEAD", "refs/heads/other"),
    "refs/heads/main": ("update-ref", "refs/heads/main", "HEAD"),
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_held_for_a_moment_is_waited_for(shop: Path, name: str) -> None:
    lock = shop / ".git" / f"{name}.lock"
    lock.write_text("")
    begun = threading.Event()

    def free() -> None:
        begun.wait()
        time.sleep(0.3)
        lock.unlink()

    thread = threading.Thread(target=free)
    thread.start()
    begun.set()
    probe_repository(shop).run(*LOCKS[name])
    thread.join()


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_stays_is_busy_and_named(shop: Path, name: str) -> None:
    lock = shop / ".git" / f"{name}.lock"
    lock.write_text("")
    with pytest.raises(BusyError) as caught:
        probe_repository(shop).run(*LOCKS[name])
    assert f"{name}.lock" in caught.value.message
    assert caught.value.exit_code == 4
    assert lock.exists()


def test_what_git_says_on_several_lines_is_told_on_one(shop: Path) -> None:
    said = b"error: these would be lost:\n\ta.py\n\tb.py\nCommit them first.\n\nAborting\n"
    assert Result(1, b"", said).complaint == (
        "error: these would be lost: a.py, b.py; Commit them first.; Aborting"
    )
    with pytest.raises(GitError) as caught:
        probe_repository(shop).run_at(shop, "rev-parse", "--verify", "-q", "nothing^{tree}", "--")
    assert "\n" not in caught.value.message


def test_a_git_that_fails_without_a_word_sends_to_doctor(shop: Path) -> None:
    with pytest.raises(GitError) as caught:
        probe_repository(shop).run("show-ref", "--quiet", "refs/heads/nothing")
    assert "it said nothing" in caught.value.message
    assert caught.value.hint == "see what is wrong: gitslices doctor"


def nobody(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment without HOME, in a container that does not know the user."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 54321)
    return {}


def test_without_a_home_directory_paths_that_need_it_are_refused(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = nobody(monkeypatch)
    assert find_home(environ) is None
    assert expand_home("/hooks", environ) == Path("/hooks")
    looks: tuple[Callable[[], Path], ...] = (
        lambda: expand_home("~/hooks", environ),
        lambda: expand_home("~nobody-of-this-name/hooks", environ),
        lambda: find_user_folder(environ),
    )
    for look in looks:
        with pytest.raises(MachineError) as caught:
            look()
        assert "set HOME" in str(caught.value.hint)
    assert find_user_folder({"XDG_STATE_HOME": "/state"}) == Path("/state/gitslices")


@pytest.mark.parametrize("home", ["", "relative"])
def test_a_home_that_is_no_path_is_none(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 54321)
    assert find_home({"HOME": home}) is None


def test_settings_are_those_of_all_worktrees(shop: Path) -> None:
    git(shop, "config", "gitslices.prefix", "mine")
    assert read_config(probe_repository(shop))["gitslices.prefix"] == "mine"
