"""`gitslices doctor`."""

import os
import sys
from functools import partial
from pathlib import Path

import click

from gitslices.cli.options import (
    Outcome,
    common_options,
    get_named_by_hook,
    lock_option,
    make_absolute,
    open_as_is,
)
from gitslices.core.errors import NotARepositoryError

_EXAMPLES = """\b
Examples:
  gitslices doctor
  gitslices doctor --fix
  gitslices doctor --fix --deleted     the folder with the worktrees was deleted
"""


@click.command(epilog=_EXAMPLES)
@click.option("--fix", is_flag=True, help="Repair what gitslices itself has made.")
@click.option(
    "--deleted",
    is_flag=True,
    help="With --fix: a folder that is not there was deleted, and is on no disk that is away.",
)
@lock_option
@common_options
def command(
    *, fix: bool, deleted: bool, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Find changes cut short, stale locks, lost or moved worktrees, missing hooks, risky settings.

    Hooks are those of git and of coding agents. Says of each finding what it is, why it matters and
    what --fix does about it; works where git itself fails. Exits 1 while anything is found that is
    not repaired.

    A folder of worktrees that is gone may lie on a disk that is not mounted, so it is left alone.
    --deleted says that it does not: its worktrees are made anew on their branches. What git still
    has of them, such as what was staged, goes to the trash.
    """
    from gitslices.agents.status import find_agent_troubles
    from gitslices.git.discovery import find_common_dir
    from gitslices.ops.doctor.doctor import DoctorRequest, doctor

    if deleted and not fix:
        raise click.UsageError("--deleted goes with --fix")
    here = make_absolute(directory)
    common_dir = find_common_dir(here, get_named_by_hook(directory).git_dir)
    if common_dir is None:
        raise NotARepositoryError(here)
    request = DoctorRequest(common_dir=common_dir, python=sys.executable, fix=fix, deleted=deleted)
    report = doctor(
        lambda: open_as_is(directory, lock_timeout=lock_timeout),
        request,
        checks=[partial(find_agent_troubles, environ=os.environ)],
    )

    def text() -> str:
        from gitslices.output.text.upkeep import format_findings

        return format_findings(report)

    return Outcome(document=report, text=text, exit_code=0 if report.is_healthy else 1)
