"""What a sandbox around a worker must let it write."""

from pathlib import Path

from gitslices.errors import DiskError
from gitslices.git.worktrees import find_admin_folder
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace


def list_writable_roots(workspace: Workspace, record: SliceRecord) -> tuple[str, ...]:
    """The folders that `git commit` in the slice's worktree and gitslices write.

    The files, git's own folder for the worktree (index, HEAD), new objects, the branch and its
    reflog, and the state of gitslices.
    """
    common_dir, worktree = workspace.repo.common_dir, Path(record.worktree_path)
    admin = find_admin_folder(worktree)
    roots = [
        worktree,
        *([admin] if admin else []),
        common_dir / "objects",
        *_find_branch_folders(common_dir, record),
        workspace.state_folder,
    ]
    return tuple(map(str, roots))


def _find_branch_folders(common_dir: Path, record: SliceRecord) -> list[Path]:
    """Where the slice's branch and its reflog are written.

    They are made where they are missing: packing references removes an empty folder of branches,
    and a sandbox cannot open what is not there.
    """
    tables = common_dir / "reftable"
    if tables.is_dir():  # git 2.45; then `refs/heads` is a file
        return [tables]
    branches = Path("refs", "heads", record.branch_name).parent
    folders = [common_dir / branches, common_dir / "logs" / branches]
    try:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(error.filename)!r}: {error.strerror}") from error
    return folders
