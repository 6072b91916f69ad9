"""Install git hooks that hold write scopes; take them away."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import GitError, RefusedError
from gitslices.core.model import UNDER_WAY, RepoPath, SliceId
from gitslices.git.environment import expand_home
from gitslices.git.links import check_link
from gitslices.git.repository import read_hooks_folder
from gitslices.recovery.recovery import recover_and_lock
from gitslices.slices.scopes import raise_fences
from gitslices.state.hook_watch import forget_hooks, want_hooks
from gitslices.state.store import SliceRecord
from gitslices.system.hook_managers import (
    Manager,
    ManagerName,
    add_calls,
    copy_hook_folder,
    drop_calls,
    find_call_problems,
    find_manager,
)
from gitslices.system.hook_scripts import (
    NAMES,
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

    `manager` is the program that calls ours there, from files of the project that were `changed`
    for it. `unguarded` are slices for which git looks elsewhere.
    """

    ok: bool
    folder: str
    hooks: tuple[HookFile, ...]
    unguarded: tuple[UnguardedSlice, ...] = ()
    manager: ManagerName | None = None
    changed: tuple[str, ...] = ()


class _HookPlace(Struct, frozen=True):
    """Where git looks for hooks in a worktree, and who writes them there."""

    folder: Path
    manager: Manager | None

    @property
    def served(self) -> tuple[str, ...]:
        """Those of our hooks that the manager has to call."""
        return self.manager.serves if self.manager else ()


def read_hooks(workspace: Workspace) -> HooksReport:
    """How the hooks stand; `ok` when all are installed, everywhere, and find a Python to start."""
    place = _find_place(workspace)
    hooks = _find_states(workspace, place)
    unguarded = _find_unguarded_slices(workspace) if _are_installed(hooks) else ()
    return HooksReport(
        ok=_are_installed(hooks) and not unguarded,
        folder=str(place.folder),
        hooks=hooks,
        unguarded=unguarded,
        manager=place.manager.name if place.manager and place.served else None,
    )


def _find_place(workspace: Workspace) -> _HookPlace:
    """Where git looks in the main worktree, or in the one at hand where there is none."""
    top = workspace.main_worktree or workspace.repo.worktree
    if top is None:
        return _HookPlace(_find_folder(workspace), None)
    folder = read_hooks_folder(workspace.repo, top)
    return _HookPlace(folder, find_manager(top, folder))


def _find_states(workspace: Workspace, place: _HookPlace) -> tuple[HookFile, ...]:
    """How each hook stands: as a file of ours, or called by a manager that is there itself."""
    ours = {hook.name: hook for hook in find_hooks(_find_scripts(workspace))}
    return tuple(
        structs.replace(hook, state="installed")
        if place.manager
        and hook.state == "missing"
        and ours[hook.name].state == "installed"
        and place.manager.calls(hook.name)
        and os.access(place.folder / hook.name, os.X_OK)
        else hook
        for hook in find_hooks(place.folder)
    )


def _find_scripts(workspace: Workspace) -> Path:
    """Where our hooks lie that managers call."""
    return workspace.state_folder / "hooks"


def _find_unguarded_slices(workspace: Workspace) -> tuple[UnguardedSlice, ...]:
    """Slices under way whose worktree has hooks of its own, or none at all, in place of ours.

    A worktree can have `core.hooksPath` in settings of its own, and a relative one leads to another
    folder in each: so git is asked in every single one.
    """
    there = _list_standing(workspace)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        places = list(pool.map(partial(_find_place_there, workspace), there))
    # Worktrees share their hooks folder as a rule: looked at once, not once for each slice.
    plain = {place.folder for place in places if place and not place.served}
    states = {folder: _are_installed(find_hooks(folder)) for folder in plain}
    return tuple(
        UnguardedSlice(
            goal_id=one.goal_id,
            slice_id=one.slice_id,
            worktree_path=one.worktree_path,
            folder=str(place.folder),
        )
        for one, place in zip(there, places, strict=True)
        if place is not None
        and not (
            _are_installed(_find_states(workspace, place)) if place.served else states[place.folder]
        )
    )


def _list_standing(workspace: Workspace) -> list[SliceRecord]:
    """The slices under way whose worktrees are there and ours."""
    if not workspace.has_store():
        return []
    with workspace.open_store() as store:
        records = [one for one in store.read_slices() if one.status in UNDER_WAY]
    common_dir = workspace.repo.common_dir
    return [one for one in records if check_link(Path(one.worktree_path), common_dir) == "whole"]


def _find_place_there(workspace: Workspace, record: SliceRecord) -> _HookPlace | None:
    top = Path(record.worktree_path)
    try:
        folder = read_hooks_folder(workspace.repo, top)
    except GitError:
        return None  # what is wrong with the worktree, other checks tell
    return _HookPlace(folder, find_manager(top, folder))


def _are_installed(hooks: tuple[HookFile, ...]) -> bool:
    return all(hook.state == "installed" for hook in hooks)


def install(workspace: Workspace, request: InstallRequest) -> HooksReport:
    """Install the hooks for all worktrees, and mark the worktrees of all slices under way.

    Where a manager of the project writes hooks, its own files are made to call ours. Raises
    `RefusedError` for another folder inside a work tree, and where two hooks would have to be kept
    beside ours.
    """
    place = _find_place(workspace)
    is_managed = place.manager is not None and place.manager.name == "husky"
    if not is_managed:
        _refuse_project_folder(workspace, place.folder, force=request.force)
    rest = [name for name in NAMES if name not in place.served]
    problems = find_install_problems(place.folder, rest)
    problems += find_call_problems(place.manager) if place.manager else ()
    if problems:
        raise RefusedError("no hook was installed", problems=problems)
    if workspace.has_store():
        with workspace.open_store() as store, recover_and_lock(workspace, store):
            records = [one for one in store.read_slices() if one.status in UNDER_WAY]
            # Before the scripts are there: they see from files alone whether a branch is a slice's.
            raise_fences(workspace, records)
    changed = _install_at(workspace, place, request.python)
    for other in _list_other_places(workspace, place):
        if not find_install_problems(other.folder):
            install_hooks(other.folder, request.python)
    # Last: from then on a missing hook is a fault that `doctor` tells of.
    want_hooks(workspace.state_folder)
    return structs.replace(read_hooks(workspace), changed=changed)


def _install_at(workspace: Workspace, place: _HookPlace, python: str) -> tuple[RepoPath, ...]:
    """Install what git finds in one place; return the files of the project that were changed."""
    install_hooks(place.folder, python, [name for name in NAMES if name not in place.served])
    if place.manager is None:
        return ()
    if place.served:
        install_hooks(_find_scripts(workspace), python, place.served)
        # From before the manager served them: it would put ours aside.
        uninstall_hooks(place.folder, place.served)
    changed = add_calls(place.manager)
    if place.manager.name == "husky":
        for record in _list_standing(workspace):
            copy_hook_folder(place.manager.top, Path(record.worktree_path), place.folder)
    return changed


def _list_other_places(workspace: Workspace, place: _HookPlace) -> list[_HookPlace]:
    """Folders outside the project where git looks in a slice, by a setting of that worktree."""
    found: dict[Path, _HookPlace] = {}
    for record in _list_standing(workspace):
        other = _find_place_there(workspace, record)
        if other and not other.folder.is_relative_to(record.worktree_path):
            found[other.folder] = other
    return [
        other
        for folder, other in found.items()
        if folder != place.folder and folder.is_dir() and not _is_in_project(workspace, folder)
    ]


def uninstall(workspace: Workspace, *, force: bool = False) -> HooksReport:
    """Take the hooks away, and put those that were there before back in their place.

    The report is `ok` when none of ours is left.
    """
    place = _find_place(workspace)
    if place.manager is None or place.manager.name != "husky":
        _refuse_project_folder(workspace, place.folder, force=force)
    for one in (place, *_list_other_places(workspace, place)):
        uninstall_hooks(one.folder)
    uninstall_hooks(_find_scripts(workspace))
    changed = drop_calls(place.manager) if place.manager else ()
    forget_hooks(workspace.state_folder)
    hooks = find_hooks(place.folder)
    gone = all(hook.state == "missing" for hook in hooks)
    return HooksReport(ok=gone, folder=str(place.folder), hooks=hooks, changed=changed)


def _find_folder(workspace: Workspace) -> Path:
    repo = workspace.repo
    setting = workspace.config.get("core.hookspath")
    if not setting:
        return repo.common_dir / "hooks"
    # A relative core.hooksPath counts from where hooks run: the top of each worktree.
    return (repo.worktree or repo.git_dir) / expand_home(setting, workspace.environ)


def _is_in_project(workspace: Workspace, folder: Path) -> bool:
    real = folder.resolve()
    tops = [top for top in (workspace.repo.worktree, workspace.main_worktree) if top]
    inside = any(real.is_relative_to(top.resolve()) for top in tops)
    return inside and not real.is_relative_to(workspace.repo.common_dir.resolve())


def _refuse_project_folder(workspace: Workspace, folder: Path, *, force: bool) -> None:
    if force or not _is_in_project(workspace, folder):
        return
    raise RefusedError(
        f"core.hooksPath is {workspace.config.get('core.hookspath', '')!r}, a folder of the "
        "project: its files may be tracked, and each worktree has its own",
        hint='let the hooks there call: gitslices hook run NAME -- "$@" '
        "(for prepare-commit-msg and pre-push), or put ours there all the same with --force",
    )
