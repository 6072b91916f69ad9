"""How slices are merged and synced: as asked, else as git's settings say, else the repository's."""

from typing import Any, get_args

from gitslices.errors import InputError
from gitslices.ops.settings import read_settings
from gitslices.settings import MergeStyle, SyncStyle
from gitslices.workspace import Workspace


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
