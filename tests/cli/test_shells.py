"""`path`, `open` and `shell-init`: a slice's worktree reached, in the real shells."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.slices import apply_tasks, slice_path
from tests.support.terminal import Terminal, open_terminal
from tests.support.workspaces import open_at

SHELLS = {
    "bash": (
        ("bash", "--norc", "--noprofile", "-i"),
        '. /usr/share/bash-completion/completions/git; eval "$(gitslices shell-init bash)"',
    ),
    "zsh": (
        ("zsh", "-f", "-i"),
        'autoload -Uz compinit; compinit -u -D; eval "$(gitslices shell-init zsh)"',
    ),
    "fish": (
        ("fish", "-i"),
        "function fish_prompt; echo -n 'now''> '; end; gitslices shell-init fish | source",
    ),
}
END = "; echo it-is-ov''er\n"
PROMPT = "now> "


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, repo: Path) -> Iterator[Terminal]:
    """An interactive shell that knows gitslices, in a repository with slices `api` and `web 1`."""
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    if name == "bash" and not Path("/usr/share/bash-completion/completions/git").exists():
        pytest.skip("git's completion for bash is not installed")
    workspace = open_at(repo)
    apply_tasks(
        workspace,
        {"id": "api", "title": "The server's side: all of it", "write_set": ["src/"]},
        {"id": "web 1", "write_set": ["docs/"]},
    )
    argv, init = SHELLS[name]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "TERM": "xterm", "PS1": PROMPT, "COLUMNS": "200"}
    with open_terminal(argv, repo, environ) as terminal:
        if name != "fish":
            terminal.wait_for(PROMPT)
        ask(terminal, init)
        yield terminal


def ask(shell: Terminal, line: str) -> str:
    """What a line prints; tabs in it are those that a person types."""
    shell.type(f"{line}{END}")
    said = shell.wait_for("it-is-over")
    # Whatever is typed before it asks again may be lost.
    shell.wait_for(PROMPT)
    return said


def test_a_shell_goes_to_a_slice_and_completes_what_there_is(shell: Terminal, repo: Path) -> None:
    workspace = open_at(repo)
    for line, told in (
        # Commands, slices, options, goals, gates and holders, for each of the three names.
        ("gitslices cla\tap\t --holder worker-1", "api: held by worker-1"),
        ("gitslices sta\t", "provisioned"),
        ("git slices sho\tap\t", "api: claimed by worker-1"),
        ("git-slices show we\t", "web 1: provisioned"),
        ("gs status --go\tdef\t", "provisioned"),
        ("git slices gate status api acc\t", "acceptance_criteria: no command"),
        ("gitslices claim api --holder wor\t", "api: still held by worker-1"),
        ("gs cd we\t", ""),
        ("pwd", str(slice_path(workspace, "web-1"))[:-1] + "1-"),
        ("gs cd ap\t; pwd", str(slice_path(workspace, "api"))),
        # Where the shell is now nothing has to be named.
        ("gs scope show", "api"),
    ):
        assert told in ask(shell, line).replace("\r\n", "\n"), line

    shell.type("gs cd\n")
    offered = shell.wait_for("which: ")
    assert "1)  api    claimed by worker-1  The server's side: all of it" in offered
    shell.type("9\n")
    shell.wait_for("choose 1 to 2")
    shell.wait_for("which: ")
    shell.type("2\n")
    shell.wait_for(PROMPT)
    assert "web-1-" in ask(shell, "pwd")


def test_a_path_is_where_the_worktree_is_now(cli: Cli, repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["src/"]},
                ready_only=True)  # fmt: skip
    top = slice_path(workspace, "a")
    assert cli("path", "a").out == f"{top}\n"
    assert cli("path", directory=top / "src").out == f"{top}\n"
    moved = tmp_path / "elsewhere"
    git(repo, "worktree", "move", str(top), str(moved))
    told = cli("path", "a", "--json").document
    assert (told["worktree_path"], told["status"], told["holder"]) == (
        str(moved), "provisioned", None,
    )  # fmt: skip
    # Nobody can be asked here.
    assert cli("path").err.startswith("error: no slice is named")
    without = cli("path", "b")
    assert without.code == 1
    assert without.err == (
        "error: slice 'b' has no worktree\nhint: one is made by: gitslices claim b --goal default\n"
    )


def test_open_starts_the_editor_that_is_chosen(cli: Cli, repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]})
    top, note = slice_path(workspace, "a"), tmp_path / "note"
    nothing = {"VISUAL": "", "GITSLICES_EDITOR": ""}
    none = cli("open", "a", env=nothing)
    assert (none.code, none.err.splitlines()[0]) == (2, "error: no editor is chosen")
    env = {**nothing, "VISUAL": f"printf 'visual %s' >{note}"}
    assert cli("open", "a", env=env).out == f"opened {top}\n"
    assert note.read_text() == f"visual {top}"
    git(repo, "config", "gitslices.editor", f"printf 'config %s' >{note}")
    told = cli("open", "--json", env=env, directory=top).document
    assert (told["worktree_path"], note.read_text()) == (str(top), f"config {top}")
    env["GITSLICES_EDITOR"] = f"pwd >{note}; exit 3; :"
    failed = cli("open", "a", env=env)
    assert (failed.code, note.read_text()) == (1, f"{top}\n")
    assert "the editor has ended with exit status 3" in failed.err


def test_names_that_are_offered_are_those_of_the_repository(cli: Cli, repo: Path) -> None:
    def offer(line: str) -> list[str]:
        env = {"_GITSLICES_COMPLETE": "line_complete", "GITSLICES_LINE": line}
        lines = cli(env=env).out.splitlines()
        return [entry.split("\t")[1] for entry in lines if entry]

    assert offer("gitslices show ") == offer("gitslices done --goal ") == []
    workspace = open_at(repo)
    for goal in ("one", "two"):
        apply_tasks(workspace, {"id": f"a-{goal}", "write_set": [f"{goal}/"]}, goal_id=goal)
    assert offer("gitslices show ") == ["a-one", "a-two"]
    assert offer("gitslices show --goal two ") == ["a-two"]
    assert offer("gitslices done --goal t") == ["two"]
    # Every command that takes a goal, or a slice, knows which there are.
    for command in ("status", "ready", "merge", "sync", "run", "log", "prune", "gate run"):
        assert offer(f"gitslices {command} --goal t") == ["two"], command
    for command in ("goal close", "goal reopen", "goal rename"):
        assert offer(f"gitslices {command} t") == ["two"], command
    for command in ("claim", "remove", "undo", "landed", "reopen", "path", "check --slice"):
        assert offer(f"gitslices {command} a-t") == ["a-two"], command
    assert offer("gitslices shell-init ") == ["bash", "zsh", "fish"]
    assert offer("gs c") == ["cd", "claim", "check", "conflicts"]
    assert offer("gitslices c") == ["claim", "check", "conflicts"]
    assert offer("gs cd a-t") == ["a-two"]
    assert offer("gitslices merge --st") == ["--style"]
    assert offer("gitslices nonsense ") == offer("gitslices 'open ") == []
