"""The repository's own way to rank the files that a task will write: `[suggest] command`."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gitslices.core.errors import RefusedError
from gitslices.core.files import read_regular
from gitslices.repo_commands.gates import refuse_untrusted
from gitslices.system.settings_tables import SuggestSettings
from gitslices.system.shell import open_shell
from gitslices.workspace import Workspace

_LARGEST: Final = 1024 * 1024


def rank_by_command(
    workspace: Workspace, settings: SuggestSettings, question: Mapping[str, Any]
) -> tuple[str, ...]:
    """The lines that the command prints: paths, the likeliest first; `question` is its input.

    Raises `UntrustedError` where nobody has approved it, `RefusedError` where it fails.
    """
    command = settings.command
    assert command is not None, "the caller has looked"  # noqa: S101
    refuse_untrusted(workspace, [command])
    log = workspace.state_folder / "logs" / "suggest.log"
    log.unlink(missing_ok=True)
    with workspace.open_scratch() as scratch, open_shell() as shell:
        asked, answer = scratch / "task.json", scratch / "paths"
        asked.write_bytes(msgspec.json.encode(question))
        ended = shell.run(
            # On a line of its own: a comment at its end would take the brace with it.
            f"{{ {command}\n}} <{shlex.quote(str(asked))} >{shlex.quote(str(answer))}",
            cwd=workspace.main_worktree or Path(workspace.repo.common_dir),
            environ=workspace.environ,
            timeout=settings.timeout,
            log=log,
        )
        if ended.status != 0:
            raise RefusedError(f"[suggest] command has failed: {ended.failure}", hint=f"see {log}")
        printed = read_regular(answer, limit=_LARGEST)
    lines = printed.decode("utf-8", "surrogateescape").splitlines()
    return tuple(line.strip() for line in lines if line.strip())
