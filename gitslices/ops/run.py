"""Work whole goals: workers that claim, run a command, finish and merge until all is merged."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import (
    GitError,
    GitLockedError,
    GitslicesError,
    LeaseHeldError,
    NothingReadyError,
    Problem,
    RefusedError,
)
from gitslices.core.model import SliceId
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.grant import DEFAULT_TTL, ClaimRequest
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.ops.work import (
    NO_CHANGE,
    AttemptFailure,
    CommandAttempt,
    CommandStoppedError,
    describe_error,
    refuse_missing_program,
)
from gitslices.repo_commands.gates import list_texts, load_gates, refuse_untrusted
from gitslices.repo_commands.notify import Notice, notify
from gitslices.slices.goals import Served, choose_goals, refuse_closed, serve_goals
from gitslices.slices.settings import read_settings
from gitslices.state.store import Goal
from gitslices.system.shell import Shell, open_shell
from gitslices.workspace import Workspace

_PAUSE: Final = 1.0
"""Seconds between two looks at what others have finished."""
_Stage = Literal["started", "waiting", "going on", "merged", "failed", "stopped"]


class RunRequest(Struct, frozen=True, kw_only=True):
    """The program with its arguments; a slice is tried `retries` times more after it failed."""

    command: tuple[str, ...]
    holder: str
    goal_id: str | None = None
    jobs: int = 1
    retries: int = 0
    ttl: int = DEFAULT_TTL


class RunStep(Struct, frozen=True, kw_only=True):
    """What has just become of a slice; `log` holds what its command printed."""

    goal_id: str
    slice_id: SliceId
    stage: _Stage
    attempt: int
    log: str
    reason: str = ""


OnStep = Callable[[RunStep], None]


class _GoalRun:
    """One goal of a run, and what has become of its slices.

    `lost` is why nothing more of it is begun, where it is one of several.
    """

    def __init__(self, workspace: Workspace, goal: Goal, merged: Sequence[SliceId]) -> None:
        self.goal = goal
        self.settings = read_settings(workspace, goal.plan.target).run
        self.attempts: Counter[SliceId] = Counter()
        self.again: set[SliceId] = set()
        self.merged = list(merged)
        self.empty: list[SliceId] = []
        self.failed: dict[SliceId, Problem] = {}
        self.warnings: list[str] = []
        self.lost: GitslicesError | None = None


class _Crew:
    """Workers that take the most urgent slice of all goals, and see it through."""

    def __init__(
        self,
        workspace: Workspace,
        request: RunRequest,
        runs: Sequence[_GoalRun],
        shell: Shell,
        on_step: OnStep,
    ) -> None:
        self._workspace = workspace
        self._request = request
        self._runs = runs
        self._shell = shell
        self._on_step = on_step
        self._changed = threading.Condition()
        self._busy = 0
        self._stopped = False

    def work(self) -> None:
        """Take slices and see them through until there is none that may start."""
        while (taken := self._take()) is not None:
            one, mine = taken
            try:
                with self._keep_apart(one):
                    self._see_through(one, mine)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def stop(self) -> None:
        """Start nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _take(self) -> tuple[_GoalRun, ClaimReport] | None:
        while True:
            with self._changed:
                if self._stopped:
                    return None
                # Before it claims: a worker that sees nobody busy ends, and this one's merge may
                # set slices free for it.
                self._busy += 1
            taken = self._claim_any()
            if taken is not None:
                return taken
            with self._changed:
                self._busy -= 1
                if not self._busy and not self._find_others():
                    self._changed.notify_all()
                    return None
                self._changed.wait(_PAUSE)

    @contextmanager
    def _keep_apart(self, one: _GoalRun) -> Iterator[None]:
        """Let what is wrong with one of several goals end that goal, and no other."""
        try:
            yield
        except GitslicesError as error:
            if len(self._runs) == 1:
                raise
            one.lost = one.lost or error

    def _claim_any(self) -> tuple[_GoalRun, ClaimReport] | None:
        for one, slice_id in self._list_offered():
            with self._keep_apart(one):
                mine = self._claim(one, slice_id)
                if mine is not None:
                    return one, mine
        return None

    def _list_offered(self) -> list[tuple[_GoalRun, SliceId]]:
        """What may be claimed, the most urgent of all goals in front."""
        offered: list[tuple[float, _GoalRun, SliceId]] = []
        for one in self._runs:
            if one.lost is not None:
                continue
            with self._keep_apart(one):
                found = ready(self._workspace, one.goal.goal_id).ready
                offered += ((-each.remaining, one, each.slice_id) for each in found)
                # A slice whose merge met a conflict is not offered to all: it is claimed by its
                # name.
                known = {each.slice_id for each in found}
                offered += ((0, one, id_) for id_ in sorted(one.again - known))
        offered.sort(key=lambda each: each[0])
        return [(one, id_) for _, one, id_ in offered if id_ not in one.failed]

    def _claim(self, one: _GoalRun, slice_id: SliceId) -> ClaimReport | None:
        try:
            request = ClaimRequest(
                holder=self._request.holder,
                slice_id=slice_id,
                goal_id=one.goal.goal_id,
                ttl=self._request.ttl,
            )
            mine = claim(self._workspace, request)
        except (LeaseHeldError, NothingReadyError):
            return None
        except (RefusedError, GitError, GitLockedError) as error:
            # Its worktree cannot be had; the others can.
            self._give_up(one, slice_id, describe_error(slice_id, error))
            return None
        if slice_id not in one.failed:
            return mine
        # Another worker has failed at it for the last time since the look above.
        self._make_attempt(one, mine).give_back()
        return None

    def _find_others(self) -> bool:
        """Whether others are at work on one of the goals, so that waiting may help."""
        waits = False
        for one in self._runs:
            if one.lost is None:
                with self._keep_apart(one):
                    waiting = ready(self._workspace, one.goal.goal_id).waiting
                    waits = waits or any(each.status == "claimed" for each in waiting)
        return waits

    def _make_attempt(self, one: _GoalRun, mine: ClaimReport) -> CommandAttempt:
        def on_waiting(text: str) -> None:
            self._tell(one, mine, "waiting" if text else "going on", attempt.log, text)

        ttl = self._request.ttl
        attempt = CommandAttempt(self._workspace, one.goal, mine, ttl, one.settings, on_waiting)
        return attempt

    def _see_through(self, one: _GoalRun, mine: ClaimReport) -> None:
        id_ = mine.slice_id
        one.attempts[id_] += 1
        one.again.discard(id_)
        attempt = self._make_attempt(one, mine)
        self._tell(one, mine, "started", attempt.log)
        try:
            failed = attempt.run(self._request.command, self._shell) or attempt.finish()
        except CommandStoppedError:
            attempt.give_back()
            self._tell(one, mine, "stopped", attempt.log)
            return
        except BaseException:
            attempt.give_back()
            raise
        if failed is None:
            one.merged.append(id_)
            one.empty += [id_] if attempt.is_empty else []
            self._tell(one, mine, "merged", attempt.log, NO_CHANGE if attempt.is_empty else "")
            return
        self._fail(one, mine, attempt, failed)

    def _fail(
        self, one: _GoalRun, mine: ClaimReport, attempt: CommandAttempt, failed: AttemptFailure
    ) -> None:
        id_ = mine.slice_id
        attempt.record(failed)
        if one.attempts[id_] > self._request.retries:
            # First, so that no other worker takes what is given back.
            one.failed[id_] = failed.problem
            attempt.give_back()
            self._give_up(one, id_, failed.problem)
        else:
            if failed.reason == "conflict" and one.settings.conflict == "begin":
                warning = attempt.begin_merge()
                one.warnings += [warning] if warning else []
            attempt.give_back()
            one.again.add(id_)
        self._tell(one, mine, "failed", attempt.log, failed.problem.message)

    def _give_up(self, one: _GoalRun, slice_id: SliceId, problem: Problem) -> None:
        one.failed[slice_id] = problem
        notice = Notice(
            event="failed", goal_id=one.goal.goal_id, slice_id=slice_id, text=problem.message
        )
        one.warnings += notify(self._workspace, notice, one.goal.plan.target)

    def _tell(
        self, one: _GoalRun, mine: ClaimReport, stage: _Stage, log: Path, reason: str = ""
    ) -> None:
        id_ = mine.slice_id
        step = RunStep(
            goal_id=mine.goal_id,
            slice_id=id_,
            stage=stage,
            attempt=one.attempts[id_],
            log=str(log),
            reason=reason,
        )
        self._on_step(step)


class RunReport(Struct, frozen=True, kw_only=True):
    """What a run did; `failed` says why slices were given up, `left` what the others wait for.

    `empty` are those of `merged` whose command committed nothing.
    """

    goal_id: str
    merged: tuple[SliceId, ...]
    empty: tuple[SliceId, ...] = ()
    failed: tuple[Problem, ...]
    left: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


def run(workspace: Workspace, request: RunRequest, on_step: OnStep) -> RunReport:
    """The same for the only goal that is meant."""
    (report,) = run_goals(workspace, request, on_step).reports
    return report


def run_goals(workspace: Workspace, request: RunRequest, on_step: OnStep) -> Served[RunReport]:
    """Claim, run, finish and merge, `request.jobs` slices at a time, until nothing more can be.

    Of all goals that are meant the most urgent slice is next. What is done already is merged first.
    An exception, Ctrl-C among them, ends every command and gives the slices back with their work,
    to be gone on with by the next run. Raises `UntrustedError` where gates have not been approved,
    `InputError` for a program that no slice would find; where there are several goals, that keeps
    nobody from the others. `on_step` is called in several threads.
    """
    with workspace.open_store() as store:
        goals = {goal.goal_id: goal for goal in choose_goals(workspace, store, request.goal_id)}
    begun = serve_goals(tuple(goals), lambda goal_id: _begin(workspace, request, goals[goal_id]))
    work = sum(len(one.goal.plan.slices) for one in begun.reports)
    # The shell inside: it ends the commands, for which the pool would else wait as long as they
    # like.
    size = max(1, min(request.jobs, work))
    with ThreadPoolExecutor(max_workers=size) as pool, open_shell() as shell:
        crew = _Crew(workspace, request, begun.reports, shell, on_step)
        workers = [pool.submit(crew.work) for _ in range(size)]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            # Before the commands are ended: a worker whose command is gone would claim the next
            # slice.
            crew.stop()
            raise
    runs = {one.goal.goal_id: one for one in begun.reports}
    refused = {one.goal_id: one.error for one in begun.failures}

    def report(goal_id: str) -> RunReport:
        if goal_id in refused:
            raise refused[goal_id]
        return _report(workspace, runs[goal_id])

    return serve_goals(tuple(goals), report)


def _begin(workspace: Workspace, request: RunRequest, goal: Goal) -> _GoalRun:
    """Refuse what stands in the way of a goal, and merge what is done."""
    refuse_closed(goal)
    gates = load_gates(workspace, goal.plan.target)
    refuse_untrusted(workspace, list(list_texts(gates).values()))
    refuse_missing_program(workspace, goal, request.command[0])
    merged = merge(workspace, MergeRequest(slice_ids=None, goal_id=goal.goal_id)).merged
    return _GoalRun(workspace, goal, [one.slice_id for one in merged])


def _report(workspace: Workspace, one: _GoalRun) -> RunReport:
    if one.lost is not None:
        raise one.lost
    return RunReport(
        goal_id=one.goal.goal_id,
        merged=tuple(one.merged),
        empty=tuple(one.empty),
        failed=tuple(one.failed.values()),
        left=_find_left(workspace, one.goal, one.failed),
        warnings=tuple(dict.fromkeys(one.warnings)),
    )


def _find_left(
    workspace: Workspace, goal: Goal, failed: Mapping[SliceId, Problem]
) -> tuple[Problem, ...]:
    report = ready(workspace, goal.goal_id)
    reasons = {one.slice_id: one.reason for one in report.waiting}
    reasons |= dict.fromkeys((one.slice_id for one in report.ready), "ready, but not begun")
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in failed)
