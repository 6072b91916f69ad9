"""Whoever starts or takes the lock finds nothing half done, by whatever door they come in."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitslices.recovery.recovery import recover_and_lock
from gitslices.system.hook_scripts import NAMES
from gitslices.workspace import Workspace, open_workspace
from tests.support.shim import Server, Strike
from tests.support.trials import COMMANDS, Stage

Stages = Callable[[str], Stage]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Stages:
    """The stage of a command, as it was before it ran."""
    made: dict[str, Stage] = {}

    def find(name: str) -> Stage:
        if name not in made:
            (command,) = (command for command in COMMANDS if command.name == name)
            made[name] = Stage(tmp_path_factory.mktemp(name), command, server.run)
        made[name].reset()
        return made[name]

    return find


def open_at(repo: Path) -> Workspace:
    return open_workspace(
        repo, git_dir=None, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), purpose="test"
    )


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("apply", "git:worktree-add:after#2"),
        ("apply", "git:read-tree:before#1"),
        ("apply", "unlink:filling"),
        ("remove", "rename:trash"),
        ("undo", "rename:back"),
        ("merge", "unlink:intent"),
        ("sync", "unlink:intent"),
        ("claim", "rename:filling"),
    ],
)
def test_a_process_killed_after_the_start_leaves_nothing_for_who_has_the_lock_next(
    stages: Stages, server: Server, name: str, point: str
) -> None:
    stage = stages(name)
    workspace = open_at(stage.repo)
    with workspace.open_store() as store:
        assert server.run(stage.repo, stage.command.argv, Strike("kill", point)).code == -9
        with recover_and_lock(workspace, store):
            found = [one for one in stage.find_damage() if "topology.holder" not in one]
            assert found == []
            assert not workspace.has_intent()
            assert workspace.find_dead_operations() == ()


@pytest.mark.parametrize("point", ["git:worktree-add:after#2", "git:read-tree:before#1"])
@pytest.mark.parametrize("hook", NAMES)
def test_a_hook_recovers_like_a_command(
    stages: Stages, server: Server, hook: str, point: str
) -> None:
    stage = stages("apply")
    server.run(stage.repo, stage.command.argv, Strike("kill", point))
    argv = [sys.executable, "-P", "-m", "gitslices.cli.git_hook", hook]
    done = subprocess.run(argv, cwd=stage.repo, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0
    assert list(stage.find_damage()) == []


@pytest.mark.parametrize("hook", ["pre-commit", "prepare-commit-msg"])
def test_hook_run_recovers_like_a_command(stages: Stages, server: Server, hook: str) -> None:
    stage = stages("apply")
    server.run(stage.repo, stage.command.argv, Strike("kill", "git:read-tree:before#1"))
    assert server.run(stage.repo, ("hook", "run", hook)).code == 0
    assert list(stage.find_damage()) == []
