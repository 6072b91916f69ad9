"""`gitslices hook`: install, uninstall, status, run."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, common_options, get_named_by_hook, probe_here
from gitslices.system.hook_scripts import PURPOSES

if TYPE_CHECKING:
    from gitslices.ops.hook import HooksReport

_EXAMPLES = """\b
Examples:
  gitslices hook install
  gitslices hook status --json
  gitslices hook uninstall
"""

_force_option = click.option(
    "--force", is_flag=True, help="Also in a folder of the project that core.hooksPath names."
)


@click.group(epilog=_EXAMPLES, no_args_is_help=False)
def command() -> None:
    """Hold the write scopes in git's own hooks.

    In a slice no commit gets past its write scope, --no-verify or not; a push is checked unless
    --no-verify skips it, and merge checks everything once more. Hooks that are there already stay,
    and run first. Outside slices a hook costs the start of a shell. husky, lefthook and
    simple-git-hooks are made to call ours, by lines in files of the project that are to be
    committed.
    """


@command.command("install")
@_force_option
@common_options
def install_command(*, force: bool, directory: Path, as_json: bool) -> Outcome:
    """Install the hooks for all worktrees of the repository."""
    from gitslices.ops.hook import InstallRequest, install

    request = InstallRequest(python=sys.executable, force=force)
    return _tell(install(probe_here(directory), request))


@command.command("uninstall")
@_force_option
@common_options
def uninstall_command(*, force: bool, directory: Path, as_json: bool) -> Outcome:
    """Take the hooks away, and put those from before back."""
    from gitslices.ops.hook import uninstall

    return _tell(uninstall(probe_here(directory), force=force))


@command.command("status")
@common_options
def status_command(*, directory: Path, as_json: bool) -> Outcome:
    """Show how the hooks stand; exit 1 unless all are installed."""
    from gitslices.ops.hook import read_hooks

    report = read_hooks(probe_here(directory))
    return _tell(report, exit_code=0 if report.ok else 1)


@command.command("run")
@click.argument("name", type=click.Choice(list(PURPOSES)))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@common_options
def run_command(*, name: str, args: tuple[str, ...], directory: Path, as_json: bool) -> Outcome:
    """Do what the hook NAME does; ARGS and standard input are as git gives them."""
    from gitslices.ops.hook_run import HookRequest, run_hook

    request = HookRequest(
        name=name,
        index_file=get_named_by_hook(directory).index_file,
        input=sys.stdin.read() if name == "pre-push" else "",
    )
    report = run_hook(probe_here(directory), request)

    def text() -> str:
        from gitslices.output.text.checks import format_hook_run

        return format_hook_run(report)

    return Outcome(document=report, text=text, exit_code=0 if report.checked.ok else 1)


def _tell(report: "HooksReport", *, exit_code: int = 0) -> Outcome:
    def text() -> str:
        from gitslices.output.text.checks import format_hooks

        return format_hooks(report)

    return Outcome(document=report, text=text, exit_code=exit_code)
