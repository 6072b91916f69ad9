"""Which slices have commits of their own: what was done in them, not what they were brought up to.

A branch that was only brought up to date looks like one that has landed: all it has is in the
target. Texts and times of reflogs do not tell the two apart, for they go by the tool, by the clock
and by how long git keeps them. What the commits change does: a slice writes its scope.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.core.model import BranchName, Oid
from gitslices.git.compare import read_changed_paths
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.slices.settings import read_folding
from gitslices.workspace import Workspace


class Stretch(Struct, frozen=True, kw_only=True):
    """What a slice's branch was started from by its record, and where it is now, or was merged at.

    `landed_as` is the target's commit that took it in, which may be another one.
    """

    branch_name: BranchName
    base: Oid
    tip: Oid
    write_scope: tuple[str, ...]
    landed_as: Oid | None = None


def find_worked(
    workspace: Workspace, stretches: Sequence[Stretch], asked: Iterable[BranchName]
) -> set[BranchName]:
    """Those of the branches `asked` in which somebody has changed what their slices may write.

    `stretches` are those of the whole goal, in the order of its plan: a commit that two of them
    could have made is that of the first.
    """
    looked_at = [_Looked(workspace, stretch) for stretch in stretches]
    wanted = set(asked)
    return {
        one.stretch.branch_name
        for place, one in enumerate(looked_at)
        if one.stretch.branch_name in wanted and _has_own(one, looked_at[:place])
    }


class _Looked:
    """A stretch, and what git says of it once it is asked."""

    def __init__(self, workspace: Workspace, stretch: Stretch) -> None:
        self._workspace = workspace
        self.stretch = stretch

    @cached_property
    def _matcher(self) -> ScopeMatcher:
        return compile_scope(parse_scope(self.stretch.write_scope), read_folding(self._workspace))

    @cached_property
    def changes(self) -> Mapping[Oid, tuple[str, ...]]:
        """By commit the paths that it changes in the scope; commits that change none left out."""
        stretch = self.stretch
        found = read_changed_paths(self._workspace.repo, stretch.base, stretch.tip)
        within = {commit: tuple(filter(self.allows, paths)) for commit, paths in found.items()}
        return {commit: paths for commit, paths in within.items() if paths}

    def allows(self, path: str) -> bool:
        return self._matcher.allows(path) or self._matcher.allows(path, is_submodule=True)

    def has(self, commit: Oid) -> bool:
        return commit in self.changes or commit == self.stretch.landed_as


def _has_own(one: _Looked, before: Sequence[_Looked]) -> bool:
    return any(
        not any(other.has(commit) for other in before if any(map(other.allows, paths)))
        for commit, paths in one.changes.items()
    )
