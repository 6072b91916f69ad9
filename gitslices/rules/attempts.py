"""How attempts at a slice ended, and what the next one is told of that."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath
from gitslices.rules.scope_check import Violation

FailureReason = Literal[
    "exit",
    "scope",
    "gate",
    "conflict",
    "no-change",
    "timeout",
    "stall",
    "lost-lease",
    "refused",
    "review",
]
TAIL_LINES: Final = 200


class FailedGate(Struct, frozen=True, kw_only=True):
    """A gate that did not pass, with the last lines that its command printed."""

    gate: str
    reason: str
    log: str | None
    tail: tuple[str, ...]


class Failure(Struct, frozen=True, kw_only=True):
    """Why an attempt came to nothing; `log` is the file with what it printed.

    Of `violations`, `gates` and `conflicts` those are there that the reason is about.
    """

    attempt: int
    holder: str
    at: str
    reason: FailureReason
    message: str
    hint: str | None = None
    log: str | None = None
    violations: tuple[Violation, ...] = ()
    gates: tuple[FailedGate, ...] = ()
    conflicts: tuple[RepoPath, ...] = ()


class BriefCommit(Struct, frozen=True, kw_only=True):
    """A commit in one line."""

    commit: Oid
    subject: str


class ConflictingFile(Struct, frozen=True, kw_only=True):
    """A file that stands against a merge, with the last commits that changed it on either side."""

    path: RepoPath
    in_target: tuple[BriefCommit, ...]
    in_slice: tuple[BriefCommit, ...]


class Previous(Struct, frozen=True, kw_only=True):
    """What the next attempt is told of the last one, and of what that has left.

    `committed` are the slice's own commits now, `uncommitted` the changed paths in its worktree.
    `is_merging` where a merge of the target is under way there.
    """

    attempt: int
    holder: str
    at: str
    reason: FailureReason
    message: str
    hint: str | None
    log: str | None
    violations: tuple[Violation, ...]
    gates: tuple[FailedGate, ...]
    conflicts: tuple[ConflictingFile, ...]
    committed: tuple[BriefCommit, ...]
    uncommitted: tuple[str, ...]
    is_merging: bool


def list_previous_lines(previous: Previous) -> Iterator[str]:
    """The same in lines for people, the most telling first; what is untrusted is not escaped."""
    yield f"attempt {previous.attempt} by {previous.holder}: {previous.message}"
    if previous.hint:
        yield f"  {previous.hint}"
    yield from (f"  {one.path}: {one.reason}" for one in previous.violations)
    for gate in previous.gates:
        yield f"  gate {gate.gate}: {gate.reason}"
        yield from (f"    {line}" for line in gate.tail)
    for file in previous.conflicts:
        yield f"  {file.path}"
        yield from _list_side("target", file.in_target)
        yield from _list_side("slice", file.in_slice)
    if previous.is_merging:
        yield "  the merge is under way in the worktree: resolve it, git add, git commit"
    if previous.log:
        yield f"  log: {previous.log}"
    if previous.committed:
        yield "  committed:"
        yield from (f"    {one.commit[:10]} {one.subject}" for one in previous.committed)
    if previous.uncommitted:
        yield "  uncommitted:"
        yield from (f"    {path}" for path in previous.uncommitted)


def _list_side(side: str, commits: Sequence[BriefCommit]) -> Iterator[str]:
    yield from (f"    {side}: {one.commit[:10]} {one.subject}" for one in commits)
