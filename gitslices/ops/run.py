"""Work a whole goal: workers that claim, run a command, finish and merge until all is merged."""

import os.path
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import (
    GitError,
    GitLockedError,
    InputError,
    LeaseHeldError,
    NothingReadyError,
    Problem,
    RefusedError,
)
from gitslices.core.model import FINISHED, RepoPath, SliceId
from gitslices.git.read import find_tip, has_entry
from gitslices.git.worktrees import is_filled
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
)
from gitslices.repo_commands.gates import list_texts, load_gates, refuse_untrusted
from gitslices.repo_commands.notify import Notice, notify
from gitslices.slices.goals import choose_goals, refuse_closed
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


class _Crew:
    """Workers that take slices of one goal from one pool, and what has become of each slice.

    Whoever has a slice has one of the `seats`, which the crews of several goals share.
    """

    def __init__(
        self,
        workspace: Workspace,
        request: RunRequest,
        goal: Goal,
        shell: Shell,
        on_step: OnStep,
        seats: threading.Semaphore,
    ) -> None:
        self._workspace = workspace
        self._request = request
        self._goal = goal
        self._settings = read_settings(workspace, goal.plan.target).run
        self._shell = shell
        self._seats = seats
        self.kin: tuple[_Crew, ...] = ()
        self._on_step = on_step
        self._changed = threading.Condition()
        self._busy = 0
        self._stopped = False
        self._attempts: Counter[SliceId] = Counter()
        self._again: set[SliceId] = set()
        self.merged: list[SliceId] = []
        self.empty: list[SliceId] = []
        self.failed: dict[SliceId, Problem] = {}
        self.warnings: list[str] = []

    def work(self) -> None:
        """Take slices and see them through until there is none that may start."""
        while (mine := self._take()) is not None:
            try:
                self._see_through(mine)
            finally:
                self._seats.release()
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    @property
    def is_busy(self) -> bool:
        """Whether one of its workers has a slice, or is about to."""
        return self._busy > 0

    def stop(self) -> None:
        """Start nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _take(self) -> ClaimReport | None:
        while True:
            self._seats.acquire()
            with self._changed:
                if self._stopped:
                    self._seats.release()
                    return None
                # Before it claims: a worker that sees nobody busy ends, and this one's merge may
                # set slices free for it.
                self._busy += 1
            mine = None
            try:
                mine = self._claim_any()
            finally:
                if mine is None:
                    self._seats.release()
            if mine is not None:
                return mine
            with self._changed:
                self._busy -= 1
                if not self._busy and not self._find_others():
                    self._changed.notify_all()
                    return None
                self._changed.wait(_PAUSE)

    def _claim_any(self) -> ClaimReport | None:
        offered = [one.slice_id for one in ready(self._workspace, self._goal.goal_id).ready]
        # A slice whose merge met a conflict is not offered to all: it is claimed by its name.
        for slice_id in dict.fromkeys((*offered, *self._again)):
            if slice_id in self.failed:
                continue
            try:
                request = ClaimRequest(
                    holder=self._request.holder,
                    slice_id=slice_id,
                    goal_id=self._goal.goal_id,
                    ttl=self._request.ttl,
                )
                mine = claim(self._workspace, request)
            except (LeaseHeldError, NothingReadyError):
                continue
            except (RefusedError, GitError, GitLockedError) as error:
                # Its worktree cannot be had; the others can.
                self._give_up(slice_id, describe_error(slice_id, error))
                continue
            if slice_id not in self.failed:
                return mine
            # Another worker has failed at it for the last time since the look above.
            self._make_attempt(mine).give_back()
        return None

    def _find_others(self) -> bool:
        """Whether others are at work, on this goal or next to it, so that waiting may help."""
        if any(crew.is_busy for crew in self.kin):
            return True
        waiting = ready(self._workspace, self._goal.goal_id).waiting
        return any(one.status == "claimed" for one in waiting)

    def _make_attempt(self, mine: ClaimReport) -> CommandAttempt:
        def on_waiting(text: str) -> None:
            self._tell(mine, "waiting" if text else "going on", attempt.log, text)

        ttl = self._request.ttl
        attempt = CommandAttempt(self._workspace, self._goal, mine, ttl, self._settings, on_waiting)
        return attempt

    def _see_through(self, mine: ClaimReport) -> None:
        id_ = mine.slice_id
        self._attempts[id_] += 1
        self._again.discard(id_)
        attempt = self._make_attempt(mine)
        self._tell(mine, "started", attempt.log)
        try:
            failed = attempt.run(self._request.command, self._shell) or attempt.finish()
        except CommandStoppedError:
            attempt.give_back()
            self._tell(mine, "stopped", attempt.log)
            return
        except BaseException:
            attempt.give_back()
            raise
        if failed is None:
            self.merged.append(id_)
            self.empty += [id_] if attempt.is_empty else []
            self._tell(mine, "merged", attempt.log, NO_CHANGE if attempt.is_empty else "")
            return
        self._fail(mine, attempt, failed)

    def _fail(self, mine: ClaimReport, attempt: CommandAttempt, failed: AttemptFailure) -> None:
        id_ = mine.slice_id
        attempt.record(failed)
        if self._attempts[id_] > self._request.retries:
            # First, so that no other worker takes what is given back.
            self.failed[id_] = failed.problem
            attempt.give_back()
            self._give_up(id_, failed.problem)
        else:
            if failed.reason == "conflict" and self._settings.conflict == "begin":
                warning = attempt.begin_merge()
                self.warnings += [warning] if warning else []
            attempt.give_back()
            self._again.add(id_)
        self._tell(mine, "failed", attempt.log, failed.problem.message)

    def _give_up(self, slice_id: SliceId, problem: Problem) -> None:
        self.failed[slice_id] = problem
        goal = self._goal
        notice = Notice(
            event="failed", goal_id=goal.goal_id, slice_id=slice_id, text=problem.message
        )
        self.warnings += notify(self._workspace, notice, goal.plan.target)

    def _tell(self, mine: ClaimReport, stage: _Stage, log: Path, reason: str = "") -> None:
        id_ = mine.slice_id
        step = RunStep(
            goal_id=mine.goal_id,
            slice_id=id_,
            stage=stage,
            attempt=self._attempts[id_],
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
    (report,) = run_goals(workspace, request, on_step)
    return report


def run_goals(workspace: Workspace, request: RunRequest, on_step: OnStep) -> tuple[RunReport, ...]:
    """Claim, run, finish and merge, `request.jobs` slices at a time, until nothing more can be.

    It goes on at all goals that are meant side by side. What is done already is merged first. An
    exception, Ctrl-C among them, ends every command and gives the slices back with their work, to
    be gone on with by the next run. Raises `UntrustedError` where gates have not been approved,
    `InputError` for a program that no slice would find. `on_step` is called in several threads.
    """
    with workspace.open_store() as store:
        goals = choose_goals(workspace, store, request.goal_id)
    for goal in goals:
        refuse_closed(goal)
        gates = load_gates(workspace, goal.plan.target)
        refuse_untrusted(workspace, list(list_texts(gates).values()))
        _refuse_missing_program(workspace, goal, request.command[0])
    before = [
        merge(workspace, MergeRequest(slice_ids=None, goal_id=goal.goal_id)).merged
        for goal in goals
    ]
    sizes = [max(1, min(request.jobs, len(goal.plan.slices))) for goal in goals]
    seats = threading.Semaphore(request.jobs)
    # The shell inside: it ends the commands, for which the pool would else wait as long as they
    # like.
    with ThreadPoolExecutor(max_workers=sum(sizes)) as pool, open_shell() as shell:
        crews = [_Crew(workspace, request, goal, shell, on_step, seats) for goal in goals]
        for crew in crews:
            crew.kin = tuple(one for one in crews if one is not crew)
        workers = [
            pool.submit(crew.work)
            for crew, size in zip(crews, sizes, strict=True)
            for _ in range(size)
        ]
        try:
            for worker in as_completed(workers):
                worker.result()
        except BaseException:
            # Before the commands are ended: a worker whose command is gone would claim the next
            # slice.
            for crew in crews:
                crew.stop()
            raise
    return tuple(
        RunReport(
            goal_id=goal.goal_id,
            merged=(*(one.slice_id for one in merged), *crew.merged),
            empty=tuple(crew.empty),
            failed=tuple(crew.failed.values()),
            left=_find_left(workspace, goal, crew.failed),
            warnings=tuple(dict.fromkeys(crew.warnings)),
        )
        for goal, crew, merged in zip(goals, crews, before, strict=True)
    )


def _refuse_missing_program(workspace: Workspace, goal: Goal, program: str) -> None:
    """Raise `InputError` for a relative path that neither the target nor any worktree has.

    Nothing is known, and nothing refused, while a slice has no worktree yet: what git ignores may
    come along into it, or be made there by its set-up.
    """
    # Without a slash it is looked up on PATH, and what has a placeholder is another one in each
    # slice.
    if "/" not in program or Path(program).is_absolute() or "{" in program:
        return
    path = os.path.normpath(program)
    tip = None if path.startswith("..") else find_tip(workspace.repo, goal.plan.target)
    if tip is not None and has_entry(workspace.repo, tip, RepoPath(path)):
        return
    tops = _list_open_worktrees(workspace, goal)
    if not tops or any(not is_filled(top) or (top / path).exists() for top in tops):
        return
    raise InputError(
        f"there is no program {program!r} in the worktrees of the slices, where it is looked up",
        hint=f"commit it to {goal.plan.target}, or name it by an absolute path",
    )


def _list_open_worktrees(workspace: Workspace, goal: Goal) -> list[Path]:
    with workspace.open_store() as store:
        records = {record.slice_id: record for record in store.read_slices(goal.goal_id)}
    finished = {id_ for id_, record in records.items() if record.status in FINISHED}
    return [Path(one.worktree_path) for one in goal.plan.slices if one.slice_id not in finished]


def _find_left(
    workspace: Workspace, goal: Goal, failed: Mapping[SliceId, Problem]
) -> tuple[Problem, ...]:
    report = ready(workspace, goal.goal_id)
    reasons = {one.slice_id: one.reason for one in report.waiting}
    reasons |= dict.fromkeys((one.slice_id for one in report.ready), "ready, but not begun")
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in failed)
