"""What the settings and reviewers ask for, and a slice's branch lacks."""

from collections.abc import Iterable, Mapping, Sequence

from gitslices.core.errors import Problem, RefusedError
from gitslices.core.model import FINISHED, SliceId
from gitslices.repo_commands.gates import list_texts, load_gates, read_proof
from gitslices.rules.evidence import find_missing_evidence
from gitslices.slices.settings import read_settings
from gitslices.state.proofs import read_reviews
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


def read_missing_evidence(
    workspace: Workspace, store: Store, goal: Goal, records: Iterable[SliceRecord]
) -> dict[SliceId, tuple[Problem, ...]]:
    """What keeps each of `records` from being merged: gates, required reviews, rejections."""
    commands = list_texts(load_gates(workspace, goal.plan.target))
    required = read_settings(workspace, goal.plan.target).merge.required_reviews
    return {
        record.slice_id: _list_missing(workspace, store, goal, record, commands, required)
        for record in records
        if record.status not in FINISHED
        # Git is asked only where there is something to hold against its answer.
        and (commands or required or read_reviews(store, goal.goal_id, record.slice_id))
    }


def _list_missing(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    record: SliceRecord,
    commands: Mapping[str, str],
    required: Sequence[str],
) -> tuple[Problem, ...]:
    try:
        proof = read_proof(workspace, store, goal, record)
    # A slice whose branch is gone keeps only itself out.
    except RefusedError as error:
        return (Problem(record.slice_id, error.message, error.hint),)
    return find_missing_evidence(proof, commands, required)
