"""Linked worktrees: list, register, fill, take back; settings of all that lead git astray.

Tools write them that start `git init` with a `GIT_DIR` or `GIT_WORK_TREE` that they inherited.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError, MachineError
from gitslices.core.faults import reach
from gitslices.core.files import name_partial, read_regular
from gitslices.core.model import BranchName, Oid
from gitslices.git.links import find_admin_folder
from gitslices.git.read import HEADS, find_commit, is_true
from gitslices.git.repository import Repository

# A file beside the index, there for as long as the index promises more than has been written.
FILLING: Final = "gitslices-filling"
# What worktrees are locked with while they are made, followed by the id of the operation.
LOCK_REASON: Final = "gitslices:"
# What a claimed slice's worktree is locked with, followed by words for whoever is refused.
_CLAIM_REASON: Final = "gitslices: "
_LONGEST: Final = 64 * 1024


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
    path, locked = Path(fields["worktree"]), fields.get("locked")
    # git calls a worktree prunable whose link is gone, unless it is locked.
    is_held = locked is not None and locked.startswith(_CLAIM_REASON)
    return Worktree(
        path=path,
        head=Oid(head) if head and head.strip("0") else None,
        branch=BranchName(branch.removeprefix(HEADS)) if branch else None,
        bare="bare" in fields,
        locked=locked,
        missing="prunable" in fields or (is_held and not os.path.lexists(path / ".git")),
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


def hold_worktree(admin: Path, words: str) -> bool:
    """Lock the worktree of git's folder `admin` for as long as its slice is claimed.

    False, with the lock as it is, where somebody else has locked it.
    """
    found = _read_lock(admin)
    if found is not None:
        return found.startswith(_CLAIM_REASON)
    try:
        _write_lock(admin, f"{_CLAIM_REASON}{words}\n".encode())
    except FileExistsError:
        return False
    except OSError as error:
        raise DiskError(f"cannot lock the worktree of {str(admin)!r}: {error.strerror}") from error
    return True


def _write_lock(admin: Path, data: bytes) -> None:
    """Whole or not at all, and never over a lock of somebody who was faster."""
    with suppress(AttributeError, OSError):
        # A file without a name is gone with its process, whenever that is killed.
        descriptor = os.open(admin, os.O_TMPFILE | os.O_WRONLY, 0o666)
        try:
            os.write(descriptor, data)
            reach("link:locked")
            # With a folder's descriptor the link is followed: to the file, not to /proc's own.
            os.link(f"/proc/self/fd/{descriptor}", admin / "locked", src_dir_fd=descriptor)
        finally:
            os.close(descriptor)
        return
    if (admin / "locked").exists():
        raise FileExistsError
    # Not every system, and not every file system, has them.
    partial = name_partial(admin / "locked")
    try:
        partial.write_bytes(data)
        os.link(partial, admin / "locked")
    finally:
        partial.unlink(missing_ok=True)


def is_locked(admin: Path) -> bool:
    """Whether anybody has locked it."""
    return _read_lock(admin) is not None


def is_held(admin: Path) -> bool:
    """Whether `hold_worktree` has locked it."""
    return (_read_lock(admin) or "").startswith(_CLAIM_REASON)


def free_worktree(admin: Path) -> None:
    """Take the lock of `hold_worktree` away; another stays."""
    if is_held(admin):
        reach("unlink:held")
        (admin / "locked").unlink(missing_ok=True)


def _read_lock(admin: Path) -> str | None:
    try:
        return read_regular(admin / "locked", limit=_LONGEST).decode(errors="replace").rstrip("\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return ""  # one of somebody's, whatever it says


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


class _Misleading(Struct, frozen=True, kw_only=True):
    """A setting, what is wrong with it, what comes of it, and how to set it right."""

    name: str
    problem: str
    why: str
    hint: str


def refuse_misleading_settings(repo: Repository, config: Mapping[str, str]) -> None:
    """Raise `MachineError` where a setting would have files moved in the wrong place."""
    for one in find_misleading_settings(repo, config):
        raise MachineError(f"{one.name}: {one.problem}", hint=one.hint)


def find_misleading_settings(repo: Repository, config: Mapping[str, str]) -> Iterator[_Misleading]:
    """What `config`, of the main worktree, and the file of all worktrees have of that kind."""
    if is_true(config.get("extensions.worktreeconfig")):
        yield from _find_shared(repo)
    # An index tells of files: a repository that was always bare has none, as a rule.
    if is_true(config.get("core.bare")) and (repo.common_dir / "index").exists():
        index = str(repo.common_dir / "index")
        yield _Misleading(
            name="core.bare",
            problem=f"it is true, and {index!r} says that files are checked out",
            why="a merge moves the branch, and leaves those files behind",
            hint="where there is a work tree: git config core.bare false; "
            f"where there is none, delete {index!r}",
        )
    yield from _find_foreign_worktree(repo, config)


def _find_shared(repo: Repository) -> Iterator[_Misleading]:
    """What linked worktrees take for their own (git-worktree, CONFIGURATION FILE)."""
    file = ("--file", str(repo.common_dir / "config"))
    wanted = r"^core\.(worktree|bare)$"
    listing = repo.run("config", *file, "--null", "--get-regexp", wanted, ok=(0, 1)).text
    for name, _, value in (entry.partition("\n") for entry in listing.split("\0") if entry):
        # Shared and false harms nobody: it is what every linked worktree is.
        if name == "core.bare" and value and not is_true(value):
            continue
        yield _Misleading(
            name=name,
            problem="it is shared by all worktrees, beside extensions.worktreeConfig",
            why="linked worktrees take it for their own, and git works in the wrong folder",
            hint="move it to the main worktree's own settings: "
            f"git config --worktree {name} {shlex.quote(value or 'true')}; "
            f"git config --file {shlex.quote(str(repo.common_dir / 'config'))} --unset {name}",
        )


def _find_foreign_worktree(repo: Repository, config: Mapping[str, str]) -> Iterator[_Misleading]:
    named = config.get("core.worktree")
    admin = find_admin_folder(repo.common_dir / named) if named else None
    if admin is not None and admin.parent.resolve() == (repo.common_dir / "worktrees").resolve():
        yield _Misleading(
            name="core.worktree",
            problem=f"it is {named!r}, a linked worktree",
            why="git works on that worktree's files where the main worktree is meant",
            hint="take it back: git config --unset core.worktree",
        )
