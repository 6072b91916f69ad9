"""Write the files of registered worktrees, several at a time, without the topology lock."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from gitslices.errors import GitslicesError
from gitslices.git.worktrees import (
    fill_worktree,
    has_hook,
    is_filled,
    run_post_checkout_hook,
    unlock_worktree,
)
from gitslices.ops.progress import OnProgress, Progress
from gitslices.ops.register import LOCK_REASON, Failure
from gitslices.state.store import SliceRecord, Store
from gitslices.workspace import Workspace


class FillOutcome(Struct, frozen=True):
    """Worktrees that were filled, and those that could not be."""

    filled: tuple[SliceRecord, ...]
    failures: tuple[Failure, ...]


def fill_slices(
    workspace: Workspace,
    store: Store,
    records: Sequence[SliceRecord],
    jobs: int,
    on_progress: OnProgress,
) -> FillOutcome:
    """Fill the worktrees of `records`, `jobs` at a time, and record each as it is done."""
    filled: list[SliceRecord] = []
    failures: list[Failure] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        running = {pool.submit(_fill, workspace, record): record for record in records}
        for done, future in enumerate(as_completed(running), start=1):
            record = running[future]
            error = future.result()
            if error:
                failures.append(Failure(record, error))
                continue
            filled.append(structs.replace(record, filler=""))
            store.write_slices(filled[-1:])
            on_progress(Progress(stage="fill", done=done, total=len(records)))
    return FillOutcome(tuple(filled), tuple(failures))


def run_hooks(workspace: Workspace, records: Sequence[SliceRecord], jobs: int) -> tuple[str, ...]:
    """Run the repository's `post-checkout` hook in each new worktree; return the complaints.

    After everything else: a hook may call gitslices itself.
    """
    hooks_path = workspace.config.get("core.hookspath")
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
    path = Path(record.worktree_path)
    return run_post_checkout_hook(workspace.repo, path, record.base_commit)


def _fill(workspace: Workspace, record: SliceRecord) -> GitslicesError | None:
    path = Path(record.worktree_path)
    try:
        if not is_filled(path):
            fill_worktree(workspace.repo, path)
    except GitslicesError as error:
        return error
    # A worktree that is whole may be in use: what fails from here on is done by the next command.
    unlock_worktree(workspace.repo, path, reason=LOCK_REASON + record.filler)
    return None
