"""What ties a process to one place: variables of git's, the current and the home directory."""

import os
import pwd
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from gitslices.core.errors import MachineError
from gitslices.quick.git_calls import LOCAL_VARIABLES


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


def find_home(environ: Mapping[str, str]) -> Path | None:
    """The user's home directory; None in a container that names none and knows no such user."""
    named = environ.get("HOME", "")
    with suppress(KeyError):
        named = named or pwd.getpwuid(os.getuid()).pw_dir
    return Path(named) if named.startswith("/") else None


def expand_home(setting: str, environ: Mapping[str, str]) -> Path:
    """The path that a setting names, where `~` is a home directory; raises `MachineError`."""
    home = find_home(environ)
    if home is not None and (setting == "~" or setting.startswith("~/")):
        return home / setting.removeprefix("~").lstrip("/")
    try:
        return Path(setting).expanduser()
    except RuntimeError as error:
        raise MachineError(
            f"{setting!r}: the home directory is not known", hint="set HOME, or give a whole path"
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
    # Out of the process itself: GitPython's children inherit it, and can only be given more.
    taken = {name: environ.pop(name) for name in LOCAL_VARIABLES if name in environ}

    def locate(name: str) -> Path | None:
        return find_cwd() / taken[name] if taken.get(name) else None

    return NamedByHook(git_dir=locate("GIT_DIR"), index_file=locate("GIT_INDEX_FILE"))
