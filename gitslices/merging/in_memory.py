"""Merge commits of one goal in memory, by the rules of its repository and of its graph."""

import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath

from msgspec import Struct, structs

from gitslices.core.model import Change, Oid, RepoPath
from gitslices.git.commits import write_commit
from gitslices.git.compare import Baseline, find_merge_bases, read_tree_changes
from gitslices.git.merge import RULES_NAME, Merged, MergeRules
from gitslices.git.repository import Repository
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.state.store import Goal
from gitslices.workspace import Workspace


class _SharedFiles(Struct, frozen=True):
    """The files that a graph lets many slices append to: they take the lines of both sides."""

    entries: tuple[str, ...]
    scope: ScopeMatcher | None

    def pick(self, changes: Iterable[Change]) -> frozenset[RepoPath]:
        """The paths of `changes` that are shared."""
        if self.scope is None:
            return frozenset()
        return frozenset(one.path for one in changes if self.scope.allows(one.path))


class Origin(Baseline, frozen=True):
    """What git merges two commits from.

    Of one that is made of several, `crossed` are the shared files in which those differ: git joins
    them once more when it merges, also where nobody else has changed them.
    """

    crossed: frozenset[RepoPath] = frozenset()


class GoalMergeRules(Struct, frozen=True, kw_only=True):
    """How files merge in one goal when a commit has the say: by its `.gitattributes` files.

    A value: nothing that is merged by it changes it. Whoever merges one slice after the other keeps
    the rules beside the commit that they are of, so that a slice which does not land after all
    leaves none behind. What it writes goes to `scratch`.
    """

    repo: Repository
    scratch: Path
    shared: _SharedFiles
    attributes: MergeRules

    @property
    def digest(self) -> str:
        """The same for two rules by which files merge alike."""
        text = f"{self.attributes.digest}\0{self.shared.entries}"
        return sha256(text.encode()).hexdigest()

    def merge(self, ours: Oid, theirs: Oid, joined: Collection[RepoPath]) -> Merged:
        """Merge two commits; the files in `joined` take the lines of both."""
        return self.attributes.merge(ours, theirs, joined)

    def find_joined(self, origin: Origin, changes: Iterable[Change]) -> frozenset[RepoPath]:
        """The files that take the lines of both; `changes` are those of one since `origin`."""
        return self.shared.pick(changes) | origin.crossed

    def find_origin(self, tip: Oid, *others: Oid) -> Origin | None:
        """What git merges `tip` and a merge of `others` from; None if they have nothing in common.

        It is `tip` itself where the others have all of it.
        """
        bases = find_merge_bases(self.repo, tip, *others)
        return self.join_bases(bases) if bases else None

    def join_bases(self, bases: Sequence[Oid]) -> Origin:
        """What git makes of several common ancestors before it merges: a merge of them in turn."""
        # It takes the last one first (merge_ort_internal).
        commit, *rest = reversed(bases)
        torn: set[RepoPath] = set()
        crossed: set[RepoPath] = set()
        for other in rest:
            crossed |= self.shared.pick(read_tree_changes(self.repo, commit, other))
            # Like git it goes on with conflict markers in the files: where ancestors conflict, the
            # two commits need not.
            merged = self.merge(commit, other, crossed)
            commit = write_commit(self.repo, merged.tree, [commit, other], "stand-in")
            torn.update(merged.conflicts)
        return Origin(commit, frozenset(torn), frozenset(crossed))

    def read_next(self, commit: Oid, changes: Iterable[Change]) -> "GoalMergeRules":
        """The rules of `commit`, to which `changes` have led from the commit of these rules."""
        # Reading the rules takes a git process for each such file, and few slices change one.
        if all(PurePosixPath(change.path).name != RULES_NAME for change in changes):
            return self
        return structs.replace(self, attributes=_read_attributes(self.repo, self.scratch, commit))


@contextmanager
def open_merge_rules(workspace: Workspace, goal: Goal, commit: Oid) -> Iterator[GoalMergeRules]:
    """The rules of `commit`; their folder goes with the block, also after a kill."""
    entries = goal.graph.shared
    scope = parse_scope(entries) if entries else None
    shared = _SharedFiles(entries, compile_scope(scope, workspace.folding) if scope else None)
    with workspace.open_scratch() as folder:
        yield GoalMergeRules(
            repo=workspace.repo,
            scratch=folder,
            shared=shared,
            attributes=_read_attributes(workspace.repo, folder, commit),
        )


def _read_attributes(repo: Repository, scratch: Path, commit: Oid) -> MergeRules:
    # A folder of their own: merges by other rules may be under way beside these.
    return MergeRules(repo, Path(tempfile.mkdtemp(dir=scratch)), commit)
