"""Work that only a worktree has: edits that git was told not to look at, submodules' commits."""

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import GitError
from gitslices.core.model import Oid
from gitslices.git.as_checked_out import find_as_checked_out, find_differing
from gitslices.git.commits import NOBODY
from gitslices.git.links import find_admin_folder, find_linked_worktree
from gitslices.git.repository import NO_VARIABLES, Repository
from gitslices.git.set_up_traces import drop_traces
from gitslices.git.submodules import find_behind

_ASSUMED: Final = 0x8000
_EXTENDED: Final = 0x4000
_SKIPPED: Final = 0x4000
# The bits of the length of a name; all of them are set where it is longer.
_LONGEST: Final = 0x0FFF
# Of an entry, what comes before the name of its object: times, device, owner, size.
_STAT: Final = 40
_HEADER: Final = 12
# The extension that names another file with further entries.
_SPLIT: Final = b"link"


def find_hidden_changes(
    repo: Repository, worktree: Path, index: Path, *, commit: Oid
) -> tuple[str, ...]:
    """Paths in one worktree whose edits `git status` does not show; a deleted one is no loss.

    Of `commit`, any of the repository, only the length counts: it tells the kind of its hashes.
    """
    # The index is read here, because git would be one more process for every worktree that goes.
    if not _may_hide(index, len(commit) // 2):
        return ()
    # With `-v` a letter comes first: a small one where it is assumed unchanged, S where skipped.
    listing = repo.run_at(worktree, "ls-files", "-v", "--stage", "-z").text
    entries = [
        entry[2:] for entry in listing.split("\0") if entry[:1].islower() or entry[:1] == "S"
    ]
    return find_differing(repo, worktree, entries)


def _may_hide(index: Path, width: int) -> bool:
    """Whether an entry is marked; yes, too, where that cannot be told, as in a split index."""
    try:
        data = index.read_bytes()
        signature, version, count = struct.unpack_from(">4sII", data)
        if signature != b"DIRC" or version not in {2, 3, 4}:
            return True
        find_end = _find_end_by_names if version == 4 else _find_end
        end = find_end(data, count, _STAT + width)
    except FileNotFoundError:
        return False
    except (struct.error, ValueError, IndexError):
        return True
    # A hash may hold these four bytes by chance: then git is asked in vain, no more.
    return end is None or _SPLIT in data[end:]


def _find_end(data: bytes, count: int, fixed: int) -> int | None:
    """Where the entries end, before version 4; None where one of them is marked.

    Of an entry `fixed` bytes come before its flags, which hold the length of its name, too. Zeros
    fill it up to a multiple of eight bytes.
    """
    read = struct.Struct(">H").unpack_from
    place, name = _HEADER, fixed + 2
    for _ in range(count):
        (flags,) = read(data, place + fixed)
        # Neither marked nor extended, as nearly every entry is: no call for each of many.
        if flags < _EXTENDED and (length := flags & _LONGEST) < _LONGEST:
            # Eight and not seven, because at least one zero ends the name.
            place += name + length + 8 & ~7
        else:
            end = _find_name_end(data, place + fixed)
            if end is None:
                return None
            place += end - place + 8 & ~7
    return place


def _find_end_by_names(data: bytes, count: int, fixed: int) -> int | None:
    """The same in version 4, where names are shortened and nothing fills up."""
    place = _HEADER
    for _ in range(count):
        end = _find_name_end(data, place + fixed, shortened=True)
        if end is None:
            return None
        place = end + 1
    return place


def _find_name_end(data: bytes, place: int, *, shortened: bool = False) -> int | None:
    """Where the name of the entry ends that has its flags at `place`; None where it is marked."""
    flags, more = struct.unpack_from(">HH", data, place)
    extended = flags & _EXTENDED
    if flags & _ASSUMED or (extended and more & _SKIPPED):
        return None
    name = place + (4 if extended else 2)
    return data.index(b"\0", _skip_number(data, name) if shortened else name)


def _skip_number(data: bytes, place: int) -> int:
    """Past the count of bytes that a name has in common with the one before it."""
    while data[place] & 0x80:
        place += 1
    return place + 1


def count_unpushed(repo: Repository, admin: Path) -> Mapping[str, int]:
    """Commits that only the submodules of one worktree have, by submodule; none are left out."""
    modules = admin / "modules"
    counts = {
        str(module.relative_to(modules)): _count_own(repo, module) for module in _find(modules)
    }
    return {name: count for name, count in counts.items() if count}


def _find(modules: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(modules):
        if "HEAD" in files and "objects" in names:
            yield Path(folder)
            # Beneath it only `modules` holds further ones: its objects are many, and none is one.
            names[:] = [name for name in names if name == "modules"]


def _count_own(repo: Repository, module: Path) -> int:
    counted = repo.run_at(
        module, "--git-dir=.", "rev-list", "--count", "--all", "--not", "--remotes"
    )
    return int(counted.text)


_SUBMODULE: Final = "160000"


def read_uncommitted(
    repo: Repository, worktree: Path, *, untracked: bool, admin: Path | None = None
) -> tuple[str, ...]:
    """Paths in one worktree that differ from HEAD or, with `untracked`, are not tracked either.

    Changes that nobody made are none: what is as set-up left it, or as git itself has written it,
    and a submodule whose checkout is merely behind. `admin` is git's folder for the worktree, where
    its own link does not lead there.
    """
    env = _name_folders(worktree, admin)
    listing = _read_status(repo, worktree, untracked="normal" if untracked else "no", env=env)
    return _list_changed(repo, worktree, listing.split("\0"), admin)


def is_as_head(repo: Repository, worktree: Path) -> bool:
    """Whether index and files of a worktree are what its HEAD has, and nothing else is there."""
    return not _read_status(repo, worktree, untracked="normal", env=NO_VARIABLES)


def _read_status(
    repo: Repository, worktree: Path, *, untracked: str, env: Mapping[str, str]
) -> str:
    return repo.run_at(
        # Without the lock by which status keeps what it has read: a commit made there at that time
        # would fail of it. The rest is said because settings of the user's may leave paths out.
        worktree, "--no-optional-locks", "status", "--porcelain=v1", "-z", "--no-renames",
        "--ignore-submodules=none", f"--untracked-files={untracked}",
        env=env,
    ).text  # fmt: skip


def _list_changed(
    repo: Repository, worktree: Path, entries: Iterable[str], admin: Path | None = None
) -> tuple[str, ...]:
    """The paths of entries of `git status` that somebody has changed, in its order."""
    states = {entry[3:]: entry[:2] for entry in entries if entry}
    # What is staged has been taken up by somebody, whoever wrote it.
    loose = [path for path, state in states.items() if state[0] in " ?"]
    nobodys = {*loose} - {*drop_traces(worktree, loose, admin)}
    edited = [path for path in loose if states[path] == " M" and path not in nobodys]
    nobodys |= find_behind(repo, worktree, edited)
    nobodys |= find_as_checked_out(repo, worktree, edited, _name_folders(worktree, admin))
    return tuple(path for path in states if path not in nobodys)


def _name_folders(worktree: Path, admin: Path | None) -> Mapping[str, str]:
    return {"GIT_DIR": str(admin), "GIT_WORK_TREE": str(worktree)} if admin else NO_VARIABLES


def find_uncommitted(repo: Repository, worktree: Path) -> tuple[str, ...]:
    """Changed and untracked paths in a linked worktree; none where there is no worktree any more.

    Git would answer there for a repository above, if there is one.
    """
    linked = _is_linked(worktree)
    admin = None if linked else _find_broken_admin(repo.common_dir, worktree)
    if not linked and admin is None:
        return ()
    try:
        return read_uncommitted(repo, worktree, untracked=True, admin=admin)
    except GitError:
        # Else it was taken away while git looked: there is nothing left to lose.
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
        changed=_list_changed(repo, worktree, (one for one in entries if not one.startswith("!!"))),
        ignored=tuple(entry[3:] for entry in entries if entry.startswith("!!")),
    )


def keep_staged(repo: Repository, worktree: Path, *, admin: Path | None = None) -> Oid | None:
    """Write a commit of all that is staged in one worktree; None where nothing is staged.

    With `admin`, git's folder for it, the worktree itself may be gone.

    Good for keeping the objects: unmerged paths are in no tree that git would write, so its tree
    is flat, and the entries are named by their objects. A commit, because of a reference to a tree
    `git gc` complains up to 2.39, and the automatic one then cleans up no more.
    """
    if admin is not None and not (admin / "index").exists():
        return None
    place, env = admin or worktree, {"GIT_DIR": str(admin)} if admin else NO_VARIABLES
    # 128 where HEAD names no commit: then all that is staged is kept.
    differs = repo.run_at(
        place, "diff-index", "--cached", "--quiet", "HEAD", ok=(0, 1, 128), env=env
    )
    if differs.status == 0:
        return None
    # `git add --intent-to-add` names the empty blob without writing it.
    repo.run("hash-object", "-w", "--stdin", input=b"")
    listing = repo.run_at(place, "ls-files", "--stage", "-z", env=env).text
    staged = {tuple(entry.split(" ", 2)[:2]) for entry in listing.split("\0") if entry}
    # The commit of a submodule is in that one's own repository, not here.
    lines = [f"{mode} blob {oid}\t{oid}-{mode}\0" for mode, oid in staged if mode != _SUBMODULE]
    tree = repo.run("mktree", "-z", input="".join(lines).encode()).text.strip()
    return Oid(repo.run("commit-tree", tree, "-m", "staged", env=NOBODY).text.strip())
