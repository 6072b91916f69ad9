"""Names made of any goal and any task: short, plain, never shared."""

import re
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from gitslices.core.errors import InputError
from gitslices.core.naming import (
    TaskName,
    make_branch_name,
    make_task_names,
    make_worktree_name,
    natural_key,
    validate_prefix,
)
from tests.support.examples import scale

IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)
ALIKE = st.text("aAä-_ .1", min_size=1, max_size=4) | st.text("ab-", min_size=45, max_size=52)


@given(IDS | ALIKE, IDS | ALIKE)
def test_every_name_is_two_short_plain_components(goal_id: str, task_id: str) -> None:
    part = r"[a-z0-9]+(-[a-z0-9]+)*"
    name = make_task_names(goal_id, [task_id])[task_id]
    goal, task = make_worktree_name(name).split("--")
    assert re.fullmatch(part, goal)
    assert len(goal) <= 48
    assert re.fullmatch(part, task)
    assert len(task) <= 57
    assert make_branch_name(name, "p/q") == f"p/q/{goal}/{task}"


GOALS = st.dictionaries(IDS | ALIKE, st.sets(IDS | ALIKE, max_size=10), min_size=2, max_size=4)


@given(GOALS)
def test_no_two_slices_share_a_name(goals: dict[str, set[str]]) -> None:
    given_names: dict[tuple[str, str], TaskName] = {}
    for goal_id, ids in goals.items():
        made = make_task_names(goal_id, sorted(ids), given_names)
        assert make_task_names(goal_id, sorted(ids)[::-1], given_names) == made
        given_names |= {(goal_id, id_): name for id_, name in made.items()}
    assert len(set(given_names.values())) == sum(map(len, goals.values()))


@given(st.sets(st.text("a-019", max_size=6), min_size=2, max_size=2))
def test_no_two_ids_have_the_same_natural_key(pair: set[str]) -> None:
    one, other = pair
    assert natural_key(one) != natural_key(other)


@settings(max_examples=scale(50))
@given(st.text("aZ0._-/@{lock", max_size=12))
def test_git_accepts_the_branches_of_every_valid_prefix(prefix: str) -> None:
    try:
        branch = make_branch_name(TaskName("goal", "task"), validate_prefix(prefix))
    except InputError:
        return
    git = ["git", "check-ref-format", f"refs/heads/{branch}"]
    assert subprocess.run(git, check=False).returncode == 0
