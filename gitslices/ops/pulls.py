"""How the pull requests of slices stand, and the forge asked to merge them by itself."""

from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from gitslices.core.errors import InputError, Problem, RefusedError, suggest
from gitslices.core.model import FINISHED, Slice, SliceId
from gitslices.forge.pull_request import Forge, PullRequest, PullState, make_pull_state
from gitslices.ops.publish import PublishRequest
from gitslices.ops.review_shop import ReviewShop, choose_published, read_shop
from gitslices.ops.status import StatusReport
from gitslices.slices.goals import choose_goal
from gitslices.slices.settings import choose_merge_style
from gitslices.state.store import Goal, Store
from gitslices.workspace import Workspace


class PullsReport(Struct, frozen=True, kw_only=True):
    """What `gitslices publish --status --json` and `--merge --json` print."""

    goal_id: str
    forge: str
    pulls: tuple[PullState, ...]
    queued: tuple[SliceId, ...] = ()
    refused: tuple[Problem, ...] = ()


def read_pulls(workspace: Workspace, request: PublishRequest) -> PullsReport:
    """How the pull requests of slices stand, by one call of the forge; changes nothing."""
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
        shop, forge = _require_forge(workspace, store, goal)
        return PullsReport(
            goal_id=goal.goal_id,
            forge=forge.name,
            pulls=tuple(
                make_pull_state(id_, pull) for id_, pull in _list_pulls(shop, request.slice_ids)
            ),
        )


def add_pulls(workspace: Workspace, report: StatusReport) -> StatusReport:
    """`report` with how the pull requests of its slices stand: one call of the forge a goal.

    Raises `RemoteError` where that cannot be reached, `InputError` where nobody knows which it is.
    """
    pulls = {
        (goal.goal_id, one.slice_id): one
        for goal in report.goals
        for one in read_pulls(workspace, PublishRequest(slice_ids=None, goal_id=goal.goal_id)).pulls
    }
    slices = (
        structs.replace(one, pull=pulls.get((one.goal_id, one.slice_id))) for one in report.slices
    )
    return structs.replace(report, slices=tuple(slices))


def queue_pulls(workspace: Workspace, request: PublishRequest) -> PullsReport:
    """Have the forge merge slices by itself once it may: its auto-merge, or its merge queue.

    A slice whose work is not done, or that waits for another, is refused.
    """
    refused: list[Problem] = []
    queued: list[SliceId] = []
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, request.goal_id, *request.slice_ids or ())
        shop, forge = _require_forge(workspace, store, goal)
        style = choose_merge_style(workspace, None, goal.plan.target)
        pulls = dict(_list_pulls(shop, request.slice_ids))
        for slice_ in choose_published(shop, request.slice_ids):
            id_ = slice_.slice_id
            problem = _find_queue_problem(shop, slice_, pulls.get(id_))
            if problem is None:
                try:
                    forge.enter_queue(pulls[id_], style)
                    queued.append(id_)
                except RefusedError as error:
                    problem = Problem(id_, error.message, error.hint)
            refused += [problem] if problem else []
    report = read_pulls(workspace, request)
    return structs.replace(report, queued=tuple(queued), refused=tuple(refused))


def _find_queue_problem(
    shop: ReviewShop, slice_: Slice, pull: PullRequest | None
) -> Problem | None:
    id_, statuses = slice_.slice_id, shop.snapshot.statuses
    if pull is None or not pull.is_open:
        publish = suggest("publish", id_, goal_id=shop.goal.goal_id)
        return Problem(id_, "it has no open pull request", f"publish it first: {publish}")
    if statuses[id_] != "done":
        return Problem(id_, f"it is {statuses[id_]}, and not done")
    left = [one for one in slice_.dependencies if statuses[one] not in FINISHED]
    return Problem(id_, f"it waits for {', '.join(left)}") if left else None


def _require_forge(workspace: Workspace, store: Store, goal: Goal) -> tuple[ReviewShop, Forge]:
    shop = read_shop(workspace, store, goal)
    if shop.forge is None:
        raise InputError(
            f"nobody knows which forge the remote {shop.remote!r} is on",
            hint="say it in .gitslices/config.toml: [publish] forge = 'github'",
        )
    return shop, shop.forge


def _list_pulls(
    shop: ReviewShop, wanted: Sequence[SliceId] | None
) -> Iterator[tuple[SliceId, PullRequest]]:
    for slice_ in shop.goal.plan.slices:
        record = shop.snapshot.records.get(slice_.slice_id)
        pull = shop.pulls.get(record.branch_name) if record else None
        if pull is not None and (wanted is None or slice_.slice_id in wanted):
            yield slice_.slice_id, pull
