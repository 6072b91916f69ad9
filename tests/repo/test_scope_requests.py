"""A wider scope that others are in the way of: asked for, seen by them and granted."""

import threading
from pathlib import Path

import pytest

from gitslices.core.errors import InputError, RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.leases import HeartbeatRequest, heartbeat
from gitslices.ops.scope import show_scope
from gitslices.ops.scope_requests import (
    AskReport,
    AskRequest,
    GrantRequest,
    ask_for_scope,
    grant_scope,
    wait_for_scope,
)
from gitslices.ops.status import status
from gitslices.state.scope_requests import read_open_requests, read_requests
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all
from tests.support.slices import apply_tasks, slice_path, take
from tests.support.workspaces import open_at

A = SliceId("a")


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slices a, b and c are at work; a is going to ask for what is b's, or b's and c's."""
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"]},
        {"id": "c", "write_set": ["web/"], "read_set": ["Makefile"]},
    )
    for id_ in "abc":
        take(workspace, id_, holder=f"holder-of-{id_}")
    return workspace


def ask(workspace: Workspace, pattern: str) -> AskReport:
    request = AskRequest(slice_id=A, pattern=pattern, reason="needed", holder="holder-of-a")
    return ask_for_scope(workspace, request)


def grant(workspace: Workspace, by: str | None = None, pattern: str | None = None) -> AskReport:
    granting = ("default", by) if by else None
    return grant_scope(workspace, GrantRequest(slice_id=A, pattern=pattern, granting=granting))


def may_write(workspace: Workspace, pattern: str) -> bool:
    return pattern in show_scope(workspace, A, None).write_scope


def test_whoever_is_in_the_way_sees_it(workspace: Workspace, cli: Cli) -> None:
    report = ask(workspace, "docs/api.md")
    assert not report.granted
    assert [(one.slice_id, one.access, one.path) for one in report.in_way] == [
        ("b", "write", "docs/api.md")
    ]
    assert not may_write(workspace, "docs/api.md")
    a, b, _ = status(workspace, None).slices
    (asked,) = b.asked
    assert (asked.slice_id, asked.pattern, asked.reason, a.asked) == (
        "a", "docs/api.md", "needed", (),
    )  # fmt: skip
    told = (
        "slice a asks to write docs/api.md, which this slice could touch (docs/api.md): needed"
        " (grant it: gitslices scope grant a docs/api.md --goal default)"
    )
    assert f"b: {told}" in cli("status").out
    assert told in cli("show", "b").out
    assert cli("heartbeat", "b", "--token", "2").out.splitlines()[1] == told
    assert heartbeat(workspace, HeartbeatRequest(slice_id=SliceId("c"), token=3)).asked == ()


def test_a_person_grants_it_for_all(workspace: Workspace) -> None:
    assert len(ask(workspace, "{docs/x,web/y}").in_way) == 2
    assert grant(workspace).granted
    assert may_write(workspace, "docs/x")
    assert may_write(workspace, "web/y")
    with workspace.open_store() as store:
        (ended,) = read_requests(store, "default")
        assert (ended.ending, read_open_requests(store)) == ("granted", ())
    allowed = show_scope(workspace, A, None).allowed
    assert [one.reason for one in allowed] == ["needed", "needed"]
    with pytest.raises(RefusedError, match="asks for nothing"):
        grant(workspace)


def test_a_slice_speaks_for_itself_alone(workspace: Workspace) -> None:
    ask(workspace, "{docs/x,web/y}")
    first = grant(workspace, "b")
    assert (first.granted, [one.slice_id for one in first.in_way]) == (False, ["c"])
    assert [one.asked for one in status(workspace, None).slices][:2] == [(), ()]
    assert grant(workspace, "c").granted
    assert may_write(workspace, "web/y")
    ask(workspace, "docs/z")
    with pytest.raises(RefusedError, match="'c' is not in the way"):
        grant(workspace, "c")
    with pytest.raises(RefusedError, match="not in the way"):
        grant(workspace, "a")


def test_it_is_granted_by_itself_when_the_last_one_has_landed(
    workspace: Workspace, cli: Cli
) -> None:
    ask(workspace, "{docs/x,web/y}")
    ask(workspace, "lib/free.py")
    for id_, token in (("b", "2"), ("c", "3")):
        assert not may_write(workspace, "docs/x")
        path = slice_path(workspace, id_)
        (path / {"b": "docs", "c": "web"}[id_]).mkdir(exist_ok=True)
        (path / {"b": "docs/n.md", "c": "web/n.ts"}[id_]).write_text("x\n")
        commit_all(path)
        assert cli("done", id_, "--token", token).code == 0
        assert cli("merge", id_).code == 0
    assert may_write(workspace, "docs/x")
    assert not may_write(workspace, "lib/free.py")
    with workspace.open_store() as store:
        assert [one.ending for one in read_requests(store, "default")] == ["landed", None]


def test_a_heartbeat_of_who_asked_looks_again(workspace: Workspace, cli: Cli) -> None:
    ask(workspace, "docs/x")
    cli("release", "b", "--force")
    assert not may_write(workspace, "docs/x")
    heartbeat(workspace, HeartbeatRequest(slice_id=A, token=1))
    assert may_write(workspace, "docs/x")


def test_whoever_waits_has_it_once_it_is_granted(workspace: Workspace, repo: Path) -> None:
    request = AskRequest(slice_id=A, pattern="docs/x", reason="needed", holder="me")
    with pytest.raises(RefusedError) as refused:
        wait_for_scope(workspace, request, seconds=0.05)
    assert refused.value.hint == (
        "wait for it with --wait, or ask for it: "
        "gitslices scope request a docs/x --reason TEXT --goal default"
    )
    asked = threading.Event()

    def answer() -> None:
        asked.wait(30)
        grant(open_at(repo), "b")

    other = threading.Thread(target=answer)
    other.start()
    asked.set()
    report = wait_for_scope(workspace, request, seconds=30)
    other.join()
    assert "docs/x" in report.write_scope


def test_what_cannot_be_asked_for(workspace: Workspace) -> None:
    for pattern, reason in (("docs/x", " "), ("!src/x", "r"), ("/etc", "r"), ("../x", "r")):
        with pytest.raises(InputError):
            ask_for_scope(
                workspace, AskRequest(slice_id=A, pattern=pattern, reason=reason, holder="me")
            )
    assert ask(workspace, "src/").granted
    with workspace.open_store() as store:
        assert read_open_requests(store) == ()


def test_the_commands(workspace: Workspace, cli: Cli, repo: Path) -> None:
    here = slice_path(workspace, "a")
    asked = cli("scope", "request", "docs/x", "--reason", "tests", "-C", str(here))
    assert asked.code == 1
    assert asked.out == (
        "a asks to write docs/x\n  b: it is under way, and may write docs/x\n"
        "granted by: gitslices scope grant a docs/x --goal default, or once it has landed\n"
    )
    refused = cli("scope", "allow", "a", "docs/x", "--reason", "tests")
    assert refused.code == 1
    assert "gitslices scope request a docs/x" in refused.err
    granted = cli("scope", "grant", "a", "--json", "-C", str(slice_path(workspace, "b")))
    assert (granted.code, granted.document["granted"]) == (0, True)
    assert cli("scope", "grant", "a").code == 1
