"""Ignored files of ours: those that we put into worktrees, and those that come along."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.files import drop_block, put_block, read_block, replace_file
from gitslices.core.model import RepoPath
from gitslices.git.repository import Repository

_COMMENT: Final = "# {}"
_BYTES: Final = "surrogateescape"


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
    return common_dir / "info" / "exclude"


def _read(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(errors=_BYTES)
    return ""


FILE_NAME: Final = ".worktreeinclude"


def read_included(repo: Repository, worktree: Path) -> tuple[RepoPath, ...]:
    """Files of `worktree` that git ignores and that its `.worktreeinclude` matches, sorted.

    Symbolic links are listed, not followed. A repository inside is listed as a folder, with a slash
    at its end.
    """
    if not (worktree / FILE_NAME).is_file():
        return ()
    named = repo.run_at(
        worktree, "ls-files", "-z", "--others", "--ignored", f"--exclude-from={FILE_NAME}"
    ).stdout
    if not named:
        return ()
    # ls-files has no way to ask for what two sets of patterns both match.
    ignored = repo.run_at(worktree, "check-ignore", "-z", "--stdin", input=named, ok=(0, 1)).text
    return tuple(sorted(RepoPath(path) for path in ignored.split("\0") if path))
