"""What has been recorded of gates and reviews; nothing is ever overwritten."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from gitslices.rules.evidence import GateRun, Review
from gitslices.state.rows import Row, convert_row, name_row
from gitslices.state.store import Store

_Proof = TypeVar("_Proof", bound=Struct)


def add_gate_run(store: Store, run: GateRun) -> None:
    """Record a run."""
    _add(store, "gate_runs", run)


def add_review(store: Store, review: Review) -> None:
    """Record a review."""
    _add(store, "reviews", review)


def read_gate_runs(store: Store, goal_id: str, slice_id: str) -> tuple[GateRun, ...]:
    """All runs for a slice, the first one in front."""
    return _read(store, "gate_runs", GateRun, goal_id, slice_id)


def read_reviews(store: Store, goal_id: str, slice_id: str) -> tuple[Review, ...]:
    """All reviews of a slice, the first one in front."""
    return _read(store, "reviews", Review, goal_id, slice_id)


def _add(store: Store, table: str, row: Struct) -> None:
    values = msgspec.structs.asdict(row)
    marks = ", ".join("?" * len(values))
    store.execute(
        f"INSERT INTO {table} ({_list_columns(type(row))}) VALUES ({marks})",  # noqa: S608
        tuple(values.values()),
    )


def _read(
    store: Store, table: str, kind: type[_Proof], goal_id: str, slice_id: str
) -> tuple[_Proof, ...]:
    rows = store.query(
        f"SELECT {_list_columns(kind)} FROM {table} "  # noqa: S608
        "WHERE goal_id = ? AND slice_id = ? ORDER BY rowid",
        (goal_id, slice_id),
    )
    return tuple(_decode(name_row(_list_names(kind), row), kind) for row in rows)


def decode_gate_run(row: Row) -> GateRun:
    """A row of the gate runs; raise `StateError` if it cannot be read."""
    return _decode(row, GateRun)


def decode_review(row: Row) -> Review:
    """A row of the reviews; raise `StateError` if it cannot be read."""
    return _decode(row, Review)


def _decode(row: Row, kind: type[_Proof]) -> _Proof:
    # SQLite has no booleans, hence not strict.
    return convert_row(row, kind, strict=False)


def _list_columns(kind: type[Struct]) -> str:
    # Quoted, because `commit` is a word of SQL's.
    return ", ".join(f'"{name}"' for name in kind.__struct_fields__)


def _list_names(kind: type[Struct]) -> str:
    return ", ".join(kind.__struct_fields__)
