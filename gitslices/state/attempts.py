"""Why attempts at slices failed; an attempt is what one lease was used for."""

import msgspec

from gitslices.rules.attempts import Failure
from gitslices.state.leases import Lease
from gitslices.state.rows import Row, decode_row
from gitslices.state.store import Store


def write_failure(store: Store, lease: Lease, failure: Failure) -> None:
    """Remember why the attempt under `lease` failed, instead of what was said of it before."""
    row = (lease.token, lease.goal_id, lease.slice_id, msgspec.json.encode(failure))
    store.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", row)


def read_failures(store: Store, goal_id: str, slice_id: str) -> dict[int, Failure]:
    """The failures of a slice by the tokens of their leases, the first one in front."""
    rows = store.query(
        "SELECT token, failure FROM attempts WHERE goal_id = ? AND slice_id = ? ORDER BY token",
        (goal_id, slice_id),
    )
    return {token: decode_row(failure, Failure) for token, failure in rows}


def decode_failure(row: Row) -> Failure:
    """A row of the attempts; raise `StateError` if it cannot be read."""
    return decode_row(row["failure"], Failure)
