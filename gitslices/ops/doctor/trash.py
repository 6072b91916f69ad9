"""What the store says of the trash, against what is there."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from msgspec import structs

from gitslices.git.read import read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.slices import Examined
from gitslices.recovery.recovery import recover_and_lock
from gitslices.removal.trash import TRASH_REFS, find_kept
from gitslices.state.trash import Trashed, delete_trash, read_trash, write_trash
from gitslices.system.folders import is_away


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
