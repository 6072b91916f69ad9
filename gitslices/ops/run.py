"""Work a whole goal: workers that claim, run a command, finish and merge until all is merged."""

import os.path
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from gitslices.core.errors import (
    BusyError,
    DiskError,
    GateFailedError,
    GitError,
    GitLockedError,
    GitslicesError,
    InputError,
    LeaseHeldError,
    NothingReadyError,
    Problem,
    RefusedError,
    StaleTokenError,
)
from gitslices.core.files import make_folder
from gitslices.core.model import FINISHED, RepoPath, SliceId
from gitslices.core.naming import SETTINGS_FILE
from gitslices.git.read import find_tip, has_entry, is_ancestor
from gitslices.git.uncommitted import read_uncommitted
from gitslices.git.worktrees import is_filled
from gitslices.merging.begin import begin_merge
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.claim import DEFAULT_TTL, ClaimReport, ClaimRequest, claim
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.leases import HeartbeatRequest, ReleaseRequest, heartbeat, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.ready import ready
from gitslices.repo_commands.gates import list_texts, load_gates, refuse_untrusted
from gitslices.repo_commands.notify import Notice, notify
from gitslices.rules.attempts import FailureReason, list_previous_lines
from gitslices.rules.merging import describe_conflict, describe_violations
from gitslices.rules.scope_check import Violation
from gitslices.slices.attempts import read_failed_gates, record_failure
from gitslices.slices.environment import make_slice_environment, name_attempt_log
from gitslices.slices.goals import choose_goals, refuse_closed
from gitslices.slices.lookup import get_slice
from gitslices.slices.settings import read_settings
from gitslices.state.leases import find_open_lease, read_lease_history
from gitslices.state.store import Goal
from gitslices.system.left_workers import VARIABLE, mark_worker
from gitslices.system.shell import Shell, open_shell
from gitslices.workspace import Workspace


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


_PAUSE: Final = 1.0
"""Seconds between two looks at what others have finished."""
_LOOK: Final = 2.0
"""Seconds between two looks at whether a command waits for a person."""
_PLACEHOLDER: Final = re.compile(
    r"\{(slice|goal|branch|target|worktree|token|task_file|attempt|reason_file)\}"
)

_NO_CHANGE: Final = "no change"

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


class Crew:
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
        self.kin: tuple[Crew, ...] = ()
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
                return claim(
                    self._workspace,
                    ClaimRequest(
                        holder=self._request.holder,
                        slice_id=slice_id,
                        goal_id=self._goal.goal_id,
                        ttl=self._request.ttl,
                    ),
                )
            except (LeaseHeldError, NothingReadyError):
                continue
            except (RefusedError, GitError, GitLockedError) as error:
                # Its worktree cannot be had; the others can.
                self._give_up(slice_id, _describe(slice_id, error))
        return None

    def _find_others(self) -> bool:
        """Whether others are at work, on this goal or next to it, so that waiting may help."""
        if any(crew.is_busy for crew in self.kin):
            return True
        waiting = ready(self._workspace, self._goal.goal_id).waiting
        return any(one.status == "claimed" for one in waiting)

    def _see_through(self, mine: ClaimReport) -> None:
        id_ = mine.slice_id
        self._attempts[id_] += 1
        self._again.discard(id_)
        log = name_attempt_log(self._workspace, mine.worktree_path, mine.attempt)
        folder = log.parent
        self._tell(mine, "started", log)
        try:
            failed = self._run_command(mine, folder, log) or self._finish(mine)
        except _StoppedError:
            self._give_back(mine)
            self._tell(mine, "stopped", log)
            return
        except BaseException:
            self._give_back(mine)
            raise
        if failed is None:
            self.merged.append(id_)
            self._tell(mine, "merged", log, _NO_CHANGE if id_ in self.empty else "")
            return
        self._record(mine, failed, log)
        if self._attempts[id_] > self._request.retries:
            self._give_back(mine)
            self._give_up(id_, failed.problem)
        else:
            if failed.reason == "conflict" and self._settings.conflict == "begin":
                self._begin_merge(mine)
            self._give_back(mine)
            self._again.add(id_)
        self._tell(mine, "failed", log, failed.problem.message)

    def _give_up(self, slice_id: SliceId, problem: Problem) -> None:
        self.failed[slice_id] = problem
        goal = self._goal
        notice = Notice(
            event="failed", goal_id=goal.goal_id, slice_id=slice_id, text=problem.message
        )
        self.warnings += notify(self._workspace, notice, goal.plan.target)

    def _record(self, mine: ClaimReport, failed: "_Failed", log: Path) -> None:
        """Keep for the next attempt why this one failed."""
        with self._workspace.open_store() as store:
            history = read_lease_history(store, mine.goal_id, mine.slice_id)
            lease = next(one for one in history if one.token == mine.token)
            gates = read_failed_gates(store, lease) if failed.reason == "gate" else ()
            with store.transaction():
                record_failure(
                    self._workspace, store, lease, failed.reason, failed.problem,
                    log=str(log), violations=failed.violations, gates=gates,
                    conflicts=failed.conflicts,
                )  # fmt: skip

    def _begin_merge(self, mine: ClaimReport) -> None:
        """Leave the merge that has met a conflict in the worktree, for the next attempt."""
        with self._workspace.open_store() as store:
            record = store.find_slice(mine.goal_id, mine.slice_id)
            assert record is not None, "a lease comes with a record"  # noqa: S101
            begun = begin_merge(self._workspace, store, self._goal, record)
        if isinstance(begun, Problem):
            self.warnings.append(f"{begun.place}: its merge was not begun: {begun.message}")

    def _run_command(self, mine: ClaimReport, folder: Path, log: Path) -> "_Failed | None":
        places = self._make_places(mine, folder)
        _point_to(log, folder / "run.log")
        try:
            with mark_worker(folder) as worker:
                ended = self._shell.attend(
                    [_fill(word, places) for word in self._request.command],
                    cwd=Path(mine.worktree_path),
                    environ=self._make_environment(mine, places) | {VARIABLE: worker.name},
                    log=log,
                    every=min(_LOOK, self._request.ttl / 3),
                    on_beat=self._make_beat(mine, log),
                    inherited=(worker.descriptor,),
                )
        except (StaleTokenError, BusyError) as error:
            problem = Problem(mine.slice_id, error.message, error.hint)
            return _Failed(reason="lost-lease", problem=problem)
        if ended.status is None:
            raise _StoppedError
        if ended.status == 0:
            return None
        said = f": {ended.last_line}" if ended.last_line else ""
        problem = Problem(mine.slice_id, f"exit status {ended.status}{said}", f"see {log}")
        return _Failed(reason="exit", problem=problem)

    def _make_beat(self, mine: ClaimReport, log: Path) -> Callable[[], None]:
        """What is done every few seconds while a command runs: look, and keep the lease."""
        # Two beats may be missed before the lease lapses.
        every, waiting = self._request.ttl / 3, ""
        due = time.monotonic() + every
        id_, goal_id = mine.slice_id, mine.goal_id

        def beat() -> None:
            nonlocal due, waiting
            if time.monotonic() >= due:
                request = HeartbeatRequest(slice_id=id_, token=mine.token, goal_id=goal_id)
                heartbeat(self._workspace, request)
                due = time.monotonic() + every
            with self._workspace.open_store() as store:
                lease = find_open_lease(store, goal_id, id_)
            before, waiting = waiting, (lease and lease.waiting) or ""
            if waiting != before:
                self._tell(mine, "waiting" if waiting else "going on", log, waiting)

        return beat

    def _finish(self, mine: ClaimReport) -> "_Failed | None":
        """End the lease and merge; why not, if either is refused.

        The write scope comes first: no gate spends its time on what may not be merged.
        """
        id_, goal_id = mine.slice_id, mine.goal_id
        try:
            checked = check(self._workspace, CheckRequest(slice_id=id_, goal_id=goal_id))
            if not checked.ok:
                found = checked.slices[0].violations
                problem = describe_violations(goal_id, id_, found)
                return _Failed(reason="scope", problem=problem, violations=found)
            if self._is_empty(mine):
                if self._settings.empty != "ok":
                    return _Failed(reason="no-change", problem=_describe_no_change(id_))
                self.empty.append(id_)
            done(self._workspace, DoneRequest(slice_id=id_, token=mine.token, goal_id=goal_id))
            report = merge(self._workspace, MergeRequest(slice_ids=(id_,), goal_id=goal_id))
        except (RefusedError, GitError, BusyError) as error:
            return _Failed(reason=_find_reason(error), problem=_describe(id_, error))
        if report.conflicted:
            files = report.conflicted[0].files
            problem = describe_conflict(report.target, id_, files)
            return _Failed(reason="conflict", problem=problem, conflicts=files)
        return _Failed(reason="refused", problem=report.refused[0]) if report.refused else None

    def _is_empty(self, mine: ClaimReport) -> bool:
        """Whether neither the branch nor the worktree has anything that the target lacks."""
        repo = self._workspace.repo
        tip, target = find_tip(repo, mine.branch_name), find_tip(repo, self._goal.plan.target)
        if tip is None or target is None or not is_ancestor(repo, tip, target):
            return False
        return not read_uncommitted(repo, Path(mine.worktree_path), untracked=True)

    def _give_back(self, mine: ClaimReport) -> None:
        """Open the slice for the next attempt, with its work; a conflict stays on record."""
        request = ReleaseRequest(slice_id=mine.slice_id, token=mine.token, goal_id=mine.goal_id)
        try:
            release(self._workspace, request)
        except StaleTokenError:
            with self._workspace.open_store() as store:
                record = store.find_slice(mine.goal_id, mine.slice_id)
            # `done` has ended the lease, and the merge was refused: opened without a token, as by
            # hand.
            if record is not None and record.status == "done":
                with suppress(RefusedError):
                    release(self._workspace, msgspec.structs.replace(request, token=None))

    def _make_places(self, mine: ClaimReport, folder: Path) -> dict[str, str]:
        task_file, reason_file = folder / "task.json", folder / "reason.txt"
        task_id = get_slice(self._goal, mine.slice_id).task_id
        task = next(one for one in self._goal.graph.tasks if one.id == task_id)
        try:
            make_folder(folder)
            told = {"attempt": mine.attempt, "previous": mine.previous}
            task_file.write_bytes(msgspec.json.encode({"task": task, "claim": mine, **told}))
            lines = list_previous_lines(mine.previous) if mine.previous else ()
            # What a gate printed may be any bytes.
            said = "".join(f"{line}\n" for line in lines)
            reason_file.write_text(said, "utf-8", errors="backslashreplace")
        except OSError as error:
            raise DiskError(f"cannot write {str(task_file)!r}: {error.strerror}") from error
        return {
            "slice": mine.slice_id,
            "goal": mine.goal_id,
            "branch": mine.branch_name,
            "worktree": mine.worktree_path,
            "token": str(mine.token),
            "task_file": str(task_file),
            "target": self._goal.plan.target,
            "attempt": str(mine.attempt),
            "reason_file": str(reason_file),
        }

    def _make_environment(self, mine: ClaimReport, places: dict[str, str]) -> dict[str, str]:
        with self._workspace.open_store() as store:
            record = store.find_slice(mine.goal_id, mine.slice_id)
        assert record is not None, "a lease comes with a record"  # noqa: S101
        environ = make_slice_environment(record, self._workspace.environ)
        return environ | {
            "GITSLICES_HOLDER": mine.holder,
            "GITSLICES_TOKEN": places["token"],
            "GITSLICES_TASK_FILE": places["task_file"],
        }

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


class _Failed(Struct, frozen=True, kw_only=True):
    """Why an attempt has failed."""

    reason: FailureReason
    problem: Problem
    violations: tuple[Violation, ...] = ()
    conflicts: tuple[RepoPath, ...] = ()


def _describe_no_change(slice_id: SliceId) -> Problem:
    return Problem(
        slice_id,
        f"{_NO_CHANGE}: the command ended well and committed nothing",
        f'where that is right, {SETTINGS_FILE} can say so: [run] empty = "ok"',
    )


def _find_reason(error: GitslicesError) -> FailureReason:
    if isinstance(error, GateFailedError):
        return "gate"
    return "lost-lease" if isinstance(error, StaleTokenError) else "refused"


def _point_to(log: Path, link: Path) -> None:
    """Let `link` lead to the log of the newest attempt."""
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(log.name)
    except OSError as error:
        raise DiskError(f"cannot write {str(link)!r}: {error.strerror}") from error


def _describe(slice_id: SliceId, error: GitslicesError) -> Problem:
    reasons = "; ".join(one.message for one in error.problems)
    hints = (error.hint, *(one.hint for one in error.problems))
    return Problem(
        slice_id,
        f"{error.message}: {reasons}" if reasons else error.message,
        next((hint for hint in hints if hint), None),
    )


class _StoppedError(Exception):
    """The command was ended from outside."""


def _fill(word: str, places: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: places[found[1]], word)


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
        crews = [Crew(workspace, request, goal, shell, on_step, seats) for goal in goals]
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


def _find_left(
    workspace: Workspace, goal: Goal, failed: Mapping[SliceId, Problem]
) -> tuple[Problem, ...]:
    report = ready(workspace, goal.goal_id)
    reasons = {one.slice_id: one.reason for one in report.waiting}
    reasons |= dict.fromkeys((one.slice_id for one in report.ready), "ready, but not begun")
    return tuple(Problem(id_, why) for id_, why in reasons.items() if id_ not in failed)
