"""The claim that a session was started with: a small file in git's own folder for its worktree."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import StateError
from gitslices.core.files import replace_file
from gitslices.core.model import SliceId

CLAIM_NAME: Final = "gitslices-claim.json"


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
        return decode_json(path.read_bytes(), ClaimNote)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}",
            hint="free the slice: gitslices release SLICE --force",
        ) from error


def remove_claim(admin: Path) -> None:
    """Forget the claim."""
    (admin / CLAIM_NAME).unlink(missing_ok=True)
