"""The quick answers, asked in this process."""

import json
import os
from pathlib import Path

from gitslices.git.links import find_admin_folder
from gitslices.quick.commit import refuse_strange_commit
from gitslices.quick.edit import refuse_strange_edit
from gitslices.quick.scope_file import FILE_NAME
from gitslices.slices.scope_files import refresh_scope_file
from tests.support.workspaces import open_at


def find_scope_file(worktree: Path) -> Path:
    admin = find_admin_folder(worktree)
    assert admin is not None
    return admin / FILE_NAME


def refresh(worktree: Path) -> None:
    """Have the scope file of a slice's worktree written, as its hook does."""
    workspace = open_at(worktree)
    with workspace.open_store() as store:
        refresh_scope_file(workspace, store, find_scope_file(worktree).parent)


def commits_plainly(worktree: Path, **environ: str) -> bool:
    """Whether the quick answer to what is in the index is yes."""
    git_dir = str(find_scope_file(worktree).parent)
    try:
        refuse_strange_commit(str(worktree), {**os.environ, "GIT_DIR": git_dir, **environ})
    # As in a process of its own: whatever it is, it is no yes.
    except Exception:
        return False
    return True


def edits_plainly(here: Path, payload: object, **environ: str) -> bool:
    """Whether the quick answer to a payload of Claude Code is yes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    try:
        refuse_strange_edit(data, str(here), {**os.environ, **environ})
    except Exception:
        return False
    return True
