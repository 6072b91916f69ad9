"""What a user has approved: exact texts of commands, each for one repository, in one private file.

It lies in the user's own state folder, not in the repository: what a repository brings along must
not be able to approve itself. Another repository that comes to the same path must not inherit
either, a fresh clone say: so each has an identity, made at the first approval and kept beside its
state, which no clone brings along and nobody can guess.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.decoding import decode_json
from gitslices.core.errors import DiskError, MachineError, StateError
from gitslices.core.files import read_regular, replace_file
from gitslices.git.environment import find_home
from gitslices.state.folder import IDENTITY_NAME
from gitslices.state.lock import hold_lock

_NAME: Final = "trust.json"
_LOCK_TIMEOUT: Final = 10.0

_IDENTITY: Final = re.compile(r"[0-9a-f]{64}")


class Approval(Struct, frozen=True, kw_only=True):
    """One command text that may run in one repository.

    That is the one with this `identity` whose common directory has the real path `repository`.
    """

    repository: str
    identity: str = ""
    sha256: str
    text: str
    approved_at: str


# Strict, or a field of a later version that narrows an approval would be passed over.
class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int = 1
    approvals: tuple[Approval, ...] = ()


def find_user_folder(environ: Mapping[str, str]) -> Path:
    """`gitslices` in the user's state folder, by the XDG Base Directory Specification.

    Raises `MachineError` where neither that folder nor a home directory is known.
    """
    configured = environ.get("XDG_STATE_HOME", "")
    # The specification: a relative path is to be ignored.
    if configured.startswith("/"):
        return Path(configured) / "gitslices"
    home = find_home(environ)
    if home is None:
        raise MachineError(
            "what is approved cannot be read: the home directory is not known",
            hint="set HOME, or XDG_STATE_HOME to a folder of the user's own",
        )
    return home / ".local" / "state" / "gitslices"


def read_approvals(folder: Path) -> tuple[Approval, ...]:
    """Everything approved, in whatever repository; raise `StateError` if the file is damaged."""
    path = folder / _NAME
    try:
        file = decode_json(path.read_bytes(), _File)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DiskError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{str(path)!r} cannot be read: {error}",
            hint="move it aside, and approve again: gitslices trust",
        ) from error
    # What is listed is the text, what counts the digest: where they disagree nothing is approved.
    return tuple(one for one in file.approvals if one.sha256 == make_fingerprint(one.text))


def change_approvals(
    folder: Path, change: Callable[[tuple[Approval, ...]], tuple[Approval, ...]]
) -> None:
    """Replace what is approved by `change` of it, safely beside others who do the same."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    with hold_lock(folder, "trust", timeout=_LOCK_TIMEOUT, purpose="gitslices trust"):
        approvals = change(read_approvals(folder))
        data = msgspec.json.format(msgspec.json.encode(_File(approvals=approvals)), indent=2)
        replace_file(folder / _NAME, data + b"\n")


def find_identity(state_folder: Path) -> str | None:
    """What tells the repository from all others; None where nothing was ever approved in it."""
    with suppress(OSError, UnicodeDecodeError):
        # What cannot be read is none: then nothing is approved, and nobody else's approval counts.
        text = read_regular(state_folder / IDENTITY_NAME, limit=100).decode("ascii").strip()
        return text if _IDENTITY.fullmatch(text) else None
    return None


def get_identity(state_folder: Path) -> str:
    """The same, made where there is none; the caller is changing approvals."""
    known = find_identity(state_folder)
    if known is not None:
        return known
    made = secrets.token_hex(32)
    replace_file(state_folder / IDENTITY_NAME, f"{made}\n".encode())
    return made


def make_fingerprint(text: str) -> str:
    """The SHA-256 of the exact text, in hex."""
    return sha256(text.encode()).hexdigest()
