"""The board and the MCP server, asked while others apply and merge."""

import http.client
import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from mcp import Client, StdioServerParameters, stdio_client

from soaks.ground import GITSLICES, finish, start, write_graph
from tests.support.repositories import commit_all, make_repository

_SLOW = 2.0
_REQUESTS = 1_000
_WRITERS = 32


def soak_board(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """1,000 requests of the board and the MCP server beside 32 applies and merges."""
    repo = make_repository(scratch / "repo")
    ids = [f"w{number}" for number in range(8)]
    wrong = [*finish(start(repo, "plan", write_graph(scratch / "own.json", "own", ids), "--apply"))]
    board = subprocess.Popen(
        [*GITSLICES, "board", "--json"], cwd=repo, stdout=subprocess.PIPE, text=True
    )
    assert board.stdout
    said = ""
    while not said.endswith("}\n"):
        said += board.stdout.readline()
    writers = threading.Thread(
        target=_write, args=(repo, scratch, max(1, round(_WRITERS * share)), wrong)
    )
    times: list[float] = []
    writers.start()
    requests = max(10, round(_REQUESTS * share))
    try:
        _ask_board(json.loads(said)["url"], requests // 2, times, wrong)
        anyio.run(_ask_server, repo, requests - requests // 2, times, wrong)
    finally:
        writers.join()
        board.send_signal(signal.SIGINT)
        board.wait(30)
    return len(times), wrong, f"requests, the slowest {max(times):.2f} s"


def _write(repo: Path, scratch: Path, rounds: int, wrong: list[str]) -> None:
    """One goal after the other is applied, worked on and merged."""
    for number in range(rounds):
        goal = f"passing-{number}"
        graph = write_graph(scratch / f"{goal}.json", goal, ["a"])
        wrong += finish(start(repo, "plan", graph, "--apply"))
        place = repo.with_name("repo.slices") / f"{goal}--a"
        (place / f"new-{goal}-a").mkdir()
        (place / f"new-{goal}-a" / "file").write_text(goal)
        commit_all(place, goal)
        wrong += finish(start(repo, "merge", "a", "--goal", goal))


def _ask_board(url: str, requests: int, times: list[float], wrong: list[str]) -> None:
    place = urlsplit(url)
    for number in range(requests):
        path = ("", "board.js", f"slice?id=w{number % 8}&goal=own", "output?id=w0&goal=own")
        begin = time.perf_counter()
        wire = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        wire.request("GET", place.path + path[number % 4])
        answer = wire.getresponse()
        body = answer.read()
        _judge(time.perf_counter() - begin, times, wrong)
        if answer.status != 200:
            wrong.append(f"board: {path[number % 4]}: {answer.status} {body[:300]!r}")
        wire.close()


async def _ask_server(repo: Path, requests: int, times: list[float], wrong: list[str]) -> None:
    given = StdioServerParameters(command=GITSLICES[0], args=[*GITSLICES[1:], "mcp"], cwd=str(repo))
    async with Client(stdio_client(given)) as client:
        for number in range(requests):
            begin = time.perf_counter()
            id_ = f"w{number % 8}"
            name, words = (("status", {}), ("show", {"slice": id_, "goal": "own"}))[number % 2]
            answer = await client.call_tool(name, words)
            _judge(time.perf_counter() - begin, times, wrong)
            if answer.is_error:
                wrong.append(f"mcp: {name}: {answer.structured_content}")


def _judge(seconds: float, times: list[float], wrong: list[str]) -> None:
    times.append(seconds)
    if seconds > _SLOW:
        wrong.append(f"an answer took {seconds:.1f} s")
