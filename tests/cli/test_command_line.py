"""What every command shares: help, exit codes, signals, JSON errors, lazy imports."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.agents.adapters.table import ADAPTERS
from gitslices.cli.commands import COMMANDS
from gitslices.cli.main import app
from tests.support.commands import Cli, Finished, run_cli, run_cli_nowhere
from tests.support.graphs import write_graph


def test_help_lists_every_command_and_imports_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from gitslices.cli.main import run\n"
        "run(['--help'])\n"
        "print([name for name in ('git', 'rich', 'filelock', 'pathspec', 'sqlite3', 'yaml')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_the_common_options_and_an_example(name: str) -> None:
    import click

    context = click.Context(app, info_name="gitslices")
    command = app.get_command(context, name)
    assert command is not None
    own = click.Context(command, info_name=name, parent=context)
    assert f"gitslices {name}" in command.get_help(own).partition("Examples:")[2]
    parts = command.commands if isinstance(command, click.Group) else {name: command}
    for below, part in parts.items():
        text = part.get_help(click.Context(part, info_name=below, parent=own))
        assert "--json" in text
        assert "-C DIR" in text


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "plam")
    assert done.code == 2
    assert done.err == (
        "error: No such command 'plam'. Did you mean 'plan'?\nhint: see: gitslices --help\n"
    )
    assert "Did you mean 'status'?" in run_cli(tmp_path, "stauts").err
    assert run_cli(tmp_path, "xyzzy").err.startswith("error: No such command 'xyzzy'.\n")


def test_help_is_a_command(tmp_path: Path) -> None:
    assert run_cli(tmp_path, "help").out == run_cli(tmp_path, "--help").out
    installed = run_cli(tmp_path, "help", "hook", "install")
    assert installed.out == run_cli(tmp_path, "hook", "install", "--help").out
    assert "Did you mean 'claim'?" in run_cli(tmp_path, "help", "clam").err
    beyond = run_cli(tmp_path, "help", "claim", "api")
    assert (beyond.code, beyond.err.splitlines()[0]) == (
        2, "error: 'gitslices claim' has no commands below it",
    )  # fmt: skip
    assert run_cli(tmp_path, "help", "claim", "--json").document["command"] == "gitslices claim"


def test_a_directory_before_the_command_is_where_it_runs(cli: Cli, repo: Path) -> None:
    write_graph(repo / "src" / "g.json", {"id": "a", "write_set": ["docs/"]})
    there = cli("-C", "src", "plan", "g.json", "--json")
    assert there.document["slices"][0]["slice_id"] == "a"
    assert cli("-C", "src", "-C", "", "-C", "..", "plan", "src/g.json").code == 0
    # After the command it names a repository, and files are those of the directory at hand.
    assert cli("plan", "g.json", "-C", "src").code == 2
    nowhere = cli("-C", "none", "status")
    assert (nowhere.code, nowhere.err.splitlines()[0]) == (
        2, "error: cannot change to 'none': No such file or directory",
    )  # fmt: skip


def test_a_usage_error_is_json_under_json(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "plan", "--nonsense", "--json")
    assert done.code == 2
    assert done.document["ok"] is False
    assert done.document["error"]["code"] == "usage"
    assert done.err == ""


def test_choices_of_a_missing_option_stand_on_one_line(tmp_path: Path) -> None:
    first, hint = run_cli(tmp_path, "agent", "guard").err.splitlines()
    assert first == "error: Missing option '--tool'. Choose from: " + ", ".join(ADAPTERS)
    assert hint == "hint: see: gitslices agent guard --help"


@pytest.mark.parametrize(
    "args",
    [("status", "--goal"), ("agent", "guard", "--tool"), ("plan", "-C"), ("status", "--json=1")],
)
def test_a_usage_error_leads_to_the_help_of_its_command(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    done = run_cli(tmp_path, *args)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"hint: see: gitslices {' '.join(args[:-1])} --help"


def test_no_command_at_all_prints_the_help(tmp_path: Path) -> None:
    done = run_cli(tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out == run_cli(tmp_path, "--help").out


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert run_cli(tmp_path, "--version").out.startswith("gitslices ")


def test_a_closed_pipe_ends_quietly(cli: Cli, repo: Path) -> None:
    script = f"{sys.executable} -m gitslices schema plan; echo $? >code"
    subprocess.run(["bash", "-c", f"({script}) | true"], cwd=repo, check=True, capture_output=True)
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; yes | {sys.executable} -m gitslices validate - | true"],
        cwd=repo, check=False, capture_output=True,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_have_their_exit_codes(repo: Path, number: int, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gitslices", "validate", "-"],
        cwd=repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # A shell ignores SIGINT for what it starts in the background, the tests for one.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdin is not None
    wait_until_it_reads(process.pid)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == code
    assert b"Traceback" not in err


def wait_until_it_reads(pid: int) -> None:
    """Return once the process has all its imports and is blocked reading its standard input."""
    while True:
        try:
            syscall = Path(f"/proc/{pid}/syscall").read_text().split()
        except PermissionError:
            pytest.skip("this machine does not show what a process waits for")
        if syscall[0] in {"0", "63"} and int(syscall[1], 16) == 0:  # read(0): x86-64, arm64
            return
        os.sched_yield()


def test_git_slices_works_as_a_git_subcommand(repo: Path) -> None:
    bin_folder = Path(sys.executable).parent
    if not (bin_folder / "git-slices").exists():
        pytest.skip("gitslices is not installed beside this Python")
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["git", "slices", "--version"], cwd=repo, env={**os.environ, "PATH": path},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith(b"gitslices ")


def test_colour_only_on_a_terminal(cli: Cli, graph_file: Path) -> None:
    assert "\x1b[" not in cli("plan", str(graph_file)).out


def redirect(directory: Path, redirection: str, *args: str) -> Finished:
    """Run gitslices with a redirection of a shell's."""
    line = f"{shlex.join([sys.executable, '-m', 'gitslices', *args])} {redirection}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=directory, capture_output=True, text=True, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "standard output is closed")],
)
def test_an_answer_that_cannot_be_written_is_one_line(
    cli: Cli, repo: Path, graph_file: Path, more: tuple[str, ...], redirection: str, reason: str
) -> None:
    cli("plan", str(graph_file), "--apply")
    done = redirect(repo, redirection, "status", *more)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"error: the answer cannot be written: {reason}\n"


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("args", [("--help",), ("--version",), ("nonsense", "--json")])
def test_whatever_is_printed_a_closed_or_full_output_is_no_bug(
    tmp_path: Path, args: tuple[str, ...], redirection: str
) -> None:
    done = redirect(tmp_path, redirection, *args)
    assert done.code == (2 if "--json" in args else 3)
    assert done.err.startswith("error: ")
    assert "Traceback" not in done.err
    assert "bug" not in done.err


def test_a_failure_without_a_place_to_tell_it_keeps_its_exit_code(tmp_path: Path) -> None:
    for redirection in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        assert redirect(tmp_path, redirection, "nonsense").code == 2


def test_closed_standard_input_is_an_empty_graph(tmp_path: Path) -> None:
    done = redirect(tmp_path, "<&-", "validate", "-")
    assert done.code == 2
    assert done.err == run_cli(tmp_path, "validate", "-").err


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_claim_that_cannot_be_told_says_how_to_free_the_slice(
    cli: Cli, repo: Path, graph_file: Path, more: tuple[str, ...]
) -> None:
    cli("plan", str(graph_file), "--apply")
    done = redirect(repo, ">/dev/full", "claim", "ui", *more)
    assert done.code == 3
    first, hint = done.err.splitlines()
    assert first == "error: the answer cannot be written: No space left on device"
    free = "gitslices release ui --force --goal auth-rework"
    assert hint == f"hint: the claim stands; free the slice: {free}"
    assert cli(*shlex.split(free)[1:]).code == 0
    assert cli("claim", "ui").code == 0


@pytest.mark.parametrize(
    "command", [("check",), ("check", "--all"), ("undo",), ("undo", "--list"), ("status",)]
)
def test_a_goal_that_is_none_is_an_input_error(
    cli: Cli, graph_file: Path, command: tuple[str, ...]
) -> None:
    assert cli(*command, "--goal", "nope").code == 2
    cli("plan", str(graph_file), "--apply")
    done = cli(*command, "--goal", "nope")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: there is no goal 'nope'\nhint: known are: auth-rework\n"
    assert cli(*command, "--goal", "auth-rework").code in {0, 1}


HUGE = "99999999999999999999"


@pytest.mark.parametrize(
    "args",
    [
        ("plan", "--apply", "--lock-timeout", "nan"),
        ("plan", "--apply", "--lock-timeout", "inf"),
        ("plan", "--apply", "--jobs", HUGE),
        ("plan", "--workers", HUGE),
        ("claim", "api", "--wait", "nan"),
        ("claim", "api", "--ttl", HUGE),
        ("log", "-n", HUGE),
        ("done", "api", "--token", HUGE),
        ("run", "--jobs", HUGE, "--", "true"),
        ("run", "--retries", HUGE, "--", "true"),
    ],
)
def test_numbers_beyond_all_bounds_are_usage_errors(tmp_path: Path, args: tuple[str, ...]) -> None:
    done = run_cli(tmp_path, *args)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: Invalid value for ")


def test_validate_and_plan_find_the_graph_at_the_root_from_any_directory(
    repo: Path, graph_file: Path, tmp_path: Path
) -> None:
    below = repo / "some" / "where"
    below.mkdir(parents=True)
    assert f"no task graph at {str(repo)!r}" in run_cli(below, "validate").err
    shutil.copy(graph_file, repo / "gitslices.toml")
    assert run_cli(below, "validate").out == run_cli(repo, "validate").out
    assert run_cli(below, "plan").code == run_cli(below, "validate").code == 0
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(graph_file, alone / "gitslices.toml")
    assert run_cli(alone, "validate").code == 0


NOWHERE = (
    "error: the current directory has been deleted\n"
    "hint: change to a directory that exists, or name one with -C DIR\n"
)


@pytest.mark.parametrize(
    "args", [("status",), ("plan", "x.toml"), ("validate",), ("doctor",), ("claim", "-C", ".")]
)
def test_a_current_directory_that_is_gone_is_told_in_one_line(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    done = run_cli_nowhere(tmp_path / "gone", *args)
    assert (done.code, done.out, done.err) == (3, "", NOWHERE)
    told = run_cli_nowhere(tmp_path / "gone", *args, "--json")
    assert (told.code, told.err) == (3, "")
    assert told.document["error"]["code"] == "environment"


def test_where_the_current_directory_is_gone_commands_work_elsewhere(
    repo: Path, tmp_path: Path
) -> None:
    graph = tmp_path / "g.toml"
    graph.write_text(
        'goal_id = "g"\n[[tasks]]\nid = "api"\nowner_role = "w"\nwrite_set = ["src/api/"]\n'
    )
    there = ("-C", str(repo))
    for args in (
        ("--version",),
        ("plan", "--help"),
        ("validate", str(graph), *there),
        ("plan", str(graph), "--apply", *there),
        ("status", *there),
        ("ready", *there),
        ("claim", "api", *there),
        ("scope", "allow", "api", "Makefile", "--reason", "x", *there),
        ("check", "-C", f"{repo}.slices/g--api"),
        ("release", "api", "--token", "1", *there),
        ("remove", "api", *there),
        ("undo", *there),
        ("doctor", *there),
        ("log", *there),
    ):
        done = run_cli_nowhere(tmp_path / "gone", *args)
        assert done.code == 0, (args, done.err)
        assert done.out
