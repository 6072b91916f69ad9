"""What git's own folder for a worktree tells of claims: that of the session, and the last token.

The store may be lost, or be an older copy of itself. A worker that was given a token before that
still has it, so no later lease of the slice may get the same one.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import StateError
from gitslices.core.files import read_regular, replace_file
from gitslices.core.model import SliceId
from gitslices.git.links import check_link, find_admin_folder, list_admin_folders
from gitslices.state.leases import (
    Lease,
    has_leases,
)
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace

CLAIM_NAME: Final = "gitslices-claim.json"
_LONGEST_NOTE: Final = 16 * 1024 * 1024
_SHOWN_NAME: Final = "gitslices-token"
# Whoever works in the worktree can write anything: one more must still fit into SQLite, and JSON.
_LARGEST: Final = 1 << 48


class ClaimNote(Struct, frozen=True, kw_only=True):
    """What a worker must know of its claim."""

    goal_id: str
    slice_id: SliceId
    token: int
    expires_at: str
    write_scope: tuple[str, ...]
    acceptance: tuple[str, ...]


def write_claim(admin: Path, note: ClaimNote) -> None:
    """Leave the claim where the session finds it: `git rev-parse --git-dir` names the folder."""
    replace_file(admin / CLAIM_NAME, msgspec.json.format(msgspec.json.encode(note)) + b"\n")


def find_claim(admin: Path) -> ClaimNote | None:
    """The claim that was left; None where there is none."""
    path = admin / CLAIM_NAME
    try:
        return decode_json(read_regular(path, limit=_LONGEST_NOTE), ClaimNote)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}",
            hint="free the slice: gitslices release SLICE --force",
        ) from error


def remove_claim(admin: Path) -> None:
    """Forget the claim."""
    # The token beside it stays: a worker that had it may come back after the next claim.
    (admin / CLAIM_NAME).unlink(missing_ok=True)


def _write_token(admin: Path, token: int) -> None:
    """Leave the token of the newest lease where it outlives the store."""
    replace_file(admin / _SHOWN_NAME, f"{token}\n".encode())


def _find_last_token(admins: Iterable[Path]) -> int:
    """The largest token that git's folders `admins` tell of; 0 where none does."""
    return max((token for admin in admins for token in _list_tokens(admin)), default=0)


def _list_tokens(admin: Path) -> Iterable[int]:
    # Damage here stops no claim: the store has a token, too, and the larger one counts.
    with suppress(OSError, ValueError):
        token = int((admin / _SHOWN_NAME).read_bytes()[:32])
        yield token if token <= _LARGEST else 0
    with suppress(OSError, StateError):
        note = find_claim(admin)
        yield note.token if note and note.token <= _LARGEST else 0


def find_shown_token(workspace: Workspace, store: Store, record: SliceRecord | None) -> int:
    """The largest token that an earlier holder of the slice may have, though the store is new."""
    admin = find_admin_folder(Path(record.worktree_path)) if record else None
    # A store that has leases counts on from them. A new one begins above all that any worktree
    # tells of: holders of the lost one still have their tokens.
    if admin is not None and has_leases(store):
        return _find_last_token([admin])
    return _find_last_token(list_admin_folders(workspace.repo.common_dir))


def show_token(workspace: Workspace, record: SliceRecord, lease: Lease) -> None:
    """Leave the token of a lease with the worktree, if that is the slice's own."""
    path = Path(record.worktree_path)
    admin = find_admin_folder(path)
    if admin is not None and check_link(path, workspace.repo.common_dir) == "whole":
        _write_token(admin, lease.token)
