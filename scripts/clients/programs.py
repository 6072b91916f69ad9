"""The agents: where they come from, how they are started, and how they are told to trust."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients.model import Step

VERSIONS = {
    "claude": ("@anthropic-ai/claude-code", "2.1.332"),
    "codex": ("@openai/codex", "0.171.0"),
    "gemini": ("@google/gemini-cli", "0.61.0"),
    "qwen": ("@qwen-code/qwen-code", "0.24.4"),
    "opencode": ("opencode-ai", "1.18.33"),
    "copilot": ("@github/copilot", "1.0.102"),
}
"""The packages that were tried, by the name of their command."""
_BESIDE = {"qwen": ("node", "22.23.3")}
"""What a client needs that the machine may not have: a newer node, of which npm has programs."""


class MissingError(Exception):
    """The clients cannot be had here, and why."""


@dataclass(frozen=True)
class Client:
    """An agent: how it says what a model asks of it, and how it is started.

    `edit` and `shell` make a call from a path, or from a command and the folder to run it in;
    `takes_folder` where its shell has such a folder. `changes` are further tools that change a file
    that is there, each with the ending that the file needs, `runs` those that run a command.
    `delegate` hands a prompt to another agent that the client starts. `start` gives the command
    line from the model's address and further options. What it refuses by itself, it says in words
    that match `own_no`.
    """

    name: str
    config: str
    edit: Callable[[str], Step]
    shell: Callable[[str, str], Step]
    start: Callable[[str, Sequence[str]], list[str]]
    variables: Mapping[str, str]
    changes: Mapping[str, "Change"]
    delegate: Callable[[str], Step] | None = None
    runs: Mapping[str, Callable[[str], Sequence[Step]]] = field(default_factory=dict)
    takes_folder: bool = True
    own_no: str = "(?!)"


@dataclass(frozen=True)
class Change:
    """A way to change a file that is there: calls of which the last one does it."""

    make: Callable[[str], Sequence[Step]]
    ending: str = ""


def install(folder: Path, name: str) -> Path:
    """The folder with the command of a client, which is installed from npm unless it is there.

    Each has a folder of its own, so that several may be installed at the same time.
    """
    own = folder / name
    bin_folder = own / "node_modules" / ".bin"
    package, version = VERSIONS[name]
    wanted = [(package, version), *([_BESIDE[name]] if name in _BESIDE else [])]
    if (bin_folder / name).exists() and all(_is_there(own, *one) for one in wanted):
        return bin_folder
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is not there")
    own.mkdir(parents=True, exist_ok=True)
    (own / "package.json").write_text('{"private": true}\n')
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--loglevel=error",
         *(f"{one}@{number}" for one, number in wanted)],
        cwd=own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise MissingError(f"npm cannot install {package}: {done.stderr.strip()[-300:]}")
    return bin_folder


def _is_there(folder: Path, package: str, version: str) -> bool:
    manifest = folder / "node_modules" / package / "package.json"
    return manifest.is_file() and json.loads(manifest.read_text())["version"] == version


def _start_claude(url: str, options: Sequence[str]) -> list[str]:
    return ["env", f"ANTHROPIC_BASE_URL={url}", "claude", "-p", "SCRIPT:main go",
            "--model", "claude-sonnet-4-5", "--dangerously-skip-permissions", *options]  # fmt: skip


def _start_codex(url: str, options: Sequence[str]) -> list[str]:
    provider = {
        "name": '"script"', "base_url": f'"{url}/v1"', "wire_api": '"responses"',
        "env_key": '"SCRIPT_KEY"', "stream_max_retries": "0", "request_max_retries": "0",
    }  # fmt: skip
    settings = ["model_provider=script", "model=gpt-5.5", "analytics.enabled=false"]
    settings += [f"model_providers.script.{key}={value}" for key, value in provider.items()]
    return ["codex", "exec", *(word for one in settings for word in ("-c", one)),
            "--dangerously-bypass-approvals-and-sandbox", *options, "SCRIPT:main go"]  # fmt: skip


def _start_gemini(url: str, options: Sequence[str]) -> list[str]:
    return ["env", f"GOOGLE_GEMINI_BASE_URL={url}", "gemini", "-m", "gemini-2.5-pro",
            "-p", "SCRIPT:main go", "--yolo", *options]  # fmt: skip


def _start_qwen(url: str, options: Sequence[str]) -> list[str]:
    return ["qwen", "--auth-type", "openai", "--openai-api-key", "none", "--openai-base-url",
            f"{url}/v1", "-m", "script", "-p", "SCRIPT:main go", "--yolo", *options]  # fmt: skip


def _start_opencode(url: str, options: Sequence[str]) -> list[str]:
    provider = {
        "npm": "@ai-sdk/openai-compatible", "name": "script", "models": {"m": {"name": "m"}},
        "options": {"baseURL": f"{url}/v1", "apiKey": "none"},
    }  # fmt: skip
    # What it would ask a person about ends the session where there is none.
    allowed = dict.fromkeys(("bash", "edit", "external_directory", "task"), "allow")
    table = {"model": "script/m", "small_model": "script/m", "share": "disabled",
             "provider": {"script": provider}, "permission": allowed}  # fmt: skip
    return ["env", f"OPENCODE_CONFIG_CONTENT={json.dumps(table)}", "opencode", "run", *options,
            "SCRIPT:main go"]  # fmt: skip


def _start_copilot(url: str, options: Sequence[str]) -> list[str]:
    where = ["env", f"COPILOT_PROVIDER_BASE_URL={url}/v1", "COPILOT_PROVIDER_API_KEY=none"]
    asked = ["-p", "SCRIPT:main go", "--allow-all", "--trust-folder"]
    return [*where, "copilot", *asked, *options]


def _patch(path: str, does: str, *lines: str) -> Step:
    whole = "\n".join(["*** Begin Patch", f"*** {does} File: {path}", *lines])
    return Step(tool="apply_patch", text=f"{whole}\n*** End Patch\n")


def _name_twin(path: str) -> str:
    """The file of the same name in the slice's own scope."""
    return f"src/api/{Path(path).name}"


def _after(read: Callable[..., Step], change: Callable[..., Step]) -> Callable[[str], list[Step]]:
    """Most tools change only what they have read before."""
    return lambda path: [read(path), change(path)]


def _call(tool: str, **names: str) -> Callable[..., Step]:
    """A call of `tool` with the given values under the names that it has for them."""

    def make(first: str, second: str = "") -> Step:
        values = {"path": first, "command": first, "folder": second, **_TEXTS}
        given = {name: values[meant] for name, meant in names.items() if values[meant]}
        return Step(tool=tool, arguments=given)

    return make


_TEXTS = {"content": "x\n", "why": "try", "old": "intact", "new": "broken", "cell": "one",
          "worker": "general-purpose", "generalist": "generalist",
          "general": "general"}  # fmt: skip
_DIFF = ("@@", "-intact", "+broken")

CLIENTS = {
    one.name: one
    for one in (
        Client(
            name="claude", config=".claude",
            edit=_call("Write", file_path="path", content="content"),
            shell=_call("Bash", command="command", description="why"), takes_folder=False,
            changes={
                "Edit": Change(_after(
                    _call("Read", file_path="path"),
                    _call("Edit", file_path="path", old_string="old", new_string="new"),
                )),
                "NotebookEdit": Change(_after(
                    _call("Read", file_path="path"),
                    _call("NotebookEdit", notebook_path="path", cell_id="cell", new_source="new"),
                ), ".ipynb"),
            },
            runs={"Monitor": lambda command: [
                _call("ToolSearch", query="path")("select:Monitor"),
                _call("Monitor", command="command", description="why")(command),
            ]},
            delegate=_call("Agent", subagent_type="worker", description="why", prompt="command"),
            start=_start_claude,
            variables={
                "ANTHROPIC_API_KEY": "none", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_ERROR_REPORTING": "1",
                "IS_SANDBOX": "1",
            },
        ),
        Client(
            name="codex", config=".codex", edit=lambda path: _patch(path, "Add", "+x"),
            shell=_call("exec_command", cmd="command", workdir="folder"),
            changes={
                "update": Change(lambda path: [_patch(path, "Update", *_DIFF)]),
                "delete": Change(lambda path: [_patch(path, "Delete")]),
                "move away": Change(lambda path: [
                    _patch(path, "Update", f"*** Move to: {_name_twin(path)}-new", *_DIFF)
                ]),
                "move to": Change(lambda path: [
                    _patch(_name_twin(path), "Update", f"*** Move to: {path}-new", *_DIFF)
                ]),
            },
            start=_start_codex, variables={"SCRIPT_KEY": "none"},
        ),
        Client(
            name="gemini", config=".gemini",
            edit=_call("write_file", file_path="path", content="content"),
            shell=_call("run_shell_command", command="command", dir_path="folder"),
            changes={
                "replace": Change(_after(
                    _call("read_file", file_path="path"),
                    _call("replace", file_path="path", instruction="why", old_string="old",
                          new_string="new"),
                )),
            },
            delegate=_call("invoke_agent", agent_name="generalist", prompt="command"),
            start=_start_gemini,
            variables={"GEMINI_API_KEY": "none", "GEMINI_TELEMETRY_ENABLED": "false",
                       "NO_BROWSER": "1", "GEMINI_CLI_TRUST_WORKSPACE": "true"},
            own_no="Path not in workspace|Command injection detected|denied by policy",
        ),
        Client(
            name="qwen", config=".qwen",
            edit=_call("write_file", file_path="path", content="content"),
            shell=_call("run_shell_command", command="command", directory="folder"),
            changes={
                "edit": Change(_after(
                    _call("read_file", file_path="path"),
                    _call("edit", file_path="path", old_string="old", new_string="new"),
                )),
                "notebook_edit": Change(_after(
                    _call("read_file", file_path="path"),
                    _call("notebook_edit", notebook_path="path", cell_id="cell", new_source="new"),
                ), ".ipynb"),
            },
            runs={"monitor": lambda command: [Step(tool="tool_call", arguments={
                "name": "monitor", "arguments": {"command": command, "description": "try"},
            })]},
            delegate=_call("agent", subagent_type="worker", description="why", prompt="command"),
            start=_start_qwen, variables={},
            own_no="not within any of the registered workspace|path must be absolute",
        ),
        Client(
            name="opencode", config=".config/opencode",
            edit=_call("write", filePath="path", content="content"),
            shell=_call("bash", command="command", workdir="folder", description="why"),
            changes={
                "edit": Change(_after(
                    _call("read", filePath="path"),
                    _call("edit", filePath="path", oldString="old", newString="new"),
                )),
            },
            delegate=_call("task", subagent_type="general", description="why", prompt="command"),
            start=_start_opencode,
            variables={"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1",
                       # It installs a package beside each plugin, and waits for the registry.
                       "OPENCODE_DISABLE_LSP_DOWNLOAD": "1", "NPM_CONFIG_OFFLINE": "true"},
        ),
        Client(
            name="copilot", config=".copilot",
            edit=_call("create", path="path", file_text="content"),
            shell=_call("bash", command="command", description="why"), takes_folder=False,
            changes={"edit": Change(
                lambda path: [_call("edit", path="path", old_str="old", new_str="new")(path)]
            )},
            delegate=_call("task", agent_type="worker", description="why", name="why",
                           prompt="command"),
            start=_start_copilot, own_no="Parent directory .* does not exist",
            variables={"COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false",
                       "COPILOT_MODEL": "gpt-4.1"},
        ),
    )
}  # fmt: skip


class CodexServer:
    """Codex's own server on its standard streams: which hooks it sees, and its review of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["codex", "app-server"], env=dict(environment), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._number = 0

    def __enter__(self) -> "CodexServer":
        info = {"name": "scripts", "title": "scripts", "version": "1"}
        self._ask("initialize", clientInfo=info, capabilities={"experimentalApi": True})
        self._send({"method": "initialized"})
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()

    def list_hooks(self, folder: Path) -> list[dict[str, Any]]:
        """The hooks that a session in `folder` has."""
        found = self._ask("hooks/list", cwds=[str(folder)])
        return [hook for entry in found["data"] for hook in entry["hooks"]]

    def trust(self, hooks: Sequence[Mapping[str, Any]]) -> None:
        """Record them as reviewed, as its own review does."""
        value = {hook["key"]: {"trusted_hash": hook["currentHash"]} for hook in hooks}
        edit = {"keyPath": "hooks.state", "value": value, "mergeStrategy": "upsert"}
        self._ask("config/batchWrite", edits=[edit])

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        assert self._process.stdout
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._number and "method" not in answer:
                return dict(answer.get("result", answer))
        raise MissingError("Codex's server has ended")

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


def prepare(client: Client, home: Path, trusted: Sequence[Path]) -> None:
    """What the client wants to find in its user's settings before it asks a model anything."""
    config = home / client.config
    config.mkdir(parents=True, exist_ok=True)
    if client.name == "codex":
        lines = [f'[projects."{place}"]\ntrust_level = "trusted"\n' for place in trusted]
        (config / "config.toml").write_text("".join(lines))
    if client.name == "gemini":
        auth = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
        (config / "settings.json").write_text(json.dumps(auth))


def make_path(*folders: Path) -> str:
    """A PATH with `folders` in front of the system's own."""
    return os.pathsep.join([*map(str, folders), "/usr/local/bin", "/usr/bin", "/bin"])
