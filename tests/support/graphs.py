"""Task graphs and trees made in a test, and plans of them without a repository."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gitslices.core.model import BranchName, Oid, Plan, PlanSettings, RepoPath, RepoTree, TaskGraph
from gitslices.graph.scopes import parse_scopes
from gitslices.planning.planner import make_plan

SETTINGS = PlanSettings(base_ref="main", target=BranchName("main"), worktree_root="/srv/w")


def make_tree(*paths: str, **more: Any) -> RepoTree:
    return RepoTree(commit=Oid("0" * 40), paths=tuple(map(RepoPath, sorted(paths))), **more)


def make_graph(*tasks: Mapping[str, Any], **fields: object) -> TaskGraph:
    """A graph of tasks that all have an owner and, as a loaded graph, a title."""
    complete = [{"owner_role": "executor", "title": task["id"], **task} for task in tasks]
    return msgspec.convert({**fields, "tasks": complete}, TaskGraph)


def write_graph(path: Path, *tasks: Mapping[str, object], **fields: object) -> str:
    """Write a graph as JSON and return its path as an argument."""
    defaults = {"owner_role": "executor"}
    path.write_text(json.dumps({"defaults": defaults, "tasks": tasks, **fields}))
    return str(path)


def format_toml(goal_id: str | None = None, **scopes: str) -> str:
    """A graph as people write it: a slice for each name, and the one entry that it may write."""
    goal = f'goal_id = "{goal_id}"\n' if goal_id else ""
    tasks = [f'[[tasks]]\nid = "{id_}"\nwrite_set = ["{entry}"]\n' for id_, entry in scopes.items()]
    return f'version = 1\n{goal}[defaults]\nowner_role = "executor"\n{"".join(tasks)}'


def plan_tasks(
    *tasks: Mapping[str, Any],
    tree: RepoTree | None = None,
    shared: Iterable[str] = (),
    **settings: Any,
) -> Plan:
    return make_plan(
        parse_scopes(make_graph(*tasks, shared=tuple(shared))),
        tree or make_tree(),
        msgspec.structs.replace(SETTINGS, **settings),
    )


def find_before(plan: Plan) -> dict[str, set[str]]:
    """All that comes before each slice."""
    before: dict[str, set[str]] = {}
    for slice_ in plan.slices:
        needed = slice_.dependencies
        before[slice_.slice_id] = set(needed).union(*(before[one] for one in needed))
    return before
