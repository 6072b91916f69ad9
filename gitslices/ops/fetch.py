"""What the remotes have, brought here: targets, what has landed in them, slices that waited."""

from collections.abc import Iterator

from msgspec import Struct, structs

from gitslices.core.errors import BusyError, InputError, RefusedError, RemoteError
from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.read import find_tip, read_refs
from gitslices.git.remotes import (
    RemoteBranch,
    fetch_branches,
)
from gitslices.merging.follow_remote import (
    Followed,
    LeftBehind,
    describe_left_behind,
    find_follower,
    follow_remote,
)
from gitslices.ops.forward import forward_slices
from gitslices.recovery.recovery import recover_and_lock
from gitslices.rules.progress import Landed
from gitslices.slices.goals import choose_goals
from gitslices.slices.lookup import get_goal
from gitslices.slices.snapshot import Snapshot
from gitslices.slices.target import find_place
from gitslices.state.publications import read_publications
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace


class FetchRequest(Struct, frozen=True, kw_only=True):
    """The goal whose target is fetched; None means all that are under way."""

    goal_id: str | None = None


class SeenLanded(Struct, frozen=True, kw_only=True):
    """A slice whose work the target has, and had not before; how it came there."""

    slice_id: SliceId
    landed: Landed | None


class FetchedGoal(Struct, frozen=True, kw_only=True):
    """What a fetch has brought to one goal.

    `remote_branch` went from `old`, null where it was not known here, to `new`; `followed` is the
    local branch that went with it. `forwarded` are slices nobody has begun, brought to the target,
    `retargeted` those whose pull request was put onto it, what they are built on having landed.
    """

    goal_id: str
    target: BranchName
    remote_branch: str
    old: Oid | None
    new: Oid
    followed: BranchName | None
    landed: tuple[SeenLanded, ...]
    forwarded: tuple[SliceId, ...]
    warnings: tuple[str, ...]
    retargeted: tuple[SliceId, ...] = ()


class FetchReport(Struct, frozen=True, kw_only=True):
    """What `gitslices fetch --json` prints; `local` are goals whose target follows no remote."""

    goals: tuple[FetchedGoal, ...]
    local: tuple[str, ...]


def fetch(workspace: Workspace, request: FetchRequest, *, asked: bool = True) -> FetchReport:
    """Fetch the targets of goals, and bring along what follows them, here and on the forge.

    Where it was not `asked` for, but comes before something else, the forge is asked only if
    something has landed.

    Raises `RemoteError` where a remote cannot be reached, `InputError` where it has no such branch,
    or where no target that is meant follows a remote.
    """
    with workspace.open_store() as store:
        goals = choose_goals(workspace, store, request.goal_id)
        places = {goal.goal_id: find_place(workspace, goal.plan.target) for goal in goals}
        local = tuple(id_ for id_, there in places.items() if there is None)
        if len(local) == len(goals):
            target = goals[0].plan.target
            raise InputError(
                f"the target {target!r} follows no branch of a remote",
                hint=f"say which: git branch --set-upstream-to REMOTE/BRANCH {target}",
            )
        before = {goal.goal_id: _list_merged(workspace, store, goal) for goal in goals}
        old = _fetch_all(workspace, [there for there in places.values() if there])
        fetched = [
            _bring_along(workspace, store, goal, there, old[there.ref], before[goal.goal_id])
            for goal in goals
            if (there := places[goal.goal_id])
        ]
        fetched = [_retarget(workspace, store, one, asked=asked) for one in fetched]
    return FetchReport(goals=tuple(fetched), local=local)


def _retarget(
    workspace: Workspace, store: Store, fetched: FetchedGoal, *, asked: bool
) -> FetchedGoal:
    """Put pull requests onto the target whose base has landed; a forge that is away is told."""
    goal = get_goal(store, fetched.goal_id)
    # Before each claim nobody waits for the forge without a reason.
    if not (asked or fetched.landed) or not read_publications(store, goal.goal_id):
        return fetched
    # Imported here: mostly nothing is stacked.
    from gitslices.ops.review_shop import retarget_pulls

    try:
        moved, warnings = retarget_pulls(workspace, store, goal)
    except (RemoteError, RefusedError, InputError) as error:
        moved, warnings = (), (f"no pull request was put onto the target: {error.message}",)
    return structs.replace(fetched, retargeted=moved, warnings=(*fetched.warnings, *warnings))


def _list_merged(workspace: Workspace, store: Store, goal: Goal) -> frozenset[SliceId]:
    statuses = Snapshot(workspace, store, goal.plan).statuses
    return frozenset(id_ for id_, status in statuses.items() if status == "merged")


def _fetch_all(workspace: Workspace, places: list[RemoteBranch]) -> dict[str, Oid | None]:
    """Fetch the branches, one call a remote; where each was before."""
    repo = workspace.repo
    found = read_refs(repo, [one.ref for one in places])
    for remote in dict.fromkeys(one.remote for one in places):
        wanted = dict.fromkeys(one for one in places if one.remote == remote)
        fetch_branches(repo, list(wanted), workspace.access)
    return {one.ref: found.get(one.ref) for one in places}


def _bring_along(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    there: RemoteBranch,
    old: Oid | None,
    before: frozenset[SliceId],
) -> FetchedGoal:
    new = read_refs(workspace.repo, [there.ref])[there.ref]
    followed, warnings = _follow(workspace, store, goal.plan.target, there, new)
    snapshot = Snapshot(workspace, store, goal.plan)
    landed = tuple(
        SeenLanded(slice_id=id_, landed=snapshot.find_landed(snapshot.records[id_]))
        for id_, status in snapshot.statuses.items()
        if status == "merged" and id_ not in before
    )
    forwarded = forward_slices(workspace, store, goal)
    return FetchedGoal(
        goal_id=goal.goal_id,
        target=goal.plan.target,
        remote_branch=there.name,
        old=old,
        new=new,
        followed=followed,
        landed=landed,
        forwarded=forwarded.slice_ids,
        warnings=(*warnings, *forwarded.warnings),
    )


def _follow(
    workspace: Workspace, store: Store, target: BranchName, there: RemoteBranch, new: Oid
) -> tuple[BranchName | None, tuple[str, ...]]:
    """Bring the local branch forward: the target itself, or the one of the remote's name."""
    is_local = target != there.name and find_tip(workspace.repo, target) is not None
    branch = target if is_local else find_follower(workspace.repo, there)
    if branch is None:
        return None, ()
    with recover_and_lock(workspace, store):
        outcome = follow_remote(workspace, store, branch, new)
    if isinstance(outcome, LeftBehind):
        return None, (describe_left_behind(outcome, there),)
    return (branch if isinstance(outcome, Followed) else None), ()


def fetch_before(workspace: Workspace, goal_id: str | None, *, asked: bool) -> tuple[str, ...]:
    """Fetch before another command, and return what is to be said of it.

    Raises as `fetch` does where it was `asked` for. By the settings alone a remote that is away is
    no more than a warning: work goes on without it.
    """
    try:
        return tuple(_list_warnings(fetch(workspace, FetchRequest(goal_id=goal_id), asked=False)))
    except (RemoteError, BusyError, InputError) as error:
        if asked:
            raise
        return (f"nothing was fetched: {error.message}",)


def _list_warnings(report: FetchReport) -> Iterator[str]:
    for goal in report.goals:
        yield from goal.warnings
