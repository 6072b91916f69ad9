"""What a slice stands on that was started before what it waits for has landed.

Nothing of it is recorded: a base that the target lacks, and that is made of the commits of what the
slice waits for, tells it. So it holds whoever moves branches, whatever the settings say by then.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from gitslices.core.model import Oid, Plan, Slice, SliceId
from gitslices.git.read import read_missing
from gitslices.git.repository import Repository
from gitslices.rules.progress import find_waits
from gitslices.slices.snapshot import Snapshot

_NOTHING: Mapping[SliceId, Oid] = {}


class Footing(Struct, frozen=True, kw_only=True):
    """A slice that another one waits for and that has not landed, and its last commit."""

    slice_id: SliceId
    tip: Oid


def find_footing(
    snapshot: Snapshot, plan: Plan, slice_: Slice, moved: Mapping[SliceId, Oid] = _NOTHING
) -> tuple[Footing, ...]:
    """What `slice_` stands on besides its target, in the plan's order; `moved` are tips to come."""
    waits = find_waits(slice_, snapshot.statuses, plan)
    tips = {}
    for id_ in waits:
        record = snapshot.records.get(id_)
        tips[id_] = moved.get(id_) or (snapshot.find_tip(record) if record else None)
    return tuple(
        Footing(slice_id=one.slice_id, tip=tip)
        for one in plan.slices
        if (tip := tips.get(one.slice_id)) is not None
    )


def find_gone_on(repo: Repository, tip: Oid, footing: Sequence[Footing]) -> tuple[SliceId, ...]:
    """Those of `footing` that have commits which a slice with this `tip` lacks."""
    ends = {one.tip for one in footing}
    missing = read_missing(repo, tip, ends) if ends else set()
    return tuple(one.slice_id for one in footing if one.tip in missing)
