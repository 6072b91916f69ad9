"""What the repository says of reviews: who owns which paths, and its own way to ask for them."""

import re
import shlex
from pathlib import Path
from typing import Final

from gitslices.core.errors import RefusedError
from gitslices.core.model import Oid, Slice
from gitslices.forge.owners import PLACES, OwnerRule, parse_owners
from gitslices.forge.pull_request import Proposal
from gitslices.git.read import find_entries, read_blob
from gitslices.system.settings_tables import PublishSettings
from gitslices.system.shell import open_shell
from gitslices.workspace import Workspace

_LARGEST: Final = 1024 * 1024
_URL: Final = re.compile(r"https?://[!-~]+")


def read_owner_rules(workspace: Workspace, commit: Oid) -> tuple[OwnerRule, ...]:
    """The rules of the file CODEOWNERS in `commit`; none where it has no such file."""
    entries = find_entries(workspace.repo, commit, PLACES)
    entry = next((entries[place] for place in PLACES if place in entries), None)
    if entry is None or not entry.is_file or entry.size > _LARGEST:
        return ()
    return parse_owners(read_blob(workspace.repo, entry.oid).decode("utf-8", "replace"))


def open_by_command(
    workspace: Workspace, settings: PublishSettings, slice_: Slice, proposal: Proposal
) -> str | None:
    """Run `[publish] open`; the last address that it prints.

    The caller has seen to it that it is approved. Raises `RefusedError` where it fails.
    """
    command = settings.open
    assert command is not None, "the caller has looked"  # noqa: S101
    log = workspace.state_folder / "logs" / slice_.worktree_name / "publish.log"
    log.unlink(missing_ok=True)
    with workspace.open_scratch() as scratch, open_shell() as shell:
        values = {
            "branch": proposal.branch,
            "target": proposal.base,
            "title_file": _write(scratch / "title", proposal.title + "\n"),
            "body_file": _write(scratch / "body", proposal.body),
            "draft": "draft" if proposal.draft else "ready",
            "reviewers": ",".join((*proposal.reviewers, *proposal.teams)),
        }
        ended = shell.run(
            # Each in quotes of the shell's: no name of a branch becomes a word of its own.
            re.sub(r"\{(\w+)\}", lambda found: _fill(found, values), command),
            cwd=workspace.main_worktree or workspace.repo.common_dir,
            environ=workspace.environ,
            timeout=settings.timeout,
            log=log,
        )
    if ended.status != 0:
        raise RefusedError(f"[publish] open has failed: {ended.failure}", hint=f"see {log}")
    found = _URL.findall(log.read_text("utf-8", "replace"))
    return found[-1] if found else None


def _fill(found: re.Match[str], values: dict[str, str]) -> str:
    return shlex.quote(values[found[1]]) if found[1] in values else found[0]


def _write(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)
