"""One attempt at a slice by a command: what it finds, how it ends, what it leaves for the next."""

import os.path
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from gitslices.core.errors import (
    BusyError,
    DiskError,
    GateFailedError,
    GitError,
    GitslicesError,
    InputError,
    Problem,
    RefusedError,
    StaleTokenError,
)
from gitslices.core.files import make_folder
from gitslices.core.model import FINISHED, RepoPath, SliceId
from gitslices.core.naming import SETTINGS_FILE
from gitslices.git.read import count_beyond, find_target_tip, find_tip, has_entry
from gitslices.git.uncommitted import read_uncommitted
from gitslices.git.worktrees import is_filled
from gitslices.merging.begin import begin_merge
from gitslices.ops.check import CheckRequest, check
from gitslices.ops.claim import ClaimReport
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.watch import CommandLimits, CommandWatch, LimitReachedError, News
from gitslices.repo_commands.background import resume_background
from gitslices.repo_commands.teardown import tear_down
from gitslices.rules.attempts import FailureReason, list_previous_lines
from gitslices.rules.command_reports import CommandReport
from gitslices.rules.merging import describe_conflict, describe_violations
from gitslices.rules.scope_check import Violation
from gitslices.slices.attempts import read_failed_gates, record_failure
from gitslices.slices.environment import make_slice_environment, name_attempt_log
from gitslices.slices.lookup import get_slice
from gitslices.state.leases import read_lease_history
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.system.left_workers import VARIABLE, mark_worker
from gitslices.system.settings_tables import RunSettings
from gitslices.system.shell import Shell
from gitslices.workspace import Workspace

NO_CHANGE: Final = "no change"

_NOT_NOW: Final = 75
"""The exit status (EX_TEMPFAIL of sysexits.h) that asks for another try later."""
_RETRY_AFTER: Final = 60.0
_PLACEHOLDER: Final = re.compile(
    r"\{(slice|goal|branch|target|worktree|token|task_file|attempt|reason_file)\}"
)


def refuse_missing_program(workspace: Workspace, goal: Goal, program: str) -> None:
    """Raise `InputError` for a relative path that neither the target nor any worktree has.

    Nothing is known, and nothing refused, while a slice has no worktree yet: what git ignores may
    come along into it, or be made there by its set-up.
    """
    # Without a slash it is looked up on PATH, and what has a placeholder is another one in each
    # slice.
    if "/" not in program or Path(program).is_absolute() or "{" in program:
        return
    path = os.path.normpath(program)
    tip = None if path.startswith("..") else find_target_tip(workspace.repo, goal.plan.target)
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


class AttemptFailure(Struct, frozen=True, kw_only=True):
    """Why an attempt has failed."""

    reason: FailureReason
    problem: Problem
    violations: tuple[Violation, ...] = ()
    conflicts: tuple[RepoPath, ...] = ()


class CommandStoppedError(Exception):
    """The command was ended from outside."""


class CommandPausedError(Exception):
    """The command cannot work now: it may be started again after so many `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not now, again in {seconds:g} seconds")
        self.seconds = seconds


class CommandAttempt:
    """A claimed slice and the command that works on it, which runs in its worktree.

    `log` is the file that holds what the command prints; `is_empty` says, once it is finished, that
    it committed nothing, `report` what it has reported. `on_news` is told when it waits for a
    person, is silent or goes on.
    """

    def __init__(
        self,
        workspace: Workspace,
        goal: Goal,
        mine: ClaimReport,
        ttl: int,
        settings: RunSettings,
        limits: CommandLimits,
        on_news: Callable[[News, str], None],
    ) -> None:
        self._workspace = workspace
        self._goal = goal
        self._mine = mine
        self._ttl = ttl
        self._settings = settings
        self._on_news = on_news
        self._limits = msgspec.structs.replace(limits, ends_stalled=settings.stall == "end")
        self.is_empty = False
        self.report = CommandReport()
        self.log = name_attempt_log(workspace, mine.worktree_path, mine.attempt)

    def run(self, command: Sequence[str], shell: Shell) -> AttemptFailure | None:
        """Run the command to its end; why it failed, if it did.

        Raises `CommandStoppedError` where it was ended from outside, `CommandPausedError` where it
        asks for another time.
        """
        mine, folder = self._mine, self.log.parent
        places = self._write_files(folder)
        _point_to(self.log, folder / "run.log")
        report = folder / f"report-{mine.attempt}.txt"
        watch = CommandWatch(
            self._workspace, mine, self._ttl, self._limits, (self.log, report), self._on_news
        )
        environ = self._make_environment(places) | {"GITSLICES_REPORT": str(report)}
        with self._workspace.open_store() as store:
            record = self._get_record(store)
        resume_background(self._workspace, record)
        try:
            with mark_worker(folder) as worker:
                ended = shell.attend(
                    [_fill(word, places) for word in command],
                    cwd=Path(mine.worktree_path),
                    environ=environ | {VARIABLE: worker.name},
                    log=self.log,
                    every=watch.every,
                    on_beat=watch.beat,
                    inherited=(worker.descriptor,),
                )
        except LimitReachedError as error:
            problem = Problem(mine.slice_id, error.message, f"see {self.log}")
            return AttemptFailure(reason=error.reason, problem=problem)
        except (StaleTokenError, BusyError) as error:
            problem = Problem(mine.slice_id, error.message, error.hint)
            return AttemptFailure(reason="lost-lease", problem=problem)
        finally:
            self.report = watch.record()
        if ended.status is None:
            raise CommandStoppedError
        if ended.status == _NOT_NOW:
            after = self.report.retry_after
            raise CommandPausedError(_RETRY_AFTER if after is None else after)
        if ended.status == 0:
            return None
        said = f": {ended.last_line}" if ended.last_line else ""
        text = f"exit status {ended.status}{said}"
        problem = Problem(mine.slice_id, text, f"see {self.log}")
        return AttemptFailure(reason="exit", problem=problem)

    def finish(self) -> AttemptFailure | None:
        """End the lease and merge; why not, if either is refused.

        The write scope comes first: no gate spends its time on what may not be merged.
        """
        id_, goal_id, token = self._mine.slice_id, self._mine.goal_id, self._mine.token
        try:
            checked = check(self._workspace, CheckRequest(slice_id=id_, goal_id=goal_id))
            if not checked.ok:
                found = checked.slices[0].violations
                problem = describe_violations(goal_id, id_, found)
                return AttemptFailure(reason="scope", problem=problem, violations=found)
            self.is_empty = self._find_empty()
            if self.is_empty and self._settings.empty != "ok":
                return AttemptFailure(reason="no-change", problem=_describe_no_change(id_))
            done(self._workspace, DoneRequest(slice_id=id_, token=token, goal_id=goal_id))
            report = merge(self._workspace, MergeRequest(slice_ids=(id_,), goal_id=goal_id))
        except (RefusedError, GitError, BusyError) as error:
            problem = describe_error(id_, error)
            return AttemptFailure(reason=_find_reason(error), problem=problem)
        if report.conflicted:
            files = report.conflicted[0].files
            problem = describe_conflict(report.target, id_, files)
            return AttemptFailure(reason="conflict", problem=problem, conflicts=files)
        if report.refused:
            return AttemptFailure(reason="refused", problem=report.refused[0])
        return None

    def _find_empty(self) -> bool:
        """Whether neither the branch nor the worktree has anything that the target lacks."""
        repo, mine = self._workspace.repo, self._mine
        tip = find_tip(repo, mine.branch_name)
        target = find_target_tip(repo, self._goal.plan.target)
        if tip is None or target is None or count_beyond(repo, tip, (target, mine.base_commit)):
            return False
        return not read_uncommitted(repo, Path(mine.worktree_path), untracked=True)

    def record(self, failed: AttemptFailure) -> None:
        """Keep for the next attempt why this one failed."""
        mine = self._mine
        with self._workspace.open_store() as store:
            history = read_lease_history(store, mine.goal_id, mine.slice_id)
            lease = next(one for one in history if one.token == mine.token)
            gates = read_failed_gates(store, lease) if failed.reason == "gate" else ()
            with store.transaction():
                record_failure(
                    self._workspace, store, lease, failed.reason, failed.problem,
                    log=str(self.log), violations=failed.violations, gates=gates,
                    conflicts=failed.conflicts,
                )  # fmt: skip

    def begin_merge(self) -> str | None:
        """Leave the merge that has met a conflict in the worktree; why not, if it cannot be."""
        with self._workspace.open_store() as store:
            begun = begin_merge(self._workspace, store, self._goal, self._get_record(store))
        if isinstance(begun, Problem):
            return f"{begun.place}: its merge was not begun: {begun.message}"
        return None

    def tear_down(self) -> list[str]:
        """Take away what its set-up made outside of the worktree; what has not come through."""
        with self._workspace.open_store() as store:
            record = self._get_record(store)
        try:
            problems = tear_down(self._workspace, self._goal.plan.target, [record], force=True)
        except GitslicesError as error:
            problems = (describe_error(record.slice_id, error),)
        return [f"{one.place}: {one.message}" for one in problems]

    def give_back(self) -> None:
        """Open the slice for the next attempt, with its work; a conflict stays on record."""
        mine = self._mine
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

    def _write_files(self, folder: Path) -> dict[str, str]:
        """Write what the command is told into `folder`; the values of its placeholders."""
        mine = self._mine
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

    def _make_environment(self, places: dict[str, str]) -> dict[str, str]:
        with self._workspace.open_store() as store:
            environ = make_slice_environment(self._workspace, self._get_record(store))
        return environ | {
            "GITSLICES_HOLDER": self._mine.holder,
            "GITSLICES_TOKEN": places["token"],
            "GITSLICES_TASK_FILE": places["task_file"],
        }

    def _get_record(self, store: Store) -> SliceRecord:
        record = store.find_slice(self._mine.goal_id, self._mine.slice_id)
        assert record is not None, "a lease comes with a record"  # noqa: S101
        return record


def describe_error(slice_id: SliceId, error: GitslicesError) -> Problem:
    """An error of one slice as a line of a report about several."""
    reasons = "; ".join(one.message for one in error.problems)
    hints = (error.hint, *(one.hint for one in error.problems))
    return Problem(
        slice_id,
        f"{error.message}: {reasons}" if reasons else error.message,
        next((hint for hint in hints if hint), None),
    )


def _describe_no_change(slice_id: SliceId) -> Problem:
    return Problem(
        slice_id,
        f"{NO_CHANGE}: the command ended well and committed nothing",
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


def _fill(word: str, places: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: places[found[1]], word)
