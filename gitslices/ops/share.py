"""Goals shared with other clones through a remote; taken part in, and left again."""

import re
import socket
import uuid
from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from gitslices.core.errors import InputError, Problem, RefusedError, StateError
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import REMOTES, is_ancestor
from gitslices.git.remotes import (
    RemoteBranch,
    fetch_branches,
    find_remote_branch,
    list_remotes,
)
from gitslices.remote.agreement import (
    agreed,
    push_changes,
    refresh,
    take_restored,
    take_state,
)
from gitslices.remote.documents import (
    LeaseFile,
    decode_as,
    encode_file,
    name_goal_file,
    name_lease_file,
)
from gitslices.remote.rows import make_goal_file
from gitslices.remote.state_ref import DEFAULT_REF, check_ref, fetch_state, push_state, write_state
from gitslices.slices.lookup import get_goal
from gitslices.state.leases import read_open_leases
from gitslices.state.sharing import (
    Sharing,
    add_shared_goal,
    find_file,
    find_last_token,
    find_sharing,
    forget_sharing,
    free_tokens,
    list_shared_goals,
    set_unshared,
    watch_changes,
    write_sharing,
)
from gitslices.state.store import Event, Goal, Store
from gitslices.workspace import Workspace

_REMOTE: Final = "gitslices.remote"
_REF: Final = "gitslices.stateref"
_OTHER: Final = re.compile("[^A-Za-z0-9._-]+")


class ShareRequest(Struct, frozen=True, kw_only=True):
    """The goals to share, and the remote; None is the one that the settings name."""

    goal_ids: tuple[str, ...]
    remote: str | None = None


class ShareReport(Struct, frozen=True, kw_only=True):
    """Where goals are shared, which they are, and the commit of the state that says so.

    `clone` is what the others call this one.
    """

    remote: str
    ref: str
    clone: str
    commit: str
    goals: tuple[str, ...]


class PublishedGoal(Struct, frozen=True, kw_only=True):
    """What sharing a goal would put onto a remote: files of the state, each with its size."""

    remote: str
    ref: str
    files: dict[str, int]


class JoinRequest(Struct, frozen=True, kw_only=True):
    """The remote, None for that of the settings; `restore` puts back what this clone knows."""

    remote: str | None = None
    restore: bool = False


class LeaveReport(Struct, frozen=True, kw_only=True):
    """What was left, and the goals that are this clone's own from now on."""

    remote: str
    ref: str
    goals: tuple[str, ...]


def choose_remote(workspace: Workspace, named: str | None) -> str:
    """The remote that holds the shared state: the one named, set, or the only one."""
    known = list_remotes(workspace.config)
    wanted = named or workspace.config.get(_REMOTE)
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted in known:
        return wanted
    if wanted is None and not known:
        raise InputError(
            "this repository has no remote to share by", hint="add one: git remote add origin URL"
        )
    if wanted is None:
        raise InputError(
            f"there are several remotes: {', '.join(known)}",
            hint=f"name one, or choose one for good: git config {_REMOTE} NAME",
        )
    hint = f"known are: {', '.join(known)}" if known else "add it: git remote add NAME URL"
    raise InputError(f"there is no remote {wanted!r}", hint=hint)


def find_shared_target(workspace: Workspace, remote: str, target: BranchName) -> BranchName:
    """The branch of `remote` that a goal with that target is merged into for all clones."""
    there = find_remote_branch(workspace.repo, workspace.config, target)
    if there is not None and there.remote == remote:
        return target
    return BranchName(f"{remote}/{there.branch if there else target}")


def prepare_target(workspace: Workspace, remote: str, target: BranchName) -> BranchName:
    """The same, fetched; raise `InputError` where the remote has no such branch."""
    shared = find_shared_target(workspace, remote, target)
    branch = BranchName(shared.removeprefix(f"{remote}/"))
    there = RemoteBranch(remote=remote, branch=branch, ref=REMOTES + shared)
    fetch_branches(workspace.repo, [there], workspace.access)
    return shared


def preview(workspace: Workspace, goal: Goal, remote: str) -> PublishedGoal:
    """What `share` would publish of a goal; nothing is changed."""
    data = encode_file(make_goal_file(goal, remote))
    return PublishedGoal(
        remote=remote,
        ref=read_state_ref(workspace),
        files={name_goal_file(goal.goal_id): len(data)},
    )


@agreed
def share(workspace: Workspace, request: ShareRequest) -> ShareReport:
    """Share goals: from now on every clone that joins sees the same slices.

    Raises `RefusedError` where a goal is merged into a branch that is not the remote's.
    """
    remote, ref = choose_remote(workspace, request.remote), read_state_ref(workspace)
    with workspace.open_store() as store:
        goals = [get_goal(store, id_) for id_ in request.goal_ids]
        _refuse_local_targets(workspace, goals, remote)
        known = find_sharing(store)
        if known is None:
            tip = fetch_state(workspace.repo, remote, ref, (), workspace.access)
        with store.transaction():
            if known is None:
                known = _begin(workspace, store, remote, ref, tip)
            elif (known.remote, known.ref) != (remote, ref):
                raise _make_elsewhere_error(known)
            _add_goals(workspace, store, goals)
            # Of a clone that shared nothing before no transaction pushes by itself.
            if store.before_commit is None:
                push_changes(workspace, store)
        return _report(store)


def join(workspace: Workspace, request: JoinRequest) -> ShareReport:
    """Take part in the goals that are shared on a remote; or bring their state up to date.

    Raises `InputError` where nothing is shared there, or a goal of that id is here already.
    """
    remote, ref = choose_remote(workspace, request.remote), read_state_ref(workspace)
    with workspace.open_store() as store:
        known = find_sharing(store)
        if known is not None and (known.remote, known.ref) != (remote, ref):
            raise _make_elsewhere_error(known)
        if known is not None:
            if request.restore:
                _restore(workspace, store, known)
            else:
                refresh(workspace, store)
            return _report(store)
        if request.restore:
            raise InputError(
                "this clone knows no shared state that it could put back",
                hint=f"take part first: gitslices join {remote}",
            )
        tip = fetch_state(workspace.repo, remote, ref, (), workspace.access)
        if tip is None:
            raise InputError(
                f"nothing is shared on the remote {remote!r}: it has no {ref!r}",
                hint=f"share a goal: gitslices plan --apply --share {remote}",
            )
        with store.transaction():
            _begin(workspace, store, remote, ref, tip)
        watch_changes(store)
        # Once more, now with the branches that the goals are merged into.
        refresh(workspace, store)
        return _report(store)


def leave(workspace: Workspace) -> LeaveReport:
    """Take no part any more: the goals are this clone's own, as they are now.

    Raises `RefusedError` while this clone holds a lease: others would see it lapse.
    """
    with workspace.open_store() as store, store.transaction():
        sharing, shared = find_sharing(store), list_shared_goals(store)
        if sharing is None:
            raise InputError("no goal of this clone is shared", hint="see: gitslices goal list")
        for goal_id in sorted(shared):
            _refuse_with_lease(store, sharing, goal_id)
        forget_sharing(store)
    return LeaveReport(remote=sharing.remote, ref=sharing.ref, goals=tuple(sorted(shared)))


def _refuse_with_lease(store: Store, sharing: Sharing, goal_id: str) -> None:
    for lease in read_open_leases(store, goal_id):
        path = name_lease_file(goal_id, lease.slice_id)
        data = find_file(store, path)
        if data is None or decode_as(path, data, LeaseFile).clone == sharing.clone:
            raise RefusedError(
                f"slice {lease.slice_id!r} is claimed here: others would see its lease lapse",
                hint="let it be done or released first",
            )


def read_state_ref(workspace: Workspace) -> str:
    """The ref of the remote that holds the shared state, by the settings."""
    return check_ref(workspace.config.get(_REF, DEFAULT_REF))


def _begin(workspace: Workspace, store: Store, remote: str, ref: str, tip: Oid | None) -> Sharing:
    """Have this clone take part, with what is shared there already."""
    sharing = Sharing(
        remote=remote,
        ref=ref,
        clone=_name_clone(),
        commit_id="",
        read_at=workspace.now(),
        read_ns=0,
        last_token=find_last_token(store),
    )
    write_sharing(store, sharing)
    if open_ := free_tokens(store):
        raise RefusedError(
            f"slice {open_[0]!r} is claimed here, in a goal that is not shared",
            hint="its token could be given out by others, too: let it be done or released first",
        )
    if tip is not None:
        sharing = take_state(workspace, store, sharing, tip, before="")
        write_sharing(store, sharing)
    return sharing


def _name_clone() -> str:
    # Two clones on one machine are two; a host's name is no secret, but may hold anything.
    host = _OTHER.sub("-", socket.gethostname()).strip("-")[:60] or "host"
    return f"{host}-{uuid.uuid4().hex[:6]}"


def _add_goals(workspace: Workspace, store: Store, goals: Sequence[Goal]) -> None:
    shared = list_shared_goals(store)
    new = [goal for goal in goals if goal.goal_id not in shared]
    for goal in new:
        add_shared_goal(store, goal.goal_id)
    watch_changes(store)
    changed = [(goal.goal_id, "") for goal in new]
    changed += [(one.goal_id, one.slice_id) for goal in new
                for one in store.read_slices(goal.goal_id)]  # fmt: skip
    set_unshared(store, changed)
    store.write_events(
        [Event(at=workspace.now(), goal_id=goal.goal_id, slice_id=None, event="shared", detail={})
         for goal in new]
    )  # fmt: skip


def _refuse_local_targets(workspace: Workspace, goals: Sequence[Goal], remote: str) -> None:
    problems = [
        Problem(
            goal.goal_id,
            f"it is merged into {goal.plan.target!r}, which is no branch of {remote!r}",
            f"plan it for one: gitslices plan --apply --target {remote}/{goal.plan.target}",
        )
        for goal in goals
        if not _is_there(workspace, goal, remote)
    ]
    if problems:
        raise RefusedError(
            "what clones share must land where all of them see it", problems=problems
        )


def _is_there(workspace: Workspace, goal: Goal, remote: str) -> bool:
    there: RemoteBranch | None = find_remote_branch(
        workspace.repo, workspace.config, goal.plan.target
    )
    return there is not None and there.remote == remote


def _make_elsewhere_error(known: Sharing) -> RefusedError:
    return RefusedError(
        f"this clone shares its goals on {known.remote!r} already, by {known.ref!r}",
        hint="one clone, one shared state: leave it first: gitslices leave",
    )


def _restore(workspace: Workspace, store: Store, known: Sharing) -> None:
    """Put the state that this clone knows back where it was deleted, set back or rewritten.

    Where somebody has put back a state that goes on from that one, take it as it is.
    """
    if not known.commit_id:
        raise StateError("this clone has read no shared state yet", hint="try: gitslices join")
    repo, access, own = workspace.repo, workspace.access, Oid(known.commit_id)
    tip = fetch_state(repo, known.remote, known.ref, (), access)
    if tip is not None and is_ancestor(repo, own, tip):
        with store.transaction():
            taken = take_restored(workspace, store, known, tip)
            write_sharing(store, structs.replace(taken, read_at=workspace.now()))
        return
    message = f"state: restored\n\nGitslices-Clone: {known.clone}\n"
    # Upon what is there now, so that it needs no force; a deleted one comes back as it was.
    new = own if tip is None else write_state(repo, [tip, own], {}, message, like=own)
    if (refused := push_state(repo, known.remote, known.ref, new, access)) is not None:
        raise RefusedError(
            f"the remote {known.remote!r} does not take the state back: {refused.reason}",
            hint="try again; somebody may have put it back meanwhile: gitslices join",
        )
    with store.transaction():
        write_sharing(store, structs.replace(known, commit_id=new))


def _report(store: Store) -> ShareReport:
    sharing = find_sharing(store)
    assert sharing is not None, "it takes part"  # noqa: S101
    return ShareReport(
        remote=sharing.remote,
        ref=sharing.ref,
        clone=sharing.clone,
        commit=sharing.commit_id,
        goals=tuple(sorted(list_shared_goals(store))),
    )
