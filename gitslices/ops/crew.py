"""Workers that take the slices of several goals from one pool, and see each through."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from gitslices.core.naming import count
from gitslices.ops.claim import ClaimReport, claim
from gitslices.ops.goal_run import AgentCommand, GoalRun
from gitslices.ops.grant import DEFAULT_TTL, ClaimRequest
from gitslices.ops.ready import find_ready_urgency, ready
from gitslices.ops.watch import CommandLimits, News
from gitslices.ops.work import (
    NO_CHANGE,
    AttemptFailure,
    CommandAttempt,
    CommandPausedError,
    CommandStoppedError,
    describe_error,
)
from gitslices.repo_commands.notify import Notice, notify
from gitslices.rules.claiming import Prefer
from gitslices.system.shell import Shell
from gitslices.workspace import Workspace

_PAUSE: Final = 1.0
"""Seconds between two looks at what others have finished."""
_LONGEST_PAUSE: Final = 600.0
_LAST: Final = (math.inf, "", 0.0)
_Stage = Literal[
    "started", "waiting", "going on", "stalled", "merged", "failed", "paused", "stopped"
]


class RunRequest(Struct, frozen=True, kw_only=True):
    """The commands, each with its own number of jobs.

    A slice is tried `retries` times more after it failed.
    That is after `backoff` seconds, and twice as many each further time. Once `max_failures` slices
    are given up, or the commands have reported a cost of `budget`, no other is begun. `prefer` says
    which of those that are ready goes first, `run_id` what others know the run by. With `once` it
    is one slice, and nobody is waited for.
    """

    holder: str
    command: tuple[str, ...] = ()
    goal_id: str | None = None
    jobs: int = 1
    agents: tuple[AgentCommand, ...] = ()
    retries: int = 0
    ttl: int = DEFAULT_TTL
    backoff: float = 0
    max_failures: int | None = None
    budget: float | None = None
    prefer: Prefer = "critical"
    run_id: str = ""
    limits: CommandLimits = CommandLimits()
    once: bool = False

    @property
    def commands(self) -> tuple[AgentCommand, ...]:
        """All of them, that for whatever has no other among them."""
        default = AgentCommand(jobs=self.jobs, command=self.command)
        return (*self.agents, *([default] if self.command else []))


class RunStep(Struct, frozen=True, kw_only=True):
    """What has just become of a slice; `log` holds what its command printed."""

    goal_id: str
    slice_id: SliceId
    stage: _Stage
    attempt: int
    log: str
    reason: str = ""


OnStep = Callable[[RunStep], None]


class Crew:
    """Workers that take the most urgent slice of all goals, and see it through."""

    def __init__(
        self,
        workspace: Workspace,
        request: RunRequest,
        runs: Sequence[GoalRun],
        shell: Shell,
        on_step: OnStep,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_stopping` says that others want nothing more begun."""
        self._is_stopping = is_stopping
        self._workspace = workspace
        self._request = request
        self._runs = runs
        self._shell = shell
        self._on_step = on_step
        self._changed = threading.Condition()
        self._busy = 0
        self._stopped = False
        self._paused_until: dict[str, float] = {}
        self._workers: Counter[str] = Counter()
        self.halted = ""

    def hire(self, agent: AgentCommand, number: int) -> None:
        """Say, before any of them begins, how many workers `work` with a command."""
        self._workers[agent.name] += number

    def work(self, agent: AgentCommand) -> None:
        """Take slices for a command and see them through until there is none that may start."""
        try:
            self._work(agent)
        finally:
            with self._changed:
                self._workers[agent.name] -= 1
                self._changed.notify_all()

    def _work(self, agent: AgentCommand) -> None:
        while (taken := self._take(agent)) is not None:
            one, mine = taken
            try:
                with self._keep_apart(one):
                    self._see_through(one, mine, agent)
                if self._request.once and mine.slice_id not in one.again:
                    self.halted = "one slice was worked (--once)"
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def stop(self) -> None:
        """Start nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _take(self, agent: AgentCommand) -> tuple[GoalRun, ClaimReport] | None:
        while True:
            with self._changed:
                if self._is_stopping():
                    self.halted = self.halted or "the run was stopped (--stop)"
                if self._stopped or self.halted:
                    return None
                left = self._paused_until.get(agent.name, 0.0) - time.monotonic()
                if left > 0:
                    self._changed.wait(min(left, _PAUSE))
                    continue
                # Before it claims: a worker that sees nobody busy ends, and this one's merge may
                # set slices free for it.
                self._busy += 1
            looked_at = time.monotonic()
            offered = self._list_offered()
            taken = self._claim_any(agent, offered)
            if taken is not None:
                return taken
            with self._changed:
                self._busy -= 1
                soonest = self._find_next_try(looked_at)
                if not (
                    self._busy or soonest or self._is_for_others(agent, offered)
                    or (not self._request.once and self._find_others())
                ):  # fmt: skip
                    self._changed.notify_all()
                    return None
                left = _PAUSE if soonest is None else soonest - time.monotonic()
                self._changed.wait(max(0.0, min(_PAUSE, left)))

    @contextmanager
    def _keep_apart(self, one: GoalRun) -> Iterator[None]:
        """Let what is wrong with one of several goals end that goal, and no other."""
        try:
            yield
        except GitslicesError as error:
            if len(self._runs) == 1:
                raise
            one.lost = one.lost or error

    def _is_for_others(
        self, agent: AgentCommand, offered: Sequence[tuple[GoalRun, SliceId]]
    ) -> bool:
        """Whether another command has yet to take something, which may set slices free for this."""
        names = {one.agents[id_] for one, id_ in offered} - {agent.name}
        return any(self._workers[name] for name in names)

    def _claim_any(
        self, agent: AgentCommand, offered: Sequence[tuple[GoalRun, SliceId]]
    ) -> tuple[GoalRun, ClaimReport] | None:
        for one, slice_id in offered:
            if one.agents[slice_id] != agent.name:
                continue
            with self._keep_apart(one):
                mine = self._claim(one, slice_id)
                if mine is not None:
                    return one, mine
        return None

    def _list_offered(self) -> list[tuple[GoalRun, SliceId]]:
        """What may be claimed, the most urgent of all goals in front."""
        prefer = self._request.prefer
        offered: list[tuple[tuple[float, str, float], GoalRun, SliceId]] = []
        for one in self._runs:
            if one.lost is not None:
                continue
            with self._keep_apart(one):
                found = ready(self._workspace, one.goal.goal_id, prefer).ready
                offered += (
                    (find_ready_urgency(prefer, each), one, each.slice_id) for each in found
                )
                # A slice whose merge met a conflict is not offered to all: it is claimed by its
                # name.
                known = {each.slice_id for each in found}
                offered += ((_LAST, one, id_) for id_ in sorted(one.again - known))
        offered.sort(key=lambda each: each[0])
        now = time.monotonic()
        return [
            (one, id_)
            for _, one, id_ in offered
            if id_ in one.agents and id_ not in one.failed and one.not_before.get(id_, 0) <= now
        ]

    def _find_next_try(self, looked_at: float) -> float | None:
        """When the first slice that has failed may be tried again; None where none waits.

        One whose time had come by then is kept by something else: a hold, or who has it.
        """
        times = (
            one.not_before[id_]
            for one in self._runs
            for id_ in one.again & one.not_before.keys()
            if one.lost is None
        )
        return min((when for when in times if when > looked_at), default=None)

    def _claim(self, one: GoalRun, slice_id: SliceId) -> ClaimReport | None:
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

    def _make_attempt(self, one: GoalRun, mine: ClaimReport) -> CommandAttempt:
        def on_news(news: News, text: str) -> None:
            self._tell(one, mine, news, attempt.log, text)

        ttl, limits = self._request.ttl, self._request.limits
        attempt = CommandAttempt(
            self._workspace, one.goal, mine, ttl, one.settings, limits, on_news
        )
        return attempt

    def _see_through(self, one: GoalRun, mine: ClaimReport, agent: AgentCommand) -> None:
        id_ = mine.slice_id
        one.attempts[id_] += 1
        one.again.discard(id_)
        attempt = self._make_attempt(one, mine)
        self._tell(one, mine, "started", attempt.log)
        try:
            failed = attempt.run(agent.command, self._shell) or attempt.finish()
        except CommandStoppedError:
            attempt.give_back()
            self._tell(one, mine, "stopped", attempt.log)
            return
        except CommandPausedError as error:
            # First, so that no other worker takes what is given back.
            self._pause(one, id_, agent, error.seconds)
            attempt.give_back()
            self._tell(one, mine, "paused", attempt.log, str(error))
            return
        except BaseException:
            attempt.give_back()
            raise
        finally:
            self._reckon(one, attempt)
        if failed is None:
            one.merged.append(id_)
            one.empty += [id_] if attempt.is_empty else []
            one.warnings += attempt.tear_down() if one.tears_down else []
            self._tell(one, mine, "merged", attempt.log, NO_CHANGE if attempt.is_empty else "")
            return
        self._fail(one, mine, attempt, failed)

    def _pause(self, one: GoalRun, slice_id: SliceId, agent: AgentCommand, seconds: float) -> None:
        """Do not start that command for a while; that was no attempt of the slice."""
        with self._changed:
            one.attempts[slice_id] -= 1
            one.again.add(slice_id)
            until = self._paused_until.get(agent.name, 0.0)
            self._paused_until[agent.name] = max(until, time.monotonic() + seconds)

    def _reckon(self, one: GoalRun, attempt: CommandAttempt) -> None:
        with self._changed:
            one.cost += attempt.report.cost
            one.tokens += attempt.report.tokens
            spent, budget = math.fsum(each.cost for each in self._runs), self._request.budget
            if budget is not None and spent >= budget:
                self.halted = f"{spent:g} of {budget:g} are spent (--budget)"

    def _fail(
        self, one: GoalRun, mine: ClaimReport, attempt: CommandAttempt, failed: AttemptFailure
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
            wait = min(self._request.backoff * 2.0 ** (one.attempts[id_] - 1), _LONGEST_PAUSE)
            one.not_before[id_] = time.monotonic() + wait
            attempt.give_back()
            one.again.add(id_)
        self._tell(one, mine, "failed", attempt.log, failed.problem.message)

    def _give_up(self, one: GoalRun, slice_id: SliceId, problem: Problem) -> None:
        one.failed[slice_id] = problem
        number, most = sum(len(each.failed) for each in self._runs), self._request.max_failures
        if most is not None and number >= most:
            failed = count(number, "slice", ("has", "have"))
            self.halted = f"{failed} failed (--max-failures)"
        notice = Notice(
            event="failed", goal_id=one.goal.goal_id, slice_id=slice_id, text=problem.message
        )
        one.warnings += notify(self._workspace, notice, one.goal.plan.target)

    def _tell(
        self, one: GoalRun, mine: ClaimReport, stage: _Stage, log: Path, reason: str = ""
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
