"""Names made of any goal and any task: short, plain, never shared."""

import re
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from gitslices.core.errors import InputError
from gitslices.core.naming import make_branch_name, make_worktree_name, natural_key, validate_prefix
from tests.support.examples import scale

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)
ALIKE = st.text("aAä-_ .1", min_size=1, max_size=4) | st.text("ab-", min_size=45, max_size=52)


@given(IDS | ALIKE, IDS | ALIKE)
def test_every_name_is_two_short_plain_components(goal_id: str, task_id: str) -> None:
    part = r"[a-z0-9]+(-[a-z0-9]+)*"
    goal, task = make_worktree_name(goal_id, task_id).split("--")
    assert re.fullmatch(part, goal)
    assert len(goal) <= 48
    assert re.fullmatch(part, task)
    assert len(task) <= 57
    assert make_branch_name(goal_id, task_id, "p/q") == f"p/q/{goal}/{task}"


@given(st.sets(st.tuples(IDS | ALIKE, IDS | ALIKE), min_size=2, max_size=40))
def test_no_two_slices_share_a_name(pairs: set[tuple[str, str]]) -> None:
    names = {make_worktree_name(goal, task) for goal, task in pairs}
    branches = {make_branch_name(goal, task, "slices") for goal, task in pairs}
    assert len(names) == len(branches) == len(pairs)


@given(st.sets(st.text("a-019", max_size=6), min_size=2, max_size=2))
def test_no_two_ids_have_the_same_natural_key(pair: set[str]) -> None:
    one, other = pair
    assert natural_key(one) != natural_key(other)


@settings(max_examples=scale(50))
@given(st.text("aZ0._-/@{lock", max_size=12))
def test_git_accepts_the_branches_of_every_valid_prefix(prefix: str) -> None:
    try:
        branch = make_branch_name("goal", "task", validate_prefix(prefix))
    except InputError:
        return
    git = ["git", "check-ref-format", f"refs/heads/{branch}"]
    assert subprocess.run(git, check=False).returncode == 0
