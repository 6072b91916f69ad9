"""Programs run for a measurement: sealed from git's settings, timed, their memory taken."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

GITSLICES = (sys.executable, "-m", "gitslices")
_LEFT_OUT = ("GIT_", "PYTHONDONTWRITEBYTECODE")
"""Who installs gitslices has it compiled, so a source tree may keep its bytecode, too."""

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)},
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
}


class Spent(NamedTuple):
    """What one process took: wall clock and processor seconds, and its peak of memory in MiB."""

    seconds: float
    busy: float
    memory: float


def run(*argv: str, cwd: Path | None = None, data: bytes | None = None) -> None:
    subprocess.run(
        argv, cwd=cwd, input=data, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def measure(
    *argv: str, cwd: Path, data: bytes = b"", variables: Mapping[str, str] | None = None
) -> Spent:
    """Run a program once, from its start to its end; what it has started counts, too."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        argv, cwd=cwd, env={**ENVIRONMENT, **(variables or {})}, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with status {status}")
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(actions: Sequence[Callable[[], Spent]], rounds: int) -> list[Spent]:
    """The medians of each action, all of them in turns, so that they see the same machine."""
    spent: list[list[Spent]] = [[] for _ in actions]
    for _ in range(rounds):
        for action, own in zip(actions, spent, strict=True):
            own.append(action())
    return [Spent(*map(statistics.median, zip(*own, strict=True))) for own in spent]


def show_load() -> None:
    """Say what else the machine is at: times of the clock mean little beside it."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    print(f"load {load:.1f} on {cores} cores; ratios are of processor time", flush=True)
    before = _read_ticks()
    time.sleep(_WATCHED)
    after, ticks = _read_ticks(), os.sysconf("SC_CLK_TCK") * _WATCHED
    shares = {
        place: (spent - before.get(place, (name, 0))[1]) / ticks
        for place, (name, spent) in after.items()
    }
    busiest = sorted(shares, key=shares.__getitem__, reverse=True)[:_SHOWN]
    told = [f"{after[one][0]} {shares[one]:.0%}" for one in busiest if shares[one] >= _FROM]
    print(f"what else runs: {', '.join(told) or 'nothing that counts'}", flush=True)


_WATCHED = 1
"""Seconds in which it is seen what else runs."""
_SHOWN = 5
_FROM = 0.05


def _read_ticks() -> dict[str, tuple[str, int]]:
    """By number the name of each other process and the ticks it has had; none beside Linux."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            name, _, rest = place.read_text(errors="replace").rpartition(")")
            fields = rest.split()
            if place.parent.name != str(os.getpid()):
                found[place.parent.name] = name.partition("(")[2], int(fields[11]) + int(fields[12])
    return found
