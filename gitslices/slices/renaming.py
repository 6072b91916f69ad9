"""A goal gets another id: in every table of the store, and in the marks of its worktrees.

Branches, worktrees and logs keep the names that they were made with.
"""

from pathlib import Path

import msgspec
from msgspec import structs

from gitslices.git.links import list_admin_folders
from gitslices.slices.marks import rename_mark
from gitslices.state.journal import RenameIntent, clear_intent, write_intent
from gitslices.state.store import Goal, Store
from gitslices.state.trash import read_trash
from gitslices.workspace import Workspace


def rename_goal(workspace: Workspace, store: Store, goal: Goal, new_id: str) -> None:
    """Give `goal` the id `new_id`, which no other has; the caller holds the topology lock."""
    intent = RenameIntent(goal_id=goal.goal_id, new_id=new_id)
    write_intent(workspace.state_folder, intent)
    resume_renaming(workspace, store, intent)


def resume_renaming(workspace: Workspace, store: Store, intent: RenameIntent) -> None:
    """Carry out what is not done of `intent`; doing it twice does nothing."""
    folders = list(list_admin_folders(workspace.repo.common_dir))
    folders += [Path(one.removal.folder, "admin") for one in read_trash(store)]
    goal = store.read_goal(intent.goal_id)
    if goal is not None:
        with store.transaction():
            _rename_rows(store, goal, intent.new_id)
    for folder in folders:
        rename_mark(folder, intent.goal_id, intent.new_id)
    clear_intent(workspace.state_folder)


def _rename_rows(store: Store, goal: Goal, new_id: str) -> None:
    for one in read_trash(store):
        if one.removal.record.goal_id == goal.goal_id:
            record = structs.replace(one.removal.record, goal_id=new_id)
            removal = msgspec.json.encode(structs.replace(one.removal, record=record))
            store.execute(
                "UPDATE trash SET removal = ? WHERE operation = ? AND goal_id = ? AND slice_id = ?",
                (removal, one.operation, goal.goal_id, record.slice_id),
            )
    for (table,) in store.query("SELECT name FROM sqlite_master WHERE type = 'table'"):
        if "goal_id" in store.list_columns(table):
            store.execute(
                f'UPDATE "{table}" SET goal_id = ? WHERE goal_id = ?',  # noqa: S608
                (new_id, goal.goal_id),
            )
    # Graph and plan name the goal, too.
    store.write_goal(
        structs.replace(
            goal,
            goal_id=new_id,
            graph=structs.replace(goal.graph, goal_id=new_id),
            plan=structs.replace(goal.plan, goal_id=new_id),
        )
    )
