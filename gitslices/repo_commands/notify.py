"""Call the repository's `[notify] command` where a person should look, once it is approved."""

from contextlib import suppress
from pathlib import Path
from typing import Literal

from msgspec import Struct

from gitslices.core.errors import GitslicesError
from gitslices.core.model import BranchName, SliceId
from gitslices.repo_commands.trust import require_trust
from gitslices.slices.settings import read_settings
from gitslices.system.shell import open_shell
from gitslices.workspace import Workspace


class Notice(Struct, frozen=True, kw_only=True):
    """What has happened to a slice, or to the whole goal where `slice_id` is None."""

    event: Literal["waiting", "failed", "conflicted", "finished"]
    goal_id: str
    slice_id: SliceId | None = None
    text: str = ""


def notify(workspace: Workspace, notice: Notice, target: BranchName | None) -> tuple[str, ...]:
    """Tell the user; return what is to be said where that did not come through.

    `target` is the branch that the goal is merged into. Not to be called under a lock.
    """
    try:
        return _call(workspace, notice, target)
    except GitslicesError as error:
        # Whatever was to be told has happened all the same.
        return (f"nobody was notified: {error.message}",)


def _call(workspace: Workspace, notice: Notice, target: BranchName | None) -> tuple[str, ...]:
    wanted = read_settings(workspace, target).notify
    if wanted.command is None:
        return ()
    if require_trust(workspace, [wanted.command]):
        return ("nobody was notified: [notify] command is not approved; see: gitslices trust",)
    log = workspace.state_folder / "logs" / "notify.log"
    # Each call has the log to itself: it would grow for ever.
    with suppress(FileNotFoundError):
        log.unlink()
    with open_shell() as shell:
        ended = shell.run(
            wanted.command,
            cwd=workspace.main_worktree or Path(workspace.repo.common_dir),
            environ={
                **workspace.environ,
                "GITSLICES_EVENT": notice.event,
                "GITSLICES_GOAL": notice.goal_id,
                "GITSLICES_SLICE": notice.slice_id or "",
                "GITSLICES_TEXT": notice.text,
            },
            timeout=wanted.timeout,
            log=log,
        )
    if ended.status == 0:
        return ()
    return (f"[notify] command failed: {ended.failure}",)
