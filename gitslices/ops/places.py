"""Where slices are, for whoever wants to go there, and the names that a shell completes."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType, structs

from gitslices.core.errors import GitslicesError, InputError, RefusedError, suggest
from gitslices.core.model import UNDER_WAY, SliceId, SliceStatus
from gitslices.slices.goals import choose_goal, choose_goals
from gitslices.slices.lookup import get_goal, get_slice, put_back
from gitslices.slices.snapshot import Snapshot
from gitslices.state.leases import read_open_leases
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace


class PathReport(Struct, frozen=True, kw_only=True):
    """What `gitslices path --json` prints: the worktree of a slice, where it is now.

    `warnings` where it could not be brought to its target.
    """

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    worktree_path: str
    title: str
    status: SliceStatus
    holder: str | None
    warnings: tuple[str, ...] | UnsetType = UNSET


class OpenReport(Struct, frozen=True, kw_only=True):
    """What `gitslices open --json` prints, once the editor has come back."""

    ok: bool = True
    goal_id: str
    slice_id: SliceId
    worktree_path: str
    editor: str


def enter(workspace: Workspace, slice_id: SliceId, goal_id: str | None) -> PathReport:
    """Where the worktree of a slice is, for whoever goes there now.

    One that nobody has begun shows the target's files by then. Raises `RefusedError` where there
    is no worktree.
    """
    with workspace.open_store() as store:
        goal = put_back(store, choose_goal(workspace, store, goal_id, slice_id), slice_id)
        snapshot = Snapshot(workspace, store, goal.plan)
        id_ = get_slice(goal, slice_id).slice_id
        record = snapshot.records.get(id_)
        facts = snapshot.read_facts(record, alone=True) if record else None
        if record is None or facts is None or not facts.is_there:
            claim = suggest("claim", id_, goal_id=goal.goal_id)
            raise RefusedError(f"slice {id_!r} has no worktree", hint=f"one is made by: {claim}")
        place = _describe(snapshot, goal, record, facts.place)
        if place.status != "provisioned" or record.base_commit == snapshot.target:
            return place
        warnings = _bring_forward(workspace, store, goal, id_)
    return structs.replace(place, warnings=warnings or UNSET)


def _bring_forward(
    workspace: Workspace, store: Store, goal: Goal, slice_id: SliceId
) -> tuple[str, ...]:
    # Imported here: it brings with it all that moves branches.
    from gitslices.ops.forward import forward_slices

    try:
        return forward_slices(workspace, store, goal, [slice_id]).warnings
    # Its place is told whatever is in the way, a disk that nobody may write to, say.
    except GitslicesError as error:
        return (f"{slice_id} was not brought forward: {error.message}",)


def list_places(workspace: Workspace, goal_id: str | None) -> tuple[PathReport, ...]:
    """The worktrees of slices under way, of one goal or of all, in the order of the plans."""
    found: list[PathReport] = []
    with workspace.open_store() as store:
        for goal in choose_goals(workspace, store, goal_id):
            snapshot = Snapshot(workspace, store, goal.plan)
            for slice_ in goal.plan.slices:
                record = snapshot.records.get(slice_.slice_id)
                if record is None or record.status not in UNDER_WAY:
                    continue
                facts = snapshot.read_facts(record, alone=True)
                if facts.is_there:
                    found.append(_describe(snapshot, goal, record, facts.place))
    return tuple(found)


def find_editor(workspace: Workspace) -> str:
    """The command that opens a folder; raise `InputError` where none is chosen."""
    environ, config = workspace.environ, workspace.config
    chosen = (
        environ.get("GITSLICES_EDITOR"), config.get("gitslices.editor"), environ.get("VISUAL"),
    )  # fmt: skip
    editor = next((one for one in chosen if one and one.strip()), None)
    if editor is None:
        raise InputError(
            "no editor is chosen",
            hint="choose one, say: git config --global gitslices.editor 'code --new-window'",
        )
    return editor


def _describe(snapshot: Snapshot, goal: Goal, record: SliceRecord, place: str) -> PathReport:
    lease = snapshot.live_leases.get(record.slice_id)
    titles = {one.slice_id: one.title for one in goal.plan.slices}
    return PathReport(
        goal_id=goal.goal_id,
        slice_id=record.slice_id,
        worktree_path=place,
        title=titles[record.slice_id],
        status="claimed" if lease else record.status,
        holder=lease.holder if lease else None,
    )


class KnownSlice(Struct, frozen=True, kw_only=True):
    """A slice by its name, and its status as it was recorded."""

    slice_id: SliceId
    title: str
    status: SliceStatus


class Known(Struct, frozen=True, kw_only=True):
    """The names that one goal has for a command line."""

    goal_id: str
    slices: tuple[KnownSlice, ...]
    gates: tuple[str, ...]
    holders: tuple[str, ...]


def list_known(workspace: Workspace, goal_id: str | None) -> tuple[Known, ...]:
    """The names that goals have; the store alone is asked, and none is made."""
    if not workspace.has_store():
        return ()
    with workspace.open_store() as store:
        goals: Sequence[Goal] = store.read_goals()
        if goal_id is not None:
            goals = [get_goal(store, goal_id)]
        return tuple(_list_names(store, goal) for goal in goals)


def _list_names(store: Store, goal: Goal) -> Known:
    statuses = {one.slice_id: one.status for one in store.read_slices(goal.goal_id)}
    slices = goal.plan.slices
    return Known(
        goal_id=goal.goal_id,
        slices=tuple(
            KnownSlice(
                slice_id=one.slice_id,
                title=one.title,
                status=statuses.get(one.slice_id, "planned"),
            )
            for one in slices
        ),
        gates=tuple(dict.fromkeys(gate for one in slices for gate in one.gates)),
        holders=tuple(dict.fromkeys(one.holder for one in read_open_leases(store, goal.goal_id))),
    )
