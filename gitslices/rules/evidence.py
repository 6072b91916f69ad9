"""What shows that a slice is good: gates it has passed, reviews it has had, and what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from gitslices.core.errors import Problem, suggest
from gitslices.core.model import Oid, SliceId

Verdict = Literal["approve", "reject"]


class GateRun(Struct, frozen=True, kw_only=True):
    """One run of a gate's command or, without a `command`, somebody's word that it is passed.

    `tree` is what it counts for: None where the worktree held more than the commit. Where that had
    a part of the files only, `sparse`, it counts for the slice and not for what a merge makes.
    """

    goal_id: str
    slice_id: SliceId
    gate: str
    command: str | None
    passed: bool
    reason: str
    passed_by: str | None
    commit: Oid
    tree: Oid | None
    began_at: str
    ended_at: str
    log: str | None
    sparse: bool = False


class Review(Struct, frozen=True, kw_only=True):
    """What somebody thinks of one commit."""

    goal_id: str
    slice_id: SliceId
    kind: str
    reviewer: str
    verdict: Verdict
    note: str
    commit: Oid
    at: str


class Proof(Struct, frozen=True, kw_only=True):
    """All that is known of the commit and the tree a slice has now; `gates` are the plan's."""

    goal_id: str
    slice_id: SliceId
    gates: tuple[str, ...]
    commit: Oid
    tree: Oid
    runs: tuple[GateRun, ...]
    reviews: tuple[Review, ...]


def find_gate_run(proof: Proof, gate: str, command: str | None) -> GateRun | None:
    """The latest run that counts: of the same command, on the tree as it is."""
    counted = (
        run
        for run in reversed(proof.runs)
        # By tree, not by commit: a message put in other words leaves what was tested as it was. By
        # command as well: what passed before the command was changed proves nothing of the new one.
        if (run.gate, run.command, run.tree) == (gate, command, proof.tree)
    )
    return next(counted, None)


def find_missing_gates(proof: Proof, commands: Mapping[str, str]) -> tuple[str, ...]:
    """The gates that have a command and have not passed; one without is for people to record."""
    missing = []
    for gate in proof.gates:
        run = find_gate_run(proof, gate, commands.get(gate))
        if gate in commands and not (run and run.passed):
            missing.append(gate)
    return tuple(missing)


def find_missing_evidence(
    proof: Proof, commands: Mapping[str, str], required_reviews: Sequence[str]
) -> tuple[Problem, ...]:
    """What keeps a slice from being merged: gates, required reviews, and any rejection."""
    return (
        *(_find_gate_problem(proof, gate, commands[gate])
          for gate in find_missing_gates(proof, commands)),
        *_find_review_problems(proof, required_reviews),
    )  # fmt: skip


def explain_gate(proof: Proof, gate: str, command: str) -> str:
    """Why a gate counts as not passed, in words that follow its name."""
    run = find_gate_run(proof, gate, command)
    if run is not None:
        return f"failed: {run.reason}"
    seen = (one.gate == gate and one.commit == proof.commit and not one.tree for one in proof.runs)
    if any(seen):
        return "ran beside changes that are not committed, so it does not count"
    return f"has not run on {proof.commit[:10]}"


def _find_gate_problem(proof: Proof, gate: str, command: str) -> Problem:
    run = find_gate_run(proof, gate, command)
    again = suggest("gate", "run", proof.slice_id, gate, goal_id=proof.goal_id)
    hint = f"see {run.log}" if run else f"run it: {again}"
    return Problem(proof.slice_id, f"gate {gate} {explain_gate(proof, gate, command)}", hint)


def _find_review_problems(proof: Proof, required: Sequence[str]) -> Iterator[Problem]:
    # Later reviews stand later, so the last word of each kind counts.
    latest = {one.kind: one for one in proof.reviews if one.commit == proof.commit}
    # A rejection counts, too, where nobody required a review of that kind.
    for kind in dict.fromkeys((*required, *latest)):
        review = latest.get(kind)
        if review is None:
            words = f"{kind} of {proof.commit[:10]} is missing"
            hint = suggest(
                "review", proof.slice_id, "--kind", kind, "--by", "NAME", "--verdict", "approve",
                goal_id=proof.goal_id,
            )  # fmt: skip
            yield Problem(proof.slice_id, words, hint)
        elif review.verdict == "reject":
            why = f": {review.note}" if review.note else ""
            yield Problem(proof.slice_id, f"{kind} was rejected by {review.reviewer}{why}")
