"""Linked worktrees: list, register, fill, take back."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.errors import DiskError, GitError
from gitslices.faults import reach
from gitslices.git.read import HEADS, find_commit
from gitslices.git.repository import NO_VARIABLES, Repository
from gitslices.model import BranchName, Oid

# A file beside the index, there for as long as the index promises more than has been written.
FILLING: Final = "gitslices-filling"
# What worktrees are locked with while they are made, followed by the id of the operation.
LOCK_REASON: Final = "gitslices:"
_SUBMODULE: Final = "160000"


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
        "worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", reason,
        "--", str(path), branch,
    )  # fmt: skip


def find_admin_folder(worktree: Path) -> Path | None:
    """The worktree's folder under `<common dir>/worktrees/`; None where there is no worktree."""
    link = _read_link(worktree / ".git")
    if not link.startswith("gitdir: "):
        return None
    return _follow_link(link.removeprefix("gitdir: "), worktree)


def find_linked_worktree(admin: Path) -> Path | None:
    """The worktree of git's folder `admin`, be it there or not; None where that says nothing."""
    link = _read_link(admin / "gitdir")
    return _follow_link(link, admin).parent if link else None


def list_admin_folders(common_dir: Path) -> list[Path]:
    """Git's folders for linked worktrees, sorted; their parent goes with the last of them."""
    with suppress(FileNotFoundError):
        return sorted((common_dir / "worktrees").iterdir())
    return []


def read_admin_folders(common_dir: Path) -> dict[str, Path]:
    """Git's folder for each linked worktree, by the worktree's path, be it there or not."""
    pairs = ((find_linked_worktree(folder), folder) for folder in list_admin_folders(common_dir))
    return {str(worktree): folder for worktree, folder in pairs if worktree is not None}


Link = Literal["whole", "broken", "foreign", "gone"]


def judge_link(worktree: Path, common_dir: Path) -> Link:
    """How the folder `worktree` is tied to the repository of `common_dir`.

    A broken link leads to a folder that is not there, as all do once the repository has been moved;
    a foreign one to another repository, or nothing of git's is in the folder.
    """
    admin = find_admin_folder(worktree)
    if admin is None:
        return "foreign" if os.path.lexists(worktree) else "gone"
    if not admin.is_dir():
        return "broken"
    # Mostly it is the same text: resolving takes a call for each folder above.
    ours = common_dir / "worktrees"
    same = admin.parent == ours or admin.parent.resolve() == ours.resolve()
    return "whole" if same else "foreign"


def _read_link(path: Path) -> str:
    with suppress(OSError):
        # Not as a text: to Python a carriage return would end a line.
        return path.read_bytes().decode("utf-8", "surrogateescape").rstrip("\n")
    return ""


def _follow_link(link: str, folder: Path) -> Path:
    """Where a link in `folder` leads.

    It is relative since git 2.48 with `worktree.useRelativePaths`: from one real path to another.
    """
    path = Path(link)
    return path if path.is_absolute() else Path(os.path.normpath(folder.resolve() / path))


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
        lines = (admin / "logs" / "HEAD").read_text("utf-8", "surrogateescape").splitlines()
        return find_commit(repo, lines[-1].split()[1]) if lines else None
    return None


def unregister_worktree(repo: Repository, path: Path) -> None:
    """Delete the worktree at `path`, locked or not, whatever is in it."""
    repo.run("worktree", "remove", "--force", "--force", "--", str(path))


def read_changes(
    repo: Repository, worktree: Path, *, untracked: bool, admin: Path | None = None
) -> tuple[str, ...]:
    """Paths in one worktree that differ from HEAD or, with `untracked`, are not tracked either.

    `admin` is git's folder for it, where the worktree's own link does not lead there.
    """
    env = {"GIT_DIR": str(admin), "GIT_WORK_TREE": str(worktree)} if admin else NO_VARIABLES
    listing = repo.run_at(
        worktree, "--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames",
        "--ignore-submodules=none", f"--untracked-files={'normal' if untracked else 'no'}",
        env=env,
    ).text  # fmt: skip
    return tuple(entry[3:] for entry in listing.split("\0") if entry)


def find_changes(repo: Repository, worktree: Path) -> tuple[str, ...]:
    """Changed and untracked paths in a linked worktree; none where there is no worktree any more.

    Git would answer there for a repository above, if there is one.
    """
    linked = _is_linked(worktree)
    admin = None if linked else _find_broken_admin(repo.common_dir, worktree)
    if not linked and admin is None:
        return ()
    try:
        return read_changes(repo, worktree, untracked=True, admin=admin)
    except GitError:
        if _is_linked(worktree) or (admin and admin.is_dir()):
            raise
        return ()


def _is_linked(worktree: Path) -> bool:
    admin = find_admin_folder(worktree)
    return admin is not None and admin.is_dir()


def _find_broken_admin(common_dir: Path, worktree: Path) -> Path | None:
    """Git's folder for a worktree whose link leads nowhere since the repository was moved."""
    link = find_admin_folder(worktree)
    admin = common_dir / "worktrees" / link.name if link else None
    return admin if admin and find_linked_worktree(admin) == worktree else None


class Leftovers(Struct, frozen=True, kw_only=True):
    """What a worktree has besides the files of its HEAD; whole directories end in `/`."""

    changed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def read_leftovers(repo: Repository, worktree: Path) -> Leftovers:
    """Changed and untracked paths in one worktree, and apart from them the ignored ones."""
    listing = repo.run_at(
        worktree, "--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames",
        "--ignore-submodules=none", "--untracked-files=normal", "--ignored=matching",
    ).text  # fmt: skip
    entries = [entry for entry in listing.split("\0") if entry]
    return Leftovers(
        changed=tuple(entry[3:] for entry in entries if not entry.startswith("!!")),
        ignored=tuple(entry[3:] for entry in entries if entry.startswith("!!")),
    )


def write_staged_tree(repo: Repository, worktree: Path) -> Oid | None:
    """Write a tree of all that is staged in one worktree; None where nothing is staged.

    Good for keeping the objects: unmerged paths are in no tree that git would write, so this one
    is flat, and its entries are named by their objects.
    """
    if (
        repo.run_at(worktree, "diff-index", "--cached", "--quiet", "HEAD", ok=(0, 1, 128)).status
        == 0
    ):
        return None
    # `git add --intent-to-add` names the empty blob without writing it.
    repo.run("hash-object", "-w", "--stdin", input=b"")
    listing = repo.run_at(worktree, "ls-files", "--stage", "-z").text
    staged = {tuple(entry.split(" ", 2)[:2]) for entry in listing.split("\0") if entry}
    lines = [f"{mode} blob {oid}\t{oid}-{mode}\0" for mode, oid in staged if mode != _SUBMODULE]
    return Oid(repo.run("mktree", "-z", input="".join(lines).encode()).text.strip())
