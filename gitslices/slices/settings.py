"""What the repository's own file and git's settings ask for, wherever it is to be read."""

from typing import Any, get_args

from gitslices.core.errors import InputError
from gitslices.core.model import BranchName, RepoPath
from gitslices.git.read import HEADS, find_commit, read_file
from gitslices.system.settings import (
    FILE_NAME,
    MergeStyle,
    Settings,
    SyncStyle,
    load_settings,
    parse_settings,
)
from gitslices.workspace import Workspace


def read_settings(workspace: Workspace, target: BranchName | None = None) -> Settings:
    """What `.gitslices.toml` says in the main worktree, committed or not.

    Without a main worktree it is the file in the last commit of `target`; without a target that of
    the only one there is, else of HEAD. A worktree would not do: whoever works there could change
    what judges the work.
    """
    main = workspace.main_worktree
    if main is not None:
        return load_settings(main)
    if target is None:
        targets = _read_targets(workspace)
        target = targets[0] if len(targets) == 1 else None
    return _read_committed(workspace, target)


def read_all_settings(workspace: Workspace) -> tuple[Settings, ...]:
    """The settings that count for some goal, or would for a new one."""
    if workspace.main_worktree is not None:
        return (read_settings(workspace),)
    return tuple(_read_committed(workspace, one) for one in (*_read_targets(workspace), None))


def _read_targets(workspace: Workspace) -> list[BranchName]:
    if not workspace.has_store():
        return []
    with workspace.open_store() as store:
        return list(dict.fromkeys(goal.plan.target for goal in store.read_goals()))


def _read_committed(workspace: Workspace, target: BranchName | None) -> Settings:
    repo = workspace.repo
    commit = (find_commit(repo, HEADS + target) if target else None) or find_commit(repo, "HEAD")
    data = read_file(repo, commit, RepoPath(FILE_NAME)) if commit else None
    return Settings() if data is None else parse_settings(data, f"{target or 'HEAD'}:{FILE_NAME}")


def choose_merge_style(workspace: Workspace, style: MergeStyle | None) -> MergeStyle:
    """`style`, else `gitslices.mergeStyle`, else `style` of the settings file, else `merge`."""
    asked = style or _read(workspace, "mergeStyle", MergeStyle)
    return asked or read_settings(workspace).merge.style or "merge"


def choose_sync_style(workspace: Workspace, style: SyncStyle | None) -> SyncStyle:
    """`style`, else `gitslices.syncStyle`, else the settings file's; `merge` rewrites nothing."""
    asked = style or _read(workspace, "syncStyle", SyncStyle)
    return asked or read_settings(workspace).merge.sync or "merge"


def _read(workspace: Workspace, name: str, styles: Any) -> Any:
    """A setting of git that must be one of the words in `styles`; None where it is not set."""
    value = workspace.config.get(f"gitslices.{name.lower()}")
    if value is None or value in get_args(styles):
        return value
    raise InputError(
        f"gitslices.{name} is {value!r}", hint=f"it is one of: {', '.join(get_args(styles))}"
    )
