"""The log kept within bounds, in a process of its own that nobody waits for."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.state.event_log import compact_store, find_trimmable, trim_events
from gitslices.state.store import Store
from gitslices.workspace import Workspace

_DEFAULT_EVENTS: Final = 100_000
_DEFAULT_DAYS: Final = 365
# A clock that is years ahead makes every event old, so an age alone takes none of the newest.
_YOUNGEST: Final = 10_000
_MOST: Final = 1_000_000_000
_LONGEST: Final = 36_500


class LogBounds(Struct, frozen=True, kw_only=True):
    """How many events are kept, and for how many days those beyond the newest few are."""

    events: int
    days: int


def read_log_bounds(workspace: Workspace) -> LogBounds:
    """What `gitslices.logEvents` and `gitslices.logDays` say; raise `InputError` for no number."""
    return LogBounds(
        events=_read_number(workspace, "logEvents", _DEFAULT_EVENTS, _MOST),
        days=_read_number(workspace, "logDays", _DEFAULT_DAYS, _LONGEST),
    )


def is_log_long(workspace: Workspace, store: Store) -> bool:
    """Whether it is time to trim the log: it has a tenth more events than it shall have."""
    try:
        bounds = read_log_bounds(workspace)
    except InputError:
        return False  # doctor tells; whoever removes a slice has other worries
    # A tenth over: else each removal at the bound would start a process for a single event.
    return find_trimmable(store, bounds.events + bounds.events // 10)


def trim_log(workspace: Workspace, store: Store) -> int:
    """Forget events beyond the bounds, and give their room back; return how many are gone."""
    bounds = read_log_bounds(workspace)
    before = datetime.fromisoformat(workspace.now()) - timedelta(days=bounds.days)
    gone = trim_events(
        store,
        keep=bounds.events,
        before=before.strftime("%Y-%m-%dT%H:%M:%SZ"),
        least=_YOUNGEST,
    )
    compact_store(store)
    return gone


def _read_number(workspace: Workspace, name: str, default: int, most: int) -> int:
    value = workspace.config.get(f"gitslices.{name.lower()}")
    if value is None:
        return default
    if value.isascii() and value.isdigit() and 0 < int(value[:20]) <= most:
        return int(value)
    raise InputError(
        f"gitslices.{name} is {value!r}",
        hint=f"it is a whole number from 1 to {most:,}: git config gitslices.{name} {default}",
    )
