"""`gitslices agent install|uninstall`: beside what is there, in every worktree, twice as once."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import pytest

from gitslices.agents.adapters.adapter import HookTable
from gitslices.agents.adapters.table import ADAPTERS, load_adapter
from gitslices.agents.install import AgentInstallRequest, add_hooks, drop_hooks, install, uninstall
from gitslices.cli.commands import COMMANDS
from gitslices.core.errors import InputError, RefusedError
from gitslices.core.files import drop_block, put_block
from gitslices.core.model import SliceId
from gitslices.graph.load import load_graph
from gitslices.ops.removal import RemoveRequest, remove
from gitslices.provisioning.agent_files import AgentFilesReport
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, apply_graph, check_at, path_beside
from tests.support.workspaces import open_at

CLAUDE = load_adapter("claude").hooks
MINE = """\
{
    "model": "opus",
    "hooks": {
        "Stop": [{"hooks": [{"type": "command", "command": "say é"}]}],
        "PreToolUse": [
            {
                "matcher": "Bash",
                "hooks": [{"type": "command", "command": "audit"}]
            }
        ]
    },
    "permissions": {"allow": []}
}"""


def add(text: str | None, program: str = "/r/.git/hooks/gitslices-agent") -> str:
    assert isinstance(CLAUDE, HookTable)
    return add_hooks(text, CLAUDE, program, place="settings.json")


def put(repo: Path, tool: str = "claude", *, dry_run: bool = False) -> AgentFilesReport:
    return install(
        open_at(repo), AgentInstallRequest(tool=tool, python=sys.executable, dry_run=dry_run)
    )


def states(report: AgentFilesReport) -> dict[str, str]:
    return {file.path: file.state for file in report.files}


def test_hooks_are_added_after_those_of_others_in_the_style_of_the_file() -> None:
    added = add(MINE)
    table = json.loads(added)
    assert list(table) == ["model", "hooks", "permissions"]
    assert list(table["hooks"]) == [
        "Stop", "PreToolUse", "Notification", "PermissionRequest", "UserPromptSubmit",
        "WorktreeCreate", "WorktreeRemove",
        "SessionStart", "SubagentStart", "SubagentStop", "SessionEnd",
    ]  # fmt: skip
    first, second = table["hooks"]["PreToolUse"]
    assert first["hooks"][0]["command"] == "audit"
    assert second["matcher"] == "Write|Edit|MultiEdit|NotebookEdit|Bash"
    assert second["hooks"][0]["command"].endswith(" guard --tool claude")
    assert '\n    "model": "opus"' in added
    assert "say é" in added
    assert not added.endswith("\n")


def test_adding_twice_is_adding_once_and_a_new_program_replaces_the_old_one() -> None:
    once = add(MINE)
    assert add(once) == once
    moved = add(once, "/elsewhere/hooks/gitslices-agent")
    assert "/r/.git" not in moved
    assert moved.count("gitslices-agent") == once.count("gitslices-agent") == 11


def test_dropping_leaves_what_others_have_put_there() -> None:
    dropped = drop_hooks(add(MINE), place="settings.json")
    assert dropped is not None
    assert json.loads(dropped) == json.loads(MINE)
    assert drop_hooks(MINE, place="settings.json") == MINE
    assert drop_hooks(add(None), place="settings.json") is None


def test_a_hook_of_ours_in_a_group_of_others_goes_alone() -> None:
    ours = {"type": "command", "command": "/x/hooks/gitslices-agent guard --tool claude"}
    theirs = {"type": "command", "command": "audit"}
    mixed = {"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [theirs, ours]}]}}
    dropped = drop_hooks(json.dumps(mixed), place="settings.json")
    assert json.loads(dropped or "")["hooks"]["PreToolUse"] == [{"matcher": "*", "hooks": [theirs]}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "settings.json:1:1: it is no JSON"),
        ('{\n  "a": 1,\n}', "settings.json:3:1: it is no JSON"),
        ("{\n  // mine\n}", "settings.json:2:3: it is no JSON"),
        ("[]", "settings.json: it is no object"),
        ('{"a": 1, "a": 2}', "settings.json: 'a' is there twice"),
        ('{"hooks": []}', "settings.json: hooks: it is no object"),
        ('{"hooks": {"PreToolUse": {}}}', "settings.json: hooks.PreToolUse: it is no list"),
        ("[" * 100_000, "settings.json: "),
    ],
)
def test_settings_that_cannot_be_merged_are_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        add(text)


@pytest.mark.parametrize("text", ["", "# Mine", "# Mine\n", "# Mine\n\n", "a\r\nb\r\n"])
def test_a_block_comes_and_goes(text: str) -> None:
    comment = "<!-- {} -->"
    once = put_block(text, "one\ntwo", comment=comment)
    assert put_block(once, "one\ntwo", comment=comment) == once
    assert "three" in put_block(once, "three", comment=comment)
    assert drop_block(once, comment=comment).rstrip("\n") == text.rstrip("\n")
    assert drop_block(once + "after\n", comment=comment).endswith("after\n")


@pytest.mark.parametrize("tool", ADAPTERS)
def test_install_goes_into_every_worktree_and_uninstall_leaves_nothing(
    repo: Path, graph_file: Path, tool: str
) -> None:
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    exclude = repo / ".git" / "info" / "exclude"
    before = (git(repo, "status", "--porcelain"), exclude.read_text())
    report = put(repo, tool)
    assert set(states(report).values()) == {"written"}
    assert report.slices == 5
    api = path_beside(repo, "api", "auth-rework")
    for file in report.files:
        assert (repo / file.path).read_text() == (api / file.path).read_text() == file.text
    assert check_at(api).ok
    assert git(api, "status", "--porcelain") == git(repo, "status", "--porcelain") == ""
    assert set(states(put(repo, tool)).values()) == {"unchanged"}
    remove(open_at(repo), RemoveRequest(slice_id=SliceId("nav")))
    assert set(states(uninstall(open_at(repo), tool)).values()) == {"removed"}
    assert not any((top / file.path).exists() for top in (repo, api) for file in report.files)
    assert not (repo / ".git" / "hooks" / "gitslices-agent").exists()
    assert (git(repo, "status", "--porcelain"), exclude.read_text()) == before
    assert not any((repo / name).exists() for name in (".claude", ".codex", ".cursor", ".agents"))


def test_a_slice_made_later_has_them_too(repo: Path, graph_file: Path) -> None:
    put(repo)
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    settings = path_beside(repo, "api", "auth-rework") / ".claude" / "settings.json"
    assert settings.read_text() == (repo / ".claude" / "settings.json").read_text()
    assert check_at(path_beside(repo, "api", "auth-rework")).ok


def test_tracked_settings_are_merged_in_the_main_worktree_only(
    cli: Cli, repo: Path, graph_file: Path
) -> None:
    (repo / ".claude").mkdir()
    (repo / ".claude" / "settings.json").write_text(MINE)
    commit_all(repo)
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    done = cli("agent", "install", "claude")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        ".claude/settings.json                 written, tracked\n"
        ".claude/skills/gitslices/SKILL.md     written\n"
        ".claude/skills/plan-slices/SKILL.md   written\n"
        "also in the worktrees of 5 slices\n"
        "hint: commit .claude/settings.json: slices see it once they have it\n"
        "its hooks do not see, so that only git hooks and the merge hold it:\n"
        "  tools of MCP servers\n"
        "  a session started in a folder below the worktree\n"
        "hint: in any folder of every slice: gitslices agent install claude --user\n"
        "hint: whether it really asks: gitslices agent status claude\n"
    )
    text = (repo / ".claude" / "settings.json").read_text()
    assert str(repo) not in text  # it is for everybody who has the repository
    assert "--git-common-dir" in text
    assert (
        path_beside(repo, "api", "auth-rework") / ".claude" / "settings.json"
    ).read_text() == MINE
    assert cli("agent", "uninstall", "claude").code == 0
    assert json.loads((repo / ".claude" / "settings.json").read_text()) == json.loads(MINE)


def test_print_shows_and_changes_nothing(cli: Cli, repo: Path) -> None:
    done = cli("agent", "install", "cursor", "--print")
    assert done.code == 0
    assert done.out.startswith('# .cursor/hooks.json\n{\n  "version": 1,\n  "hooks": {\n')
    assert "# AGENTS.md\n<!-- gitslices: begin -->\n## Slices\n" in done.out
    assert git(repo, "status", "--porcelain", "--ignored") == ""
    assert not (repo / ".git" / "hooks" / "gitslices-agent").exists()


def test_what_is_refused_in_one_file_leaves_all_as_they_were(repo: Path) -> None:
    (repo / ".codex").mkdir()
    (repo / ".codex" / "hooks.json").write_text("{")
    with pytest.raises(InputError, match=r"\.codex/hooks\.json:1:2: it is no JSON"):
        put(repo, "codex")
    assert not (repo / "AGENTS.md").exists()


def test_nothing_is_written_through_a_link(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (repo / ".claude").symlink_to(tmp_path / "home")
    with pytest.raises(RefusedError, match="is a symbolic link"):
        put(repo)
    assert list((tmp_path / "home").iterdir()) == []


def test_what_two_tools_read_stays_for_the_other(repo: Path) -> None:
    (repo / "AGENTS.md").write_text("# Ours\n")
    put(repo, "codex")
    put(repo, "cursor")
    assert (repo / "AGENTS.md").read_text().startswith("# Ours\n\n<!-- gitslices: begin -->\n")
    assert states(uninstall(open_at(repo), "codex")) == {".codex/hooks.json": "removed"}
    assert (repo / ".agents" / "skills" / "gitslices" / "SKILL.md").exists()
    uninstall(open_at(repo), "cursor")
    assert (repo / "AGENTS.md").read_text() == "# Ours\n"


def test_an_untracked_file_of_the_user_is_as_it_was_after_all(repo: Path, graph_file: Path) -> None:
    (repo / "AGENTS.md").write_text("# Ours\n")
    put(repo, "codex")
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    api = path_beside(repo, "api", "auth-rework")
    assert (api / "AGENTS.md").read_text() == (repo / "AGENTS.md").read_text()
    uninstall(open_at(repo), "codex")
    assert (repo / "AGENTS.md").read_text() == "# Ours\n"
    assert git(repo, "status", "--porcelain") == "?? AGENTS.md"
    assert not (api / "AGENTS.md").exists()
    assert check_at(api).ok


def run_hook(top: Path, command: str, payload: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", command], cwd=top, input=json.dumps(payload), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def read_command(top: Path) -> str:
    settings = json.loads((top / ".claude" / "settings.json").read_text())
    return str(settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"])


def test_the_installed_hook_guards_and_blocks_when_gitslices_is_gone(
    repo: Path, graph_file: Path
) -> None:
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    put(repo)
    api, edit = (
        path_beside(repo, "api", "auth-rework"),
        {"tool_name": "Write", "tool_input": {"file_path": "x"}},
    )
    command = read_command(api)
    done = run_hook(api, command, edit)
    assert done.returncode == 0
    assert '"permissionDecision":"deny"' in done.stdout
    assert run_hook(api, command, {}).returncode == 2
    silent = run_hook(repo, command, edit)
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    launcher = repo / ".git" / "hooks" / "gitslices-agent"
    launcher.write_text(launcher.read_text().replace(sys.executable, "/gone/python"))
    gone = run_hook(api, f"PATH=/usr/bin:/bin; {command}", edit)
    assert gone.returncode == 2
    assert "neither /gone/python nor gitslices on PATH can be run" in gone.stderr
    assert run_hook(repo, f"PATH=/usr/bin:/bin; {command}", edit).returncode == 0


ASK = """\
import {{ Gitslices }} from {plugin}
const hooks = await Gitslices({{ directory: process.cwd() }})
for (const [tool, args] of {calls}) {{
  try {{
    await hooks["tool.execute.before"]({{ tool, sessionID: "s", callID: "c" }}, {{ args }})
    console.log("ran")
  }} catch (error) {{ console.log(error.message) }}
}}
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node to load the plugin")
def test_the_plugin_of_opencode_throws_what_the_guard_says(
    repo: Path, graph_file: Path, tmp_path: Path
) -> None:
    apply_graph(open_at(repo), load_graph(graph_file).graph)
    put(repo, "opencode")
    api = path_beside(repo, "api", "auth-rework")
    # Node takes a file for a module by its name alone; opencode takes every plugin for one.
    plugin = tmp_path / "plugin.mjs"
    plugin.write_text((api / ".opencode" / "plugins" / "gitslices.js").read_text())
    outside = {"filePath": "Makefile", "content": "x"}
    inside = {"command": "touch src/api/a"}
    calls: tuple[tuple[str, object], ...] = (
        ("write", outside),
        ("read", outside),
        ("bash", inside),
        ("edit", {}),
    )
    script = ASK.format(plugin=json.dumps(plugin.as_uri()), calls=json.dumps(calls))

    def ask_all() -> list[str]:
        words = ["node", "--input-type=module", "--eval", script]
        done = subprocess.run(words, cwd=api, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    *reason, read, inside_scope, malformed = ask_all()
    assert f"{api}/Makefile: in no slice" in "\n".join(reason)
    assert (read, inside_scope) == ("ran", "ran")
    assert malformed.endswith("so it may not run: the payload's field 'filePath' is no text")
    launcher = repo / ".git" / "hooks" / "gitslices-agent"
    launcher.write_text("#!/bin/sh\nexit 9\n")
    assert ask_all()[0] == "gitslices: nobody can be asked (exit code 9), so this may not run"


@pytest.mark.parametrize("tool", ADAPTERS)
def test_the_server_is_put_among_others_and_taken_away(repo: Path, tool: str) -> None:
    server = load_adapter(tool).server
    path = repo / server.path
    path.parent.mkdir(exist_ok=True)
    is_toml = path.suffix == ".toml"
    mine = (
        f"# mine\n[{server.key}.other]\ncommand = 'x'\n"
        if is_toml
        else json.dumps({server.key: {"other": {"command": "x"}}}, indent=4)
    )
    path.write_text(mine)
    request = AgentInstallRequest(tool=tool, python=sys.executable, serves=True)
    for _ in range(2):
        assert install(open_at(repo), request).ok
        text = path.read_text()
        table = tomllib.loads(text) if is_toml else json.loads(text)
        assert table[server.key] == {"other": {"command": "x"}, "gitslices": server.value}
    assert ("# mine" in text) == is_toml
    assert str(repo) not in text
    uninstall(open_at(repo), tool)
    assert path.read_text() == mine
    path.unlink()
    install(open_at(repo), request)
    uninstall(open_at(repo), tool)
    assert not path.exists()
    for wrong in ("[", "[]" if not is_toml else "= 3", f'{{"{server.key}": 3}}'):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{server.key} = 3" if is_toml and "{" in wrong else wrong)
        with pytest.raises(InputError, match=re.escape(server.path)):
            install(open_at(repo), request)


@pytest.mark.parametrize(
    ("skill", "commands"),
    [
        ("gitslices", ("claim", "check", "done", "status")),
        ("plan-slices", ("init", "task add", "validate", "plan", "schema task-graph")),
    ],
)
def test_a_skill_keeps_to_the_limits_of_its_format(skill: str, commands: Sequence[str]) -> None:
    text = files("gitslices.skills").joinpath(f"{skill}/SKILL.md").read_text("utf-8")
    head = text.split("---\n")[1]
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert fields["name"] == skill
    assert len(fields["description"]) <= 1024
    for command in commands:
        assert f"gitslices {command}" in text
    named = set(re.findall(r"gitslices ([a-z][a-z-]+)", text)) - {"knows"}
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("tool", ["claude", "codex"])
def test_files_that_come_to_be_tracked_stand_in_nobodys_way(
    cli: Cli, repo: Path, tool: str
) -> None:
    desk = Desk(repo)
    desk.apply(*({"id": id_, "write_set": [f"{id_}/"]} for id_ in "abc"))
    report = put(repo, tool)
    token = desk.claim("a").token
    a, b, c = map(desk.worktree, "abc")
    (a / "a").mkdir()
    (a / "a" / "x").write_text("x\n")
    commit_all(a)
    git(repo, "add", "--force", *(file.path for file in report.files))
    git(repo, "commit", "--quiet", "-m", "Have agents ask")
    put(repo, tool)
    git(c, "add", "--all")
    assert check_at(c).ok  # what it has copies of is no change of its own
    tip = git(repo, "rev-parse", "HEAD")
    assert desk.claim("b").base_commit == tip
    assert git(b, "status", "--porcelain") == ""
    assert cli("sync", "a", "--token", str(token)).code == 0
    assert git(a, "merge-base", "HEAD", "main") == tip
    assert cli("done", "a", "--token", str(token)).code == 0
    assert cli("merge", "a").code == 0
    assert desk.claim("c").base_commit == git(repo, "rev-parse", "main")
    for top in (a, b, c):
        assert git(top, "status", "--porcelain") == ""
        for file in report.files:
            assert (top / file.path).read_text() == (repo / file.path).read_text()


def test_a_copy_that_somebody_has_changed_is_kept(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["a/"]})
    report = put(repo, "codex")
    notes = desk.worktree("a") / "AGENTS.md"
    notes.write_text(notes.read_text() + "mine\n")
    git(repo, "add", "--force", *(file.path for file in report.files))
    git(repo, "commit", "--quiet", "-m", "Have agents ask")
    assert desk.claim("a").base_commit != git(repo, "rev-parse", "HEAD")
    assert notes.read_text().endswith("mine\n")
