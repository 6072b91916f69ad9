"""How soon the chosen orders finish: beside the best there is, and beside the order by id."""

import random
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benches.process import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gitslices.planning.ordering import bound_makespan, order_by_critical_path, order_by_id  # noqa: E402
from gitslices.planning.schedule import Workload, simulate  # noqa: E402
from tests.support.workloads import find_optimum, make_hot_workload, make_workload  # noqa: E402

WINDOW = 60
"""How many consecutive commits make one graph."""

Commits = list[frozenset[str]]


def bench_makespan(history: Path | None) -> None:
    compare_with_optimum()
    report_shorter(
        "20 graphs of 120 slices with hot files",
        (make_hot_workload(120, seed) for seed in range(20)),
    )
    report_history("generated", generate_history())
    for repository in (history,) if history else (ROOT,):
        report_history(str(repository), read_history(repository))


def report_history(name: str, commits: Commits) -> None:
    graphs = f"{len(commits) // WINDOW} graphs of {WINDOW} commits, {name}"
    report_shorter(graphs, list_workloads(commits))


def report_shorter(name: str, workloads: Iterable[Workload]) -> None:
    binding = [workload for workload in workloads if is_binding(workload)]
    gains = [shorten(one, measure(one, order_by_critical_path(one))) for one in binding]
    bounds = [shorten(one, bound_makespan(one)) for one in binding]
    if not gains:
        print(f"{name}: overlaps cost nothing")
        return
    span = f"{min(gains):.0%} to {max(gains):.0%}"
    print(
        f"{name}: {statistics.mean(gains):.0%} shorter than by id ({span})"
        f" in the {len(gains)} where overlaps cost something, and no order is more than"
        f" {statistics.mean(bounds):.0%} shorter; target 35%",
        flush=True,
    )


def compare_with_optimum() -> None:
    try:
        import ortools  # noqa: F401
    except ImportError:
        print("beside the optimum: skipped, ortools is not installed (dependency group optimum)")
        return
    workloads = [make_hot_workload(12 + seed % 13, seed) for seed in range(100)]
    found = [(measure(one, order_by_critical_path(one)), find_optimum(one)) for one in workloads]
    ratios = [cost / best for cost, best in found if best is not None]
    print(
        f"beside the optimum, {len(ratios)} of {len(found)} graphs of 12 to 24 slices (the others"
        f" were not proved): {statistics.mean(ratios):.3f} on average, {max(ratios):.2f} at worst"
    )


def measure(workload: Workload, order: tuple[int, ...]) -> float:
    return simulate(workload, order).makespan


def is_binding(workload: Workload) -> bool:
    """Whether overlaps cost the order by id any time."""
    free = make_workload(len(workload.costs), costs=workload.costs)
    return measure(workload, order_by_id(workload)) > measure(free, order_by_id(free))


def shorten(workload: Workload, makespan: float) -> float:
    """By what part of it the order by id gets shorter with that makespan."""
    return 1 - makespan / measure(workload, order_by_id(workload))


def list_workloads(commits: Commits) -> Iterator[Workload]:
    chance = random.Random(7)
    for start in range(0, len(commits) - WINDOW + 1, WINDOW):
        files = commits[start : start + WINDOW]
        yield make_workload(
            WINDOW,
            costs=[chance.randint(1, 8) for _ in files],
            conflicts=[(i, e) for i in range(WINDOW) for e in range(i) if files[i] & files[e]],
        )


def read_history(repository: Path) -> Commits:
    """The files that each commit touched, the oldest commit first."""
    said = subprocess.run(
        ["git", "log", "--no-merges", "--reverse", "--name-only", "-z", "--format=%x01"],
        cwd=repository, env=ENVIRONMENT, capture_output=True, check=True,
    ).stdout.decode("utf-8", "surrogateescape")  # fmt: skip
    commits = (frozenset(filter(None, one.strip("\n\0").split("\0"))) for one in said.split("\1"))
    return [files for files in commits if files]


def generate_history() -> Commits:
    """Commits of one to five files, of which a few are touched again and again."""
    chance = random.Random(5)
    weights = [1 / (rank + 3) for rank in range(400)]
    drawn = (
        chance.choices(range(400), weights, k=chance.randint(1, 5)) for _ in range(20 * WINDOW)
    )
    return [frozenset(f"file-{number}" for number in numbers) for numbers in drawn]
