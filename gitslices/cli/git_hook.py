"""`python -m gitslices.cli.git_hook NAME`: `gitslices hook run NAME` for hooks that we installed.

They stand in the way of every commit, so this goes without the command line, whose import takes
as long as the whole check.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn

from gitslices.git.environment import NamedByHook, get_cwd, take_local_variables
from gitslices.ops.hook_run import HookReport, HookRequest, run_hook
from gitslices.recovery.recovery import recover
from gitslices.system.streams import drop_unwritten, open_closed_streams
from gitslices.workspace import probe_workspace


def run(argv: Sequence[str]) -> int:
    """Run the hook `argv[0]` and return its exit code."""
    try:
        report = _run_hook(argv[0], take_local_variables(os.environ, get_cwd))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # Imported here: click takes as long as the whole check.
        from gitslices.cli.main import report_failure

        return report_failure(error, as_json=False)
    if not report.checked.ok:
        from gitslices.output.text.checks import format_hook_run

        with suppress(OSError):
            sys.stderr.write(format_hook_run(report))
    return 0 if report.checked.ok else 1


def _run_hook(name: str, named: NamedByHook) -> HookReport:
    workspace = probe_workspace(
        get_cwd(),
        git_dir=named.git_dir,
        clock=lambda: datetime.now(UTC),
        purpose=f"gitslices hook run {name}",
    )
    recover(workspace)
    # Only `pre-push` is given something; what the others inherit may be a terminal, and reading it
    # would hang the commit.
    text = sys.stdin.read() if name == "pre-push" else ""
    return run_hook(workspace, HookRequest(name=name, index_file=named.index_file, input=text))


def main() -> NoReturn:
    """Run as a process of its own, with an exit code that no stream can change."""
    open_closed_streams()
    code = run(sys.argv[1:])
    drop_unwritten()
    sys.exit(code)


if __name__ == "__main__":
    main()
