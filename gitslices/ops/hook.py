"""Install git hooks that hold write scopes and bring waiting slices forward; take them away."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import GitError, RefusedError
from gitslices.core.model import UNDER_WAY, SliceId
from gitslices.git.environment import expand_home
from gitslices.git.links import check_link
from gitslices.git.repository import read_hooks_folder
from gitslices.recovery.recovery import recover_and_lock
from gitslices.slices.scopes import raise_fences
from gitslices.state.hook_watch import forget_hooks, want_hooks
from gitslices.state.store import SliceRecord
from gitslices.system.hook_scripts import (
    HookFile,
    find_hooks,
    find_install_problems,
    install_hooks,
    uninstall_hooks,
)
from gitslices.workspace import Workspace


class InstallRequest(Struct, frozen=True, kw_only=True):
    """`python` is the interpreter that the hooks start; `force` goes into a folder of the project.

    That is one inside a work tree, where hooks may be tracked or made by a tool of the project.
    """

    python: str
    force: bool = False


class UnguardedSlice(Struct, frozen=True, kw_only=True):
    """A slice in whose worktree git looks for hooks in a `folder` that has not all of ours."""

    goal_id: str
    slice_id: SliceId
    worktree_path: str
    folder: str


class HooksReport(Struct, frozen=True, kw_only=True):
    """Where git looks for hooks, and how ours stand there; `ok` as whoever asked wants it.

    `unguarded` are slices for which git looks elsewhere.
    """

    ok: bool
    folder: str
    hooks: tuple[HookFile, ...]
    unguarded: tuple[UnguardedSlice, ...] = ()


def read_hooks(workspace: Workspace) -> HooksReport:
    """How the hooks stand; `ok` when all are installed, everywhere, and find a Python to start."""
    folder = _find_folder(workspace)
    hooks = find_hooks(folder)
    unguarded = _find_unguarded_slices(workspace) if _are_installed(hooks) else ()
    return HooksReport(
        ok=_are_installed(hooks) and not unguarded,
        folder=str(folder),
        hooks=hooks,
        unguarded=unguarded,
    )


def _find_unguarded_slices(workspace: Workspace) -> tuple[UnguardedSlice, ...]:
    """Slices under way whose worktree has hooks of its own, or none at all, in place of ours.

    A worktree can have `core.hooksPath` in settings of its own, and a relative one leads to another
    folder in each: so git is asked in every single one.
    """
    if not workspace.has_store():
        return ()
    with workspace.open_store() as store:
        records = [one for one in store.read_slices() if one.status in UNDER_WAY]
    there = [
        one
        for one in records
        if check_link(Path(one.worktree_path), workspace.repo.common_dir) == "whole"
    ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        folders = list(pool.map(partial(_find_folder_there, workspace), there))
    # Worktrees share their hooks folder as a rule: looked at once, not once for each slice.
    states = {folder: _are_installed(find_hooks(folder)) for folder in set(folders) if folder}
    return tuple(
        UnguardedSlice(
            goal_id=one.goal_id,
            slice_id=one.slice_id,
            worktree_path=one.worktree_path,
            folder=str(folder),
        )
        for one, folder in zip(there, folders, strict=True)
        if folder is not None and not states[folder]
    )


def _find_folder_there(workspace: Workspace, record: SliceRecord) -> Path | None:
    try:
        return read_hooks_folder(workspace.repo, Path(record.worktree_path))
    except GitError:
        return None  # what is wrong with the worktree, other checks tell


def _are_installed(hooks: tuple[HookFile, ...]) -> bool:
    return all(hook.state == "installed" for hook in hooks)


def install(workspace: Workspace, request: InstallRequest) -> HooksReport:
    """Install the hooks for all worktrees, and mark the worktrees of all slices under way.

    Raises `RefusedError` for a folder inside a work tree, and where two hooks would have to be
    kept beside ours.
    """
    folder = _find_folder(workspace)
    _refuse_project_folder(workspace, folder, force=request.force)
    problems = find_install_problems(folder)
    if problems:
        raise RefusedError("no hook was installed", problems=problems)
    if workspace.has_store():
        with workspace.open_store() as store, recover_and_lock(workspace, store):
            records = [one for one in store.read_slices() if one.status in UNDER_WAY]
            # Before the scripts are there: they see from files alone whether a branch is a slice's.
            raise_fences(workspace, store, records)
    install_hooks(folder, request.python)
    # Last: from then on a missing hook is a fault that `doctor` tells of.
    want_hooks(workspace.state_folder)
    return read_hooks(workspace)


def uninstall(workspace: Workspace, *, force: bool = False) -> HooksReport:
    """Take the hooks away, and put those that were there before back in their place.

    The report is `ok` when none of ours is left.
    """
    folder = _find_folder(workspace)
    _refuse_project_folder(workspace, folder, force=force)
    uninstall_hooks(folder)
    forget_hooks(workspace.state_folder)
    hooks = find_hooks(folder)
    gone = all(hook.state == "missing" for hook in hooks)
    return HooksReport(ok=gone, folder=str(folder), hooks=hooks)


def _find_folder(workspace: Workspace) -> Path:
    repo = workspace.repo
    setting = workspace.config.get("core.hookspath")
    if not setting:
        return repo.common_dir / "hooks"
    # A relative core.hooksPath counts from where hooks run: the top of each worktree.
    return (repo.worktree or repo.git_dir) / expand_home(setting, workspace.environ)


def _refuse_project_folder(workspace: Workspace, folder: Path, *, force: bool) -> None:
    real = folder.resolve()
    tops = [top for top in (workspace.repo.worktree, workspace.main_worktree) if top]
    inside = any(real.is_relative_to(top.resolve()) for top in tops)
    if force or not inside or real.is_relative_to(workspace.repo.common_dir.resolve()):
        return
    raise RefusedError(
        f"core.hooksPath is {workspace.config['core.hookspath']!r}, a folder of the project: "
        "its files may be tracked, and each worktree has its own",
        hint='let the hooks there call: gitslices hook run NAME -- "$@" '
        "(for prepare-commit-msg and pre-push), or put ours there all the same with --force",
    )
