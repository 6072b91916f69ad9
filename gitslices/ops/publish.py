"""Branches of slices put up for review: pushed, and their pull requests opened and kept current."""

from pathlib import Path

from msgspec import Struct, structs

from gitslices.core.errors import Problem, RefusedError
from gitslices.core.model import FINISHED, BranchName, Oid, Slice, SliceId
from gitslices.forge.owners import find_owners
from gitslices.forge.pull_request import Proposal
from gitslices.forge.words import BodyFacts, make_body, make_title, renew_body
from gitslices.git.compare import read_tree_changes
from gitslices.git.read import HEADS, REMOTES, is_ancestor
from gitslices.git.remotes import (
    Declined,
    Pushed,
    RemoteBranch,
    push_branch,
)
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.review_shop import ReviewShop, choose_published, read_shop
from gitslices.repo_commands.gates import choose_gates, list_texts, read_proof, refuse_untrusted
from gitslices.repo_commands.publishing import open_by_command, read_owner_rules
from gitslices.rules.evidence import explain_gate, find_gate_run
from gitslices.rules.merging import describe_violations
from gitslices.rules.progress import make_landing_trailer
from gitslices.slices.goals import choose_goal
from gitslices.state.publications import Publication, write_publications
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace


class PublishRequest(Struct, frozen=True, kw_only=True):
    """The slices to publish, None for all that have work of their own."""

    slice_ids: tuple[SliceId, ...] | None
    goal_id: str | None = None


class PublishedSlice(Struct, frozen=True, kw_only=True):
    """A slice whose branch is on the remote at `commit`, and where it is reviewed.

    `number`, `base` and `draft` are null where no forge was told; `pushed` says whether the branch
    was not there already.
    """

    slice_id: SliceId
    branch: BranchName
    commit: Oid
    pushed: bool
    pr_url: str | None
    number: int | None = None
    base: BranchName | None = None
    draft: bool | None = None


class PublishReport(Struct, frozen=True, kw_only=True):
    """What `gitslices publish --json` prints."""

    goal_id: str
    remote: str
    forge: str | None
    published: tuple[PublishedSlice, ...]
    refused: tuple[Problem, ...]
    warnings: tuple[str, ...]


def publish(workspace: Workspace, request: PublishRequest) -> PublishReport:
    """Push the branches of slices, and open or update their pull requests.

    What cannot be published stops no other. Raises `RemoteError` where remote or forge cannot be
    reached, `UntrustedError` for a command of the settings that nobody has approved, `InputError`
    where no remote is meant.
    """
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
        shop = read_shop(workspace, store, goal)
        if shop.settings.publish.open:
            # At once: a branch is not pushed whose pull request nobody may ask for.
            refuse_untrusted(workspace, [shop.settings.publish.open])
        published: list[PublishedSlice] = []
        refused: list[Problem] = []
        warnings: list[str] = []
        for slice_ in choose_published(shop, request.slice_ids):
            made = _push(workspace, shop, slice_)
            if isinstance(made, Problem):
                refused.append(made)
                continue
            try:
                told, more = _propose(workspace, store, shop, slice_, made)
                warnings += more
            except RefusedError as error:
                refused.append(Problem(slice_.slice_id, error.message, error.hint))
                told = made
            published.append(told)
            shop = _note(workspace, store, shop, told)
    return PublishReport(
        goal_id=goal.goal_id,
        remote=shop.remote,
        forge=shop.forge.name if shop.forge else None,
        published=tuple(published),
        refused=tuple(refused),
        warnings=tuple(warnings),
    )


def _push(workspace: Workspace, shop: ReviewShop, slice_: Slice) -> PublishedSlice | Problem:
    """Bring the branch to the remote, where its work may go; or say why not."""
    id_, snapshot = slice_.slice_id, shop.snapshot
    record = snapshot.records.get(id_)
    tip = snapshot.find_tip(record) if record else None
    if record is None or tip is None:
        return Problem(id_, "it has no branch")
    if snapshot.statuses[id_] in FINISHED:
        return Problem(id_, f"it is {snapshot.statuses[id_]} already")
    if not snapshot.has_commits(record):
        return Problem(id_, "it has no commits of its own")
    problem = _find_outside(workspace, shop, record)
    if problem is not None:
        return problem
    known, old = shop.known.get(id_), shop.there.get(record.branch_name)
    url = known.url if known else None
    made = PublishedSlice(
        slice_id=id_, branch=record.branch_name, commit=tip, pushed=old != tip, pr_url=url
    )
    if old == tip:
        return made
    if old and not _may_replace(workspace, old, tip, known):
        name = f"{shop.remote}/{record.branch_name}"
        return Problem(
            id_,
            f"somebody has pushed to {name} what its branch here lacks",
            f"take it in first: git pull {shop.remote} {record.branch_name}",
        )
    place = RemoteBranch(
        remote=shop.remote,
        branch=record.branch_name,
        ref=f"{REMOTES}{shop.remote}/{record.branch_name}",
    )
    top = Path(record.worktree_path)
    outcome = push_branch(
        workspace.repo, place, new=tip, old=old, access=workspace.access,
        worktree=top if top.is_dir() else workspace.main_worktree,
    )  # fmt: skip
    if isinstance(outcome, Pushed):
        return structs.replace(made, pr_url=url or outcome.url)
    if isinstance(outcome, Declined):
        return Problem(id_, f"{shop.remote} does not take its branch: {outcome.reason}")
    return Problem(id_, "somebody has pushed to its branch just now", "publish it again")


def _may_replace(workspace: Workspace, old: Oid, tip: Oid, known: Publication | None) -> bool:
    """Whether what the remote has of a branch is in it still, or is ours and was made anew."""
    if known is not None and known.pushed == old:
        return True
    try:
        return is_ancestor(workspace.repo, old, tip)
    except Exception:
        return False


def _find_outside(workspace: Workspace, shop: ReviewShop, record: SliceRecord) -> Problem | None:
    id_, goal_id = record.slice_id, record.goal_id
    tip = HEADS + record.branch_name
    (checked,) = check(workspace, CheckRequest(slice_id=id_, goal_id=goal_id, commits=tip)).slices
    return describe_violations(goal_id, id_, checked.violations) if checked.violations else None


def _propose(
    workspace: Workspace, store: Store, shop: ReviewShop, slice_: Slice, made: PublishedSlice
) -> tuple[PublishedSlice, tuple[str, ...]]:
    """Open or update the pull request; what did not come through is said beside it."""
    proposal = _make_proposal(workspace, store, shop, slice_, made)
    if shop.forge is None:
        command = shop.settings.publish.open
        if command is None:
            return made, ()
        url = open_by_command(workspace, shop.settings.publish, slice_, proposal)
        return structs.replace(made, pr_url=url, base=proposal.base, draft=proposal.draft), ()
    known = shop.pulls.get(made.branch)
    if known is not None and known.is_open:
        wanted = structs.replace(
            proposal,
            # Its title is whoever's who has changed it there.
            title=known.title,
            body=renew_body(known.body, proposal.body),
        )
        warnings = shop.forge.update(known, wanted)
        pull = structs.replace(known, base=proposal.base)
    else:
        pull, warnings = shop.forge.open(proposal)
    told = structs.replace(
        made, pr_url=pull.url, number=pull.number, base=proposal.base, draft=proposal.draft
    )
    return told, tuple(f"{slice_.slice_id}: {one}" for one in warnings)


def _make_proposal(
    workspace: Workspace, store: Store, shop: ReviewShop, slice_: Slice, made: PublishedSlice
) -> Proposal:
    record = shop.snapshot.records[slice_.slice_id]
    owners = _find_reviewers(workspace, shop, record, made.commit)
    task = next((one for one in shop.goal.graph.tasks if one.id == slice_.task_id), None)
    facts = BodyFacts(
        gates=_describe_gates(workspace, store, shop, record),
        waits_for={
            id_: _find_url(shop, id_)
            for id_ in slice_.dependencies
            if shop.snapshot.statuses[id_] not in FINISHED
        },
        waited_for_by={
            one.slice_id: _find_url(shop, one.slice_id)
            for one in shop.goal.plan.slices
            if slice_.slice_id in one.dependencies
        },
        trailer=make_landing_trailer(shop.goal.goal_id, slice_.slice_id),
    )
    return Proposal(
        branch=made.branch,
        base=_choose_base(workspace, shop, slice_, made.commit),
        title=make_title(slice_),
        body=make_body(slice_, task, facts),
        draft=shop.snapshot.statuses[slice_.slice_id] != "done",
        reviewers=tuple(one.removeprefix("@") for one in owners if "/" not in one),
        teams=tuple(one.removeprefix("@") for one in owners if "/" in one),
    )


def _choose_base(workspace: Workspace, shop: ReviewShop, slice_: Slice, tip: Oid) -> BranchName:
    """The branch of the one slice that it waits for and is built on, else the target's."""
    snapshot = shop.snapshot
    left = [id_ for id_ in slice_.dependencies if snapshot.statuses[id_] not in FINISHED]
    if len(left) != 1:
        return shop.target
    before = snapshot.records.get(left[0])
    end = shop.there.get(before.branch_name) if before else None
    # Built on something else, its pull request would show the other's work as taken back.
    if (
        before
        and end
        and end == snapshot.find_tip(before)
        and is_ancestor(workspace.repo, end, tip)
    ):
        return before.branch_name
    return shop.target


def _find_url(shop: ReviewShop, id_: SliceId) -> str | None:
    known = shop.known.get(id_)
    return known.url if known else None


def _describe_gates(
    workspace: Workspace, store: Store, shop: ReviewShop, record: SliceRecord
) -> dict[str, str]:
    proof = read_proof(workspace, store, shop.goal, record, shop.settings.gates)
    texts = list_texts(choose_gates(shop.settings.gates, shop.goal, record))
    told = {}
    for name in proof.gates:
        run = find_gate_run(proof, name, texts.get(name))
        if run is not None and run.passed:
            told[name] = "passed"
        elif name in texts:
            told[name] = explain_gate(proof, name, texts[name])
    return told


def _find_reviewers(
    workspace: Workspace, shop: ReviewShop, record: SliceRecord, tip: Oid
) -> tuple[str, ...]:
    """Whom the settings name, and who owns what the slice has changed; addresses are left out."""
    rules = read_owner_rules(workspace, shop.snapshot.get_target())
    paths = [one.path for one in read_tree_changes(workspace.repo, record.base_commit, tip)]
    found = (*shop.settings.publish.reviewers, *find_owners(rules, paths))
    return tuple(dict.fromkeys(one for one in found if "@" not in one[1:]))


def _note(workspace: Workspace, store: Store, shop: ReviewShop, told: PublishedSlice) -> ReviewShop:
    """Record what was published, and know it for those that come behind."""
    known = Publication(
        goal_id=shop.goal.goal_id, slice_id=told.slice_id, pushed=told.commit, url=told.pr_url,
        number=told.number,
    )  # fmt: skip
    detail = {"branch": told.branch, "commit": told.commit, "url": told.pr_url}
    event = Event(
        at=workspace.now(), goal_id=shop.goal.goal_id, slice_id=told.slice_id, event="published",
        detail=detail,
    )  # fmt: skip
    is_new = shop.known.get(told.slice_id) != known
    with store.transaction():
        write_publications(store, [known])
        store.write_events([event] if is_new else [])
    return structs.replace(
        shop,
        known={**shop.known, told.slice_id: known},
        there={**shop.there, told.branch: told.commit},
    )
