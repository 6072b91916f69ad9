"""GitLab, through its own client `glab`."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gitslices.core.errors import RefusedError, RemoteError
from gitslices.core.model import BranchName
from gitslices.forge.clients import run_client
from gitslices.forge.pull_request import ChecksState, Proposal, PullRequest, PullStage
from gitslices.system.settings_tables import MergeStyle

_FIELDS: Final = (
    "nodes{iid webUrl title description state draft sourceBranch targetBranch approved"
    " headPipeline{status}}"
)
_CHECKS: Final[Mapping[str, ChecksState]] = {
    "SUCCESS": "passed", "FAILED": "failed", "CANCELED": "failed", "SKIPPED": "none",
}  # fmt: skip
_DRAFT: Final = re.compile(r"^(?:draft|\[draft\]|\(draft\)):?\s*", re.IGNORECASE)


class GitLab:
    """The project `path`, `group/name`, on `host`."""

    name = "GitLab"

    def __init__(self, host: str, path: str, environ: Mapping[str, str], cwd: Path) -> None:
        """`cwd` is where the client runs."""
        self._path, self._cwd = path, cwd
        self._url = f"https://{host}/{path}"
        self._environ = {**environ, "GITLAB_HOST": host, "NO_PROMPT": "1", "NO_COLOR": "1"}

    def find_all(self, branches: Sequence[BranchName]) -> Mapping[BranchName, PullRequest]:
        """See `Forge`."""
        # JSON's texts are GraphQL's, too: so no name is read as anything else.
        query = (
            f"query{{project(fullPath:{json.dumps(self._path)})"
            f"{{mergeRequests(sourceBranches:{json.dumps(list(branches))},sort:CREATED_ASC)"
            f"{{{_FIELDS}}}}}}}"
        )
        said = self._run("api", "graphql", "--raw-field", f"query={query}")
        try:
            project = json.loads(said)["data"]["project"] or {}
            nodes = project["mergeRequests"]["nodes"]
        except (ValueError, KeyError, TypeError) as error:
            raise RemoteError(
                f"GitLab has answered otherwise than it does: {said[:200]}"
            ) from error
        # Oldest first: of several the latest stays.
        return {BranchName(node["sourceBranch"]): _read_node(node) for node in nodes}

    def open(self, proposal: Proposal) -> tuple[PullRequest, tuple[str, ...]]:
        """See `Forge`."""
        said = self._run(
            "mr", "create", f"--repo={self._url}", f"--source-branch={proposal.branch}",
            f"--target-branch={proposal.base}", f"--title={proposal.title}",
            f"--description={proposal.body}", *(["--draft"] if proposal.draft else []),
            *(f"--reviewer={one}" for one in proposal.reviewers), "--yes",
        )  # fmt: skip
        found = re.search(r"https?://\S+/merge_requests/(\d+)", said)
        if found is None:
            raise RefusedError(f"glab names no merge request: {said.strip()[:200]}")
        return PullRequest(
            number=int(found[1]),
            url=found[0],
            branch=proposal.branch,
            base=proposal.base,
            title=proposal.title,
            body=proposal.body,
            state="draft" if proposal.draft else "open",
        ), _list_teams(proposal)

    def update(self, known: PullRequest, proposal: Proposal) -> tuple[str, ...]:
        """See `Forge`."""
        ready = known.state == "draft" and not proposal.draft
        wanted = [
            *([f"--title={proposal.title}"] if proposal.title != known.title else []),
            *([f"--description={proposal.body}"] if proposal.body != known.body else []),
            *([f"--target-branch={proposal.base}"] if proposal.base != known.base else []),
            *(["--ready", *(f"--reviewer=+{one}" for one in proposal.reviewers)] if ready else []),
        ]
        if wanted:
            self._run("mr", "update", str(known.number), f"--repo={self._url}", *wanted, "--yes")
        return _list_teams(proposal) if ready else ()

    def enter_queue(self, known: PullRequest, style: MergeStyle) -> None:
        """See `Forge`."""
        how = {"squash": ["--squash"], "rebase": ["--rebase"], "merge": []}[style]
        self._run(
            "mr", "merge", str(known.number), f"--repo={self._url}", "--auto-merge", *how, "--yes"
        )

    def _run(self, *args: str) -> str:
        return run_client(
            "glab", *args, cwd=self._cwd, environ=self._environ, login="glab auth status"
        )


def _list_teams(proposal: Proposal) -> tuple[str, ...]:
    return tuple(f"{one} is a group: GitLab takes only users" for one in proposal.teams)


def _read_node(node: Mapping[str, Any]) -> PullRequest:
    pipeline = node.get("headPipeline") or {}
    status = pipeline.get("status")
    state: PullStage = "closed"
    if node["state"] == "opened":
        state = "draft" if node["draft"] else "open"
    elif node["state"] == "merged":
        state = "merged"
    return PullRequest(
        number=int(node["iid"]),
        url=node["webUrl"],
        branch=BranchName(node["sourceBranch"]),
        base=BranchName(node["targetBranch"]),
        # The mark of a draft is a part of the title there.
        title=_DRAFT.sub("", node["title"]) if node["draft"] else node["title"],
        body=node["description"] or "",
        state=state,
        checks=_CHECKS.get(status, "pending") if status else "none",
        review="approved" if node.get("approved") else "none",
    )
