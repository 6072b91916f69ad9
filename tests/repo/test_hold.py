"""`hold` and `--prefer`: a person says which slices workers get, and which first."""

from pathlib import Path

import pytest

from gitslices.core.errors import InputError, NothingReadyError, RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.claim import claim
from gitslices.ops.crew import RunRequest, RunStep
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.hold import HoldRequest, hold
from gitslices.ops.ready import ready
from gitslices.ops.run import run
from gitslices.rules.claiming import Prefer, read_priority
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

COMMIT = 'mkdir -p "$1" && echo "$1" >"$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["a/"], "metadata": {"priority": "low"}},
        {"id": "b", "write_set": ["b/"], "estimate": 5},
        {"id": "c", "write_set": ["c/"], "metadata": {"priority": "P0"}, "estimate": 2},
    )
    return workspace


def put_on_hold(workspace: Workspace, slice_id: str, reason: str | None) -> None:
    hold(workspace, HoldRequest(slice_id=SliceId(slice_id), by="ann", reason=reason))


def list_ready(workspace: Workspace, prefer: Prefer) -> list[str]:
    return [one.slice_id for one in ready(workspace, None, prefer).ready]


def test_nobody_gets_a_slice_on_hold_until_it_is_let_go(cli: Cli, workspace: Workspace) -> None:
    done = cli("hold", "b", "--reason", "not\u202e settled")
    assert (done.code, done.out) == (0, "b: on hold: not\\u202e settled\n")
    with pytest.raises(NothingReadyError, match="is on hold: not") as refused:
        claim(workspace, ClaimRequest(slice_id=SliceId("b"), holder="ann"))
    assert refused.value.hint == "let it go on: gitslices unhold b --goal default"
    assert claim(workspace, ClaimRequest(holder="ann")).slice_id == "c"
    assert "b  on hold: not\\u202e settled" in cli("ready").out
    table = cli("status").out
    assert "on hold" in next(line for line in table.splitlines() if line.startswith("b "))
    assert "b is on hold: not\\u202e settled\n" in table
    assert "on hold     not" in cli("show", "b").out
    assert cli("unhold", "b").out == "b: on hold no more\n"
    assert claim(workspace, ClaimRequest(holder="bob")).slice_id == "b"
    events = cli("log", "--json").document["events"]
    told = [one["event"] for one in events if one["slice_id"] == "b"]
    assert {"on-hold", "off-hold"} <= set(told)


def test_a_hold_says_why_and_ends_once(workspace: Workspace) -> None:
    for reason in ("", " ", "x" * 1001):
        with pytest.raises(InputError):
            put_on_hold(workspace, "a", reason)
    with pytest.raises(RefusedError, match="is not on hold"):
        put_on_hold(workspace, "a", None)


def test_whoever_has_it_keeps_it(cli: Cli, workspace: Workspace) -> None:
    token = claim(workspace, ClaimRequest(slice_id=SliceId("a"), holder="ann")).token
    assert cli("hold", "a", "--reason", "later").out.endswith("\nann has it, and keeps it\n")
    assert cli("heartbeat", "a", "--token", str(token)).code == 0
    assert cli("done", "a", "--token", str(token)).code == 0
    assert cli("merge", "a").code == 0


def test_a_run_ends_beside_a_slice_that_was_put_on_hold_while_it_failed(
    workspace: Workspace,
) -> None:
    def on_step(step: RunStep) -> None:
        if step.slice_id == "b" and step.stage == "started":
            put_on_hold(workspace, "b", "it fails")

    script = f"test $1 != b || exit 1; {COMMIT}"
    request = RunRequest(command=("sh", "-c", script, "sh", "{slice}"), holder="crew", retries=3)
    report = run(workspace, request, on_step)
    assert sorted(report.merged) == ["a", "c"]
    assert [(one.place, one.message) for one in report.left] == [("b", "on hold: it fails")]


def test_what_goes_first_is_chosen(cli: Cli, workspace: Workspace) -> None:
    assert list_ready(workspace, "critical") == ["b", "c", "a"]
    assert list_ready(workspace, "id") == ["a", "b", "c"]
    assert list_ready(workspace, "priority") == ["c", "b", "a"]
    assert cli("claim", "--prefer", "id", "--json").document["slice_id"] == "a"
    assert cli("release", "a", "--force").code == 0
    started: list[str] = []

    def on_step(step: RunStep) -> None:
        started.extend([step.slice_id] if step.stage == "started" else [])

    command = ("sh", "-c", COMMIT, "sh", "{slice}")
    run(workspace, RunRequest(command=command, holder="crew", prefer="priority"), on_step)
    assert started == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("told", "priority"),
    [("P0", 0), ("0", 0), (3, 3), (1.5, 1.5), ("High", 1), ("low", 3), ("nan", 2), ("soon", 2),
     (True, 2), (None, 2), ([1], 2), ("p-1", -1)],
)  # fmt: skip
def test_priorities_are_numbers_and_words(told: object, priority: float) -> None:
    assert read_priority({"priority": told}) == priority
