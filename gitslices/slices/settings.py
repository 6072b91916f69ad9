"""What the repository's own file and git's settings ask for, wherever it is to be read."""

from typing import Any, get_args

from gitslices.core.errors import InputError
from gitslices.core.model import BranchName, RepoPath
from gitslices.core.naming import OLD_SETTINGS_FILE, SETTINGS_FILE
from gitslices.git.read import TreeEntry, find_commit, find_entries, find_target_tip, read_blob
from gitslices.git.repository import Repository
from gitslices.system.settings import (
    FILE_NAMES,
    LARGEST,
    SettingsError,
    add_settings,
    find_files,
    find_overruled,
    load_settings,
    parse_settings,
)
from gitslices.system.settings_tables import MergeStyle, Settings, SyncStyle
from gitslices.workspace import Workspace


def read_settings(workspace: Workspace, target: BranchName | None = None) -> Settings:
    """What the last commit of `target` asks for, and what the main worktree asks for besides.

    The commit counts whatever is checked out: a branch without the file, or an edit of it, must not
    make a review or a gate go away. Without a target it is the only one there is, else HEAD. The
    file of a slice's worktree never counts: whoever works there could change what judges the work.
    """
    if target is None:
        targets = _read_targets(workspace)
        target = targets[0] if len(targets) == 1 else None
    held, main = _read_committed(workspace, target), workspace.main_worktree
    return held if main is None else add_settings(held, load_settings(main))


def read_all_settings(workspace: Workspace) -> tuple[Settings, ...]:
    """The settings that count for some goal, or would for a new one."""
    targets = dict.fromkeys((*_read_targets(workspace), None))
    return tuple(read_settings(workspace, target) for target in targets)


def find_settings_remarks(workspace: Workspace) -> tuple[str, ...]:
    """What is to be said of a settings file that has its old name: where it belongs now."""
    if _list_files(workspace) != (OLD_SETTINGS_FILE,):
        return ()
    folder = SETTINGS_FILE.partition("/")[0]
    move = f"mkdir -p {folder} && git mv {OLD_SETTINGS_FILE} {SETTINGS_FILE}"
    return (f"{OLD_SETTINGS_FILE} is read on, and is called {SETTINGS_FILE} now; move it: {move}",)


def has_two_files(workspace: Workspace) -> bool:
    """Whether there are settings under the old name, too, which do not count then."""
    return len(_list_files(workspace)) > 1


def find_overruled_settings(workspace: Workspace) -> dict[BranchName, tuple[str, ...]]:
    """What the main worktree's file has otherwise than the last commit of each target."""
    main = workspace.main_worktree
    if main is None:
        return {}
    more = load_settings(main)
    return {
        target: overruled
        for target in _read_targets(workspace)
        if (overruled := find_overruled(_read_committed(workspace, target), more))
    }


def _list_files(workspace: Workspace) -> tuple[str, ...]:
    main = workspace.main_worktree
    if main is not None:
        return find_files(main)
    commit = find_commit(workspace.repo, "HEAD")
    names = [RepoPath(name) for name in FILE_NAMES]
    there = find_entries(workspace.repo, commit, names) if commit else {}
    return tuple(name for name in names if name in there)


def _read_targets(workspace: Workspace) -> list[BranchName]:
    # To open a store makes one: who only reads settings must leave nothing behind.
    if not workspace.has_store():
        return []
    with workspace.open_store() as store:
        return list(dict.fromkeys(goal.plan.target for goal in store.read_goals()))


def _read_committed(workspace: Workspace, target: BranchName | None) -> Settings:
    repo = workspace.repo
    # By its full name: a tag called like the target must not decide what gates there are.
    commit = (find_target_tip(repo, target) if target else None) or find_commit(repo, "HEAD")
    if commit is None:
        return Settings()
    entries = find_entries(repo, commit, [RepoPath(name) for name in FILE_NAMES])
    found = next((RepoPath(name) for name in FILE_NAMES if RepoPath(name) in entries), None)
    if found is None:
        return Settings()
    shown = f"{target or 'HEAD'}:{found}"
    return parse_settings(_read_entry(repo, entries[found], shown), shown)


def _read_entry(repo: Repository, entry: TreeEntry, shown: str) -> bytes:
    if not entry.is_file:
        raise SettingsError(f"{shown} cannot be read: it is no regular file")
    # One that is too large is refused by its size, and never read.
    return read_blob(repo, entry.oid) if entry.size <= LARGEST else b" " * (LARGEST + 1)


def choose_merge_style(
    workspace: Workspace, style: MergeStyle | None, target: BranchName
) -> MergeStyle:
    """`style`, else `gitslices.mergeStyle`, else `style` of the settings file, else `merge`."""
    asked = style or _read(workspace, "mergeStyle", MergeStyle)
    return asked or read_settings(workspace, target).merge.style or "merge"


def choose_sync_style(
    workspace: Workspace, style: SyncStyle | None, target: BranchName
) -> SyncStyle:
    """`style`, else `gitslices.syncStyle`, else the settings file's; `merge` rewrites nothing."""
    asked = style or _read(workspace, "syncStyle", SyncStyle)
    return asked or read_settings(workspace, target).merge.sync or "merge"


def _read(workspace: Workspace, name: str, styles: Any) -> Any:
    """A setting of git that must be one of the words in `styles`; None where it is not set."""
    value = workspace.config.get(f"gitslices.{name.lower()}")
    if value is None or value in get_args(styles):
        return value
    raise InputError(
        f"gitslices.{name} is {value!r}", hint=f"it is one of: {', '.join(get_args(styles))}"
    )
