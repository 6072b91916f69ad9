"""Goals: which of them a command means, and when one of them has ended."""

from pathlib import Path

import pytest

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.slices.goals import choose_goal, choose_goals
from gitslices.workspace import Workspace
from tests.support.repositories import git
from tests.support.slices import apply_tasks, set_status
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Three goals: `default` with slice a, `two` with a and b, `three` with c."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["one"]})
    tasks = ({"id": "a", "write_set": ["two"]}, {"id": "b", "write_set": ["b"]})
    apply_tasks(workspace, *tasks, goal_id="two")
    apply_tasks(workspace, {"id": "c", "write_set": ["c"]}, goal_id="three")
    return workspace


def choose(workspace: Workspace, *slice_ids: str | None, goal_id: str | None = None) -> str:
    with workspace.open_store() as store:
        return choose_goal(workspace, store, goal_id, *slice_ids).goal_id


def choose_all(workspace: Workspace, goal_id: str | None = None) -> list[str]:
    with workspace.open_store() as store:
        return [goal.goal_id for goal in choose_goals(workspace, store, goal_id)]


def land(workspace: Workspace, slice_id: str) -> None:
    set_status(workspace, slice_id, "merged")


def test_a_slice_that_one_goal_has_means_that_goal(workspace: Workspace) -> None:
    assert choose(workspace, "b") == "two"
    assert choose(workspace, "a", "b") == "two"
    assert choose(workspace, None, "c") == "three"
    with pytest.raises(InputError, match="2 goals have a slice 'a': default, two"):
        choose(workspace, "a")
    with pytest.raises(UnknownSliceError, match="no goal has a slice 'x'"):
        choose(workspace, "x")
    with pytest.raises(InputError, match="no goal has all of these slices: a, c"):
        choose(workspace, "a", "c")


def test_a_finished_goal_leaves_no_choice(workspace: Workspace) -> None:
    assert choose_all(workspace) == ["default", "two", "three"]
    land(workspace, "a")
    assert choose(workspace, "a") == "two"
    assert choose_all(workspace) == ["two", "three"]
    assert choose_all(workspace, "default") == ["default"]


def test_work_that_git_alone_has_landed_ends_a_goal(workspace: Workspace, repo: Path) -> None:
    top = workspace.worktree_root / "three--c"
    git(top, "commit", "--quiet", "--allow-empty", "-m", "Nothing")
    assert choose_all(workspace) == ["default", "two", "three"]
    (top / "c").write_text("c")
    git(top, "add", "c")
    git(top, "commit", "--quiet", "-m", "Work")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "By hand", "slices/three/c")
    assert choose_all(workspace) == ["default", "two"]


def test_variable_and_setting_choose_for_good(workspace: Workspace, repo: Path) -> None:
    git(repo, "config", "gitslices.goal", "three")
    assert choose(open_at(repo)) == "three"
    assert choose_all(open_at(repo)) == ["three"]
    chosen = open_at(repo, environ={"GITSLICES_GOAL": "two"})
    assert (choose(chosen), choose_all(chosen)) == ("two", ["two"])
    assert choose(chosen, goal_id="default") == "default"
    inside = open_at(repo.parent / "webshop.slices" / "default--a")
    assert choose(inside, "a") == "default", "the worktree at hand is nearer"
    wrong = open_at(repo, environ={"GITSLICES_GOAL": "tow"})
    for ask in (choose, choose_all):
        with pytest.raises(InputError, match="no goal 'tow', which GITSLICES_GOAL names"):
            ask(wrong)
