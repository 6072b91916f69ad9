"""`python -m gitslices.agents.guard TOOL`: what `gitslices agent guard --tool TOOL` does.

An agent waits for it at every edit, so this goes without the command line, and without git or the
store where the session is in no slice. Whatever fails is answered with exit code 2 and words, which
all tools take for a no; 1 they would pass over, and an answer that comes late, too.
"""

import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from gitslices.agents.adapters.adapter import Adapter, Intent, find_config
from gitslices.agents.adapters.payload import PayloadError, find_folders, name_session, read_payload
from gitslices.agents.adapters.table import load_adapter
from gitslices.git.environment import find_home, get_cwd, take_local_variables
from gitslices.slices.marks import MarkedWorktree, find_marked_worktree
from gitslices.system.streams import drop_unwritten, open_closed_streams

if TYPE_CHECKING:
    from gitslices.ops.guard import GuardReport, GuardRequest
    from gitslices.workspace import Workspace

BLOCK: Final = 2
_LIMIT: Final = 10.0
"""Seconds for an answer: a third of what the tools wait before they go on without one."""
_LOCK_TIMEOUT: Final = 2.0
_GRACE: Final = 2.0
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108


def run(argv: Sequence[str], descriptor: int = 0, find_here: Callable[[], Path] = get_cwd) -> int:
    """Answer the hook of the tool `argv[0]`, whose payload comes from `descriptor`."""
    try:
        with _limit_time():
            take_local_variables(os.environ, get_cwd)
            adapter = load_adapter(argv[0])
            report = answer_hook(adapter, descriptor, find_here())
            if report and report.denials:
                # Imported here: nearly every write may be done, and needs no words.
                from gitslices.output.text.checks import format_denials

                sys.stdout.buffer.write(adapter.format_denial(format_denials(report)))
                sys.stdout.flush()
    # Everything: a guard that ends with Python's own exit code 1 would let the write pass.
    except (Exception, KeyboardInterrupt) as error:
        with suppress(OSError):
            _tell(error)
        return BLOCK
    return 0


def answer_hook(adapter: Adapter, descriptor: int, here: Path) -> "GuardReport | None":
    """What of the payload may not be done; None where it is for no slice to say.

    `here` is where the session is if the payload does not name a place.
    """
    started = find_slice(here / os.environ.get(adapter.project_variable, ""))
    folders: tuple[str, ...] = ()
    try:
        payload = read_payload(descriptor)
        folders = find_folders(payload)
        intent = adapter.read_intent(payload)
    except PayloadError:
        # Outside slices nobody is to hear of a payload that cannot be read.
        if started or find_slice(here, *(here / folder for folder in folders)):
            raise
        return None
    if intent is None:
        return None
    session = here / intent.cwd
    folder = session / intent.folder
    name = name_session(adapter.name, payload)
    around = (session, here, folder, *(here / one for one in folders))
    found = _choose_slice(started, find_slice(*around), name)
    if found is None:
        return None
    free, kept = _list_free_folders(adapter), _list_deciding(adapter)
    request = _make_request(intent, str(folder), free=free, kept=kept, session=name)
    from gitslices.ops.guard import guard

    return guard(_open(found), found, request)


def find_slice(*places: Path) -> MarkedWorktree | None:
    """The worktree of a slice that the first of `places` in one is in."""
    return next(filter(None, (find_marked_worktree(place.resolve()) for place in places)), None)


def _choose_slice(
    started: MarkedWorktree | None, current: MarkedWorktree | None, session: str | None
) -> MarkedWorktree | None:
    """The slice that a session belongs to: where it was started, unless it has claimed another.

    Going into another slice's worktree, by whatever way, does not make it that one's.
    """
    if started is None or current is None or started.path == current.path or session is None:
        return started or current
    from gitslices.ops.guard import is_held_by

    return current if is_held_by(_open(current), current.mark, session) else started


def _open(place: MarkedWorktree) -> "Workspace":
    from datetime import UTC, datetime

    from gitslices.workspace import probe_workspace

    return probe_workspace(
        place.path,
        git_dir=None,
        clock=lambda: datetime.now(UTC),
        lock_timeout=_LOCK_TIMEOUT,
        purpose="gitslices agent guard",
    )


@contextmanager
def _limit_time() -> Iterator[None]:
    def stop(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"it takes longer than {_LIMIT:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _LIMIT)
    # Python hears of a signal between two steps of its own only, and one of them may be long.
    faulthandler.dump_traceback_later(_LIMIT + _GRACE, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _list_free_folders(adapter: Adapter) -> tuple[Path, ...]:
    """Where everybody may write: temporary files, and the tool's own settings and memory."""
    named = (os.environ.get("TMPDIR"), os.environ.get(adapter.config_variable))
    home = find_home(os.environ)
    return (
        *(Path(name) for name in (*_TEMPORARY, *named) if name and name.startswith("/")),
        *([home / adapter.config] if home else []),
    )


def _list_deciding(adapter: Adapter) -> tuple[Path, ...]:
    """What in the tool's own folder decides whether it asks at all."""
    config = find_config(adapter, os.environ)
    return tuple(config / name for name in adapter.deciding) if config else ()


def _make_request(
    intent: Intent, cwd: str, *, free: tuple[Path, ...], kept: tuple[Path, ...], session: str | None
) -> "GuardRequest":
    from gitslices.ops.guard import GuardRequest, HandedPlace

    paths = tuple(os.path.join(cwd, path) for path in intent.paths)  # noqa: PTH118
    if not intent.command:
        return GuardRequest(paths=paths, free=free, kept=kept, session=session)
    from msgspec.structs import asdict

    from gitslices.agents.shell.writes import find_writes
    from gitslices.rules.agent_commands import Command

    writes = find_writes(intent.command, cwd, os.environ)
    return GuardRequest(
        paths=(*paths, *writes.paths),
        new_folders=writes.new_folders,
        folders=writes.folders,
        unseen=writes.unseen,
        open_shells=writes.open_shells,
        handed=tuple(HandedPlace(**asdict(one)) for one in writes.handed),
        commands=tuple(Command(**asdict(call)) for call in writes.calls),
        free=free,
        kept=kept,
        session=session,
    )


def _tell(error: BaseException) -> None:
    from gitslices.output.words import escape

    text = str(error) or type(error).__name__
    hint = getattr(error, "hint", None)
    sys.stderr.write(f"gitslices cannot look at this, so it may not run: {escape(text)}\n")
    if hint:
        sys.stderr.write(f"hint: {escape(hint)}\n")


def main() -> NoReturn:
    """Answer as a process of its own, with an exit code that no stream can change."""
    open_closed_streams()
    code = run(sys.argv[1:])
    drop_unwritten()
    sys.exit(code)


if __name__ == "__main__":
    main()
