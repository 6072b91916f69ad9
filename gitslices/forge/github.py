"""GitHub, through its own client `gh`: one query for all branches, and plain requests."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gitslices.core.errors import RefusedError, RemoteError
from gitslices.core.model import BranchName
from gitslices.forge.pull_request import (
    ChecksState,
    Proposal,
    PullRequest,
    PullStage,
    ReviewState,
)
from gitslices.system.programs import run_program
from gitslices.system.settings_tables import MergeStyle

_FIELDS: Final = (
    "nodes{id number url title body state isDraft isCrossRepository baseRefName headRefName"
    " reviewDecision commits(last:1){nodes{commit{statusCheckRollup{state}}}}}"
)
# A query of thousands of branches is refused as too dear.
_AT_ONCE: Final = 50
_NOT_LOGGED_IN: Final = 4
_CHECKS: Final[Mapping[str, ChecksState]] = {
    "SUCCESS": "passed", "FAILURE": "failed", "ERROR": "failed",
    "PENDING": "pending", "EXPECTED": "pending",
}  # fmt: skip
_REVIEWS: Final[Mapping[str, ReviewState]] = {
    "APPROVED": "approved", "CHANGES_REQUESTED": "rejected", "REVIEW_REQUIRED": "wanted",
}  # fmt: skip


class GitHub:
    """The repository `path`, `owner/name`, on `host`."""

    name = "GitHub"

    def __init__(self, host: str, path: str, environ: Mapping[str, str], cwd: Path) -> None:
        """`cwd` is where the client runs; nothing that is there counts."""
        self._owner, _, self._repo = path.partition("/")
        self._cwd = cwd
        self._environ = {
            **environ,
            # An address that ssh knows by another name is the user's to tell.
            "GH_HOST": environ.get("GH_HOST") or host,
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "NO_COLOR": "1",
        }

    def find_all(self, branches: Sequence[BranchName]) -> Mapping[BranchName, PullRequest]:
        """See `Forge`."""
        found: dict[BranchName, PullRequest] = {}
        for begin in range(0, len(branches), _AT_ONCE):
            some = branches[begin : begin + _AT_ONCE]
            names = {f"b{place}": branch for place, branch in enumerate(some)}
            parts = " ".join(
                f"{name}:pullRequests(headRefName:${name},first:5,"
                f"orderBy:{{field:CREATED_AT,direction:DESC}}){{{_FIELDS}}}"
                for name in names
            )
            declared = "".join(f",${name}:String!" for name in names)
            query = (
                f"query($owner:String!,$repo:String!{declared})"
                f"{{repository(owner:$owner,name:$repo){{{parts}}}}}"
            )
            answer = self._ask(query, {"owner": self._owner, "repo": self._repo, **names})
            for several in (answer.get("repository") or {}).values():
                found |= {one.branch: one for one in _read_latest(several["nodes"])}
        return found

    def open(self, proposal: Proposal) -> tuple[PullRequest, tuple[str, ...]]:
        """See `Forge`."""
        wanted = {
            "title": proposal.title, "body": proposal.body, "draft": proposal.draft,
            "head": proposal.branch, "base": proposal.base,
        }  # fmt: skip
        status, answer = self._send("POST", self._name("pulls"), wanted)
        warnings: tuple[str, ...] = ()
        if status == 422 and proposal.draft:
            # Some plans of GitHub's have no drafts; were it anything else, it is refused again.
            status, answer = self._send("POST", self._name("pulls"), {**wanted, "draft": False})
            warnings = (f"{proposal.branch} is no draft: the repository has none",)
        _require(status, answer, f"open a pull request for {proposal.branch}")
        made = _read_made(answer, proposal)
        return made, (*warnings, *self._request_reviews(made.number, proposal))

    def update(self, known: PullRequest, proposal: Proposal) -> tuple[str, ...]:
        """See `Forge`."""
        wanted = {
            key: new
            for key, old, new in (
                ("title", known.title, proposal.title),
                ("body", known.body, proposal.body),
                ("base", known.base, proposal.base),
            )
            if old != new
        }
        if wanted:
            status, answer = self._send("PATCH", self._name(f"pulls/{known.number}"), wanted)
            _require(status, answer, f"change #{known.number}")
        if known.state == "draft" and not proposal.draft:
            self._mutate("markPullRequestReadyForReview", known)
            return self._request_reviews(known.number, proposal)
        return ()

    def enter_queue(self, known: PullRequest, style: MergeStyle) -> None:
        """See `Forge`."""
        # Where the branch has a merge queue, this is the way into it, too.
        self._mutate("enablePullRequestAutoMerge", known, f",mergeMethod:{style.upper()}")

    def _request_reviews(self, number: int, proposal: Proposal) -> tuple[str, ...]:
        if (not proposal.reviewers and not proposal.teams) or proposal.draft:
            return ()
        teams = [team.rpartition("/")[2] for team in proposal.teams]
        wanted = {"reviewers": proposal.reviewers, "team_reviewers": teams}
        status, answer = self._send(
            "POST", self._name(f"pulls/{number}/requested_reviewers"), wanted
        )
        if status < 300:
            return ()
        # Nobody reviews their own, and a team may have left: the pull request stands all the same.
        return (f"reviews of #{number} were not asked for: {_read_message(answer)}",)

    def _mutate(self, name: str, known: PullRequest, more: str = "") -> None:
        query = (
            f"mutation($id:ID!){{{name}(input:{{pullRequestId:$id{more}}}){{clientMutationId}}}}"
        )
        self._ask(query, {"id": known.handle})

    def _ask(self, query: str, variables: Mapping[str, object]) -> dict[str, Any]:
        status, answer = self._send("POST", "graphql", {"query": query, "variables": variables})
        _require(status, answer, "answer")
        if answer.get("errors"):
            raise RefusedError(f"GitHub does not do it: {_read_message(answer)}")
        return answer.get("data") or {}

    def _name(self, rest: str) -> str:
        return f"repos/{self._owner}/{self._repo}/{rest}"

    def _send(self, method: str, place: str, wanted: object) -> tuple[int, dict[str, Any]]:
        """The status of the answer, and what it holds."""
        argv = ("gh", "api", "--include", "--method", method, "--input", "-", place)
        data = json.dumps(wanted).encode()
        done = run_program(argv, cwd=self._cwd, environ=self._environ, input=data)
        if done.status == _NOT_LOGGED_IN:
            raise RefusedError("gh is not logged in to GitHub", hint="let it once: gh auth login")
        head, _, body = done.output.replace("\r\n", "\n").partition("\n\n")
        said = re.match(r"HTTP/\S+ (\d{3})", head)
        status = int(said[1]) if said else 0
        if status == 401:
            raise RefusedError("GitHub does not know who asks", hint="let it once: gh auth login")
        if not said or status >= 500:
            raise RemoteError(f"GitHub cannot be reached: {done.complaint or head}")
        try:
            answer = json.loads(body) if body.strip() else {}
        except ValueError as error:
            raise RemoteError(f"GitHub has answered what is no JSON: {error}") from error
        return status, answer if isinstance(answer, dict) else {}


def _require(status: int, answer: Mapping[str, Any], what: str) -> None:
    if status >= 300:
        raise RefusedError(f"GitHub does not {what}: {_read_message(answer)}")


def _read_message(answer: Mapping[str, Any]) -> str:
    errors = answer.get("errors") or ()
    said = [one.get("message") or one.get("code") for one in errors if isinstance(one, dict)]
    return "; ".join(str(one) for one in (answer.get("message"), *said) if one) or "no reason given"


def _read_latest(nodes: Sequence[Mapping[str, Any]]) -> Iterator[PullRequest]:
    """The first that comes from this repository: others may call a branch of theirs the same."""
    own = [node for node in nodes if not node["isCrossRepository"]]
    for node in own[:1]:
        commits = node["commits"]["nodes"]
        rollup = (commits[0]["commit"]["statusCheckRollup"] or {}) if commits else {}
        yield PullRequest(
            number=node["number"],
            url=node["url"],
            branch=BranchName(node["headRefName"]),
            base=BranchName(node["baseRefName"]),
            title=node["title"],
            body=node["body"] or "",
            state=_read_state(node),
            checks=_CHECKS.get(rollup.get("state", ""), "none"),
            review=_REVIEWS.get(node["reviewDecision"], "none"),
            handle=node["id"],
        )


def _read_state(node: Mapping[str, Any]) -> PullStage:
    if node["state"] == "OPEN":
        return "draft" if node["isDraft"] else "open"
    return "merged" if node["state"] == "MERGED" else "closed"


def _read_made(answer: Mapping[str, Any], proposal: Proposal) -> PullRequest:
    return PullRequest(
        number=answer["number"],
        url=answer["html_url"],
        branch=proposal.branch,
        base=proposal.base,
        title=proposal.title,
        body=proposal.body,
        state="draft" if answer.get("draft") else "open",
        handle=answer.get("node_id", ""),
    )
