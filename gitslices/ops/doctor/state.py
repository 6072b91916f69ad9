"""What is wrong with the files of the state, and what the store says of the trash."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import structs

from gitslices.core.errors import StateError
from gitslices.core.model import GONE
from gitslices.git.links import check_link, find_admin_folder, find_linked_worktree
from gitslices.git.read import read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.repairs import Examined
from gitslices.provisioning.adopt import adopt, find_unrecorded
from gitslices.provisioning.wanted import Wanted
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.trash import TRASH_REFS, find_kept
from gitslices.slices.marks import Mark, find_mark, mark_worktree
from gitslices.state.folder import FOLDER_NAME, make_aside
from gitslices.state.journal import find_damaged_intents
from gitslices.state.lock import hold_lock
from gitslices.state.salvage import Salvage, find_damage, rebuild
from gitslices.state.store import STORE_NAME, SliceRecord, Store
from gitslices.state.trash import Trashed, delete_trash, read_trash, write_trash
from gitslices.system.folders import is_away
from gitslices.workspace import Workspace

DAMAGED: Final = "damaged-store"
_LOCK_TIMEOUT: Final = 10.0
_NAMES: Final = {
    "goals": "plans", "slices": "which slices there are", "events": "events of the log",
    "trash": "removals", "leases": "claims", "gate_runs": "gates that were run",
    "reviews": "reviews", "attempts": "why attempts failed",
    "landings": "what was merged as what", "conflicts": "conflicts", "trial_merges": "trial merges",
    "verdicts": "what was found to have landed", "scope_requests": "what was asked for",
    "publications": "where slices are reviewed", "on_hold": "what is on hold",
    "sharing": "where goals are shared", "shared_goals": "which goals are shared",
    "pushed_work": "what other clones pushed",
    "touched": "what slices touched", "refusals": "what slices were refused",
}  # fmt: skip


def _find_damaged_store(common_dir: Path) -> Iterator[Trouble]:
    """A store that cannot be read, or not all of it."""
    folder = common_dir / FOLDER_NAME
    damage = find_damage(folder)
    if damage is None:
        return
    finding = Finding(
        check=DAMAGED,
        thing=str(folder / STORE_NAME),
        problem=damage,
        why="commands that need what it holds stop; worktrees and branches stay as they are",
        fix="keep it aside, and take what can be read of it into a new one",
    )
    yield Trouble(finding=finding, mend=partial(_rebuild, folder))


def _find_damaged_files(common_dir: Path) -> Iterator[Trouble]:
    """Changes that were cut short, and of which it cannot be read what they were."""
    folder = common_dir / FOLDER_NAME
    for path in find_damaged_intents(folder):
        finding = Finding(
            check="damaged-intent",
            thing=str(path),
            problem="a change was cut short, and what it was to be cannot be read",
            why="nobody can complete it, and no other change of branches and worktrees is begun",
            fix="keep it aside, and go by what branches and worktrees show",
        )
        yield Trouble(finding=finding, mend=partial(_put_aside, folder, path))


STATE_CHECKS = (_find_damaged_store, _find_damaged_files)


def find_unrecorded_slices(workspace: Workspace, store: Store) -> Iterator[Trouble]:
    """Slices that stand as their plan wants them, and of which the store does not know."""
    for goal in store.read_goals():
        known = {record.slice_id: record for record in store.read_slices(goal.goal_id)}
        plan = goal.plan
        wanted = Wanted(
            goal_id=goal.goal_id, slices=plan.slices, base=plan.base.commit, target=plan.target
        )
        for orphan in find_unrecorded(workspace, store, wanted, known):
            finding = Finding(
                check="unrecorded-slice",
                thing=orphan.slice_id,
                problem=f"it stands at {orphan.worktree_path!r}, and the store does not know it",
                why="it can be neither claimed nor merged",
                fix="take it over as it stands; claims, gates and reviews of it are lost",
            )
            yield Trouble(finding=finding, mend=partial(_adopt, workspace, store, orphan))


def find_damaged_marks(workspace: Workspace, store: Store) -> Iterator[Trouble]:
    """Worktrees that do not say, or not rightly, which slice they belong to."""
    common_dir = workspace.repo.common_dir
    for record in store.read_slices():
        path = Path(record.worktree_path)
        admin = find_admin_folder(path) if check_link(path, common_dir) == "whole" else None
        mark = Mark(goal_id=record.goal_id, slice_id=record.slice_id)
        if record.status in GONE or admin is None or _is_marked(admin, mark):
            continue
        linked = find_linked_worktree(admin)
        if linked is None or linked.resolve() != path.resolve():
            continue  # another worktree has that folder now
        finding = Finding(
            check="damaged-mark",
            thing=record.slice_id,
            problem=f"git's folder {str(admin)!r} does not say that the worktree is its own",
            why="hooks and agents in it do not see which slice they are in",
            fix="write it down again",
        )
        yield Trouble(finding=finding, mend=partial(mark_worktree, path, mark))


def _is_marked(admin: Path, mark: Mark) -> bool:
    with suppress(StateError):
        return find_mark(admin) == mark
    return False


def _rebuild(folder: Path) -> str:
    # Without recovery, which begins by opening the store.
    with hold_lock(folder, "topology", timeout=_LOCK_TIMEOUT, purpose="gitslices doctor --fix"):
        aside = make_aside(folder)
        salvage = rebuild(folder, aside)
    return f"{_describe(salvage)}; the damaged one is kept in {str(aside)!r}"


def _describe(salvage: Salvage) -> str:
    kept = [f"{count} of {table}" for table, count in salvage.kept.items() if count]
    read = f"read: {', '.join(kept)}" if kept else "nothing could be read"
    if not salvage.lost:
        return f"{read}; nothing is missing"
    lost = ", ".join(_NAMES[table] for table in salvage.lost)
    return f"{read}; not known any more, or not all of it: {lost}"


def _put_aside(folder: Path, path: Path) -> str:
    # Without recovery, which stops at this very file.
    with hold_lock(folder, "topology", timeout=_LOCK_TIMEOUT, purpose="gitslices doctor --fix"):
        aside = make_aside(folder)
        path.rename(aside / path.name)
    return f"it is kept in {str(aside)!r}; what it was to change is not known any more"


def _adopt(workspace: Workspace, store: Store, orphan: SliceRecord) -> None:
    with recover_and_lock(workspace, store):
        adopt(workspace, store, (orphan,))


def _find_lost_folders(examined: Examined) -> Iterator[Trouble]:
    """Removals whose folders somebody has deleted."""
    for one in read_trash(examined.store):
        removal = one.removal
        places = (removal.files, f"{removal.folder}/admin" if removal.admin else None)
        if all(place is None or Path(place).exists() for place in places):
            continue
        if removal.files and is_away(Path(removal.files)):
            yield Trouble(finding=_tell_away(one, removal.files))
            continue
        finding = Finding(
            check="lost-trash",
            thing=removal.record.slice_id,
            problem="its folder is no longer in the trash",
            why="gitslices undo refuses to bring it back",
            fix="let undo bring back the branch without it",
        )
        yield Trouble(finding=finding, mend=partial(_note_loss, examined, one))


def _find_lost_refs(examined: Examined) -> Iterator[Trouble]:
    """Removals whose commits are no longer kept."""
    refs = read_refs(examined.workspace.repo, [TRASH_REFS.rstrip("/")])
    for one in read_trash(examined.store):
        lost = sorted(find_kept(one.operation, one.removal).keys() - refs.keys())
        if not lost:
            continue
        finding = Finding(
            check="lost-trash-ref",
            thing=lost[0],
            problem=f"what keeps the commits of {one.removal.record.slice_id!r} is gone",
            why="git gc deletes them, and then nothing can bring the slice back",
            fix="make the references again, as long as git has the commits",
        )
        yield Trouble(finding=finding, mend=partial(_keep_again, examined, one))


def _find_unknown_refs(examined: Examined) -> Iterator[Trouble]:
    """Kept commits of removals that the store does not know."""
    refs = read_refs(examined.workspace.repo, [TRASH_REFS.rstrip("/")])
    trashed = read_trash(examined.store)
    known = {name for one in trashed for name in find_kept(one.operation, one.removal)}
    for name in sorted(refs.keys() - known):
        yield Trouble(
            finding=Finding(
                check="unknown-trash-ref",
                thing=name,
                problem="no removal that gitslices knows of has left it",
                why="it keeps its commits for ever",
                hint=f"look: git log {refs[name]}; then drop it: git update-ref -d {name}",
            )
        )


def _find_unknown_folders(examined: Examined) -> Iterator[Trouble]:
    """Worktrees in the trash of which the store does not know."""
    known = {Path(one.removal.folder) for one in read_trash(examined.store)}
    for folder in sorted((examined.workspace.state_folder / "trash").glob("*/*")):
        if folder in known or not (folder / "worktree").is_dir():
            continue
        yield Trouble(
            finding=Finding(
                check="unknown-trash",
                thing=str(folder),
                problem="no removal that gitslices knows of has left it",
                why="it takes up space for ever",
                hint="take out what is wanted, then delete it",
            )
        )


def _tell_away(trashed: Trashed, files: str) -> Finding:
    return Finding(
        check="away-trash",
        thing=trashed.removal.record.slice_id,
        problem=f"its files are in {files!r}, and no trash is there now",
        why="a disk that is not mounted is away, not gone: gitslices undo works once it is back",
        hint="mount it, then try again",
    )


TRASH_CHECKS = (_find_lost_folders, _find_lost_refs, _find_unknown_refs, _find_unknown_folders)


def _note_loss(examined: Examined, trashed: Trashed) -> None:
    with recover_and_lock(examined.workspace, examined.store), examined.store.transaction():
        removal = structs.replace(trashed.removal, files=None, admin=None)
        # With neither files nor a branch there is nothing left to bring back.
        if removal.tip is None:
            delete_trash(examined.store, trashed.operation, [removal])
        else:
            write_trash(examined.store, [structs.replace(trashed, removal=removal)])


def _keep_again(examined: Examined, trashed: Trashed) -> None:
    repo = examined.workspace.repo
    with recover_and_lock(examined.workspace, examined.store):
        refs = read_refs(repo, [TRASH_REFS.rstrip("/")])
        kept = find_kept(trashed.operation, trashed.removal)
        updates = [RefUpdate(ref=ref, new=oid) for ref, oid in kept.items() if ref not in refs]
        update_refs(repo, updates, reason="gitslices: doctor")
