"""A merge begun in a slice's worktree, for somebody to resolve what git cannot.

Nothing else leaves a worktree in the middle of a merge. It is git's own merge, which `git commit`
concludes and `git merge --abort` takes back; only the files that slices share are joined already.
"""

from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import GitError, Problem
from gitslices.core.files import read_regular
from gitslices.core.model import Oid, RepoPath, SliceId
from gitslices.core.naming import list_some, show_path
from gitslices.git.compare import read_commit_changes, read_tree_changes
from gitslices.git.environment import expand_home
from gitslices.git.follow import is_midway
from gitslices.git.read import find_commit, find_target_tip, find_tip, name_target_refs
from gitslices.git.uncommitted import read_uncommitted
from gitslices.merging.in_memory import open_merge_rules
from gitslices.slices.snapshot import Snapshot
from gitslices.state.store import Event, Goal, SliceRecord, Store
from gitslices.workspace import Workspace

_LONGEST_ATTRIBUTES: Final = 1024 * 1024


class BegunMerge(Struct, frozen=True, kw_only=True):
    """A merge of the target that is under way in a slice's worktree.

    `files` have git's conflict markers, `joined` the lines of both sides.
    """

    slice_id: SliceId
    worktree_path: str
    files: tuple[RepoPath, ...]
    joined: tuple[RepoPath, ...]


def begin_merge(
    workspace: Workspace, store: Store, goal: Goal, record: SliceRecord
) -> BegunMerge | Problem:
    """Begin to merge the target into a slice, or say why that cannot be; then nothing has changed.

    Not under the lock: git runs filters and merge drivers. It refuses by itself where another git
    is at work in the worktree.
    """
    repo, id_ = workspace.repo, record.slice_id
    facts = Snapshot(workspace, store, goal.plan).read_facts(record, alone=True)
    top = Path(facts.place)
    tip, target = find_tip(repo, record.branch_name), find_target_tip(repo, goal.plan.target)
    # Later, `git merge --abort` could not tell such a change from its own.
    changed = read_uncommitted(repo, top, untracked=False)
    if changed:
        return Problem(
            id_,
            f"it has uncommitted work: {list_some([show_path(path) for path in changed])}",
            f"commit it in {top} first",
        )
    if tip is None or target is None:
        return Problem(id_, "its branch or its target is gone", "see: gitslices doctor")
    joined = _merge(workspace, goal, record, top, (tip, target))
    if isinstance(joined, Problem):
        return joined
    listing = repo.run_at(top, "diff", "--name-only", "--diff-filter=U", "-z").text
    files = frozenset(RepoPath(path) for path in listing.split("\0") if path)
    begun = BegunMerge(
        slice_id=id_,
        worktree_path=str(top),
        files=tuple(sorted(files)),
        joined=tuple(sorted(joined - files)),
    )
    _record(workspace, store, record, begun)
    return begun


def _merge(
    workspace: Workspace, goal: Goal, record: SliceRecord, top: Path, tips: tuple[Oid, Oid]
) -> frozenset[RepoPath] | Problem:
    """The shared files that both sides have changed; git has stopped before it commits."""
    repo, (tip, target) = workspace.repo, tips
    branch = goal.plan.target
    # By its name, and not by the commit: git writes it into the markers of a conflict.
    ref = next(one for one in name_target_refs(branch) if find_commit(repo, one))
    with open_merge_rules(workspace, goal, target) as rules:
        origin = rules.find_origin(tip, target)
        if origin is None:
            return Problem(record.slice_id, "it has no history in common with its target")
        changes = read_commit_changes(repo, repo.common_dir, tip, [origin])
        joined = rules.find_joined(origin, changes)
        attributes = rules.scratch / "attributes"
        union = rules.attributes.write_joined(joined).read_bytes()
        attributes.write_bytes(_read_own_attributes(workspace, top) + union)
        try:
            repo.run_at(
                top,
                # As where git merges in memory: see `MergeRules.merge`.
                "-c", "merge.directoryRenames=false", "-c", f"core.attributesFile={attributes}",
                # Said against what the user's settings may ask of a merge.
                "merge", "--no-ff", "--no-commit", "--no-squash", "--no-stat", "--no-autostash",
                "--no-verify-signatures", "--strategy=ort",
                "-m", f"Merge branch '{branch}' into {record.branch_name}", ref,
                ok=(0, 1),
            )  # fmt: skip
        except GitError as error:
            said = error.stderr.strip().partition("\n")[0]
            return Problem(record.slice_id, f"git cannot begin the merge: {said}")
    if not is_midway(top):
        return Problem(record.slice_id, "git has left nothing to resolve", "merge it again")
    theirs = read_tree_changes(repo, origin.commit, target)
    return joined & {change.path for change in theirs}


def _read_own_attributes(workspace: Workspace, top: Path) -> bytes:
    """What the user says of files everywhere: a filter, say, without which they would be written.

    The file with the joined ones takes the place of this one.
    """
    asked = workspace.repo.run_at(
        top, "config", "--type=path", "--get", "core.attributesFile", ok=(0, 1)
    )
    home = workspace.environ.get("XDG_CONFIG_HOME") or expand_home("~/.config", workspace.environ)
    path = Path(asked.text.rstrip("\n") or Path(home, "git", "attributes"))
    with suppress(OSError):
        return read_regular(path, limit=_LONGEST_ATTRIBUTES) + b"\n"
    return b""


def _record(workspace: Workspace, store: Store, record: SliceRecord, begun: BegunMerge) -> None:
    event = Event(
        at=workspace.now(),
        goal_id=record.goal_id,
        slice_id=record.slice_id,
        event="merge-begun",
        detail={"files": [show_path(path) for path in begun.files]},
    )
    with store.transaction():
        store.write_events([event])
