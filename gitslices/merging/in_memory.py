"""Merge commits of one goal in memory, by the rules of its repository and of its graph."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath

from gitslices.core.model import Change, Oid, RepoPath
from gitslices.git.commits import write_commit
from gitslices.git.compare import Baseline, find_merge_bases, read_tree_changes
from gitslices.git.merge import RULES_NAME, Merged, MergeRules
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import compile_scope
from gitslices.slices.scopes import read_folding
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
        self._met: set[RepoPath] = set()

    @property
    def digest(self) -> str:
        """The same for two mergers that merge by the same rules."""
        return sha256(f"{self._rules.digest}\0{self._entries}".encode()).hexdigest()

    def merge(self, ours: Oid, theirs: Oid, changes: Iterable[Change]) -> Merged:
        """Merge two commits; `changes` are those that one of the sides has made."""
        joined = {change.path for change in changes if self.is_shared(change.path)}
        return self._rules.merge(ours, theirs, joined | self._met)

    def find_origin(self, tip: Oid, *others: Oid) -> Baseline | None:
        """What git merges `tip` and a merge of `others` from; None if they have nothing in common.

        It is `tip` itself where the others have all of it.
        """
        bases = find_merge_bases(self._repo, tip, *others)
        return self.join(bases) if bases else None

    def join(self, bases: Sequence[Oid]) -> Baseline:
        """What git makes of several common ancestors before it merges: a merge of them in turn."""
        # It takes the last one first (merge_ort_internal).
        commit, *rest = reversed(bases)
        torn: set[RepoPath] = set()
        for other in rest:
            changes = read_tree_changes(self._repo, commit, other)
            merged = self.merge(commit, other, changes)
            commit = write_commit(self._repo, merged.tree, [commit, other], "stand-in")
            torn.update(merged.conflicts)
            # Git joins them once more when it merges, and shared files that only they have changed.
            self._met.update(change.path for change in changes if self.is_shared(change.path))
        return Baseline(commit, frozenset(torn))

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
