"""Commands that are killed, or whose disk fails, and that are resumed."""

import contextlib
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from soaks.ground import SEED
from tests.support.shim import Action, Server, Strike, build_shim
from tests.support.trials import COMMANDS, Stage, run_trial


@contextlib.contextmanager
def striking(scratch: Path) -> Iterator[Server]:
    with Server(scratch, os.environ, build_shim(scratch)) as server:
        yield server


def make_stages(scratch: Path, server: Server) -> list[Stage]:
    return [Stage(scratch / command.name, command, server.run) for command in COMMANDS]


def count_calls(stage: Stage, server: Server) -> int:
    stage.reset()
    return server.run(stage.repo, stage.command.argv).calls


def strike_all(scratch: Path, share: float, actions: Sequence[Action]) -> tuple[int, list[str]]:
    trials, wrong = 0, []
    with striking(scratch) as server:
        for stage in make_stages(scratch, server):
            for action in actions:
                step = max(1, round(1 / share))
                for at in range(1, count_calls(stage, server) + 1, step):
                    wrong += run_trial(stage, server, [Strike(action, at)])
                    trials += 1
    return trials, wrong


def soak_kills(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """SIGKILL at every call that changes the file system, then resume."""
    return *strike_all(scratch, share, ("kill",)), "calls"


def soak_disks(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """A full and a broken disk at every call that changes the file system."""
    return *strike_all(scratch, share, ("enospc", "eio")), "calls, ENOSPC and EIO"


def soak_points(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """A kill, a full and a broken disk around every git call and every write of gitslices."""
    trials, wrong = 0, []
    actions: tuple[Action, ...] = ("kill", "enospc", "eio")
    with Server(scratch, os.environ) as server:
        for stage in make_stages(scratch, server):
            stage.reset()
            points = server.list_points(stage.repo, stage.command.argv, scratch)
            for point in points[:: max(1, round(1 / share))]:
                for action in actions:
                    wrong += run_trial(stage, server, [Strike(action, point)])
                    trials += 1
    return trials, wrong, "named points"


def soak_random(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """Up to three kills in a row at random calls, then resume."""
    chance = random.Random(SEED)
    wrong: list[str] = []
    trials = max(1, round(1000 * share))
    with striking(scratch) as server:
        stages = make_stages(scratch, server)
        calls = [count_calls(stage, server) for stage in stages]
        for _ in range(trials):
            stage, most = chance.choice([*zip(stages, calls, strict=True)])
            kills = [Strike("kill", chance.randint(1, most)) for _ in range(chance.randint(1, 3))]
            wrong += run_trial(stage, server, kills)
    return trials, wrong, "up to three kills each"
