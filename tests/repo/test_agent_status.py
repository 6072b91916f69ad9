"""`gitslices agent status`, and doctor: would the guard be asked, for each agent and slice?"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitslices.agents.adapters.codex import hash_hook
from gitslices.agents.adapters.table import load_adapter
from gitslices.agents.install import (
    AgentInstallRequest,
    install,
    install_for_user,
    uninstall_for_user,
)
from gitslices.agents.status import (
    AgentStatusReport,
    AgentStatusRequest,
    PlaceReport,
    format_status,
    read_status,
)
from gitslices.core.errors import InputError
from gitslices.system.agent_launcher import write_launcher
from tests.support.commands import Cli
from tests.support.repositories import commit_all
from tests.support.slices import Desk, examine

CLAUDE, CODEX = load_adapter("claude"), load_adapter("codex")


@pytest.fixture
def desk(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return desk


def put(desk: Desk, tool: str) -> None:
    install(desk.workspace, AgentInstallRequest(tool=tool, python=sys.executable))


def look(desk: Desk, *tools: str, tries: bool = False) -> AgentStatusReport:
    request = AgentStatusRequest(environ=dict(os.environ), tools=tools, tries=tries)
    return read_status(desk.workspace, request)


def find(report: AgentStatusReport, slice_id: str) -> PlaceReport:
    (place,) = [one for one in report.places if one.slice_id == slice_id]
    return place


def show(desk: Desk, *tools: str) -> str:
    return "".join(format_status(look(desk, *tools)))


def test_where_no_agent_asks_it_says_how_to_have_one_ask(desk: Desk) -> None:
    report = look(desk)
    assert (report.tools, report.places, report.ok) == ((), (), True)
    assert show(desk) == (
        "no agent asks gitslices before it writes\n"
        "hint: have one ask: gitslices agent install claude --user\n"
    )
    assert not look(desk, "claude").ok


def test_the_project_s_hooks_hold_in_the_topmost_folder_and_the_user_s_in_all(desk: Desk) -> None:
    put(desk, "claude")
    report = look(desk, tries=True)
    assert report.ok
    assert {(one.asked, one.top_only, one.tried) for one in report.places} == {
        (True, True, "refused")
    }
    assert show(desk) == (
        "claude\n"
        "  a, b: asked in the topmost folder, by .claude/settings.json\n"
        "  hint: for any folder of every slice: gitslices agent install claude --user\n"
        "  not seen: tools of MCP servers\n"
    )
    install_for_user("claude", os.environ)
    assert {(one.asked, one.top_only) for one in look(desk).places} == {(True, False)}
    assert "hint" not in show(desk)
    assert examine(desk.repo) == ()


def test_the_user_s_settings_keep_what_is_in_them_and_are_followed_through_a_link(
    desk: Desk, tmp_path: Path
) -> None:
    dotfile = tmp_path / "dotfiles" / "claude.json"
    dotfile.parent.mkdir()
    dotfile.write_text('{"model": "opus"}\n')
    link = Path(os.environ["HOME"]) / ".claude" / "settings.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(dotfile)
    assert [one.state for one in install_for_user("claude", os.environ).files] == ["written"]
    table = json.loads(dotfile.read_text())
    assert table["model"] == "opus"
    assert "PreToolUse" in table["hooks"]
    assert "WorktreeCreate" not in table["hooks"]  # that is a repository's wish
    assert [one.state for one in install_for_user("claude", os.environ).files] == ["unchanged"]
    assert link.is_symlink()
    assert [one.state for one in uninstall_for_user("claude", os.environ).files] == ["written"]
    assert json.loads(dotfile.read_text()) == {"model": "opus"}


def test_the_user_s_file_goes_where_nothing_else_is_in_it(desk: Desk) -> None:
    home = Path(os.environ["HOME"])
    path = home / ".codex" / "hooks.json"
    for tool, place in (("codex", path), ("copilot", home / ".copilot/hooks/gitslices.json")):
        install_for_user(tool, os.environ)
        assert place.exists()
        uninstall_for_user(tool, os.environ)
        assert not place.exists()
        assert uninstall_for_user(tool, os.environ).files == ()
    path.write_text("[1")
    with pytest.raises(InputError, match=r"hooks\.json:1:3: it is no JSON"):
        install_for_user("codex", os.environ)


def lose(settings: Path) -> None:
    settings.unlink()


def name_an_old_path(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("sh -c", "/old/repo/hooks/gitslices-agent #"))


def switch_off(settings: Path) -> None:
    table = json.loads(settings.read_text())
    settings.write_text(json.dumps({**table, "disableAllHooks": True}))


def switch_off_locally(settings: Path) -> None:
    (settings.parent / "settings.local.json").write_text('{"disableAllHooks": true}')


def narrow(settings: Path) -> None:
    settings.write_text(settings.read_text().replace("|Bash", ""))


def damage(settings: Path) -> None:
    settings.write_text(settings.read_text()[:-20])


@pytest.mark.parametrize(
    ("harm", "repaired"),
    [
        (lose, True), (name_an_old_path, True), (narrow, True), (switch_off, False),
        (switch_off_locally, False), (damage, False),
    ],
)  # fmt: skip
def test_settings_that_no_longer_ask_are_told_of_and_mended_where_they_are_ours(
    desk: Desk, harm: Callable[[Path], None], repaired: bool
) -> None:
    put(desk, "claude")
    (Path(os.environ["HOME"]) / ".claude").mkdir(parents=True)
    harm(desk.worktree("a") / ".claude" / "settings.json")
    report = look(desk)
    assert not report.ok
    assert not find(report, "a").asked
    assert find(report, "b").asked
    (finding,) = examine(desk.repo)
    assert finding.check == "unasked-agents"
    assert finding.thing == "claude in a"
    (treated,) = examine(desk.repo, fix=True)
    assert treated.fixed == repaired
    assert (examine(desk.repo) == ()) == repaired


def test_tracked_settings_hold_in_a_slice_once_it_has_them(desk: Desk) -> None:
    (desk.repo / ".claude").mkdir()
    (desk.repo / ".claude" / "settings.json").write_text('{"model": "opus"}')
    commit_all(desk.repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "c", "write_set": ["lib/"]})
    put(desk, "claude")
    report = look(desk)
    assert not find(report, "c").asked
    (reason,) = [one.problem for one in find(report, "c").settings if not one.is_user]
    assert reason == "not installed"


def trust(settings: Path, *places: Path, hook: dict[str, Any] | None = None) -> None:
    """What Codex writes when its user has said yes."""
    lines = [f'[projects."{place}"]\ntrust_level = "trusted"\n' for place in places]
    if hook:
        reviewed = hash_hook("pre_tool_use", hook["matcher"], hook["hooks"][0])
        lines.append(f'[hooks.state."{settings}:pre_tool_use:0:0"]\ntrusted_hash = "{reviewed}"\n')
    path = Path(os.environ["HOME"]) / ".codex" / "config.toml"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("".join(lines))


def test_codex_asks_once_its_user_trusts_the_project_and_has_reviewed_the_hook(
    desk: Desk,
) -> None:
    put(desk, "codex")
    settings = desk.repo / ".codex" / "hooks.json"
    hook = json.loads(settings.read_text())["hooks"]["PreToolUse"][0]
    assert "Codex does not trust this project" in show(desk)
    trust(settings, desk.repo)
    assert "nobody has reviewed the hook" in show(desk)
    trust(settings, desk.repo, hook=hook)
    assert look(desk, tries=True).ok
    settings.write_text(settings.read_text().replace('"timeout": 30', '"timeout": 31'))
    assert not look(desk).ok
    put(desk, "codex")
    assert look(desk).ok
    # From the main worktree, but only where the slice has the folder, too.
    for file in (desk.worktree("a") / ".codex").iterdir():
        file.unlink()
    (desk.worktree("a") / ".codex").rmdir()
    assert not find(look(desk), "a").asked
    assert find(look(desk), "b").asked


def test_an_agent_that_its_user_does_not_have_is_no_finding(desk: Desk) -> None:
    put(desk, "codex")
    assert not look(desk).ok
    assert examine(desk.repo) == ()
    (Path(os.environ["HOME"]) / ".codex").mkdir(parents=True)
    (finding,) = examine(desk.repo)
    assert finding.thing == "codex in a, b"
    assert finding.fix is None


def test_the_user_s_hooks_of_codex_need_a_review_and_no_trusted_project(desk: Desk) -> None:
    install_for_user("codex", os.environ)
    write_launcher(desk.repo / ".git", sys.executable)
    settings = Path(os.environ["HOME"]) / ".codex" / "hooks.json"
    assert not look(desk).ok
    trust(settings, hook=json.loads(settings.read_text())["hooks"]["PreToolUse"][0])
    assert look(desk).ok


def test_a_reviewed_hook_has_the_hash_that_codex_gives_it() -> None:
    # As codex-cli 0.171.0 answers `hooks/list`.
    hook = {"type": "command", "command": "/usr/bin/true x é", "timeout": 30}
    assert hash_hook("pre_tool_use", "Bash|apply_patch", hook) == CODEX_HASH


CODEX_HASH = "sha256:60e52773b15e42c35519ee72e7390d1e302d61f7a0eacb079416b0af9e986a84"


def test_the_command_end_to_end(cli: Cli, desk: Desk) -> None:
    assert cli("agent", "install", "claude", "--user").code == 0
    put(desk, "claude")
    done = cli("agent", "status", "--try", "--json")
    assert done.code == 0
    assert done.document["ok"] is True
    assert [one["tried"] for one in done.document["places"]] == ["refused", "refused"]
    (desk.repo / ".git" / "hooks" / "gitslices-agent").write_text("#!/bin/sh\nexit 1\n")
    done = cli("agent", "status", "--try")
    assert done.code == 1
    assert "it is not as this version of gitslices writes it" in done.out
    assert "it refuses everything: gitslices: nobody can be asked (exit code 1)" in done.out
