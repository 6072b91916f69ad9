"""What has happened to shared goals, as the commits that change the state tell it."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import structs

from gitslices.state.sharing import Sharing, list_shared_goals, list_unshared_events
from gitslices.state.store import EVENT_COLUMNS, Event, Store, decode_event

_TRAILER: Final = "Gitslices-Event: "
_TOLD: Final = frozenset({
    "claimed", "resumed", "released", "lapsed", "failed", "done", "merged", "landed", "conflicted",
    "gate", "reviewed", "note", "waiting", "going-on", "on-hold", "off-hold", "scope-allowed",
    "scope-granted", "reopened", "goal-closed", "goal-reopened", "planned", "retargeted",
    "rescoped", "removed", "shared",
})  # fmt: skip
"""What others are told of: not what happened to branches and worktrees of this machine."""


def list_pending(store: Store) -> Mapping[int, Event]:
    """What has happened here and is still to be told, by its number in the store."""
    shared, columns = list_shared_goals(store), EVENT_COLUMNS.split(", ")
    found = {}
    for event_id in list_unshared_events(store):
        for row in store.query(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE event_id = ?",  # noqa: S608
            (event_id,),
        ):
            event = decode_event(dict(zip(columns, row, strict=True)))
            if event.event in _TOLD and event.goal_id in shared:
                found[event_id] = event
    return found


def make_message(sharing: Sharing, events: Sequence[Event]) -> str:
    """What the commit of a change says: what happened, in which clone."""
    first = next(iter(events), None)
    about = f"{first.goal_id}/{first.slice_id}" if first and first.slice_id else "state"
    subject = "".join(one if one.isprintable() else "?" for one in about)[:120]
    lines = [
        f"{subject}: {first.event if first else 'changed'}",
        "",
        f"Gitslices-Clone: {sharing.clone}",
        f"Gitslices-Nonce: {uuid.uuid4().hex}",
        *(_TRAILER + msgspec.json.encode(_as_told(one, sharing)).decode() for one in events),
    ]
    return "\n".join(lines) + "\n"


def take_events(store: Store, sharing: Sharing, messages: Iterable[str]) -> tuple[int, ...]:
    """Log what `messages` tell; the numbers of what is still to be told.

    What was pushed from here, though its answer was lost, is told and logged already.
    """
    shared = list_shared_goals(store)
    own = {id_: _as_told(one, sharing) for id_, one in list_pending(store).items()}
    new = []
    for event in (one for message in messages for one in _parse(message)):
        known = next((id_ for id_, one in own.items() if one == event), None)
        if known is not None:
            del own[known]
        elif event.goal_id in shared:
            new.append(event)
    store.write_events(new)
    return tuple(own)


def _as_told(event: Event, sharing: Sharing) -> Event:
    # Paths of this machine are nobody else's business.
    detail = {
        name: value
        for name, value in event.detail.items()
        if not (isinstance(value, str) and value.startswith(("/", "~")))
    }
    return structs.replace(event, detail={**detail, "clone": sharing.clone})


def _parse(message: str) -> Iterator[Event]:
    for line in message.splitlines():
        if line.startswith(_TRAILER):
            try:
                event = msgspec.json.decode(line.removeprefix(_TRAILER), type=Event)
            # A line of the log that nobody can read keeps nobody from working.
            except (msgspec.MsgspecError, RecursionError):
                continue
            if event.event in _TOLD:
                yield event
