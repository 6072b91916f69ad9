"""Ignored files of ours: those that we put into worktrees, and those that come along."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import DiskError
from gitslices.core.files import drop_block, put_block, read_block, read_regular, replace_file
from gitslices.core.model import RepoPath
from gitslices.git.repository import Repository
from gitslices.scopes.language.ignore import IgnoreRules, read_ignore_lines

_COMMENT: Final = "# {}"
_BYTES: Final = "surrogateescape"
_LARGEST_EXCLUDE: Final = 64 * 1024 * 1024


def list_placed(common_dir: Path) -> tuple[RepoPath, ...]:
    """The files that `write_placed` has named."""
    lines = read_block(_read(_find_exclude(common_dir)), comment=_COMMENT)
    return tuple(RepoPath(line.removeprefix("/")) for line in lines)


def write_placed(common_dir: Path, paths: Sequence[RepoPath]) -> None:
    """Have git ignore `paths` in all worktrees, in place of those named before.

    They are literal: plain names, without what means something in a pattern.
    """
    place = _find_exclude(common_dir)
    before = _read(place)
    lines = "".join(f"/{path}\n" for path in paths)
    after = (
        put_block(before, lines, comment=_COMMENT)
        if paths
        else drop_block(before, comment=_COMMENT)
    )
    if after == before:
        return
    try:
        place.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(place.parent)!r}: {error.strerror}") from error
    replace_file(place, after.encode(errors=_BYTES), mode=0o644)


def _find_exclude(common_dir: Path) -> Path:
    # Not .gitignore, which is the user's and tracked; git has one such file for all worktrees.
    return common_dir / "info" / "exclude"


def _read(path: Path) -> str:
    try:
        data = read_regular(path, limit=_LARGEST_EXCLUDE)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DiskError(f"cannot read {str(path)!r}: {error.strerror}") from error
    return data.decode(errors=_BYTES).replace("\r\n", "\n")


def find_recorder(repo: Repository, folder: Path, own: Collection[Path]) -> Path | None:
    """The top of the work tree around `folder` that would record worktrees in it as submodules.

    `git add` does that with every repository that it finds and that is not ignored; beyond the
    nearest one it does not look. `own` are the worktrees of the repository itself.
    """
    real = folder.resolve()
    nearest = next((top for top in real.parents if (top / ".git").exists()), None)
    if nearest is None or nearest in {top.resolve() for top in own}:
        return None
    return None if _is_ignored(repo, nearest, real) else nearest


def _is_ignored(repo: Repository, top: Path, folder: Path) -> bool:
    """Also true where git cannot tell: in a submodule of that repository, or in another user's."""
    # With a slash: a pattern for folders must match one that is not there yet.
    asked = repo.run_at(top, "check-ignore", "--quiet", "--", f"{folder}/", ok=(0, 1, 128))
    return asked.status != 1


FILE_NAME: Final = ".worktreeinclude"
_LARGEST: Final = 64 * 1024


class Included(Struct, frozen=True):
    """What is to come along, and what of the file that names it does not count, and why."""

    paths: tuple[RepoPath, ...] = ()
    remarks: tuple[str, ...] = ()


def read_included(repo: Repository, worktree: Path) -> Included:
    """Files of `worktree` that git ignores and that its `.worktreeinclude` matches, sorted.

    Symbolic links are listed, not followed. A repository inside is listed as a folder, with a slash
    at its end.
    """
    try:
        rules = read_include_rules(worktree)
    except OSError as error:
        return Included(remarks=(f"{FILE_NAME} does not count: {error.strerror}",))
    remarks = tuple(
        f"{FILE_NAME}: {one.place!r} does not count: {one.message}" for one in rules.refused
    )
    if not rules.rules:
        return Included(remarks=remarks)
    # Not --exclude-from: git reads that file to its end, whatever it is, and obeys every line.
    wanted = [f"--exclude={rule.text}" for rule in rules.rules]
    named = repo.run_at(worktree, "ls-files", "-z", "--others", "--ignored", *wanted).stdout
    if not named:
        return Included(remarks=remarks)
    # ls-files has no way to ask for what two sets of patterns both match.
    ignored = repo.run_at(worktree, "check-ignore", "-z", "--stdin", input=named, ok=(0, 1)).text
    return Included(tuple(sorted(RepoPath(path) for path in ignored.split("\0") if path)), remarks)


def read_include_rules(worktree: Path) -> IgnoreRules:
    """What `.worktreeinclude` of a worktree says; raise `OSError` where it cannot be read."""
    try:
        data = read_regular(worktree / FILE_NAME, limit=_LARGEST)
    except FileNotFoundError:
        return IgnoreRules()
    return read_ignore_lines(data.decode("utf-8-sig", "surrogateescape").split("\n"))
