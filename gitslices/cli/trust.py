"""`gitslices trust`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import Outcome, can_ask, common_options, open_here

if TYPE_CHECKING:
    from gitslices.workspace import Workspace

_EXAMPLES = """\b
Examples:
  gitslices trust            show what is not approved yet, and ask
  gitslices trust --yes      approve without being asked
  gitslices trust --revoke   nothing may run here any more
"""


@click.command(epilog=_EXAMPLES)
@click.option("--yes", is_flag=True, help="Approve without asking.")
@click.option("--list", "lists", is_flag=True, help="Only show what is approved here.")
@click.option("--revoke", "revokes", is_flag=True, help="Withdraw every approval given here.")
@common_options
def command(*, yes: bool, lists: bool, revokes: bool, directory: Path, as_json: bool) -> Outcome:
    """Approve the commands in .gitslices/config.toml, by their exact text.

    Set-up commands and gates run only once they are approved. An approval holds for one text in one
    repository; a changed command has to be approved again.
    """
    if yes + lists + revokes > 1:
        raise click.UsageError("--yes, --list and --revoke exclude each other")
    workspace = open_here(directory)
    if lists:
        return _list(workspace)
    return _revoke(workspace) if revokes else _approve(workspace, yes=yes, quiet=as_json)


def ask(missing: Sequence[str]) -> bool:
    """Show `missing` on standard error, and ask whether they may run."""
    from gitslices.output.text.upkeep import format_question

    click.echo(format_question(missing), err=True, nl=False)
    return click.confirm("Approve?", err=True)


def _approve(workspace: "Workspace", *, yes: bool, quiet: bool) -> Outcome:
    from gitslices.output.text.upkeep import format_missing
    from gitslices.output.words import count, escape
    from gitslices.repo_commands.trust import approve, read_trust

    missing = read_trust(workspace).missing
    if missing and (yes or (can_ask() and not quiet and ask(missing))):
        approve(workspace, missing)
    report = read_trust(workspace)
    for remark in report.remarks:
        click.echo(f"note: {escape(remark)}", err=True)
    approved = f"approved: {count(len(report.approved), 'command')}\n"
    return Outcome(
        document={"ok": not report.missing, "approved": report.approved, "missing": report.missing},
        text=lambda: format_missing(report.missing) if report.missing else approved,
        exit_code=1 if report.missing else 0,
    )


def _list(workspace: "Workspace") -> Outcome:
    from gitslices.output.text.upkeep import format_approvals
    from gitslices.repo_commands.trust import list_approvals

    approvals = list_approvals(workspace)
    return Outcome(document={"approvals": approvals}, text=lambda: format_approvals(approvals))


def _revoke(workspace: "Workspace") -> Outcome:
    from gitslices.output.words import count
    from gitslices.repo_commands.trust import revoke

    revoked = revoke(workspace)
    return Outcome(
        document={"ok": True, "revoked": revoked},
        text=lambda: f"revoked: {count(len(revoked), 'command')}\n",
    )
