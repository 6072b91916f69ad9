import re

import pytest

from gitslices.core.errors import InputError
from gitslices.core.model import Task, TaskGraph, TaskId
from gitslices.core.naming import (
    TaskName,
    find_task_name,
    make_branch_name,
    make_graph_digest,
    make_task_names,
    make_worktree_name,
    natural_key,
    validate_prefix,
)


def test_plain_ids_keep_their_name() -> None:
    name = make_task_names("auth-rework", ["api"])["api"]
    assert make_branch_name(name, "slices") == "slices/auth-rework/api"
    assert make_worktree_name(name) == "auth-rework--api"


@pytest.mark.parametrize(
    ("goal_id", "task_id", "name"),
    [
        ("auth", "Add API", "auth--add-api-3f90213b"),
        ("auth!", "api", "auth--api-ba0218c0"),
        ("auth", "src/(api).py", "auth--src-api-py-e618b05e"),
        ("auth", "a--b", "auth--a-b-cca04072"),
        ("auth", "\u212aelvin", "auth--kelvin-388bc124"),
        ("auth", "-api-", "auth--api-46343f73"),
        ("auth", "任务", "auth--task-e3ca72ac"),
        ("ζ", "任务", "goal--task-77b1de0e"),
        ("auth", "x" * 60, f"auth--{'x' * 48}-edb3cc98"),
        ("auth", "x" * 47 + "-y", f"auth--{'x' * 47}-c2b46a32"),
    ],
)
def test_what_a_slug_loses_comes_back_as_a_digest(goal_id: str, task_id: str, name: str) -> None:
    assert make_worktree_name(make_task_names(goal_id, [task_id])[task_id]) == name


@pytest.mark.parametrize(
    ("goal_id", "task_id", "name"),
    [
        ("auth", "PROJ-42", "auth--proj-42"),
        ("Auth", "fix_login", "auth--fix-login"),
        ("release/2.1", "_api", "release-2-1--api"),
        ("httpx-0.29", "src/api.py", "httpx-0-29--src-api-py"),
    ],
)
def test_ticket_and_version_names_cost_no_digest(goal_id: str, task_id: str, name: str) -> None:
    assert make_worktree_name(make_task_names(goal_id, [task_id])[task_id]) == name


def test_ids_that_come_to_one_slug_are_told_apart_in_whatever_order() -> None:
    ids = ["fix-login", "fix_login", "Fix.Login", "other_one"]
    names = make_task_names("g", ids)
    assert make_task_names("g", ids[::-1]) == names
    assert names["fix-login"] == ("g", "fix-login")
    assert names["other_one"] == ("g", "other-one")
    assert len(set(names.values())) == 4


def test_a_name_once_given_stays_and_is_nobody_elses() -> None:
    given = {
        ("g", "A_1"): TaskName("g", "a-1-12345678"),
        ("g", "gone"): TaskName("g", "b-1"),
        ("other.g", "c"): TaskName("g", "c"),
    }
    names = make_task_names("g", ["A_1", "B_1", "c", "D_1"], given)
    assert names["A_1"] == ("g", "a-1-12345678")
    assert names["D_1"] == ("g", "d-1")
    assert names["B_1"].task.startswith("b-1-")
    assert names["c"].task.startswith("c-")


def test_a_name_is_found_again_in_what_is_made_of_it() -> None:
    assert find_task_name(make_worktree_name(TaskName("a-b", "c-1"))) == ("a-b", "c-1")
    assert find_task_name("a") is None
    assert find_task_name("../a--b") is None


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
