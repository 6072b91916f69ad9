"""What a slice has changed, line by line, against where it last met its target."""

from typing import Final

from msgspec import Struct

from gitslices.core.errors import RefusedError, suggest
from gitslices.core.model import Oid, RepoPath, SliceId
from gitslices.core.naming import show_path
from gitslices.git.compare import find_merge_bases
from gitslices.git.patches import FilePatch, read_file_patches
from gitslices.git.read import find_target_tip, find_tip
from gitslices.ops.check import CheckRequest, check
from gitslices.rules.scope_check import Violation
from gitslices.slices.goals import choose_goal
from gitslices.slices.lookup import get_planned
from gitslices.workspace import Workspace

_MOST_BYTES: Final = 400_000
"""Of all files together: nobody reads more, and a page has to hold it."""


class FileDiff(Struct, frozen=True, kw_only=True):
    """One file: its lines as git prints them, None where they are too many or no text.

    `outside` says why it is not the slice's to change.
    """

    path: RepoPath
    added: int
    removed: int
    lines: tuple[str, ...] | None
    outside: str | None


class DiffReport(Struct, frozen=True, kw_only=True):
    """What is committed in a slice; `outside` are changes beyond its scope that are not."""

    goal_id: str
    slice_id: SliceId
    base_commit: Oid
    commit: Oid
    files: tuple[FileDiff, ...]
    outside: tuple[Violation, ...]


def diff(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> DiffReport:
    """The changes of one slice; raises `RefusedError` where it has no branch."""
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, goal_id, slice_id)
        id_ = get_planned(store, goal, slice_id).slice_id
        record = store.find_slice(goal.goal_id, id_)
    repo = workspace.repo
    tip = find_tip(repo, record.branch_name) if record else None
    if record is None or tip is None:
        see = suggest("status", goal_id=goal.goal_id)
        raise RefusedError(f"slice {id_!r} has no branch", hint=f"see: {see}")
    target = find_target_tip(repo, goal.plan.target)
    met = find_merge_bases(repo, tip, target) if target else ()
    base = met[0] if met else record.base_commit
    # A merged one has met its target at its own last commit: then it is all since its start.
    base = record.base_commit if base == tip else base
    outside = _find_outside(workspace, id_, goal.goal_id)
    patches = read_file_patches(repo, base, tip)
    reasons = {show_path(one.path): one.reason for one in outside}
    return DiffReport(
        goal_id=goal.goal_id,
        slice_id=id_,
        base_commit=base,
        commit=tip,
        files=_list_files(patches, reasons),
        outside=tuple(one for one in outside if one.path not in {each.path for each in patches}),
    )


def _find_outside(workspace: Workspace, id_: SliceId, goal_id: str) -> tuple[Violation, ...]:
    found = check(workspace, CheckRequest(slice_id=id_, goal_id=goal_id)).slices
    return tuple(one for each in found for one in each.violations)


def _list_files(patches: tuple[FilePatch, ...], reasons: dict[str, str]) -> tuple[FileDiff, ...]:
    files, left = [], _MOST_BYTES
    for one in patches:
        left -= len(one.text)
        lines = None if left < 0 or one.is_binary else tuple(map(show_path, one.text.splitlines()))
        path = show_path(one.path)
        files.append(
            FileDiff(
                path=RepoPath(path), added=one.added, removed=one.removed, lines=lines,
                outside=reasons.get(path),
            )
        )  # fmt: skip
    return tuple(files)
