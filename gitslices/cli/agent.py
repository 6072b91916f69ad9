"""`gitslices agent`: what people call, and what agents' hooks do."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitslices.agents.adapters.table import ADAPTERS, load_adapter
from gitslices.cli.options import (
    Outcome,
    common_options,
    lock_option,
    make_absolute,
    probe_here,
    ttl_option,
)

if TYPE_CHECKING:
    from gitslices.provisioning.agent_files import AgentFilesReport

_EXAMPLES = """\b
Examples:
  gitslices agent install claude --user     for every repository and folder of this user
  gitslices agent install claude            for whoever works in this repository
  gitslices agent install claude --mcp      the commands as tools of it, too
  gitslices agent install codex --print     only show what would be written
  gitslices agent status --try              would the guard be asked, and does it answer?
  gitslices agent uninstall claude
"""

_tool_argument = click.argument("tool", type=click.Choice(ADAPTERS))


@click.group(epilog=_EXAMPLES, no_args_is_help=False)
def command() -> None:
    """Keep coding agents inside their slices, and give their sessions slices to work in."""


@command.command("install")
@_tool_argument
@click.option("--user", "for_user", is_flag=True, help="In the user's own settings.")
@click.option("--mcp", "serves", is_flag=True, help="Tell it of the MCP server, too.")
@click.option("--print", "prints", is_flag=True, help="Only show what the files would hold.")
@common_options
def install_command(
    *, tool: str, for_user: bool, serves: bool, prints: bool, directory: Path, as_json: bool
) -> Outcome:
    """Have TOOL ask before it writes, and teach it the commands it needs.

    Its hooks and a skill are merged into what is there, in the main worktree and in those of all
    slices, now and whenever one is made. Files that git does not track stay so, and are ignored;
    tracked ones are changed in the main worktree only, to be committed.

    With --user the hooks go into the user's own settings instead. They are asked wherever a session
    is started, in any folder of any slice, and are silent outside slices. Both may be there.
    """
    from gitslices.agents.install import AgentInstallRequest, install, install_for_user
    from gitslices.output.text.checks import format_agent_files, format_agent_texts

    if for_user and serves:
        raise click.UsageError("--mcp goes into the repository: leave out --user")
    if for_user:
        report = install_for_user(tool, os.environ, dry_run=prints)
        if not prints:
            _write_launcher_here(directory)
    else:
        request = AgentInstallRequest(
            tool=tool, python=sys.executable, serves=serves, dry_run=prints
        )
        report = install(probe_here(directory), request)

    def text() -> str:
        if prints:
            return format_agent_texts(report)
        hints = [f"whether it really asks: gitslices agent status {tool}"]
        if not for_user and load_adapter(tool).user_settings:
            hints.insert(0, f"in any folder of every slice: gitslices agent install {tool} --user")
        return "".join([format_agent_files(report), *(f"hint: {hint}\n" for hint in hints)])

    return Outcome(document=report, text=text)


@command.command("uninstall")
@_tool_argument
@click.option("--user", "for_user", is_flag=True, help="From the user's own settings.")
@common_options
def uninstall_command(*, tool: str, for_user: bool, directory: Path, as_json: bool) -> Outcome:
    """Take away what install has put there, and leave everything else as it is."""
    from gitslices.agents.install import uninstall, uninstall_for_user
    from gitslices.output.text.checks import format_agent_files

    report: AgentFilesReport = (
        uninstall_for_user(tool, os.environ) if for_user else uninstall(probe_here(directory), tool)
    )
    return Outcome(document=report, text=lambda: format_agent_files(report))


@command.command("status")
@click.argument("tools", metavar="[TOOL]...", type=click.Choice(ADAPTERS), nargs=-1)
@click.option(
    "--try", "tries", is_flag=True, help="Ask the guard about an edit that it must refuse."
)
@common_options
def status_command(
    *, tools: tuple[str, ...], tries: bool, directory: Path, as_json: bool
) -> Outcome:
    """Tell for each agent and slice whether it would really ask before it writes.

    Looked at are the user's settings and those of the slice: whether the hooks are there, as this
    version writes them, not switched off, and, for Codex, reviewed and of a trusted project.
    Without TOOL these are the agents that ask anywhere. Exits 1 where one would not be asked about.
    """
    from gitslices.agents.status import AgentStatusRequest, format_status, read_status

    request = AgentStatusRequest(environ=dict(os.environ), tools=tools, tries=tries)
    report = read_status(probe_here(directory), request)
    return Outcome(
        document=report, text=lambda: format_status(report), exit_code=0 if report.ok else 1
    )


@command.command("guard")
@click.option("--tool", required=True, type=click.Choice(ADAPTERS), help="Whose hook it is.")
@common_options
def guard_command(*, tool: str, directory: Path, as_json: bool) -> int | Outcome:
    """Say no to an edit outside the write scope of the slice that the session is in.

    Reads what the tool tells its hooks before an edit or a command from standard input. Silence
    leaves the decision to whoever has it otherwise; so it is in every place that is no slice. Exits
    2, a no for all tools, where it fails. With --json it says what it has found, in words of its
    own and not in those of the tool.
    """
    from gitslices.agents.guard import answer_hook, run

    if not as_json:
        return run([tool], find_here=lambda: make_absolute(directory))
    report = answer_hook(load_adapter(tool), sys.stdin.fileno(), make_absolute(directory))
    return Outcome(
        document=report, text=str, exit_code=1 if report is not None and report.denials else 0
    )


@command.command("turn")
@click.option("--tool", required=True, type=click.Choice(ADAPTERS), help="Whose hook it is.")
@common_options
def turn_command(*, tool: str, directory: Path, as_json: bool) -> Outcome:
    """Note whether the session in a slice waits for a person, for status and run to show.

    Serves the hooks by which tools tell that a turn has begun or is over, or that something must be
    allowed; their payload is read from standard input. It says nothing, and stops nothing.
    """
    from gitslices.agents.turn import note_turn

    here = make_absolute(directory)
    report = note_turn(load_adapter(tool), sys.stdin.fileno(), here, probe_here)
    return Outcome(document=report, text=lambda: "")


@command.command("worktree-create")
@ttl_option("How long the session has the slice, unless a heartbeat moves the deadline.", "2h")
@lock_option
@common_options
def create_command(*, ttl: int, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """Claim a slice for a session that asks for a worktree, and print where it is.

    Serves Claude Code's hook WorktreeCreate, whose payload is read from standard input. The slice
    is the one that is named like the worktree, or else the next ready one. The session finds its
    claim with: cat "$(git rev-parse --git-dir)/gitslices-claim.json"
    """
    from gitslices.agents.adapters.payload import name_session
    from gitslices.ops.agent_worktree import HandOutRequest, hand_out

    payload = _read_payload()
    given = payload.get("name", payload.get("worktree_name"))
    name = given if isinstance(given, str) else ""
    holder = name_session("claude", payload) or "claude"
    # So Claude Code names the worktree of a subagent, whose own id comes with its further payloads.
    if re.fullmatch(r"agent-[0-9a-z]{8,}", name):
        holder = f"{holder} {name}"
    request = HandOutRequest(holder=holder, name=name, ttl=ttl)
    where = _find_directory(payload, directory)
    report = hand_out(probe_here(where, lock_timeout=lock_timeout), request)

    def text() -> str:
        from gitslices.output.text.leases import format_claim

        click.echo(format_claim(report), err=True, nl=False)
        return f"{report.worktree_path}\n"

    return Outcome(document=report, text=text)


@command.command("worktree-remove")
@lock_option
@common_options
def remove_command(*, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """Give the slice back whose worktree a session has left; nothing in it is removed.

    Serves Claude Code's hook WorktreeRemove, whose payload is read from standard input.
    """
    from gitslices.agents.adapters.payload import require_text
    from gitslices.ops.agent_worktree import HandBackReport, hand_back

    worktree = make_absolute(Path(require_text(_read_payload(), "worktree_path")))
    if (worktree / ".git").exists():
        report = hand_back(probe_here(worktree, lock_timeout=lock_timeout), worktree)
    else:
        report = HandBackReport()

    def text() -> str:
        from gitslices.output.words import escape

        if report.slice_id is None:
            return "there is no worktree any more\n"
        what = "open again" if report.released else "not held by this session any more"
        return f"{escape(report.slice_id)}: {what}; its worktree stays\n"

    return Outcome(document=report, text=text)


@command.command("session-start")
@ttl_option("How long the session has a slice, unless a heartbeat moves the deadline.", "2h")
@lock_option
@common_options
def session_start_command(
    *, ttl: int, lock_timeout: float, directory: Path, as_json: bool
) -> Outcome:
    """Give a session that goes on the slices again that it had when it ended.

    Serves Claude Code's hooks SessionStart and SubagentStart, whose payload is read from standard
    input. The session is told its new tokens, or who has the slice by now.
    """
    from gitslices.agents.adapters.claude import format_context
    from gitslices.agents.adapters.payload import find_text, name_session
    from gitslices.ops.agent_session import (
        BeginRequest,
        SessionReport,
        begin_session,
        describe_session,
    )

    payload = _read_payload()
    holder, source = name_session("claude", payload), find_text(payload, "source")
    where = make_absolute(_find_directory(payload, directory))
    report = SessionReport()
    if holder is not None:
        request = BeginRequest(
            holder=holder,
            place=where,
            ttl=ttl,
            is_resumed=source == "resume",
            is_cleared=source == "clear",
        )
        report = begin_session(probe_here(where, lock_timeout=lock_timeout), request)
    event = find_text(payload, "hook_event_name") or "SessionStart"

    def text() -> str:
        lines = [f"gitslices: {line}" for line in describe_session(report)]
        return format_context(event, "\n".join(lines)).decode() if lines else ""

    return Outcome(document=report, text=text)


@command.command("session-end")
@lock_option
@common_options
def session_end_command(*, lock_timeout: float, directory: Path, as_json: bool) -> Outcome:
    """Give the slices back that a session has; the work in them stays.

    Serves Claude Code's hooks SessionEnd and SubagentStop, whose payload is read from standard
    input.
    """
    from gitslices.agents.adapters.payload import name_session
    from gitslices.ops.agent_session import SessionReport, end_session

    payload = _read_payload()
    holder = name_session("claude", payload)
    workspace = probe_here(_find_directory(payload, directory), lock_timeout=lock_timeout)
    is_subagent = "agent_id" in payload
    report = end_session(workspace, holder, alone=is_subagent) if holder else SessionReport()
    return Outcome(document=report, text=lambda: "")


def _write_launcher_here(directory: Path) -> None:
    """Where `gitslices` is not on PATH, the user's hooks find it by this repository's script."""
    from gitslices.core.errors import NotARepositoryError
    from gitslices.system.agent_launcher import write_launcher

    with suppress(NotARepositoryError):
        write_launcher(probe_here(directory).repo.common_dir, sys.executable)


def _read_payload() -> dict[str, Any]:
    from gitslices.agents.adapters.payload import read_payload

    return read_payload(sys.stdin.fileno())


def _find_directory(payload: dict[str, Any], directory: Path) -> Path:
    """Where the session is, unless `-C` leads elsewhere."""
    from gitslices.agents.adapters.payload import find_text

    return Path(find_text(payload, "cwd") or ".") if str(directory) == "." else directory
