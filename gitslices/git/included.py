"""Ignored files to bring along: what `.worktreeinclude` asks for, and what we put there."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gitslices.errors import DiskError
from gitslices.git.repository import Repository
from gitslices.model import RepoPath
from gitslices.replace import replace_file

FILE_NAME: Final = ".worktreeinclude"
_BEGIN: Final = "# gitslices: begin, by `gitslices agent install`"
_END: Final = "# gitslices: end"
_BYTES: Final = "surrogateescape"


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


def list_placed(common_dir: Path) -> tuple[RepoPath, ...]:
    """The files that `write_placed` has put down."""
    own, _ = _split_exclude(common_dir)
    return tuple(RepoPath(line.removeprefix("/")) for line in own)


def write_placed(common_dir: Path, paths: Sequence[RepoPath]) -> None:
    """Have git ignore `paths` in all worktrees, in place of those named before.

    They are literal: plain names, without what means something in a pattern.
    """
    own, others = _split_exclude(common_dir)
    lines = [f"/{path}" for path in paths]
    if own == lines:
        return
    block = [_BEGIN, *lines, _END] if lines else []
    path = common_dir / "info" / "exclude"
    text = "".join(f"{line}\n" for line in (*others, *block))
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(path.parent)!r}: {error.strerror}") from error
    replace_file(path, text.encode(errors=_BYTES), mode=0o644)


def _split_exclude(common_dir: Path) -> tuple[list[str], list[str]]:
    """The lines of our own in `info/exclude`, and those of others."""
    try:
        lines = (common_dir / "info" / "exclude").read_text(errors=_BYTES).split("\n")
    except FileNotFoundError:
        return [], []
    if lines[-1:] == [""]:
        lines.pop()
    if _BEGIN not in lines or _END not in lines[lines.index(_BEGIN) :]:
        return [], lines
    begin = lines.index(_BEGIN)
    end = lines.index(_END, begin)
    return lines[begin + 1 : end], [*lines[:begin], *lines[end + 1 :]]
