"""Gitea and Forgejo, through their own client `tea`, which opens and lists, and changes nothing."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gitslices.core.errors import RefusedError, RemoteError
from gitslices.core.model import BranchName
from gitslices.forge.clients import run_client
from gitslices.forge.pull_request import Proposal, PullRequest
from gitslices.system.settings_tables import MergeStyle

_FIELDS: Final = "index,state,title,body,url,head,base"
# Gitea has no drafts but by this (repository.pull-request.WORK_IN_PROGRESS_PREFIXES).
_DRAFT: Final = "WIP: "


class Gitea:
    """The repository `path`, `owner/name`."""

    name = "Gitea"

    def __init__(self, path: str, environ: Mapping[str, str], cwd: Path) -> None:
        """`cwd` is where the client runs: there it finds the login that fits the remote."""
        self._path, self._cwd = path, cwd
        self._environ = {**environ, "NO_COLOR": "1"}

    def find_all(self, branches: Sequence[BranchName]) -> Mapping[BranchName, PullRequest]:
        """See `Forge`."""
        said = self._run(
            "pulls", "list", f"--repo={self._path}", "--state=all", "--limit=1000",
            f"--fields={_FIELDS}", "--output=json",
        )  # fmt: skip
        try:
            rows = json.loads(said or "[]")
            found = [_read_row(row) for row in reversed(rows)]
        except (ValueError, KeyError, TypeError) as error:
            raise RemoteError(f"tea has answered otherwise than it does: {said[:200]}") from error
        return {one.branch: one for one in found if one.branch in branches}

    def open(self, proposal: Proposal) -> tuple[PullRequest, tuple[str, ...]]:
        """See `Forge`."""
        title = _DRAFT + proposal.title if proposal.draft else proposal.title
        said = self._run(
            "pulls", "create", f"--repo={self._path}", f"--head={proposal.branch}",
            f"--base={proposal.base}", f"--title={title}", f"--description={proposal.body}",
        )  # fmt: skip
        found = re.search(r"https?://\S+/pulls/(\d+)", said)
        if found is None:
            raise RefusedError(f"tea names no pull request: {said.strip()[:200]}")
        made = PullRequest(
            number=int(found[1]),
            url=found[0],
            branch=proposal.branch,
            base=proposal.base,
            title=proposal.title,
            body=proposal.body,
            state="draft" if proposal.draft else "open",
        )
        asked = (*proposal.reviewers, *proposal.teams)
        return made, (f"tea asks nobody for a review: {', '.join(asked)}",) if asked else ()

    def update(self, known: PullRequest, proposal: Proposal) -> tuple[str, ...]:
        """See `Forge`."""
        changed = [
            what
            for what, old, new in (
                ("its base", known.base, proposal.base),
                ("its title", known.title, proposal.title),
                ("that it is a draft", known.state == "draft", proposal.draft),
            )
            if old != new
        ]
        if not changed:
            return ()
        return (f"#{known.number} is to be changed by hand, tea cannot: {', '.join(changed)}",)

    def enter_queue(self, known: PullRequest, style: MergeStyle) -> None:
        """See `Forge`."""
        raise RefusedError(
            f"tea has no way to merge #{known.number} later by itself",
            hint=f"say it there: {known.url}",
        )

    def _run(self, *args: str) -> str:
        return run_client(
            "tea", *args, cwd=self._cwd, environ=self._environ, login="tea login list"
        )


def _read_row(row: Mapping[str, Any]) -> PullRequest:
    title, state = str(row["title"]), str(row["state"]).lower()
    is_draft = state == "open" and title.startswith(_DRAFT)
    return PullRequest(
        number=int(row["index"]),
        url=str(row["url"]),
        branch=BranchName(str(row["head"]).rpartition(":")[2]),
        base=BranchName(str(row["base"])),
        title=title.removeprefix(_DRAFT),
        body=str(row.get("body") or ""),
        state="draft"
        if is_draft
        else "open"
        if state == "open"
        else "merged"
        if state == "merged"
        else "closed",
    )
