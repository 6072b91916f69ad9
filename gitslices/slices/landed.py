"""Whether the work of slices is in their target, by whatever way it came there.

A forge's squash or rebase leaves no commit of the branch in the target, and an edited one not even
its lines. So these signs are looked for, in this order: the target has the tip; one of its commits
makes the slice's whole change, be it among others; its commits make one after the other what the
slice's do; one names the slice in its message and touches all that it changes; one has just the
files that a merge into the commit before it gives; a merge now would add nothing. What a later
commit of the mainline says that it takes back does not count, until another makes it again.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from gitslices.core.lazy import lazy_property
from gitslices.core.model import Oid, RepoPath, SliceId
from gitslices.git.commit_graph import CommitGraph, read_commit_graph
from gitslices.git.compare import find_merge_bases
from gitslices.git.merge import would_add_nothing, would_make
from gitslices.git.patches import Patch, Step, contains, read_patches, read_paths
from gitslices.git.repository import Repository
from gitslices.rules.progress import (
    LANDING_TRAILER,
    Landed,
    LandedBy,
    Presence,
    make_landing_trailer,
)
from gitslices.state.landings import Landing
from gitslices.state.store import SliceRecord

# Who moves or deletes what a slice has made does not take the slice back: who says so does.
_SAYS_REVERT: Final = re.compile(r"\brevert", re.IGNORECASE)

# Each is a merge in memory; the latest of those that are likely are tried.
_MOST_REMADE: Final = 20


class OwnRange(Struct, frozen=True, kw_only=True):
    """The commits of one slice: those that `tip` has beyond `base`.

    `trailer` is the line that names it in a commit's message; `landed_as` the commit of the target
    that is known to have taken it in.
    """

    trailer: str
    base: Oid
    tip: Oid
    landed_as: Oid | None = None


def judge_slices(
    repo: Repository,
    target: Oid,
    asked: Iterable[tuple[SliceRecord, Oid, Landing | None]],
) -> dict[SliceId, Presence]:
    """What `target` has of slices with these last commits, and how they were merged."""
    ranges = {
        record.slice_id: OwnRange(
            trailer=make_landing_trailer(record.goal_id, record.slice_id),
            base=record.base_commit,
            tip=tip,
            landed_as=landing.landed_as if landing else None,
        )
        for record, tip, landing in asked
    }
    return dict(zip(ranges, find_presences(repo, target, list(ranges.values())), strict=True))


def find_presences(
    repo: Repository, target: Oid, ranges: Sequence[OwnRange]
) -> tuple[Presence, ...]:
    """What `target` has of each of `ranges`, in their order.

    A handful of git processes for all, and a merge in memory for each that no commit tells of. Of
    one that has no commits of its own, or whose commits git has no more, nothing is told.
    """
    ends = [target]
    for one in ranges:
        ends += [one.base, one.tip, *filter(None, [one.landed_as])]
    line = _TargetLine(repo, read_commit_graph(repo, ends), target)
    works = [_make_work(line, one) for one in ranges]
    changes = _read_changes(line, works)
    line.read_patches({change.paths for change in changes.values() if change.patch})
    return tuple(_judge(line, work, changes) for work in works)


class _Change(Struct, frozen=True, kw_only=True):
    """What one step changes, and what would take that back."""

    paths: frozenset[RepoPath]
    patch: Patch
    undo: Patch


class _TargetLine:
    """The commits of the target in the graph, parents first, and what they change.

    A merge counts as what it changes in its first parent. `mainline` are those that the branch was
    once at.
    """

    def __init__(self, repo: Repository, graph: CommitGraph, target: Oid) -> None:
        self.repo = repo
        self.graph = graph
        self.tip = target
        self.mainline = frozenset(graph.find_mainline(target))
        has = graph.reach([target])
        self.commits = tuple(one for one in graph.parents if one in has)
        steps = [(one, graph.get_parent(one)) for one in self.commits]
        self.paths = dict(zip(self.commits, read_paths(repo, steps), strict=True))
        self._patches: Mapping[Oid, Patch] = {}
        self._since: dict[Oid | None, _Later] = {}
        self.touching: dict[RepoPath, set[Oid]] = {}
        for commit, paths in self.paths.items():
            for path in paths:
                self.touching.setdefault(path, set()).add(commit)

    @lazy_property
    def entries(self) -> Mapping[Oid, Oid]:
        """By commit the first one of the mainline that has it."""
        found: dict[Oid, Oid] = {}
        for entry in reversed(self.graph.find_mainline(self.tip)):
            found.update(dict.fromkeys(self.graph.reach([entry], found), entry))
        return found

    @lazy_property
    def reverts(self) -> frozenset[Oid]:
        """The commits that say that they take something back."""
        messages = self.graph.messages
        return frozenset(one for one in self.commits if _SAYS_REVERT.search(messages[one]))

    @lazy_property
    def trailed(self) -> Mapping[str, Sequence[Oid]]:
        """By trailer the commits that have it, be it amid what a forge has put together."""
        found: dict[str, list[Oid]] = {}
        for commit in self.commits:
            message = self.graph.messages[commit]
            if LANDING_TRAILER in message:
                for text in dict.fromkeys(map(str.strip, message.splitlines())):
                    found.setdefault(text, []).append(commit)
        return found

    def read_since(self, commit: Oid | None) -> "_Later":
        """What the target has that `commit` does not have; all of it where that is None."""
        if commit not in self._since:
            before = self.graph.reach([commit]) if commit else set[Oid]()
            commits = tuple(one for one in self.commits if one not in before)
            self._since[commit] = _Later(
                commits=commits,
                places={one: place for place, one in enumerate(commits)},
                mainline=tuple(one for one in commits if one in self.mainline),
                changed=frozenset[RepoPath]().union(*(self.paths[one] for one in commits)),
            )
        return self._since[commit]

    def read_patches(self, path_sets: Iterable[frozenset[RepoPath]]) -> None:
        """Read what those commits change that touch all of one of `path_sets`: most touch none."""
        asked: set[Oid] = set()
        for paths in path_sets:
            asked |= set.intersection(*(self.touching.get(path, set()) for path in paths))
        steps = [(one, self.graph.get_parent(one)) for one in self.commits if one in asked]
        patches = read_patches(self.repo, steps)
        self._patches = dict(zip((one for one, _ in steps), patches, strict=True))

    def makes(self, commit: Oid, patch: Patch) -> bool:
        """Whether a commit changes what `patch` does, be it among other things."""
        return bool(patch) and commit in self._patches and contains(self._patches[commit], patch)


class _Later(Struct, frozen=True, kw_only=True):
    """The target's commits since some other, parents first, and where each is among them."""

    commits: tuple[Oid, ...]
    places: Mapping[Oid, int]
    mainline: tuple[Oid, ...]
    changed: frozenset[RepoPath]

    def list_touching(self, line: _TargetLine, paths: Iterable[RepoPath]) -> list[Oid]:
        """Those of them that change one of `paths`."""
        found = set[Oid]().union(*(line.touching.get(path, ()) for path in paths))
        return sorted(found & self.places.keys(), key=self.places.__getitem__)


class _OwnWork(Struct, frozen=True, kw_only=True):
    """The commits of one range without its merges, parents first.

    `start` is what all of them together are compared with: the base, or a later commit of the
    target that was merged into the slice by hand. `entry` is where the target has the tip, or what
    was merged for it, from.
    """

    asked: OwnRange
    own: tuple[Oid, ...]
    start: Oid | None
    entry: Oid | None


def _make_work(line: _TargetLine, asked: OwnRange) -> _OwnWork:
    graph = line.graph
    is_known = {asked.base, asked.tip} <= graph.parents.keys()
    merged = [one for one in (asked.landed_as, asked.tip) if one in line.paths]
    entry = line.entries[merged[0]] if merged else None
    if not is_known:
        return _OwnWork(asked=asked, own=(), start=None, entry=entry)
    in_target = asked.tip in line.paths
    before: Collection[Oid] = line.paths.keys()
    if in_target or asked.base not in line.paths:
        before = graph.reach([asked.base]) | (set() if in_target else line.paths.keys())
    has = graph.reach([asked.tip], before)
    own = tuple(one for one in graph.parents if one in has and len(graph.parents[one]) < 2)
    start: Oid | None = asked.base
    if len(own) < len(has):
        # Merged into by hand. Once its tip has landed, nobody can tell its own from the target's.
        met = () if in_target else find_merge_bases(line.repo, asked.tip, line.tip)
        start = met[0] if len(met) == 1 else None
    return _OwnWork(asked=asked, own=own, start=start, entry=entry)


def _read_changes(line: _TargetLine, works: Iterable[_OwnWork]) -> dict[Step, _Change]:
    """What the works change as a whole, and what each of their commits does.

    Lines are read only of what the target may have: others have been at all of its paths.
    """
    steps: dict[Step, None] = {}
    for work in works:
        if work.own and work.start:
            steps[work.asked.tip, work.start] = None
        steps.update((_get_step(line, one), None) for one in work.own)
    paths = dict(zip(steps, read_paths(line.repo, list(steps)), strict=True))
    chosen = [step for step in steps if paths[step] <= line.touching.keys()]
    # The other way round git may cut its hunks otherwise: so it is asked, and no sign is swapped.
    undone = {step: (parent, step[0]) for step in chosen if (parent := step[1]) is not None}
    read = read_patches(line.repo, [*chosen, *undone.values()])
    patches = dict(zip(chosen, read, strict=False))
    undos = dict(zip(undone, read[len(chosen) :], strict=True))
    return {
        step: _Change(paths=paths[step], patch=patches.get(step, {}), undo=undos.get(step, {}))
        for step in steps
    }


def _get_step(line: _TargetLine, commit: Oid) -> Step:
    return commit, line.graph.get_parent(commit)


def _judge(line: _TargetLine, work: _OwnWork, changes: Mapping[Step, _Change]) -> Presence:
    parts = {one: changes[_get_step(line, one)] for one in work.own}
    parts = {one: change for one, change in parts.items() if change.paths}
    merged = Landed(by="merge", commit=work.entry) if work.entry else None
    whole = changes.get((work.asked.tip, work.start))
    if not parts:
        known = {work.asked.base, work.asked.tip} <= line.graph.parents.keys()
        return Presence(landed=merged if work.asked.landed_as else None, known=known)
    if whole and not whole.paths and work.start == work.asked.base and not merged:
        # Made and undone again. Empty beside a target that was merged into it, it is all there.
        return Presence(missing=tuple(parts))
    ledger = _Ledger(line, whole, parts, merged)
    since = work.entry or (work.asked.base if work.asked.base in line.paths else work.start)
    later = line.read_since(since)
    touched = frozenset[RepoPath]().union(*(one.paths for one in parts.values()))
    for commit in later.list_touching(line, touched):
        ledger.enter(commit)
    landed = ledger.landed
    if not landed and not merged:
        others = _Others(line, work, later, touched)
        landed = others.find_trailed() or others.find_remade() or others.find_content()
    if landed:
        return Presence(landed=landed)
    return Presence(
        reverted_by=ledger.reverted_by,
        there=tuple(one for one in parts if one in ledger.there),
        missing=tuple(one for one in parts if one not in ledger.there),
    )


class _Ledger:
    """Which of a range's commits the target has, as its own commits are entered one by one."""

    def __init__(
        self,
        line: _TargetLine,
        whole: _Change | None,
        parts: Mapping[Oid, _Change],
        landed: Landed | None,
    ) -> None:
        self._line = line
        self._whole = whole
        self._parts = parts
        self.landed = landed
        self.there = set(parts) if landed else set()
        self.reverted_by: Oid | None = None

    def enter(self, commit: Oid) -> None:
        makes, whole = self._line.makes, self._whole
        on_mainline = commit in self._line.mainline
        # A branch that was merged late may have been made before what was taken back.
        if on_mainline or not self.reverted_by:
            if whole and makes(commit, whole.patch):
                self._land("squash", commit, self._parts)
            else:
                made = {one for one, part in self._parts.items() if makes(commit, part.patch)}
                self._land("squash" if made == set(self._parts) else "rebase", commit, made)
        if on_mainline and commit in self._line.reverts:
            undone = {one for one, part in self._parts.items() if makes(commit, part.undo)}
            if whole and makes(commit, whole.undo):
                undone = set(self._parts)
            self._revert(commit, undone & self.there)

    def _land(self, by: LandedBy, commit: Oid, made: Iterable[Oid]) -> None:
        self.there |= set(made)
        if made and not self.landed and len(self.there) == len(self._parts):
            self.landed, self.reverted_by = Landed(by=by, commit=commit), None

    def _revert(self, commit: Oid, undone: set[Oid]) -> None:
        self.there -= undone
        if undone and self.landed:
            self.landed, self.reverted_by = None, commit


class _Others:
    """The signs of one range that are asked for where no commit of the target makes its change.

    `later` are the target's commits since the range began, `touched` the paths that it changes.
    """

    def __init__(
        self, line: _TargetLine, work: _OwnWork, later: _Later, touched: frozenset[RepoPath]
    ) -> None:
        self._line = line
        self._work = work
        self._later = later
        self._touched = touched

    def find_trailed(self) -> Landed | None:
        """A commit that names the slice and touches all that it changes."""
        for commit in self._line.trailed.get(self._work.asked.trailer, ()):
            if commit in self._later.places and self._touched <= self._line.paths[commit]:
                step = _get_step(self._line, commit)
                return None if self._is_undone(step) else Landed(by="trailer", commit=commit)
        return None

    def find_remade(self) -> Landed | None:
        """A commit with the files that a merge into what was before it would have given.

        So it is where the target had a part of the change already, and no commit makes all of it.
        """
        for start, commit, by in islice(self._list_likely(), _MOST_REMADE):
            if would_make(self._line.repo, start, self._work.asked.tip, commit):
                step = (commit, start)
                return None if self._is_undone(step) else Landed(by=by, commit=commit)
        return None

    def _list_likely(self) -> Iterator[tuple[Oid, Oid, LandedBy]]:
        """Stretches of the mainline that may be the range, the latest first.

        Each by the commit before it, its last one, and how it would have been made.
        """
        line, mainline = self._line, self._later.mainline
        if self._touched.isdisjoint(self._later.changed):
            return
        # The target may have had a part of the change, or its one file by another name.
        fits = [
            0 < len(line.paths[one]) <= len(self._touched)
            and (len(self._touched) == 1 or not line.paths[one].isdisjoint(self._touched))
            for one in mainline
        ]
        lengths: dict[int, LandedBy] = {1: "squash"}
        lengths.setdefault(len(self._work.own), "rebase")
        for end in range(len(mainline), 0, -1):
            for length, by in lengths.items():
                begin = end - length
                start = line.graph.get_parent(mainline[begin]) if begin >= 0 else None
                if start is not None and all(fits[begin:end]):
                    yield start, mainline[end - 1], by

    def find_content(self) -> Landed | None:
        """Whether a merge would add nothing to a target in which others were at all these paths."""
        # Without them a range that undoes itself would count; and it tells most apart for free.
        if self._touched <= self._later.changed and would_add_nothing(
            self._line.repo, self._line.tip, self._work.asked.tip
        ):
            return Landed(by="content")
        return None

    def _is_undone(self, step: Step) -> bool:
        """Whether a commit that comes after `step` takes back what it has changed."""
        commit, parent = step
        if parent is None:
            return False
        undo = read_patches(self._line.repo, [(parent, commit)])[0]
        place = self._later.places[commit]
        after = [one for one in self._later.commits[place + 1 :] if one in self._line.reverts]
        patches = read_patches(self._line.repo, [_get_step(self._line, one) for one in after])
        return bool(undo) and any(contains(one, undo) for one in patches)
