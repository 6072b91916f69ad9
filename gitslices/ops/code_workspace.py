"""The worktrees of a goal as a workspace file of VS Code, for an editor that shows them all."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from gitslices.core.errors import RefusedError
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import UNDER_WAY, Plan
from gitslices.workspace import Workspace

ENDING: Final = ".code-workspace"
_LARGEST: Final = 16 * 1024 * 1024


def name_code_workspace(workspace: Workspace, plan: Plan) -> Path:
    """Where the file of a goal is if nobody says otherwise: beside its worktrees."""
    names = [slice_.worktree_name.partition("--")[0] for slice_ in plan.slices]
    return workspace.worktree_root / f"{names[0] if names else 'slices'}{ENDING}"


def load_code_workspace(path: Path) -> dict[str, Any]:
    """What a file holds already, or nothing; raise `RefusedError` for one that is not to be lost.

    An editor takes comments in it, which would go if it were written anew.
    """
    try:
        document = json.loads(read_regular(path, limit=_LARGEST))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RefusedError(
            f"{str(path)!r} is no plain JSON, and would be overwritten: {error}",
            hint="take its comments out, or choose another file: --workspace=FILE",
        ) from error
    folders = document.get("folders", []) if isinstance(document, dict) else None
    if not isinstance(folders, list):
        raise RefusedError(
            f"{str(path)!r} is no workspace file, and would be overwritten",
            hint="choose another file: --workspace=FILE",
        )
    return {**document, "folders": folders}


def write_code_workspace(workspace: Workspace, plan: Plan, path: Path) -> None:
    """Let the file list the main worktree and those of the slices; all else in it stays."""
    known = load_code_workspace(path)
    kept = [one for one in known.get("folders", []) if not _is_slice(workspace, path, one)]
    if not known and workspace.main_worktree is not None:
        kept = [_make_folder(path, workspace.main_worktree, workspace.main_worktree.name)]
    document = {**known, "folders": [*kept, *_list_slices(workspace, plan, path)]}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    replace_file(path, text.encode("utf-8", "surrogateescape"), mode=0o666)


def _list_slices(workspace: Workspace, plan: Plan, path: Path) -> Iterator[dict[str, str]]:
    with workspace.open_store() as store:
        records = {one.slice_id: one for one in store.read_slices(plan.goal_id)}
    for slice_ in plan.slices:
        record = records.get(slice_.slice_id)
        if record is not None and record.status in UNDER_WAY:
            yield _make_folder(path, Path(record.worktree_path), slice_.slice_id)


def _make_folder(path: Path, folder: Path, name: str) -> dict[str, str]:
    """An entry for `folder`, by its path from the file: the two are moved together."""
    return {"name": name, "path": os.path.relpath(folder, path.parent)}


def _is_slice(workspace: Workspace, path: Path, entry: object) -> bool:
    """Whether an entry leads to where the worktrees of slices are made."""
    place = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(place, str):
        return False
    folder = Path(os.path.normpath(path.parent / place))
    return folder.parent == workspace.worktree_root
