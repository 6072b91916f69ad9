"""Files that coding agents read, kept in every worktree that a session may start in.

A session in a worktree reads the settings of that worktree. So a file that git does not track is
put into the main worktree and into that of every slice, now and whenever one is made, and git is
told to ignore it: to a check of scopes it is no change. A tracked one is changed in the main
worktree only, and reaches the slices as all tracked files do.
"""

import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct, structs

from gitslices.core.errors import DiskError, RefusedError
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import UNDER_WAY, RepoPath
from gitslices.git.ignored import list_placed, write_placed
from gitslices.git.read import read_tracked
from gitslices.workspace import Workspace

_NEW_MODE = 0o644
_LARGEST = 16 * 1024 * 1024


class AgentFile(Struct, frozen=True, kw_only=True):
    """A file, and what is to become of it.

    `rewrite` is given its text, None where there is none, and whether git tracks it; it returns
    the text to be, None for no file. Without `placed` slices are to have it no more, but for a
    text of their own.
    """

    path: RepoPath
    rewrite: Callable[[str | None, bool], str | None]
    placed: bool = True


class FileReport(Struct, frozen=True, kw_only=True):
    """What happened to a file, in the main worktree or the user's; `text` is what it holds then."""

    path: str
    state: Literal["written", "removed", "unchanged"]
    tracked: bool
    text: str | None


class AgentFilesReport(Struct, frozen=True, kw_only=True):
    """What an install or uninstall did; `slices` counts the worktrees beside the main one.

    `limits` name what the hooks of the tool do not see.
    """

    ok: bool = True
    files: tuple[FileReport, ...]
    slices: int
    limits: tuple[str, ...] = ()


class _Edit(Struct, frozen=True):
    top: Path
    file: AgentFile
    tracked: bool
    before: str | None
    after: str | None


def rewrite_agent_files(
    workspace: Workspace, files: Sequence[AgentFile], *, dry_run: bool = False
) -> AgentFilesReport:
    """Bring `files` into the state that they ask for, everywhere or, if one is refused, nowhere.

    Raises `RefusedError` for a bare repository, and for a file behind a symbolic link.
    """
    main, slices = workspace.main_worktree, _find_slices(workspace)
    if main is None:
        raise RefusedError("the repository has no main worktree to install in")
    own = _plan_edits(workspace, main, files)
    left = {one.file.path: one.after for one in own}
    copies = [edit for top in slices for edit in _plan_edits(workspace, top, files)]
    edits = [*own, *(_drop_copy(edit, left) for edit in copies)]
    if not dry_run:
        # Before the files: killed in between, none of them shows as a slice's change.
        _write_excluded(workspace, own)
        for edit in edits:
            _write_edit(edit)
    reports = (
        FileReport(path=one.file.path, state=_name_state(one), tracked=one.tracked, text=one.after)
        for one in own
    )
    return AgentFilesReport(files=tuple(reports), slices=len(slices))


def _find_slices(workspace: Workspace) -> list[Path]:
    if not workspace.has_store():
        return []
    with workspace.open_store() as store:
        records = [one for one in store.read_slices() if one.status in UNDER_WAY]
    tops = [Path(one.worktree_path) for one in records if not one.filling_operation]
    # A folder whose worktree is gone, or that is another repository's by now, gets no file.
    return [top for top in tops if (top / ".git").is_file()]


def _plan_edits(workspace: Workspace, top: Path, files: Sequence[AgentFile]) -> list[_Edit]:
    tracked = read_tracked(workspace.repo, top, [file.path for file in files])
    edits = []
    for file in files:
        is_tracked = file.path in tracked
        if is_tracked and top != workspace.main_worktree:
            continue
        before = _read(top, file.path)
        edits.append(_Edit(top, file, is_tracked, before, file.rewrite(before, is_tracked)))
    return edits


def _drop_copy(edit: _Edit, left: Mapping[RepoPath, str | None]) -> _Edit:
    """The edit of a slice's copy, which goes where it is no more than what is left in main."""
    alike = not edit.file.placed and edit.after == left[edit.file.path]
    return structs.replace(edit, after=None) if alike else edit


def _read(top: Path, path: RepoPath) -> str | None:
    place = top / path
    # Through a link, be it a folder above, a slice could aim this write at any file of the user.
    for part in (place, *place.parents):
        if part == top:
            break
        if part.is_symlink():
            raise RefusedError(
                f"{str(part)!r} is a symbolic link", hint="make it a file or folder of its own"
            )
    try:
        # A checkout with `core.autocrlf` ends lines otherwise: the text is the same.
        return read_regular(place, limit=_LARGEST).decode().replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise RefusedError(f"{str(place)!r} is no text in UTF-8") from error
    except OSError as error:
        raise DiskError(f"cannot read {str(place)!r}: {error.strerror}") from error


def _write_excluded(workspace: Workspace, edits: Sequence[_Edit]) -> None:
    # Tracked ones, too: slices that begin before the commit have copies that are nobody's change.
    gone = {edit.file.path for edit in edits if not edit.file.placed}
    placed = {edit.file.path for edit in edits} - gone
    known = set(list_placed(workspace.repo.common_dir))
    write_placed(workspace.repo.common_dir, sorted((known - gone) | placed))


def _write_edit(edit: _Edit) -> None:
    place = edit.top / edit.file.path
    if edit.after == edit.before:
        return
    try:
        if edit.after is None:
            place.unlink()
            _remove_empty(place.parent, edit.top)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        # The file is replaced whole: the mode that its user gave it would be lost.
        mode = stat.S_IMODE(place.stat().st_mode) if edit.before is not None else _NEW_MODE
    except OSError as error:
        raise DiskError(f"cannot write {str(place)!r}: {error.strerror}") from error
    replace_file(place, edit.after.encode(), mode=mode)


def _remove_empty(folder: Path, top: Path) -> None:
    while folder != top and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _name_state(edit: _Edit) -> Literal["written", "removed", "unchanged"]:
    if edit.after == edit.before:
        return "unchanged"
    return "removed" if edit.after is None else "written"
