"""Whether this repository is to have our git hooks: a hook that is gone cannot say so itself."""

from pathlib import Path
from typing import Final

from gitslices.replace import replace_file

_NAME: Final = "hooks-wanted"


def want_hooks(folder: Path) -> None:
    """Remember that the hooks have been installed."""
    replace_file(folder / _NAME, b"")


def forget_hooks(folder: Path) -> None:
    """Remember nothing any more."""
    (folder / _NAME).unlink(missing_ok=True)


def are_hooks_wanted(folder: Path) -> bool:
    """Whether they were installed and not taken away by us."""
    return (folder / _NAME).exists()
