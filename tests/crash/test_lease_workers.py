"""Leases among processes that are killed at random."""

import random
from pathlib import Path

from tests.support.goals import Desk
from tests.support.lease_workers import run_trial


def test_no_slice_is_given_twice_or_too_early_or_lost_whoever_is_killed(repo: Path) -> None:
    chance = random.Random(7)
    ids = [f"t{number}" for number in range(60)]
    tasks = [
        {
            "id": id_,
            "write_set": [f"src/{chance.randrange(50)}/"],
            "dependencies": chance.sample(ids[:number], min(number, chance.randrange(3))),
        }
        for number, id_ in enumerate(ids)
    ]
    Desk(repo).apply(*tasks)
    outcome = run_trial(repo, workers=16, kills=20, seed=7)
    assert outcome.violations == ()
    assert outcome.kills == 20
    assert outcome.claims >= 60
