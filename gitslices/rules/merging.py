"""Which slices may be merged now, and which of their changes may not come along."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from gitslices.core.errors import Problem, suggest
from gitslices.core.model import (
    FINISHED,
    BranchName,
    Oid,
    Plan,
    RepoPath,
    Slice,
    SliceId,
    SliceStatus,
)
from gitslices.core.naming import count, list_some, show_path
from gitslices.rules.progress import Landed, describe_finished, find_waits
from gitslices.rules.scope_check import Violation


class MergeCandidate(Struct, frozen=True, kw_only=True):
    """A slice that has a branch; `edited` are its uncommitted paths, as far as they matter.

    `late` counts the commits that were made after its merge. `fault` is what is wrong with its
    worktree, where that keeps it from being merged. `landed` says that the target has its work
    already, in commits of its own; `reverted_by` that it has the branch, and by which commit it
    took that back.
    """

    slice: Slice
    status: SliceStatus
    tip: Oid | None
    base_commit: Oid
    late: int = 0
    holder: str | None = None
    edited: tuple[str, ...] = ()
    fault: Problem | None = None
    landed: Landed | None = None
    reverted_by: Oid | None = None


def find_merge_obstacle(
    goal_id: str,
    candidate: MergeCandidate | None,
    slice_: Slice,
    statuses: Mapping[SliceId, SliceStatus],
    plan: Plan,
) -> Problem | None:
    """Why a slice of `plan` cannot be merged now; None when it can."""
    id_ = slice_.slice_id
    if candidate is None:
        return Problem(id_, "it has no branch yet", "make it: gitslices plan --apply")
    if candidate.status in FINISHED:
        return _refuse_finished(candidate)
    # Before the tip is asked about: with some faults nobody can tell whether the branch is all of
    # the work.
    if candidate.fault is not None:
        return candidate.fault
    if candidate.tip is None:
        return Problem(id_, f"its branch {slice_.branch_name!r} is gone")
    if candidate.reverted_by is not None:
        again = suggest("reopen", id_, goal_id=goal_id)
        return Problem(
            id_,
            f"its target has taken it back with {candidate.reverted_by[:10]}",
            f"make its commits anew: {again}; or take that back: "
            f"git revert {candidate.reverted_by[:10]}",
        )
    if candidate.status == "claimed":
        finish = suggest("done", id_, "--token", "N", goal_id=goal_id)
        free = suggest("release", id_, "--force", goal_id=goal_id)
        how = f"{finish}, or if the holder is gone: {free}"
        return Problem(id_, f"{candidate.holder} still has it", f"finish it first: {how}")
    waits = find_waits(slice_, statuses, plan)
    if waits:
        return Problem(id_, f"it waits for {', '.join(waits)}", "merge what it waits for first")
    # One that is done may have had nothing to change, and what waits for it has to go on.
    if candidate.status == "provisioned" and candidate.tip == candidate.base_commit:
        return Problem(id_, "it has no commits to merge")
    if candidate.edited and candidate.status != "done":
        rest = f" and {len(candidate.edited) - 3} more" if len(candidate.edited) > 3 else ""
        return Problem(
            id_, f"uncommitted: {', '.join(candidate.edited[:3])}{rest}", "commit or stash it"
        )
    return None


def _refuse_finished(candidate: MergeCandidate) -> Problem:
    id_, branch = candidate.slice.slice_id, candidate.slice.branch_name
    if candidate.late:
        why = f"it is merged already, without {candidate.late} of its commits, made since"
        return Problem(id_, why, describe_late_remedy(branch))
    return Problem(id_, describe_finished(candidate.status))


def describe_late_remedy(branch: BranchName) -> str:
    """What to do with commits that came to a slice's branch after its merge."""
    return (
        f"take them in by hand: git merge {shlex.quote(branch)}; or put them into a task of their "
        "own with git cherry-pick"
    )


def find_sync_obstacle(
    slice_: Slice, status: SliceStatus, tip: Oid | None, fault: Problem | None
) -> Problem | None:
    """Why a slice cannot be brought onto the target now; None when it can.

    `fault` is what is wrong with its worktree, where that is in the way.
    """
    id_ = slice_.slice_id
    if status == "planned":
        return Problem(id_, "it has no branch yet", "make it: gitslices plan --apply")
    if status in FINISHED:
        return Problem(id_, describe_finished(status))
    if fault is not None:
        return fault
    if tip is None:
        return Problem(id_, f"its branch {slice_.branch_name!r} is gone")
    if status == "claimed":
        return Problem(id_, "somebody works on it", "its holder may do it, with --token")
    return None


def describe_unrelated_history(
    slice_id: SliceId, target: BranchName, base: Oid, *, shallow: bool
) -> Problem:
    """The reason not to merge, sync or compare a slice that has no commit in common with `target`.

    git would refuse it as an unrelated history. Put onto the `base` it started from, its files are
    a change again; a rebase would meet a conflict in every file that differs. In a `shallow` clone
    that changes nothing, because the history of the base itself is cut off.
    """
    if shallow:
        why = f"this clone is shallow and has no commit that its branch shares with {target}"
        return Problem(slice_id, why, "fetch the history, then try again: git fetch --unshallow")
    how = f"git reset --soft {base[:10]}, then commit"
    why = f"its branch shares no history with {target}"
    return Problem(slice_id, why, f"in its worktree put it back onto its base: {how}")


def describe_unmerged_base(
    goal_id: str, slice_id: SliceId, target: BranchName, base: Oid, planned: str | None
) -> Problem:
    """The reason not to merge or compare a slice that stands on a `base` that `target` lacks.

    `planned` is where the plan starts slices, if that has the base; else the target has dropped it.
    """
    if planned is not None:
        why = f"it starts from {base[:10]} of {planned}, which {target} does not have yet"
        how = f"git merge {shlex.quote(planned)}"
        return Problem(slice_id, why, f"bring {target} up to it first: {how}")
    why = f"it stands on {base[:10]}, which {target} does not have any more"
    how = suggest("sync", slice_id, goal_id=goal_id)
    return Problem(slice_id, why, f"put its own commits onto {target}: {how}")


def describe_early_base(goal_id: str, slice_id: SliceId, target: BranchName) -> Problem:
    """The reason not to merge a slice that stands on others which landed as other commits."""
    why = f"it was started on slices that {target} has in other commits"
    how = suggest("sync", slice_id, goal_id=goal_id)
    return Problem(slice_id, why, f"put its own commits onto {target}: {how}")


def describe_footing_conflict(
    slice_id: SliceId, needed: SliceId, files: Sequence[RepoPath]
) -> Problem:
    """The reason not to start a slice early: what it waits for cannot be put together."""
    shown = list_some([show_path(path) for path in files]) if files else "all files"
    why = f"it waits for {needed}, which conflicts with the target, or with what comes before it"
    return Problem(slice_id, f"{why}, in {shown}", f"settle that first: gitslices sync {needed}")


def describe_own_conflicts(
    slice_id: SliceId, target: BranchName, base: Oid, files: Sequence[RepoPath]
) -> Problem:
    """The reason not to put a slice's own commits, those beyond `base`, onto a target without it.

    `files` are those in conflict; none where the commits together fit, but not one by one.
    """
    rest = f" and {len(files) - 3} more" if len(files) > 3 else ""
    where = f" in {', '.join(files[:3])}{rest}" if files else ", one by one"
    how = f"git rebase --onto {shlex.quote(target)} {base[:10]}"
    why = f"its own commits conflict with {target}{where}"
    return Problem(slice_id, why, f"resolve it in its worktree: {how}")


def describe_conflict(target: BranchName, slice_id: SliceId, files: Sequence[RepoPath]) -> Problem:
    """The reason not to merge a slice that git cannot merge, with the first few files."""
    shown = list_some([show_path(path) for path in files])
    return Problem(slice_id, f"conflicts with {target} in {shown}")


def describe_violations(
    goal_id: str, slice_id: SliceId, violations: Sequence[Violation]
) -> Problem:
    """The reason not to merge a slice that left its scope, with the first few paths."""
    outside = count(len(violations), "change")
    shown = [f"{one.path} ({one.reason})" for one in violations[:3]]
    rest = f" and {len(violations) - 3} more" if len(violations) > 3 else ""
    wider = suggest("scope", "allow", slice_id, "PATH", "--reason", "TEXT", goal_id=goal_id)
    return Problem(
        slice_id,
        f"{outside} outside the write scope: {', '.join(shown)}{rest}",
        f"take them back, or widen it: {wider}",
    )


def make_merge_subject(slice_: Slice) -> str:
    """The subject of the commit that lands a slice."""
    # A line break in it would end the subject.
    title = " ".join(slice_.title.split())
    named = f"Merge slice {slice_.slice_id}"
    return f"{named}: {title}" if title and title != slice_.slice_id else named


def make_squash_message(
    subject: str, texts: Sequence[str], trailers: Sequence[str], authors: Sequence[str]
) -> str:
    """The message of one commit for several: `texts` are theirs, without `trailers`.

    `authors`, `Name <address>`, begin with the author of the one commit; the others are named in
    it. A trailer that several commits have stands there once.
    """
    lines = (*trailers, *(f"Co-authored-by: {author}" for author in authors[1:]))
    own = {f"co-authored-by: {author}".casefold() for author in authors[:1]}
    # Read backwards, so that of equal trailers the first spelling stays, at the last one's place.
    kept = {line.casefold(): line for line in reversed(lines) if line.casefold() not in own}
    blocks = [f"* {text.strip()}" for text in texts if text.strip()]
    if kept:
        # One block at the very end: git takes only the last paragraph of a message for trailers.
        blocks.append("\n".join(reversed(kept.values())))
    return "\n\n".join((subject.strip(), *blocks)) + "\n"


def meets(path: str, changed: Collection[str]) -> bool:
    """Whether git could see `path` and a path of `changed` as one place: the same, or beneath."""
    # A file where the other side has a directory is a conflict without one path in common.
    if path in changed or any(str(parent) in changed for parent in PurePosixPath(path).parents):
        return True
    return any(other.startswith(f"{path}/") for other in changed)


def may_conflict(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sets of changed paths meet anywhere; where not, a merge cannot conflict."""
    return any(meets(path, other) for path in one)
