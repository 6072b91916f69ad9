"""The one look at the repository that all pages share, taken in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from gitslices.board.view import make_board, make_error
from gitslices.core.errors import GitslicesError
from gitslices.ops.status_watch import watch_progress
from gitslices.workspace import Workspace

_AGAIN: Final = 2.0
"""Seconds until the repository is opened anew after that has failed."""


class Watcher:
    """Has the newest document, numbered, and wakes those who wait for a newer one."""

    def __init__(self, open_workspace: Callable[[], Workspace], user: str | None) -> None:
        self._open_workspace = open_workspace
        self._user = user
        self._over = threading.Event()
        self._news = asyncio.Event()
        self._number = 0
        self._document = b""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._watch, name="watcher")

    def start(self) -> None:
        """Begin to look; what is new is told to the event loop that runs now."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and have all streams end; may be called from a signal's handler."""
        self._over.set()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake)

    async def wait(self, seen: int, seconds: float) -> tuple[int, bytes] | None:
        """The document after that of the number `seen`; None where none comes in time."""
        if self._number == seen and not self._over.is_set():
            # Held by name: the next one is another event.
            news = self._news
            try:
                await asyncio.wait_for(news.wait(), seconds)
            except TimeoutError:
                return None
        return None if self._number == seen else (self._number, self._document)

    @property
    def is_over(self) -> bool:
        """Whether nothing will ever be new again."""
        return self._over.is_set()

    def _watch(self) -> None:
        while not self._over.is_set():
            try:
                workspace = self._open_workspace()
                for progress in watch_progress(workspace, self._over):
                    self._tell(make_board(workspace, progress, self._user))
            except GitslicesError as error:
                self._tell(make_error(error, self._user))
            except Exception as error:  # the page would stay, and tell of it as live
                told = GitslicesError(f"the board cannot read the repository: {error!r}")
                self._tell(make_error(told, self._user))
            self._over.wait(_AGAIN)

    def _tell(self, document: bytes) -> None:
        if self._loop is not None and not self._over.is_set():
            self._loop.call_soon_threadsafe(self._show, document)

    def _show(self, document: bytes) -> None:
        if document != self._document:
            self._number += 1
            self._document = document
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
