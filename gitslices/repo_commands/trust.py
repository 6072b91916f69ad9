"""Approve the commands of a repository, by their exact text, before any of them runs."""

import os
from collections.abc import Sequence

from msgspec import Struct

from gitslices.slices.settings import find_settings_remarks, read_all_settings
from gitslices.state.trust import (
    Approval,
    change_approvals,
    find_user_folder,
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
    everywhere = read_approvals(find_user_folder(workspace.environ))
    return tuple(one for one in everywhere if one.repository == _name_repository(workspace))


def approve(workspace: Workspace, texts: Sequence[str]) -> None:
    """Let `texts` run in this repository from now on."""
    new = [
        Approval(
            repository=_name_repository(workspace),
            sha256=make_fingerprint(text),
            text=text,
            approved_at=workspace.now(),
        )
        for text in require_trust(workspace, texts)
    ]
    change_approvals(find_user_folder(workspace.environ), lambda known: (*known, *new))


def revoke(workspace: Workspace) -> tuple[str, ...]:
    """Let nothing run in this repository any more; return the texts that could."""
    here = list_approvals(workspace)
    change_approvals(
        find_user_folder(workspace.environ),
        lambda known: tuple(one for one in known if one not in here),
    )
    return tuple(one.text for one in here)


def _name_repository(workspace: Workspace) -> str:
    return os.path.realpath(workspace.repo.common_dir)
