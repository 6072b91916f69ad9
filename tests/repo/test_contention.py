"""`plan --contention`: how many past changes of what orders slices would have merged."""

from pathlib import Path

from gitslices.graph.scopes import parse_scopes
from gitslices.ops.contention import Contention, measure_contention
from gitslices.ops.plan import PlanRequest, plan
from tests.support.commands import run_cli
from tests.support.graphs import make_graph, write_graph
from tests.support.histories import Made, make_history
from tests.support.repositories import git
from tests.support.workspaces import open_at

LINES = [f"line {number}" for number in range(100)]


def write(*numbers: int) -> str:
    """A file of which these lines have been changed."""
    return "\n".join(f"{text} new" if n in numbers else text for n, text in enumerate(LINES))


COMMITS = [
    Made("Start", {"apart.txt": write(), "same.txt": write(0), "once.txt": "1"}),
    *(
        Made(f"Change {n}", {"apart.txt": write(*range(0, 8 * n, 8)), "same.txt": f"{n}\n" * 100})
        for n in range(1, 8)
    ),
]
FILES = ["apart.txt", "same.txt", "once.txt"]


def measure(repo: Path) -> Contention:
    tasks = [{"id": f"{name}-{n}", "write_set": [name]} for name in FILES for n in range(2)]
    workspace = open_at(repo)
    request = PlanRequest(scoped=parse_scopes(make_graph(*tasks)))
    return measure_contention(workspace, plan(workspace, request))


def test_changes_of_other_lines_merge_and_those_of_the_same_do_not(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "shop", COMMITS)
    before = git(repo, "count-objects")
    found = {str(one.path): one for one in measure(repo).paths}
    assert found["apart.txt"].tried == found["same.txt"].tried == 21
    assert (found["apart.txt"].merged, found["same.txt"].merged) == (21, 0)
    assert (found["apart.txt"].is_worth_relaxing, found["same.txt"].is_worth_relaxing) == (
        True, False,
    )  # fmt: skip
    assert (found["once.txt"].tried, found["once.txt"].pairs) == (0, 1)
    assert {str(one.path): one for one in measure(repo).paths} == found
    assert git(repo, "count-objects") == before
    assert git(repo, "status", "--porcelain") == ""


def test_it_is_told_below_the_plan(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "shop", COMMITS)
    tasks = [{"id": id_, "write_set": ["apart.txt"]} for id_ in "ab"]
    graph = write_graph(tmp_path / "g.json", *tasks)
    assert run_cli(repo, "plan", graph, "--contention").out.endswith(
        "\n\napart.txt orders 1 pair; of 21 pairs of past changes of it 100% merge in any order:"
        ' relaxed = ["apart.txt"]\n'
    )
    document = run_cli(repo, "plan", graph, "--contention", "--json").document
    assert document["contention"]["paths"][0]["merged"] == 21
    assert run_cli(repo, "plan", graph, "--contention", "--apply").code == 2
