"""What a command that works on a slice finds in its environment."""

from collections.abc import Mapping

from gitslices.state.store import SliceRecord


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
