"""The entry: environment, signals, exit codes, and the one place that prints."""

import contextlib
import gc
import itertools
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Final, NoReturn

import click

from gitslices import __version__
from gitslices.cli.commands import LazyGroup
from gitslices.cli.options import Outcome
from gitslices.core.errors import DiskError
from gitslices.git.environment import NamedByHook, get_cwd, take_local_variables
from gitslices.system.streams import drop_unwritten, open_closed_streams

_INTERRUPTED: Final = 130
_CLOSED_PIPE: Final = 141
_TERMINATED: Final = 143
_BUG: Final = 70

_PARTS: Final = 500

_OBJECTS_BETWEEN_COLLECTIONS: Final = 2_000_000
"""A large graph is many objects and no cycles: looking for some took a third of a plan's time."""


_FLOW: Final = """\b
From start to end:
  gitslices init           a task graph to write on in
  gitslices plan --apply   what can go side by side gets worktrees
  gitslices claim          a slice for one worker, until a deadline
  gitslices done           its gates have passed
  gitslices merge --all    finished slices, in the plan's order
"""


# No Exception: whatever handles failures on the way must let it pass.
class _TerminatedError(BaseException):
    """SIGTERM came."""


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_FLOW,
)
@click.version_option(__version__, package_name="gitslices", message="gitslices %(version)s")
@click.option(
    "-C",
    "directories",
    metavar="DIR",
    multiple=True,
    help="Run as if started in DIR, as git does.",
)
@click.pass_context
def app(context: click.Context, directories: tuple[str, ...]) -> None:
    """Plan parallel work on one Git repository, and give every slice its own worktree.

    A task graph says which files each task reads and writes. Tasks that could touch the same file
    are put in an order, all others may run side by side.
    """
    for directory in directories:
        _change_to(directory)
        # What git told its hook is about the directory that it was started in.
        context.obj = NamedByHook()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _change_to(directory: str) -> None:
    """Go there, as `git -C` does: each starts from the one before, an empty one is here."""
    try:
        if directory:
            os.chdir(directory)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise click.UsageError(f"cannot change to {directory!r}: {reason}") from error


def main() -> NoReturn:
    """Run the command line and exit."""
    code = run(sys.argv[1:])
    drop_unwritten()
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    # By default it ends Python on the spot: the commands of a run would go on, and its leases
    # stand.
    signal.signal(signal.SIGTERM, _terminate)
    open_closed_streams()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    # Not click's: a command line that it refuses is answered in JSON, too.
    as_json = "--json" in argv
    try:
        if "_GITSLICES_COMPLETE" in os.environ:
            from gitslices.cli.completion import answer_shells

            answer_shells()
        named_by_hook = take_local_variables(os.environ, get_cwd)
        # Left to itself, click exits with 1 for Ctrl-C, a closed pipe and a bug alike.
        outcome = app.main(
            list(argv), prog_name="gitslices", standalone_mode=False, obj=named_by_hook
        )
        code = (
            _print(outcome, as_json=as_json) if isinstance(outcome, Outcome) else int(outcome or 0)
        )
        sys.stdout.flush()
    except BrokenPipeError:
        return _CLOSED_PIPE
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except _TerminatedError:
        return _TERMINATED
    except Exception as error:
        return report_failure(error, as_json=as_json)
    return code


def _print(outcome: Outcome, *, as_json: bool) -> int:
    try:
        if as_json:
            _print_document(outcome.document, ok=outcome.exit_code == 0)
        else:
            said = outcome.text()
            # Programs get times in UTC; people read their own clock.
            for part in (_tell_deadlines(said),) if isinstance(said, str) else _gather(said):
                click.echo(part, nl=False, color=_wants_colour(sys.stdout.isatty()))
    except BrokenPipeError:
        raise
    except OSError as error:
        said = f"the answer cannot be written: {error.strerror}"
        raise DiskError(said, hint=outcome.unsaid) from error
    return outcome.exit_code


def _tell_deadlines(text: str) -> str:
    if "until 2" not in text:
        return text
    from gitslices.output.words import tell_deadlines

    return tell_deadlines(text, datetime.now(UTC).isoformat())


def _gather(parts: Iterable[str]) -> Iterator[str]:
    """The same text in larger parts: each one printed is a call of the system."""
    parts = iter(parts)
    while gathered := "".join(itertools.islice(parts, _PARTS)):
        yield gathered


def _print_document(document: object, *, ok: bool) -> None:
    from gitslices.output.document import encode_parts

    for part in encode_parts(document, ok=ok):
        sys.stdout.buffer.write(part)
    sys.stdout.flush()


def report_failure(error: Exception, *, as_json: bool) -> int:
    """Tell of `error`, and return the exit code that goes with it."""
    from gitslices.output.document import describe_failure, format_failure

    failure = describe_failure(error)
    if failure.exit_code == _BUG and os.environ.get("GITSLICES_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if not (as_json and _tells(failure.document)):
        with contextlib.suppress(OSError):
            click.echo(
                _tell_deadlines(format_failure(failure)), err=True, nl=False,
                color=_wants_colour(sys.stderr.isatty()),
            )  # fmt: skip
    return failure.exit_code


def _tells(document: object) -> bool:
    """Print `document`; False where standard output does not take it."""
    try:
        _print_document(document, ok=False)
    except BrokenPipeError:
        return True  # nobody is there to be told
    except OSError:
        return False
    return True


def _wants_colour(terminal: bool) -> bool:
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise _TerminatedError
