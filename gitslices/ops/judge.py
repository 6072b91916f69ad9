"""Judge the changes of one slice by its own scope and by those of all other slices under way."""

from collections.abc import Callable, Iterable, Sequence

from gitslices.fence import Change, Neighbour, Violation, find_violations
from gitslices.git.read import HEADS, find_commit, is_true, read_branches, read_merged
from gitslices.model import BranchName
from gitslices.ops.fences import UNDER_WAY, name_beside
from gitslices.scopes import parse_scope
from gitslices.scopes.folding import Folding
from gitslices.scopes.judge import Judge, compile_scope
from gitslices.state.store import Goal, SliceRecord, Store
from gitslices.workspace import Workspace

Compile = Callable[[Iterable[str]], Judge]


def judge_changes(
    workspace: Workspace,
    store: Store,
    goal: Goal,
    record: SliceRecord,
    changed: Sequence[Change],
) -> tuple[Violation, ...]:
    """Those of a slice's changes that it may not make, each with the slice that may."""
    compile_entries = _make_compiler(workspace, changed)
    own = compile_entries(record.write_scope)
    if not any(change.is_new for change in changed) and not find_violations(own, changed):
        return ()
    shared = compile_entries(goal.graph.shared) if goal.graph.shared else None
    ordered = _list_in_order(store)
    violations = find_violations(
        own, changed, _make_neighbours(record, ordered, compile_entries), shared
    )
    if not any(violation.owner for violation in violations):
        return violations
    open_ones = _drop_landed(workspace, store, ordered)
    return find_violations(
        own, changed, _make_neighbours(record, open_ones, compile_entries), shared
    )


def _make_compiler(workspace: Workspace, changed: Sequence[Change]) -> Compile:
    folding = read_folding(workspace)
    # An entry that reaches into a submodule stands for it, if the target has it as one.
    submodules = {change.path for change in changed if change.was_submodule}
    return lambda entries: compile_scope(parse_scope(entries), folding, submodules=submodules)


def read_folding(workspace: Workspace) -> Folding:
    """How the repository compares paths."""
    return Folding(
        is_true(workspace.config.get("core.ignorecase")),
        is_true(workspace.config.get("core.precomposeunicode")),
    )


def _list_in_order(store: Store) -> list[SliceRecord]:
    """All slices under way: the goal applied first in front, each goal in the order of its plan."""
    ordered: list[SliceRecord] = []
    for goal_id in store.read_goal_ids():
        goal = store.read_goal(goal_id)
        plan = goal.plan.slices if goal else ()
        rank = {slice_.slice_id: place for place, slice_ in enumerate(plan)}
        records = [one for one in store.read_slices(goal_id) if one.status in UNDER_WAY]
        ordered += sorted(records, key=lambda one: rank.get(one.slice_id, len(rank)))
    return ordered


def _make_neighbours(
    record: SliceRecord, ordered: Sequence[SliceRecord], compile_entries: Compile
) -> list[Neighbour]:
    neighbours = []
    own = (record.goal_id, record.slice_id)
    comes_first = any((one.goal_id, one.slice_id) == own for one in ordered)
    for one in ordered:
        if (one.goal_id, one.slice_id) == own:
            comes_first = False
            continue
        neighbours.append(
            Neighbour(
                slice_id=one.slice_id,
                name=name_beside(one, record),
                judge=compile_entries(one.write_scope),
                comes_first=comes_first,
            )
        )
    return neighbours


def _drop_landed(
    workspace: Workspace, store: Store, ordered: Sequence[SliceRecord]
) -> list[SliceRecord]:
    """Leave out slices whose commits the target has, though nobody has recorded it."""
    tips = read_branches(workspace.repo, [workspace.prefix])
    started = [one for one in ordered if tips.get(one.branch_name) not in (None, one.base_commit)]
    landed = {
        branch
        for goal_id in {record.goal_id for record in started}
        for branch in _find_merged(workspace, store.read_goal(goal_id), started)
    }
    return [record for record in ordered if record.branch_name not in landed]


def _find_merged(
    workspace: Workspace, goal: Goal | None, records: Sequence[SliceRecord]
) -> set[BranchName]:
    target = find_commit(workspace.repo, HEADS + goal.plan.target) if goal else None
    if goal is None or target is None:
        return set()
    branches = [one.branch_name for one in records if one.goal_id == goal.goal_id]
    return read_merged(workspace.repo, target, branches)
