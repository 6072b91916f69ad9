"""Which slices have commits of their own: what was done in them, not what they were brought up to.

A branch that was only brought up to date looks like one that has landed: all it has is in the
target. Texts and times of reflogs do not tell the two apart, for they go by the tool, by the clock
and by how long git keeps them. What the commits change does: a slice writes its scope. One that
changes nothing is its own where a merge of the branch brought it into the target, and nobody's
where the target itself was once at it.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.core.model import BranchName, Oid, SliceId
from gitslices.git.compare import read_changed_paths, read_mainline
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.state.landings import Landing
from gitslices.state.store import SliceRecord
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


def make_stretches(
    records: Iterable[SliceRecord],
    landings: Mapping[SliceId, Landing],
    tips: Mapping[BranchName, Oid],
) -> list[Stretch]:
    """What has become of each of `records` that was begun, in their order."""
    stretches = []
    for record in records:
        landing = landings.get(record.slice_id)
        tip = landing.tip if landing else tips.get(record.branch_name)
        if tip is not None:
            stretches.append(
                Stretch(
                    branch_name=record.branch_name,
                    base=record.base_commit,
                    tip=tip,
                    write_scope=record.write_scope,
                    landed_as=landing.landed_as if landing else None,
                )
            )
    return stretches


def find_worked(
    workspace: Workspace, target: Oid, stretches: Sequence[Stretch], asked: Iterable[BranchName]
) -> set[BranchName]:
    """Those of the branches `asked`, all of them in `target`, in which somebody has worked.

    `stretches` are those of the whole goal, in the order of its plan: a commit that two of them
    could have made is that of the first.
    """
    looked_at = [_Looked(workspace, stretch) for stretch in stretches]
    wanted = set(asked)
    return {
        one.stretch.branch_name
        for place, one in enumerate(looked_at)
        if one.stretch.branch_name in wanted
        and (_has_own(one, looked_at[:place]) or one.has_empty_beside(target))
    }


class _Looked:
    """A stretch, and what git says of it once it is asked."""

    def __init__(self, workspace: Workspace, stretch: Stretch) -> None:
        self._workspace = workspace
        self.stretch = stretch

    @cached_property
    def _matcher(self) -> ScopeMatcher:
        return compile_scope(parse_scope(self.stretch.write_scope), self._workspace.folding)

    @cached_property
    def changes(self) -> Mapping[Oid, tuple[str, ...]]:
        """By commit the paths that it changes in the scope; commits that change none left out."""
        within = {one: tuple(filter(self.allows, paths)) for one, paths in self._commits.items()}
        return {commit: paths for commit, paths in within.items() if paths}

    @cached_property
    def _commits(self) -> Mapping[Oid, tuple[str, ...]]:
        stretch = self.stretch
        return read_changed_paths(self._workspace.repo, stretch.base, stretch.tip)

    def has_empty_beside(self, target: Oid) -> bool:
        """Whether a commit that changes nothing was brought into `target` by a merge."""
        empty = {commit for commit, paths in self._commits.items() if not paths}
        if not empty:
            return False
        # What was fast-forwarded is on the mainline like what was made there: of a commit that
        # changes nothing nobody can tell which it was.
        mainline = read_mainline(self._workspace.repo, self.stretch.base, target)
        return self.stretch.tip not in mainline and not empty <= mainline

    def allows(self, path: str) -> bool:
        return self._matcher.allows(path) or self._matcher.allows(path, is_submodule=True)

    def has(self, commit: Oid) -> bool:
        # A squashed slice comes to the others as the target's commit, which its branch lacks.
        return commit in self.changes or commit == self.stretch.landed_as


def _has_own(one: _Looked, before: Sequence[_Looked]) -> bool:
    return any(
        not any(other.has(commit) for other in before if any(map(other.allows, paths)))
        for commit, paths in one.changes.items()
    )
