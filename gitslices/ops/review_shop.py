"""Where the branches of a goal are reviewed, and what is known of that: here, and there."""

from collections.abc import Mapping

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.model import FINISHED, LANDED, BranchName, Oid, Slice, SliceId
from gitslices.forge.choice import find_forge
from gitslices.forge.pull_request import Forge, Proposal, PullRequest
from gitslices.git.remotes import RemoteBranch, list_remotes, read_addresses, read_branches_there
from gitslices.slices.lookup import get_slice
from gitslices.slices.settings import read_settings
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import find_place
from gitslices.state.publications import Publication, read_publications
from gitslices.state.store import Goal, Store
from gitslices.system.settings_tables import Settings
from gitslices.workspace import Workspace


class ReviewShop(Struct, frozen=True, kw_only=True):
    """A goal, the remote with its forge, and what is known of both.

    `there` are the branches that the remote has, `target` is what the goal is merged into there.
    """

    goal: Goal
    snapshot: Snapshot
    settings: Settings
    remote: str
    target: BranchName
    forge: Forge | None
    there: Mapping[BranchName, Oid]
    known: Mapping[SliceId, Publication]
    pulls: Mapping[BranchName, PullRequest]


def read_shop(workspace: Workspace, store: Store, goal: Goal) -> ReviewShop:
    """What there is now: a call of the remote, and one of its forge."""
    snapshot = Snapshot(workspace, store, goal.plan)
    settings = read_settings(workspace, goal.plan.target)
    place = find_place(workspace, goal.plan.target)
    remote = _choose_remote(workspace, settings, place)
    cwd = workspace.main_worktree or workspace.repo.common_dir
    # With a command of the settings it is that one's to find out what there is.
    forge = (
        None
        if settings.publish.open
        else find_forge(
            read_addresses(workspace.repo, remote), settings.publish.forge, workspace.environ, cwd
        )
    )
    branches = [one.branch_name for one in snapshot.records.values()]
    there = read_branches_there(workspace.repo, remote, branches, workspace.access)
    asked = [branch for branch in branches if branch in there]
    return ReviewShop(
        goal=goal,
        snapshot=snapshot,
        settings=settings,
        remote=remote,
        target=place.branch if place else goal.plan.target,
        forge=forge,
        there=there,
        known=read_publications(store, goal.goal_id),
        pulls=forge.find_all(asked) if forge and asked else {},
    )


def _choose_remote(workspace: Workspace, settings: Settings, place: RemoteBranch | None) -> str:
    remotes = list_remotes(workspace.config)
    named = settings.publish.remote
    if named is not None and named not in remotes:
        raise InputError(
            f"[publish] remote is {named!r}, and there is none of this name", hint="see: git remote"
        )
    chosen = named or (place.remote if place else None)
    chosen = chosen or ("origin" if "origin" in remotes or len(remotes) != 1 else remotes[0])
    if chosen not in remotes:
        raise InputError(
            "there is no remote to publish to", hint="add one: git remote add origin URL"
        )
    return chosen


def choose_published(shop: ReviewShop, wanted: tuple[SliceId, ...] | None) -> list[Slice]:
    """Those that are wanted, in the plan's order: what others wait for is there before them."""
    slices, snapshot = shop.goal.plan.slices, shop.snapshot
    if wanted is not None:
        ids = {get_slice(shop.goal, id_).slice_id for id_ in wanted}
        return [one for one in slices if one.slice_id in ids]
    return [
        one
        for one in slices
        if (record := snapshot.records.get(one.slice_id))
        and snapshot.statuses[one.slice_id] not in FINISHED
        and snapshot.has_commits(record)
    ]


def retarget_pulls(
    workspace: Workspace, store: Store, goal: Goal
) -> tuple[tuple[SliceId, ...], tuple[str, ...]]:
    """Put open pull requests onto the target whose base is a slice's branch that has landed.

    Which of them that were, and what did not come through. No forge is asked where no slice that is
    up for review comes after one that has landed.
    """
    published = read_publications(store, goal.goal_id)
    snapshot = Snapshot(workspace, store, goal.plan)
    stacked = [
        one.slice_id
        for one in goal.plan.slices
        if one.slice_id in published and snapshot.statuses[one.slice_id] not in FINISHED
        if any(snapshot.statuses[needed] in LANDED for needed in one.dependencies)
    ]
    shop = read_shop(workspace, store, goal) if stacked else None
    if shop is None or shop.forge is None:
        return (), ()
    records, statuses = shop.snapshot.records, shop.snapshot.statuses
    landed = {one.branch_name for id_, one in records.items() if statuses.get(id_) in LANDED}
    moved, warnings = [], []
    for id_ in stacked:
        pull = shop.pulls.get(records[id_].branch_name)
        if pull is not None and pull.is_open and pull.base in landed:
            wanted = Proposal(
                branch=pull.branch, base=shop.target, title=pull.title, body=pull.body,
                draft=pull.state == "draft",
            )  # fmt: skip
            warnings += [f"{id_}: {one}" for one in shop.forge.update(pull, wanted)]
            moved.append(id_)
    return tuple(moved), tuple(warnings)
