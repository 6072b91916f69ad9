"""`[notify] command`: a person hears of what should be looked at, and nothing else is stopped."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.crew import RunRequest
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.note import NoteRequest, note
from gitslices.ops.run import run
from gitslices.repo_commands.trust import approve
from gitslices.system.settings import load_settings
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import apply_tasks, slice_path, take, work
from tests.support.workspaces import open_at

A, B = SliceId("a"), SliceId("b")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    tasks = ({"id": id_, "write_set": [f"{id_}/"]} for id_ in "ab")
    apply_tasks(workspace, *tasks)
    return workspace


def listen(workspace: Workspace, command: str, *, approved: bool = True) -> Path:
    """Have `command` called, with standard output to the file that is returned."""
    main = workspace.main_worktree
    assert main is not None
    heard = workspace.state_folder / "heard"
    write_settings(main, f"[notify]\ncommand = '{command} >> {heard}'\n")
    if approved:
        approve(workspace, load_settings(main).texts)
    return heard


TELL = 'echo "$GITSLICES_EVENT $GITSLICES_GOAL/$GITSLICES_SLICE $GITSLICES_TEXT"'


def wait(workspace: Workspace, text: str) -> tuple[str, ...]:
    return note(workspace, NoteRequest(slice_id=A, waiting=text)).warnings


def test_who_waits_fails_conflicts_and_finishes_is_told_once_each(
    repo: Path, workspace: Workspace
) -> None:
    heard = listen(workspace, TELL)
    token = take(workspace, A)
    assert wait(workspace, "may it?") == wait(workspace, "may it?") == ()
    note(workspace, NoteRequest(slice_id=A, token=token, going_on=True))
    assert heard.read_text() == "waiting default/a may it?\n"
    work(workspace, A, {"a/file": "theirs"})
    done(workspace, DoneRequest(slice_id=A, token=token))
    (repo / "a").mkdir()
    (repo / "a" / "file").write_text("ours")
    commit_all(repo, "Meanwhile")
    for _ in range(2):
        assert merge(workspace, MergeRequest(slice_ids=(A,))).conflicted
    request = RunRequest(command=("sh", "-c", "exit 7"), holder="crew")
    report = run(workspace, request, lambda step: None)
    assert ([one.place for one in report.failed], report.warnings) == ([B], ())
    git(slice_path(workspace, A), "reset", "--quiet", "--hard", "main")
    work(workspace, A, {"a/more": "a"})
    assert merge(workspace, MergeRequest(slice_ids=(A,))).merged
    token = take(workspace, B)
    work(workspace, B, {"b/file": "b"})
    done(workspace, DoneRequest(slice_id=B, token=token))
    merge(workspace, MergeRequest(slice_ids=(B,)))
    assert heard.read_text().splitlines()[1:] == [
        "conflicted default/a a/file",
        "failed default/b exit status 7",
        "finished default/ all slices are merged",
    ]


def test_what_does_not_come_through_is_said_and_stops_nothing(workspace: Workspace) -> None:
    take(workspace, A)
    heard = listen(workspace, TELL, approved=False)
    assert wait(workspace, "one") == (
        "nobody was notified: [notify] command is not approved; see: gitslices trust",
    )
    assert not heard.exists()
    listen(workspace, "echo no bell >&2; exit 3; :")
    assert wait(workspace, "two") == ("[notify] command failed: exit status 3: no bell",)
    assert workspace.main_worktree is not None
    write_settings(workspace.main_worktree, "[notify]\ncommand = 3\n")
    (said,) = wait(workspace, "three")
    assert said.startswith("nobody was notified: ")
