"""Merge commits of one goal in memory, by the rules of its repository and of its graph."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath

from gitslices.fence import Change
from gitslices.git.merge import RULES_NAME, Merged, MergeRules
from gitslices.model import Oid, RepoPath
from gitslices.ops.judge import read_folding
from gitslices.scopes import compile_scope, parse_scope
from gitslices.state.store import Goal
from gitslices.workspace import Workspace


class Merger:
    """Merges in memory; files that the graph shares take the lines of both sides.

    `scratch` is a folder that goes with the merger, also after a kill.
    """

    def __init__(self, workspace: Workspace, goal: Goal, scratch: Path, commit: Oid) -> None:
        self.scratch = scratch
        self._repo = workspace.repo
        self._rules = self._read_rules(commit)
        shared = parse_scope(goal.graph.shared) if goal.graph.shared else None
        self._shared = compile_scope(shared, read_folding(workspace)) if shared else None
        self._entries = goal.graph.shared

    @property
    def digest(self) -> str:
        """The same for two mergers that merge by the same rules."""
        return sha256(f"{self._rules.digest}\0{self._entries}".encode()).hexdigest()

    def merge(self, ours: Oid, theirs: Oid, changes: Iterable[Change]) -> Merged:
        """Merge two commits; `changes` are those that one of the sides has made."""
        joined = [change.path for change in changes if self.is_shared(change.path)]
        return self._rules.merge(ours, theirs, joined)

    def is_shared(self, path: RepoPath) -> bool:
        """Whether the graph lets many slices append to `path`."""
        return self._shared is not None and self._shared.allows(path)

    def follow(self, commit: Oid, changes: Iterable[Change]) -> None:
        """Merge by the rules of `commit` from here on; `changes` led to it."""
        if any(PurePosixPath(change.path).name == RULES_NAME for change in changes):
            self._rules = self._read_rules(commit)

    def _read_rules(self, commit: Oid) -> MergeRules:
        return MergeRules(self._repo, Path(tempfile.mkdtemp(dir=self.scratch)), commit)


@contextmanager
def open_merger(workspace: Workspace, goal: Goal, commit: Oid) -> Iterator[Merger]:
    """A merger that starts from the rules of `commit`; its folder goes with the block."""
    with workspace.open_scratch() as folder:
        yield Merger(workspace, goal, folder, commit)
