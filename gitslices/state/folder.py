"""The folder that holds all state of one repository."""

from pathlib import Path
from typing import Final

from gitslices.errors import DiskError

FOLDER_NAME: Final = "gitslices"


def make_state_folder(common_dir: Path) -> Path:
    """`<common_dir>/gitslices`, made with mode 0700 if it is not there yet."""
    folder = common_dir / FOLDER_NAME
    if folder.is_symlink():
        raise DiskError(f"{str(folder)!r} is a symbolic link", hint="remove the link")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    return folder
