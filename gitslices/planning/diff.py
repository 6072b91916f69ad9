"""What a plan would change of the one applied before."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import BranchName, Plan, Slice, SliceId


class Rescoped(Struct, frozen=True, kw_only=True):
    """A slice with other scopes: the entries it gains and those it loses."""

    slice_id: SliceId
    read_gained: tuple[str, ...]
    read_lost: tuple[str, ...]
    write_gained: tuple[str, ...]
    write_lost: tuple[str, ...]
    checkout_gained: tuple[str, ...]
    checkout_lost: tuple[str, ...]


class Rewaiting(Struct, frozen=True, kw_only=True):
    """A slice that waits directly for some it did not wait for at all, or the reverse."""

    slice_id: SliceId
    gained: tuple[SliceId, ...]
    lost: tuple[SliceId, ...]


class Move(Struct, frozen=True, kw_only=True):
    """A slice that comes in another wave."""

    slice_id: SliceId
    before: int
    after: int


class Retarget(Struct, frozen=True, kw_only=True):
    """Another branch to merge into; `missing` are merged slices whose commits it does not have."""

    before: BranchName
    after: BranchName
    missing: tuple[SliceId, ...]


class PlanChanges(Struct, frozen=True, kw_only=True):
    """What `gitslices plan --diff --json` prints; all lists are empty where nothing changes.

    `added` and `gone` slices are in no other list. Costs are those of the critical path, the one
    before is None where no plan was applied. `retargeted` is None while the target stays. `refused`
    says what keeps the plan from being applied.
    """

    goal_id: str
    cost_before: int | float | None
    cost_after: int | float
    added: tuple[SliceId, ...]
    gone: tuple[SliceId, ...]
    rescoped: tuple[Rescoped, ...]
    rewaiting: tuple[Rewaiting, ...]
    moved: tuple[Move, ...]
    retargeted: Retarget | None = None
    refused: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the target and every slice stay as they were applied."""
        lists = (self.added, self.gone, self.rescoped, self.rewaiting, self.moved)
        return self.retargeted is None and not any(lists)


def find_changes(
    applied: Plan | None, planned: Plan, retargeted: Retarget | None = None
) -> PlanChanges:
    """Compare two plans of one goal, slices in the order of the later plan."""
    before = {slice_.slice_id: slice_ for slice_ in applied.slices} if applied else {}
    after = {slice_.slice_id: slice_ for slice_ in planned.slices}
    both = [(before[id_], slice_) for id_, slice_ in after.items() if id_ in before]
    return PlanChanges(
        goal_id=planned.goal_id,
        cost_before=applied.critical_path_cost if applied else None,
        cost_after=planned.critical_path_cost,
        added=tuple(id_ for id_ in after if id_ not in before),
        gone=tuple(id_ for id_ in before if id_ not in after),
        rescoped=tuple(_compare_scopes(old, new) for old, new in both if old.scopes != new.scopes),
        rewaiting=tuple(_list_rewaiting(applied, planned, both)) if applied else (),
        moved=tuple(
            Move(slice_id=new.slice_id, before=old.wave, after=new.wave)
            for old, new in both
            if old.wave != new.wave
        ),
        retargeted=retargeted,
    )


def find_predecessors(plan: Plan, numbers: Mapping[SliceId, int]) -> dict[SliceId, int]:
    """For each slice the bitmask, by `numbers`, of all that must be merged before it."""
    reached: dict[SliceId, int] = {}
    for slice_ in plan.slices:
        mask = 0
        for needed in slice_.dependencies:
            # A plan lists every slice after those it depends on, so `needed` has been here already.
            mask |= reached[needed] | 1 << numbers[needed]
        reached[slice_.slice_id] = mask
    return reached


def _compare_scopes(old: Slice, new: Slice) -> Rescoped:
    return Rescoped(
        slice_id=new.slice_id,
        read_gained=_subtract(new.read_scope, old.read_scope),
        read_lost=_subtract(old.read_scope, new.read_scope),
        write_gained=_subtract(new.write_scope, old.write_scope),
        write_lost=_subtract(old.write_scope, new.write_scope),
        checkout_gained=_subtract(new.checkout_scope, old.checkout_scope),
        checkout_lost=_subtract(old.checkout_scope, new.checkout_scope),
    )


def _subtract(entries: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry for entry in entries if entry not in set(others))


def _list_rewaiting(
    applied: Plan, planned: Plan, both: list[tuple[Slice, Slice]]
) -> Iterator[Rewaiting]:
    ids = dict.fromkeys(slice_.slice_id for slice_ in (*applied.slices, *planned.slices))
    numbers = {id_: number for number, id_ in enumerate(ids)}
    # Edges are the fewest that say the order, so a slice put between two others takes their edge
    # away. Only what was not waited for in any way is gained, and so with what is lost.
    before = find_predecessors(applied, numbers)
    after = find_predecessors(planned, numbers)
    for old, new in both:
        id_ = new.slice_id
        gained = (one for one in new.dependencies if not before[id_] >> numbers[one] & 1)
        lost = (one for one in old.dependencies if not after[id_] >> numbers[one] & 1)
        change = Rewaiting(slice_id=id_, gained=tuple(gained), lost=tuple(lost))
        if change.gained or change.lost:
            yield change
