"""What set-up left in a worktree, and a submodule that is merely behind, are nobody's changes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from gitslices.core.model import SliceId
from gitslices.git.uncommitted import read_leftovers, read_uncommitted
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.forward import forward_slices
from gitslices.ops.removal import RemoveRequest, remove
from gitslices.repo_commands.setup import SetupReport, SetupRequest, set_up
from gitslices.repo_commands.trust import approve
from tests.support.repositories import commit_all, git, make_repository, write_settings
from tests.support.slices import Desk, check_at, take

TASKS = ({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
LEAVE = {
    "rewritten": "echo changed >> Makefile",
    "deleted": "rm Makefile",
    "executable": "chmod +x Makefile",
    "link": "rm Makefile && ln -s README.md Makefile",
    "new": "echo new > lock.json",
    "folder": "mkdir -p vendor/deep && touch vendor/one vendor/deep/two",
    "odd-name": "touch 'a b' \"$(printf 'q\\\\nq')\" -- '-x'",
}


def run_setup(desk: Desk, command: str) -> SetupReport:
    listed = command.replace("\\", "\\\\").replace('"', '\\"')
    write_settings(desk.repo, f'[setup]\ncommands = ["{listed}"]\n')
    commit_all(desk.repo, "Settings")
    approve(desk.workspace, [command])
    desk.apply(*TASKS)
    return set_up(desk.workspace, SetupRequest(goal_id="default"))


def need_setup(desk: Desk, slice_id: str) -> None:
    with desk.workspace.open_store() as store:
        store.write_slices([structs.replace(desk.record(slice_id), needs_setup=True)])


def see(desk: Desk, path: Path) -> tuple[str, ...]:
    return read_uncommitted(desk.workspace.repo, path, untracked=True)


@pytest.mark.parametrize("command", LEAVE.values(), ids=LEAVE)
def test_what_set_up_leaves_is_told_and_nobody_s(repo: Path, command: str) -> None:
    desk = Desk(repo)
    (warning,) = run_setup(desk, command).warnings
    assert warning.startswith("a, b: set-up has changed files that git does not ignore: ")
    path = desk.worktree("a")
    assert git(path, "status", "--porcelain")
    assert see(desk, path) == ()
    assert read_leftovers(desk.workspace.repo, path).changed == ()
    assert check_at(path).ok


def test_a_slice_that_set_up_alone_has_changed_is_brought_forward(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile")
    (repo / "README.md").write_text("later")
    later = commit_all(repo, "Later")
    with desk.workspace.open_store() as store:
        goal = store.read_goal("default")
        assert goal
        assert set(forward_slices(desk.workspace, store, goal).slice_ids) == {"a", "b"}
    assert git(desk.worktree("a"), "rev-parse", "HEAD") == later
    assert "changed" in (desk.worktree("a") / "Makefile").read_text()


def test_where_the_target_changes_the_same_file_nothing_is_lost(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile")
    (repo / "Makefile").write_text("later")
    commit_all(repo, "Later")
    with desk.workspace.open_store() as store:
        goal = store.read_goal("default")
        assert goal
        forwarded = forward_slices(desk.workspace, store, goal)
    assert forwarded.slice_ids == ()
    assert "changed" in (desk.worktree("a") / "Makefile").read_text()


def test_done_and_remove_do_not_ask_for_it(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile; touch lock.json")
    token = take(desk.workspace, "a")
    (desk.worktree("a") / "src" / "new.py").write_text("work")
    git(desk.worktree("a"), "add", "src")
    git(desk.worktree("a"), "commit", "--quiet", "-m", "Work")
    assert done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=token)).ok
    remove(desk.workspace, RemoveRequest(slice_id=SliceId("b")))
    assert not (repo.parent / f"{repo.name}.slices" / "default--b").exists()


def edit(path: Path) -> None:
    (path / "Makefile").write_text("edited since")


def stage(path: Path) -> None:
    git(path, "add", "Makefile")


def delete(path: Path) -> None:
    (path / "Makefile").unlink()


def mode(path: Path) -> None:
    (path / "Makefile").chmod(0o755)


def replace(path: Path) -> None:
    (path / "Makefile").unlink()
    (path / "Makefile").symlink_to("README.md")


@pytest.mark.parametrize("change", [edit, stage, delete, mode, replace])
def test_what_somebody_does_to_it_since_counts(repo: Path, change: Callable[[Path], None]) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile")
    change(desk.worktree("a"))
    assert see(desk, desk.worktree("a")) == ("Makefile",)
    assert see(desk, desk.worktree("b")) == ()


def test_a_file_added_to_a_folder_that_set_up_left_counts(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "mkdir vendor && touch vendor/one")
    (desk.worktree("a") / "vendor" / "mine").write_text("work")
    assert see(desk, desk.worktree("a")) == ("vendor/",)
    assert not check_at(desk.worktree("a")).ok


def test_what_was_changed_before_set_up_stays_somebody_s(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile")
    path = desk.worktree("b")
    (path / "README.md").write_text("work")
    need_setup(desk, "b")
    set_up(desk.workspace, SetupRequest(goal_id="default"))
    assert see(desk, path) == ("README.md",)


def test_beside_a_holder_at_work_nothing_is_taken_for_set_up_s(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "test -e go || exit 0; echo changed >> Makefile; rm go")
    take(desk.workspace, "a")
    (desk.worktree("a") / "go").touch()
    need_setup(desk, "a")
    set_up(desk.workspace, SetupRequest(goal_id="default"))
    assert see(desk, desk.worktree("a")) == ("Makefile",)


def test_a_note_that_cannot_be_read_makes_nobody_lose_anything(repo: Path) -> None:
    desk = Desk(repo)
    run_setup(desk, "echo changed >> Makefile")
    (repo / ".git" / "worktrees" / "default--a" / "gitslices-set-up").write_text("{")
    assert see(desk, desk.worktree("a")) == ("Makefile",)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """A repository whose submodule `lib [x]` was moved on; its checkout is at the commit before."""
    source = make_repository(tmp_path / "source")
    repo = make_repository(tmp_path / "repo")
    git(repo, "config", "protocol.file.allow", "always")
    git(
        repo,
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(source),
        "lib [x]",
    )
    commit_all(repo, "Submodule")
    for text in ("one", "two"):
        (source / "README.md").write_text(text)
        commit_all(source, text)
    lib = repo / "lib [x]"
    before = git(lib, "rev-parse", "HEAD")
    git(lib, "fetch", "--quiet")
    git(lib, "checkout", "--quiet", "origin/main~1")
    commit_all(repo, "Bump")
    git(lib, "checkout", "--quiet", before)
    return repo


def test_a_submodule_that_is_merely_behind_is_no_change(nested: Path) -> None:
    desk = Desk(nested)
    assert git(nested, "status", "--porcelain") == ' M "lib [x]"'
    assert see(desk, nested) == ()


def go_on(lib: Path) -> None:
    git(lib, "checkout", "--quiet", "origin/main")


def commit_in(lib: Path) -> None:
    (lib / "README.md").write_text("mine")
    commit_all(lib, "Mine")


def edit_in(lib: Path) -> None:
    (lib / "README.md").write_text("mine")


def add_in(lib: Path) -> None:
    (lib / "mine").write_text("mine")


def stage_it(lib: Path) -> None:
    git(lib.parent, "add", "lib [[]x]")


def drop_links(lib: Path) -> None:
    git(lib, "checkout", "--quiet", "--orphan", "unborn")


@pytest.mark.parametrize("change", [go_on, commit_in, edit_in, add_in, stage_it, drop_links])
def test_a_submodule_in_any_other_state_is_a_change(
    nested: Path, change: Callable[[Path], None]
) -> None:
    change(nested / "lib [x]")
    assert see(Desk(nested), nested) == ("lib [x]",)
