"""The folder that holds all state of one repository."""

from pathlib import Path
from typing import Final

from gitslices.errors import DiskError

FOLDER_NAME: Final = "gitslices"
OPERATION: Final = "operation-"
"""What the locks begin with that show which operations are alive."""

_PRIVATE: Final = 0o700
_OTHERS: Final = 0o077


def make_state_folder(common_dir: Path) -> Path:
    """`<common_dir>/gitslices`, made if it is not there yet; nobody else may look into it."""
    folder = common_dir / FOLDER_NAME
    if folder.is_symlink():
        raise DiskError(f"{str(folder)!r} is a symbolic link", hint="remove the link")
    try:
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
        if folder.stat().st_mode & _OTHERS:
            folder.chmod(_PRIVATE)
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    return folder


def list_operations(folder: Path) -> set[str]:
    """The operations that have left a lock, alive or not."""
    return {path.stem.removeprefix(OPERATION) for path in folder.glob(f"{OPERATION}*")}
