"""The settings that count: the main worktree's, or without one those of the target's commit."""

from gitslices.git.blobs import read_file
from gitslices.git.read import HEADS, find_commit
from gitslices.model import BranchName, RepoPath
from gitslices.settings import FILE_NAME, Settings, load_settings, parse_settings
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
