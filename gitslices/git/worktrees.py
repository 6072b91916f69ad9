"""Linked worktrees: list, register, fill, take back."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError
from gitslices.core.faults import reach
from gitslices.core.model import BranchName, Oid
from gitslices.git.links import find_admin_folder
from gitslices.git.read import HEADS, find_commit
from gitslices.git.repository import Repository

# A file beside the index, there for as long as the index promises more than has been written.
FILLING: Final = "gitslices-filling"
# What worktrees are locked with while they are made, followed by the id of the operation.
LOCK_REASON: Final = "gitslices:"


class Worktree(Struct, frozen=True, kw_only=True):
    """One line of `git worktree list`; `locked` is the reason, empty when none was given."""

    path: Path
    head: Oid | None = None
    branch: BranchName | None = None
    bare: bool = False
    locked: str | None = None
    missing: bool = False


def read_worktrees(repo: Repository) -> tuple[Worktree, ...]:
    """All worktrees of the repository, the main one first."""
    listing = repo.run("worktree", "list", "--porcelain", "-z").text
    return tuple(_parse_worktree(block) for block in listing.split("\0\0") if block)


def _parse_worktree(block: str) -> Worktree:
    lines = (line.partition(" ") for line in block.strip("\0").split("\0"))
    fields = {name: value for name, _, value in lines}
    branch = fields.get("branch")
    head = fields.get("HEAD")
    return Worktree(
        path=Path(fields["worktree"]),
        head=Oid(head) if head and head.strip("0") else None,
        branch=BranchName(branch.removeprefix(HEADS)) if branch else None,
        bare="bare" in fields,
        locked=fields.get("locked"),
        missing="prunable" in fields,
    )


def register_worktree(repo: Repository, path: Path, branch: BranchName, *, reason: str) -> None:
    """Make `path` an empty worktree of the existing `branch`, locked with `reason` until filled.

    Not safe beside another `git worktree add`: the caller holds the topology lock.
    """
    repo.run(
        # No checkout: files take long, and can be written side by side, without the lock. And no
        # new branch: for one git may write settings, and two of them fight for config.lock.
        "worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", reason,
        "--", str(path), branch,
    )  # fmt: skip


def is_filled(worktree: Path) -> bool:
    """Whether all files of a registered worktree have been written."""
    admin = find_admin_folder(worktree)
    return admin is not None and (admin / "index").exists() and not (admin / FILLING).exists()


def unlock_worktree(path: Path, *, reason: str) -> None:
    """Take the lock of `register_worktree` away; one with another reason stays.

    The lock is a file (gitrepository-layout); `git worktree unlock` would read all worktrees first.
    """
    admin = find_admin_folder(path)
    if admin is None or _read_lock(admin) != reason:
        return
    try:
        reach("unlink:locked")
        (admin / "locked").unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"cannot unlock {str(path)!r}: {error.strerror}") from error


def _read_lock(admin: Path) -> str | None:
    try:
        return (admin / "locked").read_text("utf-8", "surrogateescape").rstrip("\n")
    except FileNotFoundError:
        return None


def repair_worktree(repo: Repository, path: Path) -> None:
    """Let git know that a worktree was moved to `path`."""
    repo.run("worktree", "repair", "--", str(path))


def find_last_commit(repo: Repository, admin: Path) -> Oid | None:
    """The commit that a worktree had checked out last, by the log of its HEAD."""
    with suppress(OSError):
        lines = (
            (admin / "logs" / "HEAD").read_text("utf-8", "surrogateescape").strip("\n").split("\n")
        )
        return find_commit(repo, lines[-1].split()[1]) if lines[-1] else None
    return None


def unregister_worktree(repo: Repository, path: Path) -> None:
    """Delete the worktree at `path`, locked or not, whatever is in it."""
    # Once for what is in it, twice for a lock.
    repo.run("worktree", "remove", "--force", "--force", "--", str(path))
