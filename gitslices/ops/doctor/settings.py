"""Git settings that endanger slices."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gitslices.errors import InputError
from gitslices.git.read import is_true, read_expiry, read_shared_value, read_values
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.workspace import Workspace

# A worktree that is being made, or is on a disk that is not mounted, must outlive `git gc`.
_SAFE: Final = timedelta(days=1)
_EXPIRIES: Final = {
    "gc.worktreePruneExpire": "git gc forgets worktrees that are just being made, or on a disk "
    "that is not mounted",
    "gc.pruneExpire": "git gc deletes objects that a commit in another worktree is about to use",
}


def find_own_settings(workspace: Workspace) -> Iterator[Trouble]:
    """Settings of gitslices that no command accepts."""
    for name, read in (
        ("gitslices.worktreeRoot", lambda: workspace.worktree_root),
        ("gitslices.prefix", lambda: workspace.prefix),
    ):
        try:
            read()
        except InputError as error:
            finding = Finding(
                check="setting", thing=name, problem=error.message,
                why="no slice can be made", hint=error.hint,
            )  # fmt: skip
            yield Trouble(finding=finding)


def find_short_expiries(workspace: Workspace) -> Iterator[Trouble]:
    """`git gc` told to clear away what is in use."""
    latest = (datetime.fromisoformat(workspace.now()) - _SAFE).timestamp()
    for name, why in _EXPIRIES.items():
        expiry = read_expiry(workspace.repo, name)
        if expiry is None or expiry <= latest:
            continue
        finding = Finding(
            check="setting",
            thing=name,
            problem=f"it is {read_values(workspace.repo, name)[-1]!r}",
            why=why,
            hint=f"take it back: git config --unset-all {name}",
        )
        yield Trouble(finding=finding)


def find_shared_layout(workspace: Workspace) -> Iterator[Trouble]:
    """`core.bare` and `core.worktree` for all worktrees (git-worktree, CONFIGURATION FILE)."""
    if not is_true(read_shared_value(workspace.repo, "extensions.worktreeConfig")):
        return
    for name, harmless in (("core.worktree", None), ("core.bare", "false")):
        if read_shared_value(workspace.repo, name) in (None, harmless):
            continue
        finding = Finding(
            check="setting",
            thing=name,
            problem="it is shared by all worktrees, beside extensions.worktreeConfig",
            why="linked worktrees take it for their own, and git works in the wrong folder",
            hint=f"move it to the main worktree's own settings: git config --worktree {name} …",
        )
        yield Trouble(finding=finding)


SETTING_CHECKS = (find_own_settings, find_short_expiries, find_shared_layout)
