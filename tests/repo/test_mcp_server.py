"""`gitslices mcp`, asked by the official SDK's client in both eras of the protocol."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gitslices.mcp.tools import TOOLS, load_output_schema
from tests.support.commands import run_cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at

pytest.importorskip("mcp", reason="the extra gitslices[mcp] is not installed")
anyio = pytest.importorskip("anyio")
jsonschema = pytest.importorskip("jsonschema")

from mcp import Client, MCPError, StdioServerParameters, stdio_client  # noqa: E402

from gitslices.mcp.server import make_server  # noqa: E402

ERAS = ("legacy", "2026-07-28")


@pytest.fixture
def shop(repo: Path) -> Path:
    apply_tasks(
        open_at(repo),
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
    )
    return repo


def ask(
    root: Path, work: Callable[[Any], Awaitable[None]], era: str = ERAS[1], *, merges: bool = False
) -> None:
    async def run() -> None:
        async with Client(make_server([root], moves_branches=merges), mode=era) as client:
            await work(client)

    anyio.run(run)


@pytest.mark.parametrize("era", ERAS)
def test_a_slice_goes_from_claim_to_merge(shop: Path, era: str) -> None:
    async def work(client: Any) -> None:
        offered = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(offered) == {tool.name for tool in TOOLS}
        assert offered["status"].annotations.read_only_hint
        ready = await client.call_tool("ready", {})
        assert [one["slice_id"] for one in ready.structured_content["ready"]] == ["a"]
        claim = (await client.call_tool("claim", {"holder": "one"})).structured_content
        assert claim["worktree_path"] == str(slice_path(open_at(shop), "a"))
        mine = {"slice": "a", "token": claim["token"]}
        (Path(claim["worktree_path"]) / "src" / "new.py").write_text("new")
        checked = await client.call_tool("check", {"slice": "a"})
        assert (checked.is_error, checked.structured_content["ok"]) == (False, True)
        assert not (await client.call_tool("heartbeat", {**mine, "ttl": "1h"})).is_error
        early = await client.call_tool("done", mine)
        assert early.is_error
        assert early.structured_content["error"].keys() >= {"code", "message", "hint"}
        commit_all(Path(claim["worktree_path"]))
        assert not (await client.call_tool("done", mine)).is_error
        stale = await client.call_tool("release", {"slice": "a", "token": 99})
        assert stale.structured_content["error"]["code"] == "stale-token"
        merged = await client.call_tool("merge", {"slices": ["a"]})
        assert [one["slice_id"] for one in merged.structured_content["merged"]] == ["a"]
        read = await client.read_resource("gitslices://status")
        states = json.loads(read.contents[0].text)["slices"]
        assert [one["status"] for one in states] == ["merged", "provisioned"]
        shown = await client.read_resource("gitslices://slice/b")
        assert json.loads(shown.contents[0].text)["slice_id"] == "b"
        for uri in ("gitslices://slice/x", "gitslices://other"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    ask(shop, work, era, merges=True)
    assert git(shop, "show", "main:src/new.py") == "new"


def test_a_graph_is_written_checked_and_planned(repo: Path) -> None:
    (repo / "gitslices.toml").write_text('version = 1\ngoal_id = "g"\n')

    async def work(client: Any) -> None:
        for id_, after in (("one", []), ("two", ["one"])):
            added = await client.call_tool(
                "task_add", {"id": id_, "write": [f"src/{id_}/"], "after": after, "title": "-x"}
            )
            assert not added.is_error, added
        assert not (await client.call_tool("validate", {"file": "gitslices.toml"})).is_error
        plan = (await client.call_tool("plan", {})).structured_content
        assert plan["waves"] == [["one"], ["two"]]
        assert [one["title"] for one in plan["slices"]] == ["-x", "-x"]
        prompts = (await client.list_prompts()).prompts
        told = await client.get_prompt(prompts[0].name, {"goal": "a new shop"})
        assert "a new shop" in told.messages[0].content.text

    ask(repo, work)


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("status", {"goals": "g"}, "is 'goal' meant?"),
    ("show", {}, "the argument 'slice' is missing"),
    ("show", {"slice": 3}, "the argument 'slice' is no string"),
    ("show", {"slice": "--help"}, "has no slice '--help'"),
    ("show", {"slice": "a\0b"}, "the argument 'slice' is no string"),
    ("heartbeat", {"slice": "a", "token": True}, "the argument 'token' is no integer"),
    ("status", {"goal": "--watch"}, "there is no goal '--watch'"),
    ("validate", {"file": "/etc/passwd"}, "lies outside the repository"),
    ("plan", {"file": "../other.toml"}, "lies outside the repository"),
    ("status", {"repository": ".."}, "lies below no root"),
    ("status", {"repository": "/"}, "lies below no root"),
    ("status", {"repository": "gone"}, "is no folder"),
)


def test_what_is_wrong_is_told_and_nothing_becomes_an_option(shop: Path) -> None:
    async def work(client: Any) -> None:
        for name, given, says in REFUSED:
            answer = await client.call_tool(name, given)
            assert answer.is_error, given
            error = answer.structured_content["error"]
            assert says in f"{error['message']} {error['hint']}", given
            tool = next(tool for tool in TOOLS if tool.name == name)
            jsonschema.validate(answer.structured_content, load_output_schema(tool))
        for name in ("merge", "sync", "prune"):
            with pytest.raises(MCPError):
                await client.call_tool(name, {})

    ask(shop, work)


def test_several_repositories_lie_below_one_root(shop: Path) -> None:
    async def work(client: Any) -> None:
        answer = await client.call_tool("status", {"repository": shop.name})
        assert answer.structured_content["goal_id"] == "default"
        assert (await client.call_tool("status", {})).structured_content["error"]["code"]

    ask(shop.parent, work)


def test_a_call_that_nobody_waits_for_ends_its_command(shop: Path, tmp_path: Path) -> None:
    hook = shop / ".git" / "hooks" / "post-merge"
    (held := tmp_path / "held").touch()
    wait = f"while test -e {held}; do sleep 0.1; done"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\n{wait}\n")
    hook.chmod(0o755)
    path = slice_path(open_at(shop), "a")
    (path / "src" / "new.py").write_text("new")
    commit_all(path)
    beats: list[str | None] = []

    async def on_progress(done: float, total: float | None, message: str | None) -> None:
        beats.append(message)

    async def work(client: Any) -> None:
        with anyio.move_on_after(60) as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "merge", {"slices": ["a"]}, None, on_progress)
                while not (tmp_path / "began").exists() or not beats:
                    await anyio.sleep(0.05)
                tasks.cancel_scope.cancel()
        assert not scope.cancelled_caught

    try:
        ask(shop, work, merges=True)
    finally:
        held.unlink()  # git outlives the command, and waits for its hook
    assert beats
    assert git(shop, "show", "main:src/new.py") == "new"
    assert run_cli(shop, "status").code == 0


def test_it_serves_on_standard_input_and_output(shop: Path) -> None:
    words = ["-P", "-m", "gitslices", "mcp", "-C", str(shop)]

    async def run() -> None:
        server = stdio_client(StdioServerParameters(command=sys.executable, args=words))
        async with Client(server) as client:
            assert client.server_info.name == "gitslices"
            answer = await client.call_tool("status", {})
            assert answer.structured_content["goal_id"] == "default"

    anyio.run(run)


def test_without_the_sdk_the_command_says_what_installs_it(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp" / "__init__.py").write_text("raise ModuleNotFoundError('no mcp', name='mcp')")
    code = "import sys; from gitslices.cli.main import run; sys.exit(run(['mcp']))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        cwd=shop, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "hint: install it: pip install 'gitslices[mcp]'" in done.stderr
