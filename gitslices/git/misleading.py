"""Settings for all worktrees that lead git to the wrong files, or to none.

Tools write them that start `git init` with a `GIT_DIR` or `GIT_WORK_TREE` that they inherited.
"""

import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct

from gitslices.core.errors import MachineError
from gitslices.git.links import find_admin_folder
from gitslices.git.read import is_true
from gitslices.git.repository import Repository


class Misleading(Struct, frozen=True, kw_only=True):
    """A setting, what is wrong with it, what comes of it, and how to set it right."""

    name: str
    problem: str
    why: str
    hint: str


def refuse_misleading_settings(repo: Repository, config: Mapping[str, str]) -> None:
    """Raise `MachineError` where a setting would have files moved in the wrong place."""
    for one in find_misleading_settings(repo, config):
        raise MachineError(f"{one.name}: {one.problem}", hint=one.hint)


def find_misleading_settings(repo: Repository, config: Mapping[str, str]) -> Iterator[Misleading]:
    """What `config`, of the main worktree, and the file of all worktrees have of that kind."""
    if is_true(config.get("extensions.worktreeconfig")):
        yield from _find_shared(repo)
    # An index tells of files: a repository that was always bare has none, as a rule.
    if is_true(config.get("core.bare")) and (repo.common_dir / "index").exists():
        index = str(repo.common_dir / "index")
        yield Misleading(
            name="core.bare",
            problem=f"it is true, and {index!r} says that files are checked out",
            why="a merge moves the branch, and leaves those files behind",
            hint="where there is a work tree: git config core.bare false; "
            f"where there is none, delete {index!r}",
        )
    yield from _find_foreign_worktree(repo, config)


def _find_shared(repo: Repository) -> Iterator[Misleading]:
    """What linked worktrees take for their own (git-worktree, CONFIGURATION FILE)."""
    file = ("--file", str(repo.common_dir / "config"))
    wanted = r"^core\.(worktree|bare)$"
    listing = repo.run("config", *file, "--null", "--get-regexp", wanted, ok=(0, 1)).text
    for name, _, value in (entry.partition("\n") for entry in listing.split("\0") if entry):
        # Shared and false harms nobody: it is what every linked worktree is.
        if name == "core.bare" and value and not is_true(value):
            continue
        yield Misleading(
            name=name,
            problem="it is shared by all worktrees, beside extensions.worktreeConfig",
            why="linked worktrees take it for their own, and git works in the wrong folder",
            hint="move it to the main worktree's own settings: "
            f"git config --worktree {name} {shlex.quote(value or 'true')}; "
            f"git config --file {shlex.quote(str(repo.common_dir / 'config'))} --unset {name}",
        )


def _find_foreign_worktree(repo: Repository, config: Mapping[str, str]) -> Iterator[Misleading]:
    named = config.get("core.worktree")
    admin = find_admin_folder(repo.common_dir / named) if named else None
    if admin is not None and admin.parent.resolve() == (repo.common_dir / "worktrees").resolve():
        yield Misleading(
            name="core.worktree",
            problem=f"it is {named!r}, a linked worktree",
            why="git works on that worktree's files where the main worktree is meant",
            hint="take it back: git config --unset core.worktree",
        )
