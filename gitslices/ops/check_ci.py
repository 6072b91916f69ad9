"""A branch judged where only its commits are at hand: in a clean clone, by a committed plan."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from gitslices.core.errors import InputError, RefusedError
from gitslices.core.model import BranchName, Oid, RepoPath, SliceId
from gitslices.git.compare import Baseline, find_merge_bases, read_commit_changes
from gitslices.git.read import find_commit, find_entries, is_shallow, read_blob, read_head_branch
from gitslices.git.submodules import mark_unnamed
from gitslices.ops.check import CheckReport, SliceCheck
from gitslices.ops.share import choose_remote, read_state_ref
from gitslices.planning.lock import LOCK_FILE, LockedSlice, PlanLock, decode_locks, make_lock
from gitslices.remote.documents import GoalFile, SliceFile, decode_file
from gitslices.remote.state_ref import fetch_state, read_changes
from gitslices.rules.scope_check import Neighbour, find_violations
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.matcher import compile_scope
from gitslices.workspace import Workspace

_LARGEST = 16 * 1024 * 1024
_DEEPER = "fetch the whole history: git fetch --unshallow, or fetch-depth: 0 of the checkout action"


class CiRequest(Struct, frozen=True, kw_only=True):
    """HEAD is judged as the branch of `slice_id`, else of the slice whose branch is `branch`.

    `bases` are names of what it is to be merged into, of which the first that exists counts. The
    plan is that of the base: with its own, a branch could give itself leave. With a `remote` it is
    that of the goals shared there, with what was allowed since.
    """

    bases: tuple[str, ...]
    branch: BranchName | None = None
    slice_id: str | None = None
    goal_id: str | None = None
    remote: str | None = None


def check_ci(workspace: Workspace, request: CiRequest) -> CheckReport:
    """The changes of HEAD that its slice may not make; no slice where the plan has none for it.

    Raises `InputError` where there is no such base, no plan in it or no such slice in that,
    `RefusedError` where HEAD and the base have no history in common.
    """
    repo = workspace.repo
    base = _find_base(workspace, request.bases)
    head = find_commit(repo, "HEAD")
    assert head is not None, "a base has been found, so there are commits"  # noqa: S101
    branch = request.branch or read_head_branch(repo, repo.git_dir)
    if request.remote is None:
        known, name = _read_locks(workspace, base), f"{LOCK_FILE} of the base"
    else:
        known, name = _read_shared(workspace, request.remote), f"what {request.remote} shares"
    locks = [one for one in known if request.goal_id in {None, one.goal_id}]
    found = _find_slice(locks, branch, request.slice_id, name)
    if found is None:
        return CheckReport(ok=True, slices=())
    lock, slice_ = found
    met = find_merge_bases(repo, head, base)
    if not met:
        hint = _DEEPER if is_shallow(repo) else None
        raise RefusedError("HEAD and its base have no history in common here", hint=hint)
    # A merge of the two, as forges check it out, differs from the base in what is the branch's.
    baselines = [Baseline(one) for one in dict.fromkeys((*met, base))]
    changes = read_commit_changes(repo, repo.common_dir, head, baselines)
    changes = mark_unnamed(repo, changes, head)
    submodules = frozenset(change.path for change in changes if change.was_submodule)

    def compile_own(one: LockedSlice) -> Neighbour:
        scope = parse_scope(one.write_scope)
        matcher = compile_scope(scope, workspace.folding, submodules=submodules)
        # Who is under way is not known here, so a new path that two may make is either's.
        return Neighbour(
            slice_id=one.slice_id, name=one.slice_id, matcher=matcher, comes_first=False
        )

    others = [compile_own(one) for one in lock.slices if one is not slice_]
    violations = find_violations(compile_own(slice_).matcher, changes, others)
    checked = SliceCheck(slice_id=slice_.slice_id, goal_id=lock.goal_id, violations=violations)
    return CheckReport(ok=not violations, slices=(checked,))


def _find_base(workspace: Workspace, names: Sequence[str]) -> Oid:
    for name in names:
        commit = find_commit(workspace.repo, name)
        if commit is not None:
            return commit
    tried = ", ".join(names)
    raise InputError(
        f"there is no base to compare with (tried: {tried})",
        hint="fetch it, or name what the branch is to be merged into: --base REF",
    )


def _read_locks(workspace: Workspace, base: Oid) -> tuple[PlanLock, ...]:
    path, name = RepoPath(LOCK_FILE), f"{base[:10]}:{LOCK_FILE}"
    entry = find_entries(workspace.repo, base, [path]).get(path)
    write = f"commit it there: gitslices plan --write-lock {LOCK_FILE}"
    if entry is None:
        raise InputError(f"the base has no {LOCK_FILE}", hint=write)
    if not entry.is_file or entry.size > _LARGEST:
        raise InputError(f"{name} is no file of at most 16 MiB", hint=write)
    return decode_locks(read_blob(workspace.repo, entry.oid), name)


def _read_shared(workspace: Workspace, remote: str) -> tuple[PlanLock, ...]:
    """The plans of the goals that are shared on a remote; nothing of this clone takes part."""
    remote, ref = choose_remote(workspace, remote), read_state_ref(workspace)
    tip = fetch_state(workspace.repo, remote, ref, (), workspace.access)
    if tip is None:
        raise InputError(
            f"nothing is shared on the remote {remote!r}: it has no {ref!r}",
            hint=f"share a goal: gitslices plan --apply --share {remote}",
        )
    contents = read_changes(workspace.repo, None, tip).items()
    files = [decode_file(path, data) for path, data in contents if data is not None]
    allowed = {
        (one.goal_id, one.slice_id): one.allowed_scope
        for one in files
        if isinstance(one, SliceFile)
    }
    return tuple(_widen(make_lock(one.plan), allowed) for one in files if isinstance(one, GoalFile))


def _widen(lock: PlanLock, allowed: Mapping[tuple[str, SliceId], tuple[str, ...]]) -> PlanLock:
    slices = (
        structs.replace(
            one, write_scope=(*one.write_scope, *allowed.get((lock.goal_id, one.slice_id), ()))
        )
        for one in lock.slices
    )
    return structs.replace(lock, slices=tuple(slices))


def _find_slice(
    locks: Sequence[PlanLock], branch: BranchName | None, slice_id: str | None, named: str
) -> tuple[PlanLock, LockedSlice] | None:
    pairs = [(lock, one) for lock in locks for one in lock.slices]
    if slice_id is None:
        return next((pair for pair in pairs if pair[1].branch_name == branch), None)
    found = [pair for pair in pairs if pair[1].slice_id == SliceId(slice_id)]
    if not found:
        raise InputError(f"{named} has no slice {slice_id!r}")
    if len(found) > 1:
        goals = ", ".join(lock.goal_id for lock, _ in found)
        raise InputError(
            f"slice {slice_id!r} is in several goals: {goals}", hint="name one: --goal"
        )
    return found[0]
