"""The runs of this repository: who is at work by which command, how it ends, what ended it."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct, structs

from gitslices.core.errors import BusyError, DiskError, RefusedError
from gitslices.core.files import make_folder, read_regular, replace_file
from gitslices.core.model import SliceId
from gitslices.ops.crew import RunRequest, RunStep
from gitslices.ops.goal_run import AgentCommand
from gitslices.state.lock import find_dead_operations, hold_operation
from gitslices.workspace import Workspace

_LARGEST: Final = 64 * 1024 * 1024
_KEPT: Final = 10
"""Runs that have ended of which `run --status` still tells."""
_PAUSE: Final = 0.1
_LONGEST_END: Final = 30.0

RunState = Literal["running", "stopping", "ended", "killed"]


class RunRecord(Struct, frozen=True, kw_only=True):
    """One `gitslices run`: `state` is what has become of it, `slices` those that it has begun.

    `log` has what a run without a terminal prints; null where it has one.
    """

    run_id: str
    process: int
    state: RunState
    goal_id: str | None
    command: tuple[str, ...]
    holder: str
    jobs: int
    began_at: str
    log: str | None
    agents: tuple[AgentCommand, ...] = ()
    ended_at: str | None = None
    slices: tuple[RunStep, ...] = ()


class RunsReport(Struct, frozen=True, kw_only=True):
    """What `gitslices run --status --json` and `--stop --json` print: the newest run in front."""

    runs: tuple[RunRecord, ...]


class DetachedRun(Struct, frozen=True, kw_only=True):
    """What `gitslices run --detach --json` prints: `log` has what the run prints."""

    run_id: str
    process: int
    log: str


class OpenRun:
    """A run under way, as others see it."""

    def __init__(self, workspace: Workspace, record: RunRecord) -> None:
        self._workspace = workspace
        self._folder = _find_folder(workspace)
        self._record = record
        self._slices: dict[tuple[str, SliceId], RunStep] = {}
        # Workers tell from several threads.
        self._guard = threading.Lock()
        self._write()

    def note(self, step: RunStep) -> None:
        """Let others see what has become of a slice."""
        with self._guard:
            self._slices[step.goal_id, step.slice_id] = step
            self._write()

    def is_stopping(self) -> bool:
        """Whether somebody wants it to begin nothing more."""
        return _name_stop(self._folder, self._record.run_id).exists()

    def end(self) -> None:
        """Keep what it has come to."""
        with self._guard:
            self._record = structs.replace(
                self._record, state="ended", ended_at=self._workspace.now()
            )
            self._write()

    def _write(self) -> None:
        record = structs.replace(self._record, slices=tuple(self._slices.values()))
        # On a full disk the work goes on, though nobody sees it.
        with suppress(OSError):
            replace_file(_name_record(self._folder, record.run_id), msgspec.json.encode(record))


@contextmanager
def open_run(workspace: Workspace, request: RunRequest) -> Iterator[OpenRun]:
    """Let others see, and stop, a run for as long as the block lasts."""
    folder, run_id = _find_folder(workspace), request.run_id or make_run_id()
    log = folder / f"{run_id}.log"
    try:
        make_folder(folder)
    except OSError as error:
        raise DiskError(f"cannot make {str(folder)!r}: {error.strerror}") from error
    record = RunRecord(
        run_id=run_id, process=os.getpid(), state="running", goal_id=request.goal_id,
        command=request.command, holder=request.holder,
        jobs=sum(one.jobs for one in request.commands), agents=request.agents,
        began_at=workspace.now(), log=str(log) if log.exists() else None,
    )  # fmt: skip
    with hold_operation(folder, run_id, timeout=0):
        _forget_old(folder)
        run = OpenRun(workspace, record)
        try:
            yield run
        finally:
            run.end()


def make_run_id() -> str:
    """A name for a run that no other has."""
    return uuid.uuid4().hex[:8]


def detach_run(workspace: Workspace, run_id: str, arguments: Sequence[str]) -> DetachedRun:
    """Start `gitslices run` in a session of its own, and return once it has begun.

    Raises `RefusedError` where it has not.
    """
    folder = _find_folder(workspace)
    log = folder / f"{run_id}.log"
    try:
        make_folder(folder)
        with log.open("wb") as output:
            # Without -P a module of the repository's would be taken for one of Python's.
            process = subprocess.Popen(
                (sys.executable, "-P", "-m", "gitslices", "run", *arguments),
                cwd=workspace.main_worktree or workspace.repo.common_dir,
                env=dict(workspace.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise DiskError(f"cannot start a run: {error}") from error
    while not _name_record(folder, run_id).exists():
        # What is done already is merged first: that takes its time.
        if process.poll() is not None:
            said = log.read_text("utf-8", "replace").strip().partition("\n")[0]
            why = said.removeprefix("error: ") or "it has ended"
            raise RefusedError(f"the run has not begun: {why}", hint=f"see {log}")
        time.sleep(_PAUSE)
    return DetachedRun(run_id=run_id, process=process.pid, log=str(log))


def _find_folder(workspace: Workspace) -> Path:
    return workspace.state_folder / "runs"


def read_runs(workspace: Workspace) -> RunsReport:
    """The runs that are at work, and the last ones that were."""
    folder = _find_folder(workspace)
    return RunsReport(runs=tuple(_read_runs(folder)))


def stop_runs(workspace: Workspace, *, now: bool) -> RunsReport:
    """Have all runs begin nothing more; `now` ends their commands, and waits for their end.

    Raises `RefusedError` where none is at work, `BusyError` where one does not end.
    """
    folder = _find_folder(workspace)
    running = [one for one in _read_runs(folder) if one.state in {"running", "stopping"}]
    if not running:
        raise RefusedError("no run is at work here", hint="see: gitslices run --status")
    for one in running:
        _ask_to_stop(folder, one)
        if now:
            _interrupt(one)
    if now:
        _wait_for_ends(folder, running)
    stopped = {one.run_id for one in running}
    return RunsReport(runs=tuple(one for one in _read_runs(folder) if one.run_id in stopped))


def _ask_to_stop(folder: Path, record: RunRecord) -> None:
    path = _name_stop(folder, record.run_id)
    try:
        path.touch()
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from error


def _interrupt(record: RunRecord) -> None:
    try:
        # Its lock is held: the number is still that of the process that wrote it.
        os.kill(record.process, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise RefusedError(
            f"run {record.run_id} is another user's (process {record.process})",
            hint="it begins nothing more; its user can end it: gitslices run --stop --now",
        ) from error


def _wait_for_ends(folder: Path, running: Sequence[RunRecord]) -> None:
    give_up = time.monotonic() + _LONGEST_END
    for one in running:
        while _is_alive(folder, one.run_id):
            if time.monotonic() > give_up:
                raise BusyError(
                    f"run {one.run_id} (process {one.process}) has not ended after "
                    f"{_LONGEST_END:g} s",
                    hint="see: gitslices run --status",
                )
            time.sleep(_PAUSE)


def _read_runs(folder: Path) -> list[RunRecord]:
    found = []
    for path in folder.glob("*.json"):
        # Gone or written anew meanwhile, or damaged: it is about nothing that can be lost.
        with suppress(OSError, msgspec.MsgspecError):
            record = msgspec.json.decode(read_regular(path, limit=_LARGEST), type=RunRecord)
            found.append(structs.replace(record, state=_find_state(folder, record)))
    return sorted(found, key=lambda one: (one.began_at, one.run_id), reverse=True)


def _find_state(folder: Path, record: RunRecord) -> RunState:
    if record.ended_at is not None:
        return "ended"
    if not _is_alive(folder, record.run_id):
        return "killed"
    return "stopping" if _name_stop(folder, record.run_id).exists() else "running"


def _is_alive(folder: Path, run_id: str) -> bool:
    return not find_dead_operations(folder, [run_id])


def _forget_old(folder: Path) -> None:
    """Remove what is left of all but the last few runs that are over."""
    over = [one for one in _read_runs(folder) if one.state in {"ended", "killed"}]
    for one in over[_KEPT:]:
        for path in folder.glob(f"{one.run_id}.*"):
            with suppress(OSError):
                path.unlink()


def _name_record(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}.json"


def _name_stop(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}.stop"
