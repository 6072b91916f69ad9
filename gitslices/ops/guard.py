"""Tell whether a session may write, by the slice whose worktree it is in."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct

from gitslices.core.errors import BusyError, StateError
from gitslices.core.model import UNDER_WAY, Change, RepoPath, SliceId
from gitslices.core.naming import show_path
from gitslices.git.compare import read_entries
from gitslices.git.read import name_target_refs
from gitslices.git.remotes import find_remote_branch
from gitslices.rules.agent_commands import OWN_WORKTREE, Command, Shared, find_command_denials
from gitslices.rules.scope_check import (
    Denial,
    OtherWorktree,
    Surroundings,
    Target,
    find_handed_reason,
    find_other,
    find_outside_reason,
    find_repo_path,
    is_git_path,
)
from gitslices.slices.marks import Mark, MarkedWorktree
from gitslices.slices.scopes import ScopeMatchers, name_beside
from gitslices.state.leases import find_open_lease, renew_lease
from gitslices.state.scope_requests import AskedScope, list_asked, read_open_requests
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_PAUSE: Final = 60
"""Seconds between two heartbeats of one session."""
_UNSEEN: Final = "nobody can tell what that is before it runs: write it out"
_OPEN_SHELL: Final = (
    "it runs whatever it is told later, which nobody can look at: "
    "give it its commands at once, as in bash -c '...'"
)


class GuardRequest(Struct, frozen=True, kw_only=True):
    """What a session is about to do, with paths from the root.

    `paths` are written, `new_folders` are made; git changes something in `folders`, by `commands`;
    of `unseen` nobody can tell where it leads, and of `open_shells` what they will run; what is
    `handed` to a program may be written by it. In `free` folders everybody may write what belongs
    to no repository, less what is `kept` for the user. `session` is what leases call it.
    """

    paths: tuple[str, ...] = ()
    new_folders: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    open_shells: tuple[str, ...] = ()
    handed: tuple["HandedPlace", ...] = ()
    commands: tuple[Command, ...] = ()
    free: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    session: str | None = None


class HandedPlace(Struct, frozen=True, kw_only=True):
    """A place that a program is given, or runs in, of which nobody knows whether it writes there.

    With `whole` all that lies beneath it is the program's, too.
    """

    program: str
    path: str
    whole: bool = False


class GuardReport(Struct, frozen=True, kw_only=True):
    """What may not be done in a slice, what may be written instead, and what others ask for."""

    goal_id: str
    slice_id: SliceId
    worktree_path: str
    write_scope: tuple[str, ...]
    denials: tuple[Denial, ...]
    asked: tuple[AskedScope, ...] = ()


class _Case(Struct, frozen=True):
    workspace: Workspace
    store: Store
    goal: Goal
    record: SliceRecord
    surroundings: Surroundings


def guard(workspace: Workspace, place: MarkedWorktree, request: GuardRequest) -> GuardReport:
    """What of `request` the slice at `place` may not do.

    Raises `StateError` where the store does not know the slice.
    """
    mark = place.mark
    with workspace.open_store() as store:
        _keep_lease(workspace, store, mark, request.session)
        goal = store.read_goal(mark.goal_id)
        record = store.find_slice(mark.goal_id, mark.slice_id)
        if goal is None or record is None:
            raise StateError(
                f"this worktree is slice {mark.slice_id!r} of goal {mark.goal_id!r}, "
                "which is not in the store",
                hint="apply its plan again: gitslices plan --apply",
            )
        surroundings = _survey(workspace, store, place, record, request)
        case = _Case(workspace, store, goal, record, surroundings)
        denials = (
            *_check_paths(case, request.paths),
            *_check_new_folders(case, request.new_folders),
            *_check_folders(case, request.folders),
            *(Denial(asked=one, reason=_UNSEEN) for one in request.unseen),
            *(Denial(asked=one, reason=_OPEN_SHELL) for one in request.open_shells),
            *_check_handed(case, request.handed),
            *_check_commands(case, request.commands),
        )
        _count_refusals(case, request, denials)
        # Only with a no: a yes has no words.
        asked = (
            list_asked(read_open_requests(store), record.goal_id, record.slice_id)
            if denials
            else ()
        )
        # The next edit is answered without all this.
        if request.paths and not denials:
            # Imported here: what is refused, and every shell command, has no use for it.
            from gitslices.slices.scope_files import refresh_scope_file

            refresh_scope_file(workspace, store, workspace.repo.git_dir)
    return GuardReport(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        worktree_path=str(place.path),
        write_scope=record.write_scope,
        denials=denials,
        asked=asked,
    )


def _count_refusals(case: _Case, request: GuardRequest, denials: Sequence[Denial]) -> None:
    """Keep which files the slice was kept from: its scope may have to be wider."""
    if not denials:
        return
    asked = {one.asked for one in denials} & set(request.paths)
    found = (find_repo_path(case.surroundings, one) for path in asked for one in _resolve(path))
    paths = sorted({show_path(path) for path in found if path})
    if paths:
        # Imported here: nearly every write may be done.
        from gitslices.state.scope_record import count_refusals

        key = (case.record.goal_id, case.record.slice_id)
        with suppress(BusyError), case.store.transaction():
            count_refusals(case.store, key, paths, by="guard", at=case.workspace.now())


def is_held_by(workspace: Workspace, mark: Mark, holder: str) -> bool:
    """Whether `holder` has claimed the slice."""
    with workspace.open_store() as store:
        lease = find_open_lease(store, mark.goal_id, mark.slice_id)
    return lease is not None and lease.holder == holder


def _keep_lease(workspace: Workspace, store: Store, mark: Mark, session: str | None) -> None:
    """Let the lease of a slice that is worked on begin anew; one that has lapsed only for its own.

    Who is about to do something waits for nobody any more. The lease is not moved at every edit: a
    write to the store waits for the disk.
    """
    lease = find_open_lease(store, mark.goal_id, mark.slice_id)
    if lease is not None and lease.waiting is not None:
        # Imported here: it is rare, and each edit waits for the imports.
        from gitslices.ops.note import note_waiting

        with suppress(BusyError), store.transaction():
            note_waiting(workspace, store, lease, None)
    now = workspace.now()
    if lease is None or not (lease.is_live(now) or lease.holder == session):
        return
    if workspace.after(lease.ttl - min(_PAUSE, lease.ttl // 4)) < lease.expires_at:
        return
    # Whoever has the store may keep it for longer than an agent waits: the next edit comes soon.
    with suppress(BusyError), store.transaction():
        renew_lease(store, lease.token, ttl=lease.ttl, expires_at=workspace.after(lease.ttl))


def _survey(
    workspace: Workspace,
    store: Store,
    place: MarkedWorktree,
    record: SliceRecord,
    request: GuardRequest,
) -> Surroundings:
    own = place.path.resolve()
    main = workspace.main_worktree
    others = [OtherWorktree(path=main.resolve(), name="the main worktree")] if main else []
    others += [
        OtherWorktree(path=Path(one.worktree_path).resolve(), name=_name_worktree(one, record))
        for one in store.read_slices()
        if one.status in UNDER_WAY
    ]
    return Surroundings(
        worktree=own,
        common_dir=workspace.repo.common_dir.resolve(),
        others=[one for one in others if one.path != own],
        free=[folder.resolve() for folder in request.free],
        kept=[one for path in request.kept for one in (path, path.resolve())],
    )


def _name_worktree(one: SliceRecord, record: SliceRecord) -> str:
    return f"the worktree of slice {name_beside(one, record)}"


def _check_paths(case: _Case, paths: Sequence[str]) -> Iterator[Denial]:
    targets = [
        (target, find_repo_path(case.surroundings, target))
        for path in paths
        for target in _resolve(path)
    ]
    reasons = _find_reasons(case, [inner for _, inner in targets if inner])
    denied: dict[str, str] = {}
    for target, inner in targets:
        reason = reasons.get(inner) if inner else _explain_outside(case, target)
        if reason:
            denied.setdefault(target.asked, reason)
    return (Denial(asked=asked, reason=reason) for asked, reason in denied.items())


def _check_new_folders(case: _Case, folders: Sequence[str]) -> Iterator[Denial]:
    """An empty folder in the slice's own worktree is no change: git has files only."""
    own = case.surroundings.worktree
    others = [
        folder
        for folder in folders
        for real in (Path(os.path.realpath(folder)),)
        if not real.is_relative_to(own) or is_git_path(real.relative_to(own))
    ]
    return _check_paths(case, others)


def _check_folders(case: _Case, folders: Sequence[str]) -> Iterator[Denial]:
    for folder in folders:
        target = _locate(folder, os.path.realpath(folder))
        own = case.surroundings.worktree
        if target.path == own or (target.path.is_relative_to(own) and not is_git_path(target.path)):
            continue
        reason = find_outside_reason(case.surroundings, target)
        if reason:
            yield Denial(asked=folder, reason=f"git would work {reason}")


def _check_handed(case: _Case, handed: Sequence[HandedPlace]) -> Iterator[Denial]:
    """Nothing that is another's is given to a program that may write it."""
    told: set[tuple[str, str]] = set()
    for one in handed:
        target = _locate(one.path, os.path.realpath(one.path))
        reason = find_handed_reason(case.surroundings, target, whole=one.whole)
        if reason and (one.program, str(target.path)) not in told:
            told.add((one.program, str(target.path)))
            yield Denial(
                asked=f"{one.program} {target.path}",
                reason=f"{reason}, and nobody knows whether {one.program} writes there",
            )


def _check_commands(case: _Case, commands: Sequence[Command]) -> tuple[Denial, ...]:
    if not commands:
        return ()
    record, surroundings = case.record, case.surroundings
    others = [one for one in case.store.read_slices() if one.status in UNDER_WAY]
    owners = {one.branch_name: f"the branch of slice {name_beside(one, record)}" for one in others}
    # By its name there, too: `git push REMOTE HEAD:main` would land the slice past all that merges.
    there = find_remote_branch(
        case.workspace.repo, case.workspace.config, target := case.goal.plan.target
    )
    for name in (target, *([there.branch] if there else [])):
        owners[name] = "the branch that slices are merged into"
    worktrees = {str(one.path): one.name for one in surroundings.others}
    shared = Shared(
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        branch=record.branch_name,
        owners=owners,
        worktrees={**worktrees, str(surroundings.worktree): OWN_WORKTREE},
    )
    return find_command_denials(shared, commands)


def _resolve(path: str) -> tuple[Target, ...]:
    """Where a path is, and where it leads if it is a symbolic link: either may be written."""
    folder, name = os.path.split(path.rstrip("/") or "/")
    if name in {"", ".", ".."}:
        return (_locate(path, os.path.realpath(path)),)
    # `rm` takes the link away and `>` writes through it: the text does not say which is meant.
    itself = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118
    return tuple(_locate(path, one) for one in dict.fromkeys((itself, os.path.realpath(path))))


def _locate(asked: str, real: str) -> Target:
    path = Path(real)
    # A file as well as a folder: linked worktrees and submodules have a file.
    around = (folder for folder in (path, *path.parents) if os.path.lexists(folder / ".git"))
    return Target(asked=asked, path=path, repository=next(around, None))


def _find_reasons(case: _Case, paths: Sequence[RepoPath]) -> dict[RepoPath, str]:
    """Why the fence does not let the slice write some of `paths`."""
    if not paths:
        return {}
    commits = (*name_target_refs(case.goal.plan.target), case.record.base_commit)
    known = read_entries(case.workspace.repo, commits, paths)
    changes = [
        Change(
            path=path,
            is_new=path not in known,
            is_submodule=known.get(path, False),
            was_submodule=known.get(path, False),
        )
        for path in dict.fromkeys(paths)
    ]
    matchers = ScopeMatchers(case.workspace, case.store)
    found = matchers.find_violations(case.goal, case.record, changes)
    return {violation.path: violation.reason for violation in found}


def _explain_outside(case: _Case, target: Target) -> str | None:
    reason = find_outside_reason(case.surroundings, target)
    other = find_other(case.surroundings, target)
    if reason is None or other is None or is_git_path(target.path):
        return reason
    inner = target.path.relative_to(other.path)
    if inner == PurePath():
        return reason
    reasons = _find_reasons(case, [RepoPath(str(inner))])
    beside = "".join(reasons.values()) or f"write {case.surroundings.worktree / inner}"
    return f"{reason}; {beside}"
