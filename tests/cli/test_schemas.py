"""What `gitslices schema` prints holds for what the commands print."""

import json
from pathlib import Path
from typing import Any

import pytest

from gitslices.schemas import NAMES
from tests.support.commands import Cli
from tests.support.repositories import commit_all
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
    "boolean": bool, "null": type(None),
}  # fmt: skip


def find_faults(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> list[str]:
    """Where `value` departs from `schema`, as far as the keywords that msgspec writes go."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        tried = [find_faults(value, one, root) for one in schema["anyOf"]]
        return [] if [] in tried else [f"{value!r} is none of {len(tried)}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{value!r} is not in {schema['enum']}"]
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return [f"{value!r} is no {schema['type']}"]
    faults = []
    if isinstance(value, dict) and "properties" in schema:
        faults += [f"{key} is unknown" for key in value.keys() - schema["properties"].keys()]
        faults += [f"{key} is missing" for key in set(schema["required"]) - value.keys()]
        for key in value.keys() & schema["properties"].keys():
            faults += find_faults(value[key], schema["properties"][key], root)
    if isinstance(value, list) and "items" in schema:
        faults += [fault for one in value for fault in find_faults(one, schema["items"], root)]
    return faults


def is_run_at_work(cli: Cli) -> bool:
    runs = cli("run", "--status", "--json").document["runs"]
    return any(one["state"] == "running" for one in runs)


def test_the_documents_of_a_goal_under_way_keep_to_their_schemas(
    cli: Cli, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
    )
    path = slice_path(workspace, "a")
    (path / "Makefile").write_text("all:\n")
    commit_all(path)
    token = str(cli("claim", "a", "--holder", "ann", "--json").document["token"])
    (repo / ".git" / "issues.jsonl").write_text('{"id": "a"}\n')
    (repo / ".git" / "tasks.md").write_text("- [ ] z\n")
    lines = {
        "import": "import markdown .git/tasks.md --dry-run",
        "export": "export beads .git/issues.jsonl",
        "init": "init",
        "task": "task add c --write **",
        "plan": "plan",
        "plan-diff": "plan --diff",
        "plan-explain": "plan --explain c",
        "validate": "validate",
        "suggest": "suggest --all",
        "status": "status",
        "ready": "ready",
        "check": "check --all",
        "scope": "scope allow a Makefile --reason it-does",
        "scope-request": "scope request a docs/ --reason it-does",
        "scopes": "scopes",
        "show": "show a",
        "path": "path a",
        "open": "open a",
        "shell-init": "shell-init bash",
        "heartbeat": f"heartbeat a --token {token}",
        "note": "note a --waiting go?",
        "hold": "hold b --reason later",
        "unhold": "unhold b",
        "gate": "gate status a",
        "review": "review a --kind code_review --by ann --verdict approve",
        "conflicts": "conflicts",
        "sync": "sync a",
        "done": f"done a --token {token}",
        "mcp": "mcp",
        "merge": "merge a",
        "claim": "claim b",
        "release": "release b --force",
        "demo": "demo --repository ../shop",
        "run": "run -- true",
        "run-detach": "run --detach -- true",
        "run-status": "run --status",
        "logs": "logs b",
        "hook": "hook status",
        "agent": "agent install claude",
        "agent-status": "agent status",
        "trust": "trust",
        "trust-list": "trust --list",
        "trust-revoke": "trust --revoke",
        "prune": "prune --dry-run",
        "remove": "remove b",
        "prune-trash": "prune --trash",
        "undo-list": "undo --list",
        "undo": "undo",
        "doctor": "doctor",
        "log": "log",
        "log-evidence": "log --evidence a",
        "log-attempts": "log --attempts a",
        "reopen": "reopen a",
        "landed": "landed a",
        "goal-list": "goal list",
        "goal": "goal rename default better",
        "error": "claim nobody",
        "help": "help hook install",
    }
    rest = {
        "board",
        "task-graph",
        "agent-guard",
        "agent-session-end",
        "agent-session-start",
        "agent-turn",
        "agent-worktree-create",
        "agent-worktree-remove",
        "fetch",
        "hook-run",
        "publish",
        "publish-status",
        "landed",
        "join",
        "leave",
        "plan-share",
    }
    assert {*lines, *rest} == set(NAMES)
    documents = {}
    monkeypatch.setenv("VISUAL", "true")
    for name, line in lines.items():
        finished = cli(*line.split(), "--json")
        document = documents[name] = finished.document
        # What works in the background is not to have what the next lines are about.
        while name == "run-detach" and is_run_at_work(cli):
            pass
        schema = json.loads(cli("schema", name).out)
        assert schema["title"] == f"gitslices {name.replace('-', ' ')} --json"
        assert find_faults(document, schema, schema) == [], (name, document)
        assert find_faults({**document, "more": 1}, schema, schema) == ["more is unknown"]
        assert document["schema_version"] == 1
        assert document["ok"] is (finished.code == 0), name
    assert documents["check"]["slices"][0]["violations"]


def test_a_name_without_a_schema_is_answered_with_those_that_have_one(cli: Cli) -> None:
    finished = cli("schema", "slices")
    assert finished.code == 2
    assert all(repr(name) in finished.err for name in NAMES)
