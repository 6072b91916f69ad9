"""Many processes at once in one repository."""

import json
import os
import shutil
import threading
import time
from pathlib import Path

from soaks.ground import finish, start, write_graph
from tests.support.repositories import commit_all, git, make_repository
from tests.support.shim import Server


def soak_applies(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """32 applies at once in one repository."""
    rounds = max(1, round(50 * share))
    wrong: list[str] = []
    together = alone = 0.0
    for number in range(rounds + 1):
        repo = make_repository(scratch / str(number) / "repo")
        graphs = [write_graph(scratch / f"{n}.json", f"goal-{n}", ["a"]) for n in range(32)]
        begin = time.perf_counter()
        if number == 0:
            wrong += [one for graph in graphs for one in finish(start(repo, *apply_of(graph)))]
            alone = time.perf_counter() - begin
        else:
            running = [start(repo, *apply_of(graph)) for graph in graphs]
            wrong += [one for process in running for one in finish(process)]
            together += (time.perf_counter() - begin) / rounds
        branches = len(git(repo, "for-each-ref", "refs/heads/slices/").splitlines())
        worktrees = len(git(repo, "worktree", "list").splitlines()) - 1
        if (branches, worktrees) != (32, 32) or "locked" in git(repo, "worktree", "list"):
            wrong.append(f"round {number}: {branches} branches, {worktrees} worktrees")
        shutil.rmtree(scratch / str(number))
    if together > 2 * alone:
        wrong.append("more than twice the serial time")
    return rounds * 32, wrong, f"{together / alone:.2f} of the serial time"


def apply_of(graph: str) -> tuple[str, ...]:
    return "plan", graph, "--apply"


def soak_agents(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """Agents commit in 16 worktrees while other slices come and go."""
    repo = make_repository(scratch / "repo")
    ids = [f"w{number}" for number in range(16)]
    wrong = [*finish(start(repo, *apply_of(write_graph(scratch / "own.json", "own", ids))))]
    stop = threading.Event()
    made: dict[str, int] = dict.fromkeys(ids, 0)
    agents = [
        threading.Thread(target=work, args=(scratch / "repo.slices" / f"own--{id_}", id_, made,
                                            stop, wrong))
        for id_ in ids
    ]  # fmt: skip
    for agent in agents:
        agent.start()
    for number in range(max(1, round(10 * share))):
        goal = f"passing-{number}"
        graph = write_graph(scratch / "passing.json", goal, ["a", "b", "c"])
        wrong += finish(start(repo, *apply_of(graph)))
        for id_ in "abc":
            wrong += finish(start(repo, "remove", id_, "--goal", goal))
    stop.set()
    for agent in agents:
        agent.join()
    for id_, count in made.items():
        have = int(git(repo, "rev-list", "--count", f"main..slices/own/{id_}"))
        if have != count:
            wrong.append(f"{id_}: {count} commits made, {have} there")
    return sum(made.values()), wrong, "commits"


def work(
    path: Path, id_: str, made: dict[str, int], stop: threading.Event, wrong: list[str]
) -> None:
    while not stop.is_set():
        (path / f"{id_}.txt").write_text(str(made[id_]))
        try:
            commit_all(path, f"Step {made[id_]}")
        except AssertionError as error:
            wrong.append(str(error))
            return
        made[id_] += 1


def soak_readers(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """`status --json` in a loop while others apply and remove."""
    repo = make_repository(scratch / "repo")
    graph = write_graph(scratch / "g.json", "g", ["a", "b", "c"])
    wrong = [*finish(start(repo, *apply_of(graph)))]
    stop = threading.Event()
    answers: list[str] = []
    readers = [
        threading.Thread(target=read, args=(repo, scratch / f"reader-{n}", answers, stop, wrong))
        for n in range(2)
    ]
    for reader in readers:
        reader.start()
    for _ in range(max(1, round(40 * share))):
        wrong += [one for id_ in "abc" for one in finish(start(repo, "remove", id_))]
        wrong += finish(start(repo, *apply_of(graph)))
    stop.set()
    for reader in readers:
        reader.join()
    return len(answers), wrong, "answers"


def read(
    repo: Path, scratch: Path, answers: list[str], stop: threading.Event, wrong: list[str]
) -> None:
    """Nobody works in the slices: each is planned or provisioned, and as it was cut."""
    scratch.mkdir()
    with Server(scratch, os.environ) as server:
        while not stop.is_set():
            done = server.run(repo, ("status", "--json"))
            answers.append(done.out)
            if done.code:
                wrong.append(f"status: {done}")
                continue
            for one in json.loads(done.out)["slices"]:
                told = (one["ahead"], one["behind"], one["dirty"])
                if told != (0, 0, False) or one["status"] not in {"planned", "provisioned"}:
                    wrong.append(f"a false answer: {one}")
