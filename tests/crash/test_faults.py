"""A command that is killed, or whose disk fails, at any point: nothing is lost, all can go on.

What is struck here is a part of what `scripts/soak` strikes.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest

from tests.support.shim import Action, Server, Strike, build_shim, why_impossible
from tests.support.trials import COMMANDS, Command, Stage, run_trial

IMPOSSIBLE = why_impossible()


@pytest.fixture(scope="module")
def shim_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if IMPOSSIBLE:
        pytest.skip(IMPOSSIBLE)
    scratch = tmp_path_factory.mktemp("shim")
    with Server(scratch, os.environ, build_shim(scratch)) as server:
        yield server


@pytest.fixture(scope="module", params=COMMANDS, ids=[command.name for command in COMMANDS])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: Server
) -> Stage:
    command: Command = request.param
    return Stage(tmp_path_factory.mktemp("stage"), command, server.run)


@pytest.fixture(scope="module")
def points(stage: Stage, server: Server) -> Sequence[str]:
    """Every named point that the command of the stage comes through."""
    stage.reset()
    return server.list_points(stage.repo, stage.command.argv, stage.home)


def test_the_named_points_lie_around_every_git_call_and_write(points: Sequence[str]) -> None:
    found = {point.partition("#")[0] for point in points}
    assert found >= {
        "store:open", "lock:topology", "write:intent", "rename:intent", "store:begin",
        "store:commit", "git:update-ref:before", "git:update-ref:after",
    }  # fmt: skip


def test_a_kill_at_any_point_is_survived(
    stage: Stage, server: Server, points: Sequence[str], *, full: bool
) -> None:
    strikes = [Strike("kill", point) for point in choose(stage, points, 1 if full else 3)]
    assert find_wrong(stage, server, strikes, thorough=False) == []


def test_an_error_at_any_point_is_survived(
    stage: Stage, server: Server, points: Sequence[str], *, full: bool
) -> None:
    firsts = [point for point in points if point.endswith("#1")]
    chosen = points if full else choose(stage, firsts, 2)
    kinds: Iterator[Action] = cycle(("enospc", "eio"))
    strikes = [Strike(kind, point) for kind, point in zip(kinds, chosen, strict=False)]
    assert find_wrong(stage, server, strikes, thorough=False) == []


def test_a_full_disk_is_one_line_and_has_its_code(stage: Stage, server: Server) -> None:
    stage.reset()
    before = stage.snapshot()
    ended = server.run(stage.repo, stage.command.argv, Strike("enospc", "write:intent"))
    assert (ended.code, ended.out) == (3, "")
    intent = stage.repo / ".git" / "gitslices" / "intent.json"
    reason = os.strerror(errno.ENOSPC)
    assert ended.err == f"error: cannot write {str(intent)!r}: {reason}\n"
    assert stage.snapshot() == before
    again = server.run(
        stage.repo, (*stage.command.argv, "--json"), Strike("enospc", "git:update-ref:before")
    )
    assert again.code == 3
    assert '"code": "disk"' in again.out
    assert stage.snapshot() == before
    assert list(stage.find_damage()) == []


def test_a_kill_at_any_change_of_the_file_system_is_survived(
    stage: Stage, shim_server: Server, *, full: bool
) -> None:
    calls = count_calls(stage, shim_server)
    strikes = [Strike("kill", at) for at in range(7, calls, 10 if full else calls // 5)]
    assert find_wrong(stage, shim_server, strikes, thorough=True) == []


def test_an_error_at_any_change_of_the_file_system_is_survived(
    stage: Stage, shim_server: Server, *, full: bool
) -> None:
    calls = count_calls(stage, shim_server)
    kinds: Iterator[Action] = cycle(("enospc", "eio"))
    strikes = [Strike(next(kinds), at) for at in range(3, calls, 10 if full else calls // 6)]
    assert find_wrong(stage, shim_server, strikes, thorough=False) == []


def test_three_kills_in_a_row_are_survived(stage: Stage, shim_server: Server) -> None:
    strikes = [Strike("kill", at) for at in (61, 23, 17)]
    assert run_trial(stage, shim_server, strikes) == []


def choose(stage: Stage, points: Sequence[str], every: int) -> Sequence[str]:
    """One point in `every`, for each command from another start: most commands share them."""
    start = [command.name for command in COMMANDS].index(stage.command.name)
    return points[start % every :: every]


def find_wrong(
    stage: Stage, server: Server, strikes: Sequence[Strike], *, thorough: bool
) -> list[str]:
    return [
        one for strike in strikes for one in run_trial(stage, server, [strike], thorough=thorough)
    ]


def count_calls(stage: Stage, server: Server) -> int:
    stage.reset()
    return server.run(stage.repo, stage.command.argv).calls
