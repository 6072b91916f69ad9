"""`run --agent`: several commands, each for its own slices and with its own number of jobs."""

from pathlib import Path

import pytest

from gitslices.ops.crew import RunRequest, RunStep
from gitslices.ops.goal_run import AgentCommand
from gitslices.ops.run import RunReport, run
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

COMMIT = 'mkdir -p "$1" && echo "$1" >>"$1/file" && git add . && git commit -qm "Work on $1"'


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["a/"], "metadata": {"agent": "second"}},
        {"id": "b", "write_set": ["b/"], "owner_role": "first"},
        {"id": "c", "write_set": ["c/"], "owner_role": "nobody"},
        {"id": "d", "write_set": ["d/"], "owner_role": "first", "dependencies": ["a"]},
        {"id": "e", "write_set": ["e/"], "owner_role": "second", "dependencies": ["d"]},
    )
    return workspace


def make(name: str, script: str, jobs: int = 1) -> AgentCommand:
    return AgentCommand(name=name, jobs=jobs, command=("sh", "-c", script, "sh", "{slice}"))


def go(workspace: Workspace, *agents: AgentCommand) -> tuple[RunReport, list[RunStep]]:
    steps: list[RunStep] = []
    report = run(workspace, RunRequest(holder="crew", agents=agents), steps.append)
    return report, steps


def test_each_slice_goes_to_its_command_and_the_rest_to_the_one_without_a_name(
    cli: Cli, workspace: Workspace, tmp_path: Path
) -> None:
    def note(name: str) -> str:
        return f"echo {name} $1 >>{tmp_path}/done; {COMMIT}"

    done = cli(
        "run", "--agent", f"first=2:sh -c '{note('first')}' sh {{slice}}",
        "--agent", f"second=1:sh -c '{note('second')}' sh {{slice}}",
        "--jobs", "1", "--", "sh", "-c", note("rest"), "sh", "{slice}",
    )  # fmt: skip
    assert done.code == 0, done.out + done.err
    assert sorted((tmp_path / "done").read_text().splitlines()) == [
        "first b", "first d", "rest c", "second a", "second e",
    ]  # fmt: skip


def test_what_no_command_is_for_is_left(workspace: Workspace) -> None:
    report, _ = go(workspace, make("first", COMMIT), make("second", COMMIT))
    assert sorted(report.merged) == ["a", "b", "d", "e"]
    assert [(one.place, one.message) for one in report.left] == [
        ("c", "ready, but not begun: no --agent is for it")
    ]


def test_not_now_pauses_only_the_command_that_said_so(workspace: Workspace, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pause = f"test -e {seen} || {{ touch {seen}; echo retry_after=2 >$GITSLICES_REPORT; exit 75; }}"
    report, steps = go(workspace, make("second", f"{pause}; {COMMIT}"), make("first", COMMIT))
    assert sorted(report.merged) == ["a", "b", "d", "e"]
    order = [one.slice_id for one in steps if one.stage == "merged"]
    assert order == ["b", "a", "d", "e"]


@pytest.mark.parametrize("value", ["x", "x=1", "x=0:true", "=1:true", "x=1:", "x=1:'", "x=y:true"])
def test_a_command_that_is_none_is_refused(cli: Cli, workspace: Workspace, value: str) -> None:
    refused = cli("run", "--agent", value)
    assert refused.code == 2
    assert "--agent" in refused.err
