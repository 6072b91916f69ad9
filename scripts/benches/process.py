"""Programs run for a measurement: sealed from git's settings, timed, their memory taken."""

import os
import subprocess
import sys
import time
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


def measure(*argv: str, cwd: Path) -> Spent:
    """Run a program once, from its start to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen(argv, cwd=cwd, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    if status:
        raise SystemExit(f"{' '.join(argv)} ended with status {status}")
    return Spent(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
