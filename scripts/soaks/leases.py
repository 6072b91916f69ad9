"""Many workers on one goal, killed at random."""

import random
from pathlib import Path

from soaks.ground import SEED
from tests.support.lease_workers import run_trial
from tests.support.repositories import git
from tests.support.slices import Desk

WORKERS, SLICES, KILLS = 64, 500, 200
TTL = 15
"""Seconds until the slice of a killed worker comes back."""


def soak_leases(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """64 workers claim and finish 500 slices while 200 of them are killed."""
    slices, kills = (max(1, round(number * share)) for number in (SLICES, KILLS))
    repo = scratch / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "Start")
    Desk(repo).apply(*draw_tasks(slices))
    outcome = run_trial(repo, workers=WORKERS, kills=kills, seed=SEED, ttl=TTL)
    return outcome.claims, list(outcome.violations), f"claims, {outcome.kills} workers killed"


def draw_tasks(count: int) -> list[dict[str, object]]:
    """A random graph with about one dependency and one overlap for each slice."""
    chance = random.Random(SEED)
    tasks: list[dict[str, object]] = []
    for number in range(count):
        near = range(max(0, number - 100), number)
        needed = chance.sample(near, min(len(near), chance.randrange(3)))
        tasks.append(
            {
                "id": f"t{number}",
                "write_set": [f"src/{chance.randrange(count)}/"],
                "dependencies": [f"t{one}" for one in needed],
            }
        )
    return tasks
