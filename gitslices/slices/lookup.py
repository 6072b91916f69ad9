"""Goals and slices by their names."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from msgspec import structs

from gitslices.core.errors import InputError, UnknownSliceError, suggest
from gitslices.core.model import BranchName, Oid, Slice, SliceId, Task, TaskId
from gitslices.git.read import find_tip, read_present
from gitslices.git.repository import Repository
from gitslices.state.leases import find_open_lease
from gitslices.state.sharing import read_elsewhere
from gitslices.state.store import Goal, SliceRecord, Store


def get_goal(store: Store, goal_id: str, named_by: str = "") -> Goal:
    """The goal of that id; raise `InputError` that says what `named_by` it and which there are."""
    goal = store.read_goal(goal_id)
    if goal is not None:
        return goal
    known = store.read_goal_ids()
    refuse_none_applied(known)
    by = f", which {named_by} names" if named_by else ""
    raise InputError(f"there is no goal {goal_id!r}{by}", hint=f"known are: {', '.join(known)}")


def refuse_none_applied(goals: Sequence[object]) -> None:
    """Raise `InputError` where there is no goal at all."""
    if not goals:
        raise InputError(
            "no plan has been applied in this repository", hint="run: gitslices plan --apply"
        )


def find_held(store: Store, goal: Goal, slice_id: str) -> SliceId:
    """The id of a slice that somebody may have, be it in the plan of `goal` or not any more."""
    id_ = SliceId(slice_id)
    if find_open_lease(store, goal.goal_id, id_) or store.find_slice(goal.goal_id, id_):
        return id_
    return get_slice(goal, slice_id).slice_id


def get_slice(goal: Goal, slice_id: str) -> Slice:
    """The slice of `goal` with that id; raise `UnknownSliceError` that offers the nearest."""
    by_id = {str(slice_.slice_id): slice_ for slice_ in goal.plan.slices}
    if slice_id in by_id:
        return by_id[slice_id]
    raise UnknownSliceError(
        f"goal {goal.goal_id!r} has no slice {slice_id!r}",
        hint=find_near(slice_id, by_id) or f"see: {suggest('status', goal_id=goal.goal_id)}",
    )


def get_planned(store: Store, goal: Goal, slice_id: str) -> Slice:
    """The same for an id that somebody has named: one that the plan no longer has is told apart."""
    record = store.find_slice(goal.goal_id, slice_id)
    if record is None or any(one.slice_id == slice_id for one in goal.plan.slices):
        return get_slice(goal, slice_id)
    see = suggest("show", slice_id, goal_id=goal.goal_id)
    raise UnknownSliceError(
        f"the plan of goal {goal.goal_id!r} no longer has slice {slice_id!r}",
        hint=f"what is left of it: {see}; plan it again to go on with it",
    )


def put_back(store: Store, goal: Goal, slice_id: str) -> Goal:
    """The goal with a slice that its plan no longer has, as its record tells it."""
    record = store.find_slice(goal.goal_id, slice_id)
    if record is None or any(one.slice_id == slice_id for one in goal.plan.slices):
        return goal
    task = Task(id=TaskId(record.slice_id), title=record.slice_id, write_set=record.write_scope)
    gone = Slice(
        slice_id=record.slice_id,
        task_id=task.id,
        title=task.title,
        owner_role=None,
        read_scope=record.read_scope,
        write_scope=record.write_scope,
        read_files=0,
        write_files=0,
        dependencies=(),
        wave=0,
        estimate=task.estimate,
        branch_name=record.branch_name,
        worktree_name=PurePath(record.worktree_path).name,
        worktree_path=record.worktree_path,
        risk=task.risk,
        gates=(),
        review_needs=(),
        checkout_scope=record.checkout_scope,
    )
    plan = structs.replace(goal.plan, slices=(*goal.plan.slices, gone))
    graph = structs.replace(goal.graph, tasks=(*goal.graph.tasks, task))
    return structs.replace(goal, plan=plan, graph=graph)


def find_pushed_tips(
    repo: Repository,
    elsewhere: Mapping[SliceId, Oid | None],
    records: Mapping[SliceId, SliceRecord],
) -> dict[BranchName, Oid]:
    """What other clones have pushed, as far as it was fetched: their branches need not be here."""
    pushed = {
        records[id_].branch_name: tip for id_, tip in elsewhere.items() if tip and id_ in records
    }
    here = read_present(repo, pushed.values()) if pushed else ()
    return {name: tip for name, tip in pushed.items() if tip in here}


def find_work_tip(repo: Repository, store: Store, record: SliceRecord) -> Oid | None:
    """The last commit of a slice: that of its branch here, or what another clone has pushed."""
    pushed = read_elsewhere(store, record.goal_id)
    if pushed.get(record.slice_id) is None:
        return find_tip(repo, record.branch_name)
    return next(iter(read_present(repo, [Oid(str(pushed[record.slice_id]))])), None)


def find_near(id_: str, known: Iterable[str]) -> str | None:
    """A hint at the id that was perhaps meant."""
    # Imported here: the commands that must be quick pay for every import.
    from difflib import get_close_matches

    near = get_close_matches(id_, known, n=1)
    return f"the nearest is {near[0]!r}" if near else None


_LONGEST_NAME: Final = 200


def refuse_odd_name(name: str) -> None:
    """Raise `InputError` unless `name` can stand in a line of the log."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InputError(
            f"{name[:_LONGEST_NAME]!r} names nobody",
            hint=f"choose 1 to {_LONGEST_NAME} printable characters",
        )
