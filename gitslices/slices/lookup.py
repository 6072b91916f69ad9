"""Goals and slices by their names."""

from collections.abc import Iterable, Sequence
from typing import Final

from gitslices.core.errors import InputError, UnknownSliceError, suggest
from gitslices.core.model import Slice, SliceId
from gitslices.state.leases import find_open_lease
from gitslices.state.store import Goal, Store


def get_goal(store: Store, goal_id: str, named_by: str = "") -> Goal:
    """The goal of that id; raise `InputError` that says what `named_by` it and which there are."""
    goal = store.read_goal(goal_id)
    if goal is not None:
        return goal
    known = store.read_goal_ids()
    refuse_none_applied(known)
    by = f", which {named_by} names" if named_by else ""
    raise InputError(f"there is no goal {goal_id!r}{by}", hint=f"known are: {', '.join(known)}")


def refuse_none_applied(goals: Sequence[object]) -> None:
    """Raise `InputError` where there is no goal at all."""
    if not goals:
        raise InputError(
            "no plan has been applied in this repository", hint="run: gitslices plan --apply"
        )


def find_held(store: Store, goal: Goal, slice_id: str) -> SliceId:
    """The id of a slice that somebody may have, be it in the plan of `goal` or not any more."""
    id_ = SliceId(slice_id)
    if find_open_lease(store, goal.goal_id, id_) or store.find_slice(goal.goal_id, id_):
        return id_
    return get_slice(goal, slice_id).slice_id


def get_slice(goal: Goal, slice_id: str) -> Slice:
    """The slice of `goal` with that id; raise `UnknownSliceError` that offers the nearest."""
    by_id = {str(slice_.slice_id): slice_ for slice_ in goal.plan.slices}
    if slice_id in by_id:
        return by_id[slice_id]
    raise UnknownSliceError(
        f"goal {goal.goal_id!r} has no slice {slice_id!r}",
        hint=find_near(slice_id, by_id) or f"see: {suggest('status', goal_id=goal.goal_id)}",
    )


def find_near(id_: str, known: Iterable[str]) -> str | None:
    """A hint at the id that was perhaps meant."""
    # Imported here: the commands that must be quick pay for every import.
    from difflib import get_close_matches

    near = get_close_matches(id_, known, n=1)
    return f"the nearest is {near[0]!r}" if near else None


_LONGEST_NAME: Final = 200


def refuse_odd_name(name: str) -> None:
    """Raise `InputError` unless `name` can stand in a line of the log."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InputError(
            f"{name[:_LONGEST_NAME]!r} names nobody",
            hint=f"choose 1 to {_LONGEST_NAME} printable characters",
        )
