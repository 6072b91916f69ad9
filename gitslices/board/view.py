"""What the page shows, as documents: all goals, and one slice with all that is known of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, to_builtins

from gitslices.board.actions import ACTIONS, list_offered
from gitslices.core.errors import GitslicesError, RefusedError
from gitslices.core.model import Plan, Slice, SliceId
from gitslices.core.naming import show_path
from gitslices.ops.attempts import find_logged, read_attempts
from gitslices.ops.diff import diff
from gitslices.ops.log import LogRequest, read_evidence, read_log
from gitslices.ops.progress import GoalProgress
from gitslices.ops.show import show
from gitslices.ops.status import SliceState
from gitslices.ops.status_watch import Progress
from gitslices.output.document import describe_failure
from gitslices.output.text.evidence import format_attempts, format_log, format_log_lines
from gitslices.output.words import escape, format_reason, name_state, shorten_line
from gitslices.state.proofs import read_reviews
from gitslices.state.store import Store
from gitslices.system.shell import read_last_line
from gitslices.workspace import Workspace

_EVENTS: Final = 100
_LARGEST_OUTPUT: Final = 200_000
_RAW: Final = frozenset({"id", "goal"})
"""What names a slice in a request, and is never shown."""
_LINK: Final = re.compile(r"https?://[!-~]+")


class WaitReason(Struct, frozen=True, kw_only=True):
    """What a slice waits for, and why it has to."""

    id: SliceId
    name: str
    why: str


class Card(Struct, frozen=True, kw_only=True):
    """One slice: `queue` says what of it keeps it from being merged next, where it is done."""

    goal: str
    id: SliceId
    name: str
    title: str
    state: SliceState
    word: str
    is_critical: bool
    line: str
    link: str | None
    waits: tuple[WaitReason, ...]
    queue: str | None
    write_scope: tuple[str, ...]
    review_needs: tuple[str, ...]
    reviews: tuple[str, ...]
    estimate: int | float
    actions: tuple[str, ...]


class GoalView(Struct, frozen=True, kw_only=True):
    """One goal: its waves, and its slices in the order of the plan."""

    goal: str
    name: str
    target: str
    problem: str | None
    merged: int
    under_way: int
    left: int
    cost_left: int | float
    path: tuple[SliceId, ...]
    waves: tuple[tuple[int, ...], ...]
    slices: tuple[Card, ...]


def make_board(workspace: Workspace, progress: Progress, user: str | None) -> bytes:
    """The document of all goals, escaped; `user` None where nobody may do anything."""
    if isinstance(progress, GitslicesError):
        return make_error(progress, user)
    goals = [_make_goal(workspace, one, acts=user is not None) for one in progress]
    actions = {
        one.name: {"label": one.label, "asks": one.asks, "fields": one.fields}
        for one in ACTIONS.values()
    }
    return _encode({"error": None, "goals": goals, "actions": actions, "user": user})


def make_error(error: GitslicesError, user: str | None) -> bytes:
    """The same where the repository cannot be looked at."""
    failure = describe_failure(error).document["error"]
    return _encode({"error": failure, "goals": (), "actions": {}, "user": user})


def _make_goal(workspace: Workspace, progress: GoalProgress, *, acts: bool) -> GoalView:
    plan, states = progress.plan, {one.slice_id: one for one in progress.slices}
    counts = plan.progress or None
    place = {each.slice_id: index for index, each in enumerate(plan.slices)}
    with workspace.open_store() as store:
        cards = tuple(_make_cards(workspace, store, plan, states, acts=acts))
    return GoalView(
        goal=plan.goal_id,
        name=plan.goal_id,
        target=plan.target,
        problem=progress.goal.problem,
        merged=len(counts.merged) if counts else 0,
        under_way=len(counts.under_way) if counts else 0,
        left=len(counts.left) if counts else 0,
        cost_left=plan.critical_path_cost,
        path=plan.critical_path,
        waves=tuple(tuple(place[id_] for id_ in wave) for wave in plan.waves),
        slices=cards,
    )


def _make_cards(
    workspace: Workspace,
    store: Store,
    plan: Plan,
    states: Mapping[SliceId, SliceState],
    *,
    acts: bool,
) -> Iterator[Card]:
    forced = {
        (one.blocked_slice_id, one.serializes_after): format_reason(one)
        for one in plan.overlap_serializations
    }
    critical = frozenset(plan.critical_path)
    for each in plan.slices:
        state = states[each.slice_id]
        yield Card(
            goal=plan.goal_id,
            id=each.slice_id,
            name=each.slice_id,
            title=each.title,
            state=state,
            word=name_state(state),
            is_critical=each.slice_id in critical,
            line=_read_line(workspace, state),
            link=state.pr_url if state.pr_url and _LINK.fullmatch(state.pr_url) else None,
            waits=tuple(
                WaitReason(
                    id=id_, name=id_, why=forced.get((each.slice_id, id_), "declared dependency")
                )
                for id_ in (state.waits_for or _list_before(state, states))
            ),
            queue=_find_queue(state, states),
            write_scope=_list_scope(plan, each),
            review_needs=each.review_needs,
            reviews=_list_reviews(store, state),
            estimate=each.estimate,
            actions=list_offered(state) if acts else (),
        )


def _list_reviews(store: Store, state: SliceState) -> tuple[str, ...]:
    """The latest word of each kind, of what is still to be merged."""
    if not state.ahead:
        return ()
    latest = {one.kind: one for one in read_reviews(store, state.goal_id, state.slice_id)}
    return tuple(f"{one.kind} by {one.reviewer}: {one.verdict}" for one in latest.values())


def _list_before(state: SliceState, states: Mapping[SliceId, SliceState]) -> list[SliceId]:
    return [id_ for id_ in state.dependencies if states[id_].status != "merged"]


def _find_queue(state: SliceState, states: Mapping[SliceId, SliceState]) -> str | None:
    """Nothing for a slice that is not done, the empty text for one that nothing is before."""
    if state.status != "done":
        return None
    before = _list_before(state, states)
    return f"after {', '.join(before)}" if before else ""


def _list_scope(plan: Plan, each: Slice) -> tuple[str, ...]:
    allowed = plan.progress.allowed.get(each.slice_id, ()) if plan.progress else ()
    return (*each.write_scope, *allowed)


def _read_line(workspace: Workspace, state: SliceState) -> str:
    """What the command of a run has printed last, while it works."""
    log = workspace.state_folder / "logs" / Path(state.worktree_path).name / "run.log"
    if state.status != "claimed":
        return ""
    with suppress(OSError):
        return shorten_line("".join(format_log_lines([read_last_line(log).encode()])))
    return ""


def make_slice(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> bytes:
    """The document of one slice; what cannot be told of it is null, or says why."""
    shown = show(workspace, slice_id, goal_id)
    goal = shown.goal_id
    changes: Any
    try:
        changes = diff(workspace, slice_id, goal)
    except GitslicesError as error:
        changes = {"error": error.message}
    evidence = None
    with suppress(RefusedError):
        evidence = read_evidence(workspace, slice_id, goal)
    request = LogRequest(goal_id=goal, slice_id=slice_id, last=_EVENTS)
    return _encode(
        {
            "show": shown,
            "changes": changes,
            "commits": evidence.commits if evidence else (),
            "missing": evidence.missing if evidence else (),
            "attempts": _split(format_attempts(read_attempts(workspace, slice_id, goal))),
            "log": _split("".join(format_log(read_log(workspace, request)))),
        }
    )


def make_output(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> bytes:
    """The end of what the last attempt's command has printed."""
    try:
        logged = find_logged(workspace, slice_id, goal_id, None)
    except RefusedError as error:
        return _encode({"lines": (), "attempt": None, "error": error.message})
    with Path(str(logged.attempt.log)).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LARGEST_OUTPUT))
        lines = [line.rstrip("\n") for line in format_log_lines([file.read()])]
    return _encode({"lines": lines, "attempt": logged.attempt.number, "error": None})


def _split(text: str) -> Sequence[str]:
    return text.splitlines()


def _encode(document: Any) -> bytes:
    return msgspec.json.encode(_escape(to_builtins(document)))


def _escape(value: Any, name: str = "") -> Any:
    """`value` with every text as it is shown: nothing in it acts, hides or reorders."""
    if isinstance(value, str):
        return show_path(value) if name in _RAW else escape(value)
    if isinstance(value, list | tuple):
        return [_escape(one, name) for one in value]
    if isinstance(value, dict):
        return {escape(str(key)): _escape(one, key) for key, one in value.items()}
    return value
