"""Compare the changes of slices with their write scopes."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct, UnsetType

from gitslices.core.errors import GitError, InputError, RefusedError, StateError
from gitslices.core.model import UNDER_WAY, BranchName, Change, Oid, SliceId
from gitslices.git.compare import (
    Baseline,
    find_baselines,
    read_commit_changes,
    read_file_changes,
    read_index_changes,
    read_merge_heads,
    unite_changes,
)
from gitslices.git.links import find_admin_folder, find_head_file
from gitslices.git.read import HEADS, find_commit, read_head_branch
from gitslices.git.submodules import MODULES, mark_unnamed
from gitslices.git.uncommitted import is_as_head
from gitslices.rules.progress import list_before
from gitslices.rules.scope_check import Violation
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_goal, get_planned
from gitslices.slices.marks import Mark, find_mark
from gitslices.slices.scopes import ScopeMatchers
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

if TYPE_CHECKING:
    from gitslices.slices.snapshot import Snapshot


class CheckRequest(Struct, frozen=True, kw_only=True):
    """Which slices, and which of their changes.

    Without `slice_id` and `every` the worktree at hand is meant. `staged` looks at its index only,
    `index_file` standing in for it where git says so; `commits` at what a range of commits did.
    """

    slice_id: SliceId | None = None
    goal_id: str | None = None
    every: bool = False
    staged: bool = False
    index_file: Path | None = None
    commits: str | None = None


class _Place(Struct, frozen=True):
    git_dir: Path
    worktree: Path | None
    is_here: bool


class SliceCheck(Struct, frozen=True, kw_only=True):
    """One slice, and its changes that are outside its write scope.

    `problem` says why its changes cannot be told; it is there only where they cannot.
    """

    slice_id: SliceId
    goal_id: str
    violations: tuple[Violation, ...]
    problem: str | UnsetType = UNSET


class CheckReport(Struct, frozen=True, kw_only=True):
    """What `gitslices check --json` prints; no slice at all where the worktree is no slice's."""

    ok: bool
    slices: tuple[SliceCheck, ...]


def check(workspace: Workspace, request: CheckRequest) -> CheckReport:
    """The violations of the slices that `request` means; writes nothing but objects of git.

    Raises `UnknownSliceError` for a slice that no plan has, `RefusedError` for one without branch,
    `InputError` for a range of commits that does not exist.
    """
    # A marked worktree without a store is one whose store is lost: that must not count as free.
    if not workspace.has_store() and find_mark(workspace.repo.git_dir) is None:
        if request.slice_id is not None or request.goal_id is not None:
            raise InputError(
                "no plan has been applied in this repository", hint="run: gitslices plan --apply"
            )
        return CheckReport(ok=True, slices=())
    with workspace.open_store() as store:
        matchers = ScopeMatchers(workspace, store)
        records = _choose_records(workspace, store, request)
        views = _Views(workspace, store, records)
        if request.every and not request.staged and request.commits is None:
            views.look_at_files()
        look = _try_slice if request.every else _check_slice
        checks = tuple(look(workspace, views, matchers, record, request) for record in records)
    return CheckReport(ok=not any(one.violations or one.problem for one in checks), slices=checks)


class _Views:
    """The goals of the slices that are checked: each is read once, and its branches are, too.

    `clean` are slices of which a first look has told that their files are those of their HEAD;
    `landed` those whose HEAD is their branch, and nothing that the target lacks.
    """

    def __init__(self, workspace: Workspace, store: Store, records: Sequence[SliceRecord]) -> None:
        self._workspace = workspace
        self._store = store
        self._records = records
        self._goals: dict[str, Goal] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self.clean: frozenset[SliceRecord] = frozenset()
        self.landed: frozenset[SliceRecord] = frozenset()

    def get_goal(self, record: SliceRecord) -> Goal:
        if record.goal_id not in self._goals:
            goal = self._store.read_goal(record.goal_id)
            assert goal is not None, "a slice is written together with its goal"  # noqa: S101
            self._goals[record.goal_id] = goal
        return self._goals[record.goal_id]

    def get_snapshot(self, record: SliceRecord) -> "Snapshot":
        # Imported here for the sake of the hooks: what git works in is in order.
        from gitslices.slices.snapshot import Snapshot

        if record.goal_id not in self._snapshots:
            own = [one for one in self._records if one.goal_id == record.goal_id]
            plan = self.get_goal(record).plan
            made = Snapshot(self._workspace, self._store, plan, records=own)
            self._snapshots[record.goal_id] = made
        return self._snapshots[record.goal_id]

    def look_at_files(self) -> None:
        """Ask git of each worktree, several side by side, whether it has anything to tell at all.

        Eight processes are needed to tell what a slice changes, and most of many change nothing.
        """
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            found = list(pool.map(partial(_is_clean, self._workspace), self._records))
        clean = [one for one, is_clean in zip(self._records, found, strict=True) if is_clean]
        self.clean = frozenset(clean)
        self.landed = frozenset(one for one in clean if self._has_landed(one))

    def _has_landed(self, record: SliceRecord) -> bool:
        snapshot, git_dir = self.get_snapshot(record), find_admin_folder(Path(record.worktree_path))
        tip, target = snapshot.find_tip(record), snapshot.target
        if git_dir is None or tip is None or target is None or read_merge_heads(git_dir):
            return False
        ahead, _ = snapshot.counts[tip]
        head = find_head_file(git_dir)
        return not ahead and head is not None and head.branch == record.branch_name


def _is_clean(workspace: Workspace, record: SliceRecord) -> bool:
    path = Path(record.worktree_path)
    if record.filling_operation or find_admin_folder(path) is None:
        return False
    try:
        return is_as_head(workspace.repo, path)
    except GitError:
        return False  # It is asked again, and told then.


def _choose_records(
    workspace: Workspace, store: Store, request: CheckRequest
) -> Sequence[SliceRecord]:
    if request.slice_id is not None:
        return [_find_record(workspace, store, request.slice_id, request.goal_id)]
    if request.goal_id is not None:
        get_goal(store, request.goal_id)
    if request.every:
        records = store.read_slices(request.goal_id)
        return [record for record in records if record.status in UNDER_WAY]
    record = find_slice_here(workspace, store)
    return [record] if record else []


def find_slice_here(workspace: Workspace, store: Store) -> SliceRecord | None:
    """The slice whose worktree, or else whose branch, is at hand."""
    mark = find_mark(workspace.repo.git_dir)
    if mark is not None:
        records = store.read_slices(mark.goal_id)
        found = next((one for one in records if one.slice_id == mark.slice_id), None)
        if found is None:
            raise StateError(
                f"this worktree is slice {mark.slice_id!r} of goal {mark.goal_id!r}, "
                "which is not in the store",
                hint="apply its plan again: gitslices plan --apply",
            )
        return found
    branch = read_head_branch(workspace.repo, workspace.repo.git_dir)
    return next((one for one in store.read_slices() if one.branch_name == branch), None)


def _find_record(
    workspace: Workspace, store: Store, slice_id: SliceId, goal_id: str | None
) -> SliceRecord:
    goal = choose_goal(workspace, store, goal_id, slice_id)
    for record in store.read_slices(goal.goal_id):
        if record.slice_id == slice_id and record.status in UNDER_WAY:
            return record
    get_planned(store, goal, slice_id)
    raise RefusedError(
        f"slice {slice_id!r} has no branch to check", hint="see where it stands: gitslices status"
    )


def _try_slice(
    workspace: Workspace,
    views: _Views,
    matchers: ScopeMatchers,
    record: SliceRecord,
    request: CheckRequest,
) -> SliceCheck:
    """The same as `_check_slice`; one that cannot be checked keeps nobody from the others."""
    try:
        return _check_slice(workspace, views, matchers, record, request)
    except (GitError, RefusedError) as error:
        words = error.problems[0].message if error.problems else error.message
        return SliceCheck(
            slice_id=record.slice_id,
            goal_id=record.goal_id,
            violations=(),
            problem=words.partition("\n")[0],
        )


def _check_slice(
    workspace: Workspace,
    views: _Views,
    matchers: ScopeMatchers,
    record: SliceRecord,
    request: CheckRequest,
) -> SliceCheck:
    goal = views.get_goal(record)
    if request.commits is None and _is_elsewhere(workspace, record, request):
        _refuse_unreadable(views.get_snapshot(record), record)
    changed = _read_changed(workspace, views, goal, record, request)
    return SliceCheck(
        slice_id=record.slice_id,
        goal_id=record.goal_id,
        violations=matchers.find_violations(goal, record, changed),
    )


def _read_changed(
    workspace: Workspace, views: _Views, goal: Goal, record: SliceRecord, request: CheckRequest
) -> Sequence[Change]:
    if record in views.landed:
        return ()
    if request.commits is not None:
        return _read_range(workspace, goal, record, request.commits)
    place = _find_place(workspace, record, request)
    if place is None:
        return _read_range(workspace, goal, record, HEADS + record.branch_name)
    # Those of the next commit: what is being merged counts as merged.
    tips = ("HEAD", *read_merge_heads(place.git_dir))
    baselines = _find_baselines(workspace, goal, record, place.git_dir, tips)
    if request.staged:
        # The one that git has named is of the commit at hand, and no other worktree's.
        index_file = request.index_file if place.is_here else None
        changes = read_index_changes(workspace.repo, place.git_dir, baselines, index_file)
        return mark_unnamed(
            workspace.repo, changes, "", git_dir=place.git_dir, index_file=index_file
        )
    clean = record in views.clean and len(tips) == 1
    return _read_everything(workspace, goal, record, place, baselines, clean=clean)


def _is_elsewhere(workspace: Workspace, record: SliceRecord, request: CheckRequest) -> bool:
    """Whether the slice is not the one whose worktree is at hand."""
    named = request.slice_id is not None or request.every
    own = Mark(goal_id=record.goal_id, slice_id=record.slice_id)
    return named and find_mark(workspace.repo.git_dir) != own


def _refuse_unreadable(snapshot: "Snapshot", record: SliceRecord) -> None:
    from gitslices.rules.worktree_faults import BARS_CHECK, find_bar

    bar = find_bar(snapshot.find_faults(record, alone=True), BARS_CHECK)
    if bar is not None:
        raise RefusedError(f"slice {record.slice_id!r} cannot be checked", problems=[bar.problem])


def _find_place(workspace: Workspace, record: SliceRecord, request: CheckRequest) -> _Place | None:
    """The worktree to look at; None where the slice has none, or it is being filled."""
    repo = workspace.repo
    if not _is_elsewhere(workspace, record, request):
        return _Place(repo.git_dir, repo.worktree, is_here=True)
    path = Path(record.worktree_path)
    git_dir = find_admin_folder(path)
    if git_dir is None or record.filling_operation:
        return None
    return _Place(git_dir, path, is_here=False)


def _read_everything(
    workspace: Workspace,
    goal: Goal,
    record: SliceRecord,
    place: _Place,
    baselines: Sequence[Baseline],
    *,
    clean: bool,
) -> Sequence[Change]:
    repo = workspace.repo
    committed = baselines
    if read_merge_heads(place.git_dir):
        committed = _find_baselines(workspace, goal, record, place.git_dir, ("HEAD",))
    head = find_commit(repo, "HEAD", place.git_dir)  # a branch may be without a commit
    parts = [read_commit_changes(repo, place.git_dir, head, committed) if head else ()]
    if not clean:
        parts += [
            read_index_changes(repo, place.git_dir, baselines),
            read_file_changes(repo, place.worktree, baselines) if place.worktree else (),
        ]
    changes = unite_changes(parts)
    files = (str(place.worktree / MODULES),) if place.worktree else ()
    return mark_unnamed(repo, changes, "", *files, git_dir=place.git_dir)


def _read_range(
    workspace: Workspace, goal: Goal, record: SliceRecord, text: str
) -> Sequence[Change]:
    """What a commit holds otherwise than the target or, for `A..B`, what of that came after A."""
    repo = workspace.repo
    start, dots, end = text.partition("..")
    tip = _find_revision(workspace, end if dots else start)
    baselines = _find_baselines(workspace, goal, record, repo.git_dir, (tip,))
    since = (Baseline(_find_revision(workspace, start)),) if dots else ()
    changes = read_commit_changes(repo, repo.git_dir, tip, (*baselines, *since))
    return mark_unnamed(repo, changes, tip)


def _find_revision(workspace: Workspace, name: str) -> Oid:
    commit = find_commit(workspace.repo, name or "HEAD", workspace.repo.git_dir)
    if commit is None:
        raise InputError(f"{name!r} names no commit", hint="a range is written A..B, see: git log")
    return commit


def _find_baselines(
    workspace: Workspace, goal: Goal, record: SliceRecord, git_dir: Path, tips: Sequence[str]
) -> tuple[Baseline, ...]:
    return find_baselines(
        workspace.repo,
        git_dir,
        partial(_join, workspace, goal),
        tips=tips,
        target=goal.plan.target,
        base=record.base_commit,
        before=_list_before(goal, record),
    )


def _list_before(goal: Goal, record: SliceRecord) -> tuple[BranchName, ...]:
    """The branches that a slice which was started early may have taken in."""
    if goal.plan.start == "merged":
        return ()
    return tuple(one.branch_name for one in list_before(goal.plan, record.slice_id))


def _join(workspace: Workspace, goal: Goal, bases: Sequence[Oid], commit: Oid) -> Baseline:
    # Imported here for the sake of the hooks: few slices have met their target in several commits.
    from gitslices.merging.in_memory import open_merge_rules

    with open_merge_rules(workspace, goal, commit) as rules:
        return rules.join_bases(bases)
