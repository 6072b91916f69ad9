"""Leases and locks whose holders are killed."""

import multiprocessing
import random
import time
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

import pytest

from gitslices.core.errors import BusyError
from gitslices.state.folder import make_state_folder
from gitslices.state.lock import hold_lock
from tests.support.lease_workers import run_trial
from tests.support.slices import Desk


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


def hold_and_wait(folder: Path, ready: Signal) -> None:
    with hold_lock(folder, "topology", timeout=5, purpose="gitslices merge"):
        ready.set()
        time.sleep(60)


def test_a_held_lock_names_its_holder_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    folder = make_state_folder(tmp_path)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold_and_wait, args=(folder, ready))
    holder.start()
    assert ready.wait(30)
    with (
        pytest.raises(BusyError, match=rf"`gitslices merge` \(process {holder.pid}\)"),
        hold_lock(folder, "topology", timeout=0.05, purpose="me"),
    ):
        pass
    holder.kill()
    holder.join()
    with hold_lock(folder, "topology", timeout=5, purpose="me"):
        pass
