"""Approve the commands of a repository, by their exact text, before any of them runs."""

import os
from collections.abc import Sequence

from msgspec import Struct

from gitslices.slices.settings import find_settings_remarks, read_all_settings
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.trust import (
    Approval,
    change_approvals,
    find_identity,
    find_user_folder,
    get_identity,
    make_fingerprint,
    read_approvals,
)
from gitslices.workspace import Workspace


class TrustReport(Struct, frozen=True, kw_only=True):
    """The commands that the settings name: those that may run here, and those that may not."""

    approved: tuple[str, ...]
    missing: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def require_trust(workspace: Workspace, texts: Sequence[str]) -> tuple[str, ...]:
    """Those of `texts` that may not run in this repository, because nobody has approved them."""
    if not texts:
        return ()
    approved = {one.sha256 for one in list_approvals(workspace)}
    return tuple(text for text in dict.fromkeys(texts) if make_fingerprint(text) not in approved)


def read_trust(workspace: Workspace) -> TrustReport:
    """How the commands in `.gitslices/config.toml` stand."""
    texts = tuple(dict.fromkeys(text for one in read_all_settings(workspace) for text in one.texts))
    missing = require_trust(workspace, texts)
    return TrustReport(
        approved=tuple(text for text in texts if text not in missing),
        missing=missing,
        remarks=find_settings_remarks(workspace),
    )


def list_approvals(workspace: Workspace) -> tuple[Approval, ...]:
    """What is approved for this repository, whether or not the settings still name it."""
    identity = find_identity(workspace.repo.common_dir / FOLDER_NAME)
    if identity is None:
        return ()
    here = _name_repository(workspace)
    everywhere = read_approvals(find_user_folder(workspace.environ))
    # A path can be taken by another repository, and a copy of this one has its identity, too.
    return tuple(one for one in everywhere if (one.repository, one.identity) == (here, identity))


def approve(workspace: Workspace, texts: Sequence[str]) -> None:
    """Let `texts` run in this repository from now on.

    What was approved for another repository that was at its path is forgotten: that one is gone.
    """
    here = _name_repository(workspace)

    def add(known: tuple[Approval, ...]) -> tuple[Approval, ...]:
        # Under the lock on approvals: two who approve at once must not give it two identities.
        identity = get_identity(workspace.state_folder)
        kept = [one for one in known if one.repository != here or one.identity == identity]
        approved = {one.sha256 for one in kept if one.repository == here}
        new = {make_fingerprint(text): text for text in texts}
        return (
            *kept,
            *(
                Approval(
                    repository=here,
                    identity=identity,
                    sha256=fingerprint,
                    text=text,
                    approved_at=workspace.now(),
                )
                for fingerprint, text in new.items()
                if fingerprint not in approved
            ),
        )

    change_approvals(find_user_folder(workspace.environ), add)


def revoke(workspace: Workspace) -> tuple[str, ...]:
    """Let nothing run in this repository any more; return the texts that could."""
    here = list_approvals(workspace)
    change_approvals(
        find_user_folder(workspace.environ),
        lambda known: tuple(one for one in known if one not in here),
    )
    return tuple(one.text for one in here)


def _name_repository(workspace: Workspace) -> str:
    # One repository, through whatever link it is reached.
    return os.path.realpath(workspace.repo.common_dir)
