"""Write the files of registered worktrees, several at a time, without the topology lock."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from threading import Lock

from msgspec import Struct, structs

from gitslices.core.errors import GitslicesError
from gitslices.core.model import Oid, RepoPath, SliceId
from gitslices.core.naming import list_some
from gitslices.git.as_checked_out import find_changed_by_checkout
from gitslices.git.environment import expand_home
from gitslices.git.filling import (
    fetch_files,
    fill_worktree,
    finish_worktree,
    is_partial,
    make_seed,
    settle_index,
)
from gitslices.git.ignored import Included, list_placed, read_included
from gitslices.git.read import read_branches
from gitslices.git.repository import has_hook, run_hook
from gitslices.git.worktrees import LOCK_REASON, is_filled, unlock_worktree
from gitslices.provisioning.register import Failure
from gitslices.provisioning.sparse import find_recorded_sparse_checkouts
from gitslices.provisioning.wanted import OnProgress, Progress
from gitslices.slices.claims import hold_slice
from gitslices.state.leases import find_open_lease
from gitslices.state.store import SliceRecord, Store
from gitslices.system.hook_managers import list_hook_folder
from gitslices.system.worktreeinclude import copy_included
from gitslices.workspace import Workspace


class FillOutcome(Struct, frozen=True):
    """Worktrees that were filled, and those that could not be; what is to be said of the former."""

    filled: tuple[SliceRecord, ...]
    failures: tuple[Failure, ...]
    remarks: tuple[str, ...] = ()


def fill_slices(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    jobs: int,
    on_progress: OnProgress,
) -> FillOutcome:
    """Fill the worktrees of `records`, `jobs` at a time; record and unlock those that are whole."""
    if not records:
        return FillOutcome((), ())
    supply = _Supply(workspace, records)
    # A kill just before the record leaves some whole: nothing is written there again.
    empty = [record for record in records if not is_filled(Path(record.worktree_path))]
    failures, remarks = _fill_all(workspace, supply, empty, jobs, on_progress)
    failed = {failure.record.slice_id for failure in failures}
    remarks += _describe_converted(
        workspace, supply, [one for one in empty if one.slice_id not in failed]
    )
    for record in empty:
        if record.slice_id not in failed:
            # While it is locked still, so that nobody has touched a file since it was written.
            settle_index(Path(record.worktree_path))
    whole = [record for record in records if record.slice_id not in failed]
    for record in whole:
        # It may be in use now: what fails from here on is done by the next command.
        unlock_worktree(Path(record.worktree_path), reason=LOCK_REASON + record.filling_operation)
    # Not one by one: each transaction would wait until the disk has all files written so far.
    with store.transaction():
        store.write_filled(whole)
    for record in whole:
        # One that is made anew may have been claimed all along.
        if find_open_lease(store, record.goal_id, record.slice_id):
            hold_slice(workspace, record)
    filled = tuple(structs.replace(record, filling_operation="") for record in whole)
    return FillOutcome(filled, failures, (*supply.remarks, *remarks))


def run_hooks(workspace: Workspace, records: Sequence[SliceRecord], jobs: int) -> tuple[str, ...]:
    """Run the repository's `post-checkout` hook in each new worktree; return the complaints.

    After everything else: a hook may call gitslices itself.
    """
    setting = workspace.config.get("core.hookspath")
    # git expands `~` in this setting when it runs a hook; as listed it is still there.
    hooks_path = expand_home(setting, workspace.environ) if setting else None
    hooked = [
        record
        for record in records
        if has_hook(workspace.repo, Path(record.worktree_path), "post-checkout", hooks_path)
    ]
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        complaints = pool.map(partial(_run_hook, workspace), hooked)
        return tuple(
            f"{record.slice_id}: the post-checkout hook failed: {complaint}"
            for record, complaint in zip(hooked, complaints, strict=True)
            if complaint
        )


def _run_hook(workspace: Workspace, record: SliceRecord) -> str | None:
    """As `git worktree add` does (githooks, post-checkout)."""
    path, commit = Path(record.worktree_path), record.base_commit
    return run_hook(workspace.repo, path, "post-checkout", "0" * len(commit), commit, "1")


class _Supply:
    """What worktrees are filled with, found once for all of them."""

    def __init__(self, workspace: Workspace, records: Sequence[SliceRecord]) -> None:
        main = workspace.main_worktree
        self._workspace = workspace
        self._tips = read_branches(workspace.repo, [record.branch_name for record in records])
        self._seeds: dict[tuple[Oid, bool], bytes] = {}
        self._seeding = Lock()
        self.checkouts = find_recorded_sparse_checkouts(workspace, records, self._tips)
        found = read_included(workspace.repo, main) if main else Included()
        self.included = _list_included(workspace, main, found) if main else ()
        self.remarks = found.remarks

    def fetch_missing(self, records: Sequence[SliceRecord]) -> None:
        """Have in a partial clone what the worktrees will hold, before git asks for each file."""
        if not is_partial(self._workspace.config):
            return
        wanted: dict[Oid, set[RepoPath]] = {}
        for record in records:
            checkout = self.checkouts.get(record.slice_id)
            paths = checkout.paths if checkout else self._list_tracked(record)
            wanted.setdefault(self._find_tip(record), set()).update(paths)
        for commit, missing in wanted.items():
            fetch_files(self._workspace.repo, self._workspace.config, commit, missing)

    def count_files(self, record: SliceRecord) -> int:
        """How many tracked files a worktree will hold."""
        checkout = self.checkouts.get(record.slice_id)
        return len(checkout.paths if checkout else self._list_tracked(record))

    def find_included(self, record: SliceRecord) -> list[RepoPath]:
        """The ignored files to bring along: those that its commit does not track."""
        tracked = frozenset(self._list_tracked(record)) if self.included else frozenset()
        return [path for path in self.included if path not in tracked]

    def name_seed(self, record: SliceRecord) -> tuple[Oid, bool]:
        """What worktrees have in common that hold the same files but for those left out."""
        # In a sparse seed every file is left out: it fits no whole worktree.
        return self._find_tip(record), bool(record.sparse)

    def make_seed(self, record: SliceRecord) -> bytes:
        """An index for an empty worktree, made in the first one of its commit."""
        key = self.name_seed(record)
        # Threads wait for the first one: each for itself they would spend half of a checkout on it.
        with self._seeding:
            if key not in self._seeds:
                self._seeds[key] = make_seed(
                    self._workspace.repo,
                    Path(record.worktree_path),
                    self._list_tracked(record),
                    sparse=bool(record.sparse),
                    lazily=is_partial(self._workspace.config),
                )
            return self._seeds[key]

    def _find_tip(self, record: SliceRecord) -> Oid:
        return self._tips.get(record.branch_name, record.base_commit)

    def _list_tracked(self, record: SliceRecord) -> tuple[RepoPath, ...]:
        return self._workspace.read_tree(self._find_tip(record)).paths


def _list_included(workspace: Workspace, main: Path, found: Included) -> tuple[RepoPath, ...]:
    placed = list_placed(workspace.repo.common_dir)
    setting = workspace.config.get("core.hookspath", "")
    # husky's own folder is relative and not tracked: a new worktree would have no hooks at all.
    hooks = list_hook_folder(main, main / setting) if setting else ()
    here = (path for path in placed if (main / path).is_file())
    return tuple(sorted({*found.paths, *here, *hooks}))


def _fill_all(
    workspace: Workspace,
    supply: _Supply,
    records: Sequence[SliceRecord],
    jobs: int,
    on_progress: OnProgress,
) -> tuple[tuple[Failure, ...], tuple[str, ...]]:
    """Write the files of `records`; return what was in the way, and what is to be said."""
    failures: list[Failure] = []
    remarks: dict[str, list[SliceId]] = {}
    # Progress counts files: a sparse worktree is done long before a whole one.
    sizes = {record.slice_id: supply.count_files(record) for record in records}
    done, total = 0, sum(sizes.values())
    supply.fetch_missing(records)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running = {pool.submit(_fill, workspace, supply, record): record for record in records}
        for future in as_completed(running):
            record = running[future]
            try:
                said = future.result()
            except GitslicesError as error:
                # The others go on: whoever called undoes this one alone.
                failures.append(Failure(record, error))
                continue
            for remark in said:
                remarks.setdefault(remark, []).append(record.slice_id)
            done += sizes[record.slice_id]
            on_progress(Progress(stage="fill", done=done, total=total))
    # Once for all slices: a line for each would hide the one that differs.
    told = tuple(f"{', '.join(sorted(ids))}: {remark}" for remark, ids in remarks.items())
    return tuple(failures), told


def _describe_converted(
    workspace: Workspace, supply: _Supply, records: Sequence[SliceRecord]
) -> tuple[str, ...]:
    """What is to be said of files that git takes for changed as soon as it has written them."""
    # One worktree of each kind: in the others of the same commit the same files are so.
    samples = {supply.name_seed(record): record for record in records}
    found = {
        path
        for record in samples.values()
        for path in find_changed_by_checkout(
            workspace.repo, Path(record.worktree_path), workspace.config
        )
    }
    if not found:
        return ()
    remark = (
        "git takes files for changed as soon as they are checked out, since what is committed does "
        f"not fit .gitattributes: {list_some(sorted(found))}; they count as nobody's work until "
        "somebody changes them (mend it in the target: git add --renormalize . && git commit)"
    )
    return (remark,)


def _fill(workspace: Workspace, supply: _Supply, record: SliceRecord) -> tuple[str, ...]:
    """Write everything that one worktree holds; return what is missing."""
    path, main = Path(record.worktree_path), workspace.main_worktree
    seed, checkout = supply.make_seed(record), supply.checkouts.get(record.slice_id)
    fill_worktree(workspace.repo, path, seed=seed, checkout=checkout)
    remarks = copy_included(main, path, supply.find_included(record)) if main else ()
    # Last: what a kill leaves before this is not whole, and is made anew.
    finish_worktree(path)
    return remarks
