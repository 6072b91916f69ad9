"""Whose slice a session is asked about: that which it was started in, or has claimed."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitslices.agents.adapters.table import load_adapter
from gitslices.agents.guard import answer_hook
from gitslices.ops.agent_worktree import HandOutRequest, hand_out
from gitslices.ops.guard import GuardReport
from tests.support.repositories import git
from tests.support.slices import Desk


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return desk


def answer(tool: str, here: Path, payload: dict[str, Any]) -> GuardReport | None:
    reader, writer = os.pipe()
    os.write(writer, msgspec.json.encode({"session_id": "s1", **payload}))
    os.close(writer)
    try:
        return answer_hook(load_adapter(tool), reader, here)
    finally:
        os.close(reader)


def whose(tool: str, here: Path, payload: dict[str, Any]) -> str | None:
    report = answer(tool, here, payload)
    return report.slice_id if report else None


def edit(cwd: Path, **more: str) -> dict[str, Any]:
    tool = {"tool_name": "Write", "tool_input": {"file_path": "docs/x"}}
    return {"cwd": str(cwd), **tool, **more}


def test_a_session_that_goes_into_another_slice_stays_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = desk.worktree("a"), desk.worktree("b")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(a / "src"))
    for place in (a, b, b / "docs", desk.repo, Path("/")):
        assert whose("claude", place, edit(place)) == "a", place
    report = answer("claude", b, edit(b))
    assert report
    assert "in the worktree of slice b" in report.denials[0].reason
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(desk.repo))
    assert whose("claude", desk.repo, edit(desk.repo)) is None
    assert whose("claude", b, edit(b)) == "b"


def test_what_it_has_claimed_is_its_own_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = desk.worktree("a"), desk.worktree("b")
    monkeypatch.setenv("CLAUDE_PROJECT_DIR", str(a))
    subagent = "claude s1 agent-0123456789"
    hand_out(desk.workspace, HandOutRequest(holder=subagent, name="b", ttl=60))
    assert whose("claude", b, edit(b, agent_id="0123456789")) == "b"
    assert whose("claude", b, edit(b, agent_id="9876543210")) == "a"
    assert whose("claude", b, edit(b)) == "a"
    assert whose("claude", b, edit(b, session_id="s2")) == "a"


def test_the_folder_of_a_command_is_not_the_session_s(desk: Desk) -> None:
    a, b = desk.worktree("a"), desk.worktree("b")
    run = {"tool_name": "Bash", "tool_input": {"command": "touch docs/x"}, "cwd": str(b)}
    report = answer("codex", a, run)
    assert report
    assert report.slice_id == "a"
    assert "in the worktree of slice b" in report.denials[0].reason
    there = {**run, "cwd": str(a), "tool_input": {"command": "touch x", "workdir": "../x"}}
    assert whose("codex", a, there) == "a"
    patch = "*** Begin Patch\n*** Add File: docs/x\n+\n*** End Patch\n"
    by_patch = {"tool_name": "apply_patch", "tool_input": {"command": patch}, "cwd": str(b)}
    report = answer("codex", a, by_patch)
    assert report
    assert report.slice_id == "a"
    assert [one.asked for one in report.denials] == [f"{b}/docs/x"]


def test_a_repository_inside_a_slice_hides_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = desk.worktree("a") / "src" / "inner"
    inner.mkdir(parents=True)
    git(inner, "init", "--quiet")
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    assert whose("claude", inner, edit(inner)) == "a"
    assert whose("codex", inner, edit(inner)) == "a"
