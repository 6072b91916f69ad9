"""Several slices looked at side by side."""

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

from gitslices.core.model import SliceId
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import SliceRecord

T = TypeVar("T")


def look_at_each(
    snapshot: Snapshot, look: Callable[[SliceRecord], T], records: Iterable[SliceRecord]
) -> dict[SliceId, T]:
    """What `look` finds of each of `records`, in threads: it may ask git, but not the store."""
    # Imported here: it takes as long as all the rest of a claim, which looks at one slice.
    from concurrent.futures import ThreadPoolExecutor

    chosen = list(records)
    # Before threads start: each of them would ask git for it, and none may use the store.
    _ = snapshot.landed, snapshot.taken_back, snapshot.landings, snapshot.worktrees.admins
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(look, chosen)
        return {one.slice_id: it for one, it in zip(chosen, found, strict=True)}
