"""Files that we have put into every worktree, and that git is told to ignore."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from gitslices.blocks import drop_block, put_block, read_block
from gitslices.errors import DiskError
from gitslices.model import RepoPath
from gitslices.replace import replace_file

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
