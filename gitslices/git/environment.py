"""What ties a process to one place: variables of git's, and the current directory."""

from collections.abc import Callable, MutableMapping
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import MachineError

# `git rev-parse --local-env-vars`, less the two that carry `git -c` settings: those are the user's
# wish for the whole command, while these point at one repository, worktree, index or, as GIT_CONFIG
# does for `git config`, at one file of settings.
LOCAL_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


class NamedByHook(Struct, frozen=True, kw_only=True):
    """What git told a hook: whose repository it is, and the index that is being committed."""

    git_dir: Path | None = None
    index_file: Path | None = None


def get_cwd() -> Path:
    """The current directory; raises `MachineError` where it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise MachineError(
            "the current directory has been deleted",
            hint="change to a directory that exists, or name one with -C DIR",
        ) from error


def take_local_variables(
    environ: MutableMapping[str, str], find_cwd: Callable[[], Path]
) -> NamedByHook:
    """Remove from `environ` what ties git to one repository; return what a hook needs of it.

    A hook's environment makes every git that inherits it answer for the hook's repository, even
    with `-C` elsewhere: a commit in another worktree lands on the hook's branch. So the variables
    go once, at the program's entry, before any git starts. The current directory is asked for only
    where one of the two is named: it may be gone.
    """
    taken = {name: environ.pop(name) for name in LOCAL_VARIABLES if name in environ}

    def locate(name: str) -> Path | None:
        return find_cwd() / taken[name] if taken.get(name) else None

    return NamedByHook(git_dir=locate("GIT_DIR"), index_file=locate("GIT_INDEX_FILE"))
