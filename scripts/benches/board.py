"""How soon the board shows what there is, and what has changed."""

import http.client
import json
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from benches.process import ENVIRONMENT, GITSLICES, measure, run

_ROUNDS = 3


def bench_board(repository: Path) -> None:
    """Print both as a part of `status --json` in the same repository."""
    status = statistics.median(
        measure(*GITSLICES, "status", "--json", cwd=repository).seconds for _ in range(_ROUNDS)
    )
    board = subprocess.Popen(
        [*GITSLICES, "board", "--json"], cwd=repository, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert board.stdout
    said = ""
    while not said.endswith("}\n"):
        said += board.stdout.readline()
    place = urlsplit(json.loads(said)["url"])
    try:
        stream = _listen(place)
        # What needs no files comes first, and then all of it.
        next(stream)
        next(stream)
        shown = statistics.median(_time_first(place) for _ in range(_ROUNDS))
        told = statistics.median(_time_update(repository, stream, one) for one in range(_ROUNDS))
    finally:
        board.send_signal(signal.SIGINT)
        board.wait()
    for name, seconds in (("page and all slices", shown), ("an update, after its event", told)):
        print(
            f"board: {name:<27} {seconds:8.3f} s   {seconds / status:6.2f} of status --json "
            f"({status:.3f} s)", flush=True,
        )  # fmt: skip


def _listen(place: SplitResult) -> Iterator[bytes]:
    wire = http.client.HTTPConnection(place.hostname or "", place.port)
    wire.request("GET", f"{place.path}events")
    answer = wire.getresponse()
    while line := answer.readline():
        if line.startswith(b"data: "):
            yield line


def _time_first(place: SplitResult) -> float:
    begin = time.perf_counter()
    for part in ("", "board.css", "board.js", "slice.js", "parts.js"):
        wire = http.client.HTTPConnection(place.hostname or "", place.port)
        wire.request("GET", place.path + part)
        wire.getresponse().read()
        wire.close()
    next(_listen(place))
    return time.perf_counter() - begin


def _time_update(repository: Path, stream: Iterator[bytes], number: int) -> float:
    run(*GITSLICES, "claim", f"t{number}", "--holder", f"worker-{number}", cwd=repository)
    begin = time.perf_counter()
    while f'"worker-{number}"'.encode() not in next(stream):
        """An event of something else."""
    return time.perf_counter() - begin
