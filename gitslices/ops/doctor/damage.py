"""What is wrong with git's own files: emptied by a power cut, locked by a git that was killed.

Those of slices' worktrees are mended with the slices. These are the user's: the way is told.
"""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gitslices.git.links import find_head_file
from gitslices.git.read import HEADS
from gitslices.git.repair import find_empty_refs, find_last_value, find_left_locks
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.slices import Examined

DAMAGED_HEAD: Final = "damaged-repository"


def find_damaged_head(common_dir: Path) -> Iterator[Trouble]:
    """A repository whose HEAD holds nothing: to git it is none."""
    if find_head_file(common_dir) is not None:
        return
    branch = _find_last_branch(common_dir) or "BRANCH"
    head = shlex.quote(str(common_dir / "HEAD"))
    yield Trouble(
        finding=Finding(
            check=DAMAGED_HEAD,
            thing=str(common_dir / "HEAD"),
            problem="git cannot read it",
            why="git takes the folder for no repository",
            hint=f"write it again: echo 'ref: {HEADS}{branch}' > {head}",
        )
    )


def _find_last_branch(common_dir: Path) -> str | None:
    """The branch that was checked out last in the main worktree, by the log of its HEAD."""
    last = find_last_value(common_dir / "logs" / "HEAD", switches=True)
    return last.rpartition(" to ")[2] if last else None


def find_git_locks(examined: Examined) -> Iterator[Trouble]:
    """Lock files of git that no process holds; our own are gone with what was cut short."""
    for lock in find_left_locks(examined.workspace.repo.common_dir):
        yield Trouble(
            finding=Finding(
                check="left-lock",
                thing=str(lock),
                problem="it is there, and no git is at work in the repository",
                why="git refuses what needs that lock",
                hint=f"delete it: rm {shlex.quote(str(lock))}",
            )
        )


def find_damaged_refs(examined: Examined) -> Iterator[Trouble]:
    """Branches, of no slice, whose file holds nothing."""
    common_dir = examined.workspace.repo.common_dir
    own = {HEADS + record.branch_name for record in examined.records}
    for ref in find_empty_refs(common_dir):
        # That of a slice is told of, and repaired, with the slice.
        if ref in own:
            continue
        commit = find_last_value(common_dir / "logs" / ref) or "COMMIT"
        path, name = shlex.quote(str(common_dir / ref)), shlex.quote(ref.removeprefix(HEADS))
        yield Trouble(
            finding=Finding(
                check="damaged-ref",
                thing=ref,
                problem="its file holds no commit",
                why="git takes the branch for broken, and writes nothing over it",
                hint=f"make it again: rm {path} && git branch {name} {commit}",
            )
        )
