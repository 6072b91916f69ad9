"""Whole plans: time and memory of the process, growth, and the ratio to comparing every pair."""

import json
import math
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from benches.process import GITSLICES, Spent, measure, run

Draw = Callable[[random.Random, list[str]], str]
PAIRS_OF = 2_000
"""How many tasks are compared pair by pair; the time for more grows with the square."""


class Case(NamedTuple):
    """A plan to make, and what it may take."""

    name: str
    tasks: int
    files: int
    draw: Draw
    new_paths: str
    seconds: float
    memory: float | None


def bench_plan(scratch: Path) -> None:
    paths = {files: make_repository(scratch / str(files), files) for files in (10_000, 100_000)}
    print(f"{'':<34} {'wall':>7} {'target':>8}  {'busy':>7}  {'memory':>8}")
    spent = {case.name: run_case(case, scratch, paths[case.files]) for case in CASES}
    few, many = spent["1,000 literals"], spent["10,000 literals"]
    print(f"growth from 1,000 to 10,000: exponent {math.log10(many.busy / few.busy):.2f} (1.2)")
    graph = make_graph(paths[10_000], PAIRS_OF, draw_literals)
    pairwise = time_pairs(graph) * (10_000 / PAIRS_OF) ** 2
    print(f"pair by pair, 10,000 tasks: {pairwise:.0f} s, {pairwise / many.busy:.1f} times (10)")


def bench_large_plan(scratch: Path) -> None:
    case = Case("100,000 literals", 100_000, 100_000, draw_literals, "anchored", 20, 1_536)
    run_case(case, scratch, make_repository(scratch / str(case.files), case.files))


def run_case(case: Case, scratch: Path, paths: list[str]) -> Spent:
    repository = scratch / str(case.files)
    graph = make_graph(paths, case.tasks, case.draw)
    (repository / "graph.json").write_text(json.dumps(graph))
    argv = (*GITSLICES, "plan", "graph.json", "--json", "--new-paths", case.new_paths)
    rounds = 3 if case.tasks < 10_000 else 1
    spent = min(measure(*argv, cwd=repository) for _ in range(rounds))
    name = f"{case.name}, {case.files:,} files"
    memory = f"{spent.memory:5.0f} MiB" + (f" ({case.memory:.0f})" if case.memory else "")
    times = f"{spent.seconds:6.2f} s ({case.seconds:4.1f} s)  {spent.busy:6.2f} s"
    print(f"{name:<34} {times}  {memory}", flush=True)
    return spent


def make_repository(folder: Path, files: int) -> list[str]:
    """A repository whose one commit has `files` paths, none of them checked out; their names."""
    chance = random.Random(1)
    paths = []
    for number in range(files):
        area = f"area-{number % 40:02}/part-{number % 400 // 40}"
        suffix = chance.choice(("py", "ts", "md", "sql", "json"))
        paths.append(f"{area}/mod-{number % 3000 // 400}/file-{number:05}.{suffix}")
    run("git", "init", "--quiet", "--initial-branch=main", str(folder))
    commit = "commit refs/heads/main\ncommitter bench <bench@localhost> 0 +0000\ndata 5\nStart\n"
    listed = "".join(f"M 100644 :1 {path}\n" for path in paths)
    script = f"blob\nmark :1\ndata 2\nx\n\n{commit}{listed}"
    run("git", "fast-import", "--quiet", cwd=folder, data=script.encode())
    return paths


def draw_literals(chance: random.Random, paths: list[str]) -> str:
    path = chance.choice(paths)
    return path if chance.random() < 0.8 else path.rsplit("/", 1)[0] + "/"


def draw_patterns(chance: random.Random, paths: list[str]) -> str:
    folder, _, name = chance.choice(paths).rpartition("/")
    suffix = name.rpartition(".")[2]
    forms = (
        f"{folder}/{name}",
        f"{folder}/*.{suffix}",
        f"{folder}/**/*.{suffix}",
        f"{folder}/",
        f"**/{name}",
        f"{folder}/**/{name[:8]}*",
    )
    return chance.choice(forms)


def make_graph(paths: list[str], tasks: int, draw: Draw) -> dict[str, object]:
    """A graph of `tasks` tasks with 2 to 6 scope entries and about 2 dependencies each."""
    chance = random.Random(2)
    made = []
    for number in range(tasks):
        entries = [draw(chance, paths) for _ in range(chance.randint(2, 6))]
        cut = chance.randint(1, len(entries))
        near = range(max(0, number - 200), number)
        needed = chance.sample(near, min(len(near), chance.randint(0, 4)))
        made.append(
            {
                "id": f"task-{number}",
                "owner_role": "worker",
                "write_set": entries[:cut],
                "read_set": entries[cut:],
                "dependencies": [f"task-{one}" for one in needed],
            }
        )
    return {"goal_id": "bench", "tasks": made}


def time_pairs(graph: dict[str, object]) -> float:
    """Decide every pair of literal scopes one by one, normalised beforehand: the baseline."""
    tasks = graph["tasks"]
    assert isinstance(tasks, list)
    scopes = [
        ([one.rstrip("/") for one in task["write_set"]],
         [one.rstrip("/") for one in task["read_set"]])
        for task in tasks
    ]  # fmt: skip
    begin = time.process_time()
    for number, one in enumerate(scopes):
        for other in scopes[:number]:
            _ = meet(one[0], other[0]) or meet(one[0], other[1]) or meet(one[1], other[0])
    return time.process_time() - begin


def meet(one: Iterable[str], other: Iterable[str]) -> bool:
    return any(a == b or a.startswith(b + "/") or b.startswith(a + "/") for a in one for b in other)


CASES = (
    Case("1,000 literals", 1_000, 10_000, draw_literals, "anchored", 0.5, None),
    Case("10,000 literals", 10_000, 10_000, draw_literals, "anchored", 3, 400),
    Case("1,000 patterns", 1_000, 100_000, draw_patterns, "anchored", 1.2, None),
    Case("10,000 patterns", 10_000, 100_000, draw_patterns, "anchored", 5, 600),
    Case("1,000 patterns, all", 1_000, 100_000, draw_patterns, "all", 3, None),
)
