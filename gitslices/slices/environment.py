"""What a command that works on a slice finds around it, and what a sandbox must let it write."""

import os
import re
from hashlib import sha256
from pathlib import Path

from gitslices.core.errors import DiskError
from gitslices.git.links import find_admin_folder
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace


def make_slice_environment(workspace: Workspace, record: SliceRecord) -> dict[str, str]:
    """The environment, and the values that no two slices share.

    `GITSLICES_PORT`, which `GITSLICES_PORT_0` is, too, and those that follow stay the same for the
    life of the slice; they were free when it was made.
    `GITSLICES_NAME` is another one in each repository of the machine.
    """
    return {
        **workspace.environ,
        "GITSLICES_SLICE": record.slice_id,
        "GITSLICES_GOAL": record.goal_id,
        "GITSLICES_BRANCH": record.branch_name,
        "GITSLICES_WORKTREE": record.worktree_path,
        "GITSLICES_PORT": str(record.port),
        **{f"GITSLICES_PORT_{at}": str(record.port + at) for at in range(record.ports)},
        "GITSLICES_NAME": make_plain_name(workspace.repo.common_dir, record),
    }


def make_plain_name(common_dir: Path, record: SliceRecord) -> str:
    """A name for what a slice has outside of its worktree: a database, a container, a host.

    Each of these refuses something else, in other places: a letter, then letters and digits, 30 of
    them at most, are refused by none, quoted or not.
    """
    told = re.sub("[^a-z0-9]", "", f"{record.goal_id}{record.slice_id}".lower())
    # By the branch: a slice whose worktree was moved or made anew has its name again.
    digest = sha256(os.fsencode(f"{common_dir.resolve()}\0{record.branch_name}")).hexdigest()[:8]
    return f"s{told[:21]}{digest}"


def name_setup_log(workspace: Workspace, record: SliceRecord) -> Path:
    """Where the output of a slice's set-up is kept."""
    return workspace.state_folder / "logs" / Path(record.worktree_path).name / "setup.log"


def name_teardown_log(workspace: Workspace, record: SliceRecord) -> Path:
    """Where the output of a slice's teardown is kept."""
    return name_setup_log(workspace, record).with_name("teardown.log")


def name_run_log(workspace: Workspace, worktree_path: str) -> Path:
    """Where the output of the last command that `run` started in a slice is kept."""
    return workspace.state_folder / "logs" / Path(worktree_path).name / "run.log"


def name_attempt_log(workspace: Workspace, worktree_path: str, number: int) -> Path:
    """Where the output of one attempt's command is kept."""
    return name_run_log(workspace, worktree_path).with_name(f"attempt-{number}.log")


def list_writable_roots(workspace: Workspace, record: SliceRecord) -> tuple[str, ...]:
    """The folders that `git commit` in the slice's worktree and gitslices write.

    The files, git's own folder for the worktree (index, HEAD), new objects, the branch and its
    reflog, and the state of gitslices.

    Git also locks `packed-refs` to forget CHERRY_PICK_HEAD or AUTO_MERGE after a conflict, and goes
    on where it may not: the folder that holds it holds hooks and settings, too.
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


def describe_setup(workspace: Workspace, record: SliceRecord) -> str:
    """What is to be told of a slice whose set-up has not come through."""
    log = name_setup_log(workspace, record)
    how = f"has failed, or is not over (see {log})" if log.exists() else "has not been run"
    return f"its set-up {how}; make up for it with: gitslices plan --apply"
