"""What a sandbox around a worker must let it write."""

from pathlib import Path

from gitslices.errors import DiskError
from gitslices.git.worktrees import find_admin_folder
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace


def list_writable_roots(workspace: Workspace, record: SliceRecord) -> tuple[str, ...]:
    """The folders that `git commit` in the slice's worktree and gitslices write.

    The files, git's own folder for the worktree (index, HEAD), new objects, the branch and its
    reflog, and the state of gitslices. All of them exist: packing references removes an empty
    folder of branches, and a sandbox cannot open what is not there.
    """
    common_dir, worktree = workspace.repo.common_dir, Path(record.worktree_path)
    branches = Path("refs", "heads", record.branch_name).parent
    folders = [common_dir / branches, common_dir / "logs" / branches]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(error.filename)!r}: {error.strerror}") from error
    admin = find_admin_folder(worktree)
    roots = [
        worktree,
        *([admin] if admin else []),
        common_dir / "objects",
        *folders,
        workspace.state_folder,
    ]
    return tuple(map(str, roots))
