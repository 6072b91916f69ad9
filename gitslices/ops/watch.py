"""What is looked at every few seconds while a command works on a slice."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import InputError, RefusedError, RemoteError
from gitslices.core.files import read_regular
from gitslices.git.links import find_admin_folder
from gitslices.ops.claim import ClaimReport
from gitslices.ops.leases import HeartbeatRequest, heartbeat
from gitslices.ops.note import NoteRequest, note
from gitslices.rules.attempts import FailureReason
from gitslices.rules.command_reports import CommandReport, parse_report
from gitslices.state.leases import find_open_lease
from gitslices.state.store import Event
from gitslices.workspace import Workspace

News = Literal["waiting", "going on", "stalled"]

_LOOK: Final = 2.0
"""Seconds between two looks, unless something is to be told sooner."""
_LOOKS_IN_SILENCE: Final = 4
_MOST_FILES: Final = 50_000
_LARGEST_REPORT: Final = 1024 * 1024
_WAITING: Final = "waiting"


class CommandLimits(Struct, frozen=True, kw_only=True):
    """How long a command may take, and how long it may be silent, in seconds; None for ever.

    It is silent while it neither prints nor changes a file. `ends_stalled` says that it is ended
    then, and not only told of.
    """

    timeout: float | None = None
    stall: float | None = None
    ends_stalled: bool = False


class LimitReachedError(Exception):
    """The command has to end."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class CommandWatch:
    """Keeps the lease of a command, reads what it reports, and sees to its limits.

    `on_news` is told what has changed, with a text.
    """

    def __init__(
        self,
        workspace: Workspace,
        mine: ClaimReport,
        ttl: int,
        limits: CommandLimits,
        files: tuple[Path, Path],
        on_news: Callable[[News, str], None],
    ) -> None:
        self._workspace = workspace
        self._mine = mine
        self._limits = limits
        self._log, self._file = files
        self._on_news = on_news
        self._begun = time.monotonic()
        # Two beats may be missed before the lease lapses.
        self._ttl_part = ttl / 3
        self._due = self._begun + self._ttl_part
        self._waiting = ""
        self._told = CommandReport()
        self._stamp: tuple[int, int, int] | None = None
        self._since = self._begun
        self._next_look = self._begun
        self._is_stalled = False

    @property
    def every(self) -> float:
        """Seconds between two beats, so that no limit is noticed late."""
        stall = self._limits.stall
        spans = (_LOOK, self._ttl_part, self._limits.timeout, stall and stall / _LOOKS_IN_SILENCE)
        return min(span for span in spans if span)

    def beat(self) -> None:
        """Look at everything; raise `LimitReachedError` where the command has to end."""
        now = time.monotonic()
        id_, goal_id = self._mine.slice_id, self._mine.goal_id
        if now >= self._due:
            self._due = now + self._ttl_part
            # Where the remote is away the lease lasts for now: whether it does, the next one tells.
            with suppress(RemoteError):
                heartbeat(
                    self._workspace,
                    HeartbeatRequest(slice_id=id_, token=self._mine.token, goal_id=goal_id),
                )
        self._read_report(is_over=False)
        with self._workspace.open_store() as store:
            lease = find_open_lease(store, goal_id, id_)
        before, self._waiting = self._waiting, (lease and lease.waiting) or ""
        if self._waiting != before:
            self._on_news("waiting" if self._waiting else "going on", self._waiting)
        timeout = self._limits.timeout
        if timeout is not None and now - self._begun >= timeout:
            raise LimitReachedError("timeout", f"it took longer than {timeout:g} seconds")
        if self._limits.stall is not None:
            self._look_for_silence(now, self._limits.stall)

    def _read_report(self, *, is_over: bool) -> CommandReport:
        """What the command has reported so far; what is new of it is noted."""
        before = self._told
        with suppress(OSError):
            text = read_regular(self._file, limit=_LARGEST_REPORT).decode("utf-8", "replace")
            # While it works the last line may not be whole yet.
            whole = text if is_over else text.rpartition("\n")[0]
            self._told = parse_report(whole, self._workspace.now())
        for message in self._told.notes[len(before.notes) :]:
            self._note(message=message)
        was, is_ = (one.status.startswith(_WAITING) for one in (before, self._told))
        if is_ and self._told.status != before.status:
            self._note(waiting=self._told.status)
        elif was and not is_:
            self._note(going_on=True)
        return self._told

    def record(self) -> CommandReport:
        """The whole report of a command that has ended, kept in the log as evidence."""
        report = self._read_report(is_over=True)
        if report.cost or report.tokens:
            detail = {"attempt": self._mine.attempt, "cost": report.cost, "tokens": report.tokens}
            event = Event(
                at=self._workspace.now(), goal_id=self._mine.goal_id,
                slice_id=self._mine.slice_id, event="reported", detail=detail,
            )  # fmt: skip
            with self._workspace.open_store() as store, store.transaction():
                store.write_events([event])
        return report

    def _note(
        self, *, message: str | None = None, waiting: str | None = None, going_on: bool = False
    ) -> None:
        request = NoteRequest(
            slice_id=self._mine.slice_id, goal_id=self._mine.goal_id, token=self._mine.token,
            message=message, waiting=waiting, going_on=going_on,
        )  # fmt: skip
        # Too long, or told when the lease was over: its command need not fail of that.
        with suppress(InputError, RefusedError):
            note(self._workspace, request)

    def _look_for_silence(self, now: float, stall: float) -> None:
        # It walks through all files of the worktree.
        if now < self._next_look:
            return
        self._next_look = now + stall / _LOOKS_IN_SILENCE
        stamp = self._read_stamp()
        if stamp != self._stamp or self._waiting:
            self._stamp, self._since = stamp, now
            if self._is_stalled:
                self._is_stalled = False
                self._on_news("going on", "")
        elif now - self._since >= stall:
            message = f"no output and no changed file for {stall:g} seconds"
            if self._limits.ends_stalled:
                raise LimitReachedError("stall", message)
            if not self._is_stalled:
                self._is_stalled = True
                self._on_news("stalled", message)

    def _read_stamp(self) -> tuple[int, int, int]:
        """Another one as soon as the command has printed, or changed a file or an index."""
        top = Path(self._mine.worktree_path)
        admin = find_admin_folder(top)
        newest = number = 0
        for folder in (top, *([admin] if admin else [])):
            for place, folders, files in os.walk(folder):
                if place == str(top):
                    folders[:] = [one for one in folders if one != ".git"]
                for name in (*files, "."):
                    number += 1
                    with suppress(OSError):
                        found = os.lstat(os.path.join(place, name))  # noqa: PTH118
                        newest = max(newest, found.st_mtime_ns, found.st_ctime_ns)
                if number > _MOST_FILES:
                    break
        size = self._log.stat().st_size if self._log.exists() else 0
        return size, newest, number
