"""What a command that works on a slice finds in its environment, and where its output goes."""

from collections.abc import Mapping
from pathlib import Path

from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace


def make_slice_environment(record: SliceRecord, environ: Mapping[str, str]) -> dict[str, str]:
    """`environ`, and the values that no two slices of a repository share.

    `GITSLICES_PORT` stays the same for the life of the slice; it was free when the slice was made.
    """
    return {
        **environ,
        "GITSLICES_SLICE": record.slice_id,
        "GITSLICES_GOAL": record.goal_id,
        "GITSLICES_BRANCH": record.branch_name,
        "GITSLICES_WORKTREE": record.worktree_path,
        "GITSLICES_PORT": str(record.port),
    }


def name_setup_log(workspace: Workspace, record: SliceRecord) -> Path:
    """Where the output of a slice's set-up is kept."""
    return workspace.state_folder / "logs" / Path(record.worktree_path).name / "setup.log"
