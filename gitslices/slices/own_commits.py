"""Where a slice's own commits begin, and which slices have any: what was done in them.

A branch that was only brought up to date looks like one that has landed: all it has is in the
target. Texts and times of reflogs do not tell the two apart, for they go by the tool, by the clock
and by how long git keeps them. What the commits change does: a slice writes its scope. One that
changes nothing is its own where a merge of the branch brought it into the target, and nobody's
where the target itself was once at it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.lazy import lazy_property
from gitslices.core.model import BranchName, Oid, Plan, SliceId
from gitslices.git.commits import has_others_work, read_commit_tree, write_commit
from gitslices.git.compare import find_merge_bases, read_changed_paths, read_mainline
from gitslices.git.read import (
    find_commit,
    is_ancestor,
    is_shallow,
    name_target_refs,
    read_missing,
    read_tips,
)
from gitslices.git.refs import read_former_tips
from gitslices.git.repository import Repository
from gitslices.rules.progress import list_before
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import ScopeMatcher, compile_scope
from gitslices.state.landings import Landing
from gitslices.state.store import SliceRecord
from gitslices.workspace import Workspace

_NOTHING: Final[Mapping[SliceId, Oid]] = {}


class UnmergedBase(Struct, frozen=True, kw_only=True):
    """What lies beneath a slice's own commits, and is in part what its target does not have.

    Mostly that is one commit, the base. `planned` where the plan starts slices there: its commits
    may enter the target as they are. `early` where they are those of what the slice waits for. Else
    the target has dropped them, and nothing of them may come back with the slice.
    """

    commits: tuple[Oid, ...]
    planned: bool = False
    early: bool = False

    @property
    def commit(self) -> Oid:
        """The one to name."""
        return self.commits[0]

    @property
    def is_dropped(self) -> bool:
        """Whether they are nobody's any more."""
        return not (self.planned or self.early)


class UnmergedBases:
    """Finds what slices of a goal have brought in that their target lacks.

    For as long as the target only goes forward: what it has dropped is read once, for all of them.
    """

    def __init__(self, workspace: Workspace, plan: Plan, target: Oid) -> None:
        self._workspace = workspace
        self._repo = workspace.repo
        self._plan = plan
        self.target = target

    def find(
        self, record: SliceRecord, tip: Oid, target: Oid, moved: Mapping[SliceId, Oid] = _NOTHING
    ) -> UnmergedBase | None:
        """What lies beneath the own commits of a slice with this `tip`; None if `target` has it.

        `moved` are tips that other slices are about to have.
        """
        base = self._find_base(record, tip, target, moved)
        # What lies beneath a start elsewhere is to stay: then nothing can be taken out of it.
        taken = () if base and base.planned else self._find_taken(record, tip)
        if not taken:
            return base
        beneath = base.commits if base else ()
        return UnmergedBase(commits=(*taken, *read_missing(self._repo, taken[0], beneath)))

    @lazy_property
    def _dropped(self) -> Sequence[Oid]:
        """What the target was at and does not have any more, the latest first."""
        refs = name_target_refs(self._plan.target)
        former = [tip for ref in refs for tip in read_former_tips(self._repo, ref)]
        missing = read_missing(self._repo, self.target, former) if former else set()
        return [one for one in dict.fromkeys(former) if one in missing]

    def _find_taken(self, record: SliceRecord, tip: Oid) -> tuple[Oid, ...]:
        """What the target has dropped, and somebody had taken into the slice beyond its base.

        What the slice itself may have brought into the target stays its own: a commit that writes
        nothing but what the slice may write.
        """
        if not self._dropped:
            return ()
        known = read_missing(self._repo, record.base_commit, self._dropped)
        inside = known - read_missing(self._repo, tip, known) if known else set()
        own = _Looked(self._workspace, _make_stretch(record, tip))
        taken: list[Oid] = []
        # The latest first: mostly that has all others beneath it.
        for one in filter(inside.__contains__, self._dropped):
            if all(read_missing(self._repo, other, [one]) for other in taken) and not (
                is_planned_start(self._repo, self._plan, one)
                or read_missing(self._repo, self.target, own.list_made(one))
            ):
                taken.append(one)
        return tuple(taken)

    def _find_base(
        self, record: SliceRecord, tip: Oid, target: Oid, moved: Mapping[SliceId, Oid]
    ) -> UnmergedBase | None:
        """The recorded base, where the slice stands on it still and `target` lacks it.

        A slice that was put elsewhere by hand, its base left behind, has none. Nor has one that was
        started early on what the target has as it was: what made one base of several is nobody's.
        """
        repo, plan, base = self._repo, self._plan, record.base_commit
        if not read_missing(repo, target, [base]):
            return None
        # A history that is cut off between the two does not tell; that is said where it is needed.
        if is_shallow(repo) and not find_merge_bases(repo, base, target):
            return None
        # Not the base alone: its commit may have been amended in the slice, with others beneath it.
        beneath = read_missing(repo, target, find_merge_bases(repo, tip, base))
        if not beneath:
            return None
        if all(is_planned_start(repo, plan, commit) for commit in beneath):
            return UnmergedBase(commits=(base,), planned=True)
        before = list_before(plan, record.slice_id)
        if not before:
            return UnmergedBase(commits=(base,))
        if not has_others_work(repo, beneath, [target]):
            return None
        tips = read_tips(repo, (one.branch_name for one in before if one.slice_id not in moved))
        there = (moved[one.slice_id] for one in before if one.slice_id in moved)
        early = not has_others_work(repo, beneath, [target, *tips.values(), *there])
        return UnmergedBase(commits=(base,), early=early)


def is_planned_start(repo: Repository, plan: Plan, commit: Oid) -> bool:
    """Whether the plan starts slices elsewhere than on their target, where `commit` is.

    It was there at the time of the plan, and is so now: a branch that was force-pushed since has
    dropped it, too. Where that branch is gone the plan alone tells.
    """
    if plan.base.ref == plan.target:
        return False
    now = find_commit(repo, plan.base.ref) or plan.base.commit
    return not any(read_missing(repo, end, [commit]) for end in {plan.base.commit, now})


def follows_target(repo: Repository, plan: Plan, base: Oid, target: Oid) -> bool:
    """Whether an untouched slice that starts from `base` is to move to `target`.

    It is, however the target has moved: a reset, an amended commit or another target leave it on
    commits that are in no slice, and would come back with its work. But where the plan was asked to
    start slices from elsewhere, they stay there until the target has come to it.
    """
    return not is_planned_start(repo, plan, base) or is_ancestor(repo, base, target)


def write_stand_in(repo: Repository, target: Oid, bases: Iterable[Oid]) -> Oid:
    """A commit with the files of `target` that has `bases` in its history, and no files of theirs.

    What is merged with it comes along without what the target lacks of the base, as `git rebase
    --onto` would have it.
    """
    return write_commit(repo, read_commit_tree(repo, target), [target, *bases], "stand-in")


class _Stretch(Struct, frozen=True, kw_only=True):
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
) -> list[_Stretch]:
    """What has become of each of `records` that was begun, in their order."""
    stretches = []
    for record in records:
        landing = landings.get(record.slice_id)
        tip = landing.tip if landing else tips.get(record.branch_name)
        if tip is not None:
            stretches.append(_make_stretch(record, tip, landing))
    return stretches


def _make_stretch(record: SliceRecord, tip: Oid, landing: Landing | None = None) -> _Stretch:
    return _Stretch(
        branch_name=record.branch_name,
        base=record.base_commit,
        tip=tip,
        write_scope=record.write_scope,
        landed_as=landing.landed_as if landing else None,
    )


def find_worked(
    workspace: Workspace, target: Oid, stretches: Sequence[_Stretch], asked: Iterable[BranchName]
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

    def __init__(self, workspace: Workspace, stretch: _Stretch) -> None:
        self._workspace = workspace
        self.stretch = stretch

    @lazy_property
    def _matcher(self) -> ScopeMatcher:
        return compile_scope(parse_scope(self.stretch.write_scope), self._workspace.folding)

    @lazy_property
    def changes(self) -> Mapping[Oid, tuple[str, ...]]:
        """By commit the paths that it changes in the scope; commits that change none left out."""
        within = {one: tuple(filter(self.allows, paths)) for one, paths in self._commits.items()}
        return {commit: paths for commit, paths in within.items() if paths}

    @lazy_property
    def _commits(self) -> Mapping[Oid, tuple[str, ...]]:
        stretch = self.stretch
        return read_changed_paths(self._workspace.repo, stretch.base, stretch.tip)

    def list_made(self, tip: Oid) -> list[Oid]:
        """The commits that `tip` has beyond the base and that write the scope and nothing else."""
        made = read_changed_paths(self._workspace.repo, self.stretch.base, tip)
        return [one for one, paths in made.items() if paths and all(map(self.allows, paths))]

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
