"""The slices of one goal as the store and git have them: read once, and asked by every command."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from gitslices.core.lazy import lazy_property
from gitslices.core.model import (
    GONE,
    LANDABLE,
    BranchName,
    Oid,
    PlannedSlices,
    SliceId,
    SliceStatus,
    settle_status,
)
from gitslices.git.compare import count_all_ahead_behind
from gitslices.git.read import count_beyond, read_merged, read_missing, read_tips_and_target
from gitslices.rules.progress import Landed, Presence, Progress, find_progress
from gitslices.rules.worktree_faults import (
    Fault,
    Uncommitted,
    WorktreeFacts,
    WorktreeFault,
    find_faults,
)
from gitslices.slices.location import WorktreeMap
from gitslices.slices.lookup import find_pushed_tips
from gitslices.slices.target import Doubt, find_dropped, find_taken_back, read_target
from gitslices.state.landings import Landing, read_landings
from gitslices.state.leases import Lease, read_open_leases
from gitslices.state.publications import Publication, read_publications
from gitslices.state.sharing import read_elsewhere
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace

# What a transaction takes over: a git started there would keep all other writers waiting.
_OF_GIT: Final = frozenset({
    "_heads", "tips", "target", "counts", "_left_base", "_in_target", "_worked",
    "presences", "taken_back",
})  # fmt: skip


class Snapshot:
    """What is so of the slices of `plan`'s goal; every part is read when it is first asked for.

    No part is read twice, so that all that one command decides rests on one picture. What has
    changed since shows in a new snapshot: under a lock, or in a transaction, take one.
    """

    def __init__(
        self,
        workspace: Workspace,
        store: Store,
        plan: PlannedSlices,
        *,
        records: Iterable[SliceRecord] | None = None,
        worktrees: WorktreeMap | None = None,
    ) -> None:
        """With `records` the store is not asked for them; `worktrees` are shared among goals."""
        self.workspace = workspace
        self.store = store
        self.plan = plan
        self.worktrees = worktrees or WorktreeMap(workspace)
        self._uncommitted: dict[SliceId, Uncommitted] = {}
        if records is not None:
            # Where `lazy_property` keeps a value: the store is not asked then.
            self.__dict__["records"] = {record.slice_id: record for record in records}

    def read_store_again(self, plan: PlannedSlices) -> "Snapshot":
        """What the store has now beside what git had: in a transaction git is not asked."""
        again = Snapshot(self.workspace, self.store, plan, worktrees=self.worktrees)
        vars(again).update({part: vars(self)[part] for part in _OF_GIT & vars(self).keys()})
        return again

    # What the store has.

    @lazy_property
    def records(self) -> Mapping[SliceId, SliceRecord]:
        """The slices that have, or had, a branch and a worktree."""
        return {one.slice_id: one for one in self.store.read_slices(self.plan.goal_id)}

    @lazy_property
    def leases(self) -> Mapping[SliceId, Lease]:
        """The leases that nobody has ended, lapsed ones among them."""
        found = read_open_leases(self.store, self.plan.goal_id)
        return {lease.slice_id: lease for lease in found}

    @lazy_property
    def live_leases(self) -> Mapping[SliceId, Lease]:
        """The leases whose deadline is yet to come."""
        now = self.workspace.now()
        return {id_: lease for id_, lease in self.leases.items() if lease.is_live(now)}

    @lazy_property
    def landings(self) -> Mapping[SliceId, Landing]:
        """How slices were merged by gitslices."""
        return read_landings(self.store, self.plan.goal_id)

    @lazy_property
    def publications(self) -> Mapping[SliceId, Publication]:
        """What was pushed for review, and where that is."""
        return read_publications(self.store, self.plan.goal_id)

    @lazy_property
    def elsewhere(self) -> Mapping[SliceId, Oid | None]:
        """The slices that another clone has worked on last, and what it has pushed of each."""
        return read_elsewhere(self.store, self.plan.goal_id)

    # What git has.

    @lazy_property
    def _heads(self) -> tuple[Mapping[BranchName, Oid], Oid | None]:
        """The last commits of the branches that exist, and of the target, by one call."""
        names = (one.branch_name for one in self.records.values())
        tips, target = read_tips_and_target(self.workspace.repo, names, self.plan.target)
        pushed = find_pushed_tips(self.workspace.repo, self.elsewhere, self.records)
        return {**tips, **pushed}, target

    @lazy_property
    def tips(self) -> Mapping[BranchName, Oid]:
        """The last commits of the branches that exist."""
        return self._heads[0]

    def find_tip(self, record: SliceRecord) -> Oid | None:
        """The last commit of a slice's branch."""
        return self.tips.get(record.branch_name)

    @lazy_property
    def target(self) -> Oid | None:
        """The last commit of the branch that slices are merged into; None where that is gone."""
        return self._heads[1]

    def get_target(self) -> Oid:
        """The same; raise `InputError` where it is gone."""
        return self.target or read_target(self.workspace.repo, self.plan.target)

    @lazy_property
    def counts(self) -> Mapping[Oid, tuple[int, int]]:
        """How many commits each tip has that the target lacks, and the reverse."""
        if self.target is None:
            return {}
        return count_all_ahead_behind(self.workspace.repo, self.tips.values(), self.target)

    @lazy_property
    def unmerged_bases(self) -> frozenset[Oid]:
        """The bases of slices with commits that the target lacks, where it lacks those, too."""
        target, records = self.target, self.records.values()
        ahead = {tip for tip, (count, _) in self.counts.items() if count}
        bases = {one.base_commit for one in records if self.find_tip(one) in ahead}
        return frozenset(read_missing(self.workspace.repo, target, bases) if target else ())

    def count_ahead(self, record: SliceRecord) -> int:
        """How many commits a slice has beyond its base that the target lacks."""
        presence = self.presences.get(record.slice_id)
        tip, base = self.find_tip(record), record.base_commit
        if tip is None or self.target is None or (presence and presence.landed):
            return 0
        ahead, _ = self.counts.get(tip, (0, 0))
        # Mostly the target has the base, and one count serves all slices; else git counts for each.
        if not ahead or base not in self.unmerged_bases:
            return ahead
        return count_beyond(self.workspace.repo, tip, (self.target, base))

    def count_since_merge(self, record: SliceRecord) -> int:
        """How many commits came to a slice's branch after its merge that the target lacks."""
        landing, tip = self.landings.get(record.slice_id), self.find_tip(record)
        is_merged = record.status == "merged" and record.slice_id not in self.taken_back
        # Of one without a landing nobody knows what came in.
        if not is_merged or not landing or not self.target or tip is None or tip == landing.tip:
            return 0
        return count_beyond(self.workspace.repo, tip, (landing.tip, self.target))

    @lazy_property
    def _left_base(self) -> Mapping[BranchName, SliceRecord]:
        """The branches that are not where their slices were started from."""
        return {
            one.branch_name: one
            for one in self.records.values()
            if one.status not in GONE and self.find_tip(one) not in {None, one.base_commit}
        }

    @lazy_property
    def _in_target(self) -> Mapping[BranchName, SliceRecord]:
        """Those of them that the target has all of."""
        if self.target is None or not self._left_base:
            return {}
        if "counts" in self.__dict__:  # they tell it, too, and whoever has them need not ask git
            ahead = {name: self.counts[self.tips[name]][0] for name in self._left_base}
            return {name: one for name, one in self._left_base.items() if not ahead[name]}
        merged = read_merged(self.workspace.repo, self.target, list(self._left_base))
        return {name: self._left_base[name] for name in merged}

    @lazy_property
    def _worked(self) -> frozenset[BranchName]:
        """Those of these that have commits of their own: others were only brought up to date."""
        repo, reached = self.workspace.repo, self._in_target
        tips = {self.tips[name] for name in reached}
        bases = {one.base_commit for one in reached.values()}
        # One that was set back has nothing beyond its base, whatever moved it there.
        beyond = {base: read_missing(repo, base, tips) for base in bases}
        ahead = {
            name for name, one in reached.items() if self.tips[name] in beyond[one.base_commit]
        }
        # Somebody has said it of these.
        told = {name for name in ahead if reached[name].status in {"merged", "done"}}
        if ahead == told or self.target is None:
            return frozenset(told)
        # Imported here for the sake of claims: it brings what reads scopes, and is rarely asked.
        from gitslices.slices.own_commits import find_worked, make_stretches

        stretches = make_stretches(self._list_as_planned(), self.landings, self.tips)
        found = find_worked(self.workspace, self.target, stretches, ahead - told)
        return frozenset(told | found)

    def _list_as_planned(self) -> list[SliceRecord]:
        """The slices in the order of the plan, then those that it no longer has."""
        planned = [slice_.slice_id for slice_ in self.plan.slices]
        ids = dict.fromkeys((*planned, *self.records))
        return [self.records[id_] for id_ in ids if id_ in self.records]

    @lazy_property
    def presences(self) -> Mapping[SliceId, Presence]:
        """What the target has of the slices of which their tips alone do not tell it."""
        if self.target is None:
            return {}
        repo, landed = self.workspace.repo, list(self._list_landed())
        asked = [*self._list_elsewhere(), *find_dropped(repo, self.target, landed)]
        gone = [record for record in self.records.values() if self._is_branchless(record)]
        if not asked and not gone:
            return {}
        # Imported here for the sake of claims: mostly there is none.
        from gitslices.slices.verdicts import judge_once, list_branchless

        asked += list_branchless(self.workspace, self.store, gone, self.publications)
        return judge_once(repo, self.store, self.plan.goal_id, self.target, asked)

    def _list_elsewhere(self) -> Iterator[Doubt]:
        """Slices with commits that are not in the target as they are, once that has gone on."""
        for name, record in self._left_base.items():
            waits = record.status in LANDABLE and record.base_commit != self.target
            if waits and name not in self._in_target:
                yield record, self.tips[name], None

    def _is_branchless(self, record: SliceRecord) -> bool:
        """Whether the branch that was made for a slice is gone, be it because a forge merged it."""
        is_made = record.status in LANDABLE and not record.filling_operation
        return is_made and self.find_tip(record) is None

    def _list_landed(self) -> Iterator[Doubt]:
        """Slices that have landed, as it was recorded or as their tips tell."""
        for id_, record in self.records.items():
            # Of one without a landing nobody knows what came in: it stays merged.
            if record.status == "merged" and id_ in self.landings:
                yield record, self.landings[id_].tip, self.landings[id_]
        for name in self._worked:
            if self._left_base[name].status in LANDABLE:
                yield self._left_base[name], self.tips[name], None

    @lazy_property
    def taken_back(self) -> frozenset[SliceId]:
        """Slices recorded as merged of which the target has nothing any more."""
        merged = {
            id_: (self.landings[id_], presence)
            for id_, presence in self.presences.items()
            if self.records[id_].status == "merged"
        }
        repo, goal_id = self.workspace.repo, self.plan.goal_id
        return find_taken_back(repo, self.store, goal_id, self.plan.target, merged)

    # What follows from both.

    @lazy_property
    def landed(self) -> frozenset[SliceId]:
        """The slices under way that have commits of their own, all in the target already."""
        # The store alone tells it: where nothing can have landed, git is not asked.
        waiting = {one.branch_name: one for one in self.records.values() if one.status in LANDABLE}
        if not waiting:
            return frozenset()
        reached = {waiting[name].slice_id for name in self._worked if name in waiting}
        told = {id_: one.landed is not None for id_, one in self.presences.items()}
        return frozenset(
            one.slice_id
            for one in waiting.values()
            if told.get(one.slice_id, one.slice_id in reached)
        )

    @lazy_property
    def statuses(self) -> Mapping[SliceId, SliceStatus]:
        """The status of every slice, of the plan or not any more."""
        planned = (slice_.slice_id for slice_ in self.plan.slices)
        return {id_: self.settle(id_) for id_ in dict.fromkeys((*planned, *self.records))}

    def settle(self, id_: SliceId, *, leased: bool | None = None) -> SliceStatus:
        """The status of one slice; `leased` says whether it counts as held, else its lease does."""
        record = self.records.get(id_)
        return settle_status(
            record.status if record else None,
            leased=id_ in self.live_leases if leased is None else leased,
            landed=id_ in self.landed,
            taken_back=id_ in self.taken_back,
        )

    def find_recorded_status(self, id_: SliceId) -> SliceStatus:
        """The status that was recorded, whoever has merged the slice since and what the clock says.

        One whose merge was taken back counts as it did before it was begun.
        """
        record = self.records.get(id_)
        if record is None:
            return "planned"
        return "provisioned" if id_ in self.taken_back else record.status

    def find_landed(self, record: SliceRecord) -> Landed | None:
        """How the work of a slice came into the target, where it has."""
        id_ = record.slice_id
        if self.settle(id_, leased=False) != "merged":
            return None
        presence, landing = self.presences.get(id_), self.landings.get(id_)
        found = presence.landed if presence else None
        # As a merge counts all that was recorded, and is there still.
        if landing and (found is None or found.by == "merge"):
            return Landed(by=landing.landed_by, commit=landing.landed_as)
        return found or Landed(by="merge", commit=self.find_tip(record))

    def find_reverting(self, record: SliceRecord) -> Oid | None:
        """The commit that took back a branch that the target has, so that a merge adds nothing."""
        presence = self.presences.get(record.slice_id)
        is_reached = record.branch_name in self._in_target
        return presence.reverted_by if presence and is_reached else None

    def has_commits(self, record: SliceRecord) -> bool:
        """Whether a slice's branch has commits beyond those that it was brought up to."""
        name = record.branch_name
        if self._is_branchless(record):
            return record.slice_id in self.landed
        return name in self._left_base and (name not in self._in_target or name in self._worked)

    def is_in_target(self, record: SliceRecord) -> bool:
        """Whether the target has all commits of a slice's branch, as they are or in others."""
        presence = self.presences.get(record.slice_id)
        return record.branch_name in self._in_target if presence is None else bool(presence.landed)

    def progress_of(self, record: SliceRecord) -> Progress:
        """How far a slice is."""
        committed = self.find_committed_progress(record)
        # Only where it decides: git looks at every file for it.
        if committed != "untouched" or not self.read_uncommitted(record).is_edited:
            return committed
        return "started"

    def find_committed_progress(self, record: SliceRecord) -> Progress:
        """How far a slice is by its commits and by what was recorded, whatever is uncommitted."""
        return find_progress(
            self.find_recorded_status(record.slice_id),
            has_commits=self.has_commits(record),
            in_target=self.is_in_target(record),
        )

    # What is in the worktrees.

    def read_facts(self, record: SliceRecord, *, alone: bool = False) -> WorktreeFacts:
        """What files show of the branch and the worktree of one slice."""
        has_branch = self.find_tip(record) is not None
        has_merged = record.status == "merged" or (not has_branch and self.has_commits(record))
        return self.worktrees.read_facts(
            record, has_branch=has_branch, has_merged=has_merged, alone=alone
        )

    def find_faults(self, record: SliceRecord, *, alone: bool = False) -> tuple[Fault, ...]:
        """What is wrong with the branch and the worktree of one slice, by its files.

        With `alone` the other worktrees are looked at only where its own gives a reason to.
        """
        # What another clone works on needs nothing here.
        if record.status in GONE or record.slice_id in self.elsewhere:
            return ()
        faults = find_faults(self.read_facts(record, alone=alone))
        if not record.filling_operation:
            return faults
        # While it is filled something is missing by nature; after a kill, recovery sees to it, but
        # not on a disk that is away.
        return tuple(one for one in faults if one.kind is WorktreeFault.AWAY)

    def read_uncommitted(self, record: SliceRecord) -> Uncommitted:
        """What is uncommitted in one worktree, where that is now; one that git fails in is told."""
        id_ = record.slice_id
        # The dearest of all questions; and an edit in between would give it two answers.
        if id_ not in self._uncommitted:
            self._uncommitted[id_] = self._read_uncommitted(record)
        return self._uncommitted[id_]

    def _read_uncommitted(self, record: SliceRecord) -> Uncommitted:
        elsewhere = record.slice_id in self.elsewhere and not Path(record.worktree_path).exists()
        if record.filling_operation or record.status in GONE or elsewhere:
            # Half filled, every file that is yet to come would count as deleted.
            return Uncommitted()
        return self.worktrees.read_uncommitted(self.read_facts(record, alone=True))
