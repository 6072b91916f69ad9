"""`gitslices check`, `scope` and `scopes`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitslices.cli.options import (
    Outcome,
    choose_slice,
    common_options,
    find_user,
    get_named_by_hook,
    goal_option,
    goals_option,
    holder_option,
    lock_option,
    offer,
    probe_here,
    slice_argument,
    wait_option,
)
from gitslices.core.model import BranchName, SliceId

if TYPE_CHECKING:
    from gitslices.ops.check import CheckReport, CheckRequest
    from gitslices.ops.scope import ScopeReport
    from gitslices.ops.scope_requests import AskReport
    from gitslices.workspace import Workspace

_CHECK_EXAMPLES = """\b
Examples:
  gitslices check                     all that this worktree's slice has changed
  gitslices check --staged            the slice as the next commit leaves it
  gitslices check --slice api --json  another slice, from anywhere
  gitslices check --commits v1..HEAD  what these commits did
  gitslices check --ci --base origin/main  a branch in a clean clone, by gitslices.lock
  gitslices check --ci --remote origin     the same, by the goals that are shared there
"""


@click.command("check", epilog=_CHECK_EXAMPLES)
@click.option(
    "--staged",
    is_flag=True,
    help="Look at the index only: the slice as the next commit leaves it.",
)
@click.option("--commits", metavar="RANGE", help="Look at the commits A..B, or all up to B.")
@click.option(
    "--slice", "slice_id", metavar="ID", shell_complete=offer("slices"),
    help="Check this slice, wherever its worktree.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Check every slice under way.")
@click.option(
    "--ci",
    is_flag=True,
    help="Judge HEAD in a clean clone, by the gitslices.lock of what it is to be merged into.",
)
@click.option(
    "--base",
    metavar="REF",
    help="With --ci: what HEAD is to be merged into.  [default: as the CI says, else origin/HEAD]",
)
@click.option(
    "--remote",
    metavar="REMOTE",
    help="With --ci: judge by the goals shared on REMOTE instead; see: gitslices join.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "github", "sarif"]),
    default="text",
    show_default=True,
    help="What to print: for people, annotations of GitHub's, or SARIF.",
)
@goal_option
@common_options
def check_command(
    *,
    staged: bool,
    commits: str | None,
    slice_id: str | None,
    every: bool,
    ci: bool,
    base: str | None,
    remote: str | None,
    format_: str,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Compare a slice's changes with its write scope, and exit 1 if any is outside.

    Everything counts that the target does not have: commits, staged and unstaged changes,
    untracked files. A renamed file counts twice, at its old and at its new path.
    """
    from gitslices.ops.check import CheckRequest, check

    if staged and commits is not None:
        raise click.UsageError("--staged and --commits exclude each other")
    if every and (slice_id is not None or commits is not None):
        raise click.UsageError("--all excludes --slice and --commits")
    if ci and (staged or every or commits is not None):
        raise click.UsageError("--ci excludes --staged, --all and --commits")
    for name, value in {"--base": base, "--remote": remote}.items():
        if value is not None and not ci:
            raise click.UsageError(f"{name} needs --ci")
    if as_json and format_ != "text":
        raise click.UsageError("--json and --format exclude each other")
    request = CheckRequest(
        slice_id=SliceId(slice_id) if slice_id is not None else None,
        goal_id=goal_id,
        every=every,
        staged=staged,
        index_file=get_named_by_hook(directory).index_file,
        commits=commits,
    )
    workspace = probe_here(directory)
    report = _check_ci(workspace, base, remote, request) if ci else check(workspace, request)

    def text() -> str:
        if ci and format_ == "text" and not report.slices:
            return "the plan has no slice for this branch: nothing to check\n"
        if format_ == "text":
            from gitslices.output.text.checks import format_check

            return format_check(report)
        from gitslices.output.annotations import format_github, format_sarif

        return format_github(report) if format_ == "github" else format_sarif(report)

    return Outcome(document=report, text=text, exit_code=0 if report.ok else 1)


# What the pull or merge request is of, and what it is to be merged into, as each CI says it.
_BRANCH_VARIABLES = (
    "GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "GITHUB_REF_NAME",
    "CI_COMMIT_BRANCH",
)  # fmt: skip
_BASE_VARIABLES = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")


def _check_ci(
    workspace: "Workspace", base: str | None, remote: str | None, request: "CheckRequest"
) -> "CheckReport":
    from gitslices.ops.check_ci import CiRequest, check_ci

    named = [os.environ[name] for name in _BRANCH_VARIABLES if os.environ.get(name)]
    bases = [os.environ[name] for name in _BASE_VARIABLES if os.environ.get(name)]
    told = (name for one in bases for name in (f"refs/remotes/origin/{one}", f"refs/heads/{one}"))
    return check_ci(
        workspace,
        CiRequest(
            bases=(base,) if base is not None else (*told, "refs/remotes/origin/HEAD"),
            branch=BranchName(named[0]) if named else None,
            slice_id=request.slice_id,
            goal_id=request.goal_id,
            remote=remote,
        ),
    )


_SCOPE_EXAMPLES = """\b
Examples:
  gitslices scope show                in the slice's worktree
  gitslices scope show api
  gitslices scope allow api Makefile --reason "the new target is needed for the tests"
  gitslices scope request Makefile --reason "the tests need a target"
  gitslices scope grant api
"""


@click.group("scope", epilog=_SCOPE_EXAMPLES, no_args_is_help=False)
def scope_command() -> None:
    """Show what a slice may touch, and widen it while it is under way."""


@scope_command.command("show")
@slice_argument
@goal_option
@common_options
def show_command(
    *, slice_id: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Show what SLICE, or the one at hand, may read and write, and what was allowed meanwhile."""
    from gitslices.ops.scope import show_scope

    workspace = probe_here(directory)
    return _tell_scope(show_scope(workspace, *choose_slice(workspace, slice_id, goal_id)))


@scope_command.command("allow")
@click.argument("names", metavar="[SLICE] PATTERN", nargs=-1, shell_complete=offer("slices"))
@click.option("--reason", required=True, metavar="TEXT", help="Why; the log shows it.")
@wait_option("Ask those in the way and wait")
@goal_option
@lock_option
@common_options
def allow_command(
    *,
    names: tuple[str, ...],
    reason: str,
    wait: float,
    goal_id: str | None,
    lock_timeout: float,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Let SLICE, or the one at hand, write PATTERN, too.

    Refused where another slice under way could touch the same path.
    Under way is a slice with a commit, with uncommitted files, or with a holder; it is named,
    together with such a path. The graph stays as it is, and planning it again keeps the allowance.
    """
    from gitslices.ops.scope import AllowRequest, allow_scope

    workspace = probe_here(directory, lock_timeout=lock_timeout)
    id_, pattern, goal_id = _read_names(workspace, names, goal_id)
    if wait:
        from gitslices.ops.scope_requests import AskRequest, wait_for_scope

        asked = AskRequest(
            slice_id=id_, pattern=pattern, reason=reason, goal_id=goal_id, holder=find_user()
        )
        return _tell_scope(wait_for_scope(workspace, asked, seconds=wait))
    request = AllowRequest(slice_id=id_, pattern=pattern, reason=reason, goal_id=goal_id)
    return _tell_scope(allow_scope(workspace, request))


def _read_names(
    workspace: "Workspace", names: tuple[str, ...], goal_id: str | None
) -> tuple[SliceId, str, str | None]:
    """The slice, the pattern and the goal that `[SLICE] PATTERN` means."""
    if len(names) not in {1, 2}:
        raise click.UsageError("give SLICE and PATTERN, or in a slice's worktree PATTERN alone")
    *named, pattern = names
    id_, goal_id = choose_slice(workspace, named[0] if named else None, goal_id)
    return id_, pattern, goal_id


@scope_command.command("request")
@click.argument("names", metavar="[SLICE] PATTERN", nargs=-1, shell_complete=offer("slices"))
@click.option("--reason", required=True, metavar="TEXT", help="Why; whoever grants it sees it.")
@holder_option("Who asks.")
@goal_option
@common_options
def request_command(
    *,
    names: tuple[str, ...],
    reason: str,
    holder: str | None,
    goal_id: str | None,
    directory: Path,
    as_json: bool,
) -> Outcome:
    """Ask that SLICE, or the one at hand, may write PATTERN, too.

    Slices in the way are named; whoever works on them sees it in `status`, `show` and with the
    next heartbeat. It is granted by `scope grant`, or by itself once all of them have landed.
    Exit 1 as long as it is not.
    """
    from gitslices.ops.scope_requests import AskRequest, ask_for_scope

    workspace = probe_here(directory)
    id_, pattern, goal_id = _read_names(workspace, names, goal_id)
    asked = AskRequest(
        slice_id=id_, pattern=pattern, reason=reason, goal_id=goal_id, holder=holder or find_user()
    )
    return _tell_request(ask_for_scope(workspace, asked))


@scope_command.command("grant")
@click.argument("slice_id", metavar="SLICE", shell_complete=offer("slices"))
@click.argument("pattern", required=False)
@goal_option
@common_options
def grant_command(
    *, slice_id: str, pattern: str | None, goal_id: str | None, directory: Path, as_json: bool
) -> Outcome:
    """Let SLICE write what it asked for: PATTERN, or the only thing.

    In the worktree of a slice that is in the way it is that slice's word, and others that are have
    to give theirs. Anywhere else it is a person's, and enough. Exit 1 where words are missing.
    """
    from gitslices.ops.scope_requests import GrantRequest, grant_scope
    from gitslices.slices.marks import find_mark

    workspace = probe_here(directory)
    mark = find_mark(workspace.repo.git_dir)
    request = GrantRequest(
        slice_id=SliceId(slice_id),
        pattern=pattern,
        goal_id=goal_id,
        granting=(mark.goal_id, mark.slice_id) if mark else None,
    )
    return _tell_request(grant_scope(workspace, request))


def _tell_request(report: "AskReport") -> Outcome:
    def text() -> str:
        from gitslices.output.text.checks import format_request

        return format_request(report)

    return Outcome(document=report, text=text, exit_code=0 if report.granted else 1)


def _tell_scope(report: "ScopeReport") -> Outcome:
    def text() -> str:
        from gitslices.output.text.checks import format_scope

        return format_scope(report)

    return Outcome(document=report, text=text)


_SCOPES_EXAMPLES = """\b
Examples:
  gitslices scopes
  gitslices scopes --goal auth-rework --json
"""


@click.command("scopes", epilog=_SCOPES_EXAMPLES)
@goals_option
@common_options
def scopes_command(*, goal_id: str | None, directory: Path, as_json: bool) -> Outcome:
    """Show how well declared scopes have held, by slices that have landed.

    How many stayed inside what they declared, how wide that was for what they touched, what was
    allowed later and refused, and which forced orders no file bore out.
    """
    from gitslices.ops.scopes import read_scopes

    report = read_scopes(probe_here(directory), goal_id)

    def text() -> str:
        from gitslices.output.text.checks import format_scopes

        return format_scopes(report)

    return Outcome(document=report, text=text)
