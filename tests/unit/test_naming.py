import re

import pytest

from gitslices.core.errors import InputError
from gitslices.core.model import Task, TaskGraph, TaskId
from gitslices.core.naming import (
    make_branch_name,
    make_graph_digest,
    make_worktree_name,
    natural_key,
    validate_prefix,
)


def test_plain_ids_keep_their_name() -> None:
    assert make_branch_name("auth-rework", "api", "slices") == "slices/auth-rework/api"
    assert make_worktree_name("auth-rework", "api") == "auth-rework--api"


@pytest.mark.parametrize(
    ("goal_id", "task_id", "name"),
    [
        ("auth", "Add API", "auth--add-api-3f90213b"),
        ("Auth", "api", "auth--api-afbf6852"),
        ("auth", "src/api.py", "auth--src-api-py-40938dd4"),
        ("auth", "-api-", "auth--api-46343f73"),
        ("auth", "任务", "auth--task-e3ca72ac"),
        ("ζ", "任务", "goal--task-77b1de0e"),
        ("auth", "x" * 60, f"auth--{'x' * 48}-edb3cc98"),
        ("auth", "x" * 47 + "-y", f"auth--{'x' * 47}-c2b46a32"),
    ],
)
def test_what_a_slug_loses_comes_back_as_a_digest(goal_id: str, task_id: str, name: str) -> None:
    assert make_worktree_name(goal_id, task_id) == name


def test_goals_that_slug_alike_do_not_share_a_branch() -> None:
    names = {make_branch_name(goal, "api", "slices") for goal in ("auth", "Auth", "auth!")}
    assert len(names) == 3


def test_digits_sort_as_numbers() -> None:
    ids = ["task-10", "task-2", "task-02", "task", "a10b2", "a10b10", "task-2b", "a2"]
    assert sorted(ids, key=natural_key) == [
        "a2", "a10b2", "a10b10", "task", "task-02", "task-2", "task-2b", "task-10",
    ]  # fmt: skip


def test_a_natural_key_takes_any_number_of_digits() -> None:
    assert natural_key("9" * 10_000) < natural_key("1" + "0" * 10_000)


@pytest.mark.parametrize("prefix", ["slices", "team/slices", "a.b_c-d", "_x", "0", "a" * 200])
def test_a_prefix_that_git_accepts_is_kept(prefix: str) -> None:
    assert validate_prefix(prefix) == prefix


@pytest.mark.parametrize(
    "prefix",
    ["", "/", "a/", "/a", "a//b", "-a", "a/-b", ".a", "a/.b", "a..b", "a.lock", "a.lock/b", "a b",
     "a~", "a^", "a:b", "a@{b", "a\\b", "a\n", "é", "a" * 201],
)  # fmt: skip
def test_a_prefix_that_git_would_refuse_is_refused(prefix: str) -> None:
    with pytest.raises(InputError):
        validate_prefix(prefix)


def test_a_digest_follows_the_content() -> None:
    graph = TaskGraph(goal_id="a", tasks=(Task(id=TaskId("t"), metadata={"x": 1, "y": 2}),))
    same = TaskGraph(goal_id="a", tasks=(Task(id=TaskId("t"), metadata={"y": 2, "x": 1}),))
    other = TaskGraph(goal_id="a", tasks=(Task(id=TaskId("u")),))
    assert make_graph_digest(graph) == make_graph_digest(same)
    assert make_graph_digest(graph) != make_graph_digest(other)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", make_graph_digest(graph))
