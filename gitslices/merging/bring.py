"""A slice's own commits brought onto what it is to stand on, in memory: no branch or file moves."""

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import BranchName, Oid
from gitslices.git.commits import has_others_work, read_commit_tree, read_commits, write_commit
from gitslices.git.compare import read_commit_changes
from gitslices.git.read import is_ancestor, is_shallow, read_missing
from gitslices.git.repository import Repository
from gitslices.merging.build import Conflicted, Rebased, rebase_commits
from gitslices.merging.in_memory import GoalMergeRules
from gitslices.rules.merging import describe_own_conflicts, describe_unrelated_history
from gitslices.slices.early_starts import Footing
from gitslices.slices.own_commits import UnmergedBase, write_stand_in
from gitslices.state.store import SliceRecord
from gitslices.system.settings_tables import SyncStyle


class Stand(Struct, frozen=True, kw_only=True):
    """What a slice is to stand on: `commit`, that is its `target` with the `footing` taken in.

    `unmerged` is what it stands on now, where its target lacks that.
    """

    commit: Oid
    target: Oid
    footing: tuple[Footing, ...]
    unmerged: UnmergedBase | None


class Course(Struct, frozen=True, kw_only=True):
    """How a slice comes to stand on `stand`: merged in memory with `onto`, in which style.

    `base` is what is recorded as its base then; None where that stays. `left` is what its own
    commits are taken off, where that is not to come along.
    """

    stand: Oid
    onto: Oid
    style: SyncStyle
    base: Oid | None
    left: Oid | None = None


def is_current(repo: Repository, record: SliceRecord, tip: Oid, stand: Stand) -> bool:
    """Whether a slice has all that it is to stand on, and nothing of what that was once."""
    unmerged = stand.unmerged
    if unmerged is None:
        return is_ancestor(repo, stand.target, tip)
    if unmerged.is_dropped:
        return False
    if stand.footing:
        return not read_missing(repo, tip, [stand.target, *(one.tip for one in stand.footing)])
    # One that nobody has begun waits where the plan starts it until the target has come to it.
    is_begun = tip != record.base_commit
    return unmerged.planned and (not is_begun or is_ancestor(repo, stand.target, tip))


def choose_course(repo: Repository, stand: Stand, style: SyncStyle) -> Course:
    """The style asked for; but a merge would keep what is not to come along."""
    commit, unmerged = stand.commit, stand.unmerged
    if unmerged is None:
        return Course(stand=commit, onto=commit, style=style, base=commit)
    if style == "merge" and unmerged.planned:
        return Course(stand=commit, onto=commit, style=style, base=None)
    # Where some of what it stood on has landed as other commits, only a rebase leaves those behind.
    if (
        style == "merge"
        and unmerged.early
        and not has_others_work(repo, unmerged.commits, [commit])
    ):
        return Course(stand=commit, onto=commit, style=style, base=commit)
    onto = write_stand_in(repo, commit, unmerged.commits)
    return Course(stand=commit, onto=onto, style="rebase", base=commit, left=unmerged.commit)


def bring_commits(
    rules: GoalMergeRules,
    branch: BranchName,
    record: SliceRecord,
    tip: Oid,
    course: Course,
    *,
    signed: bool,
) -> Rebased | Conflicted | Problem:
    """The commits of a slice with this `tip` as `course` has them; `branch` is its target."""
    repo, stand = rules.repo, course.stand
    origin = rules.find_origin(tip, course.onto)
    if origin is None:
        shallow = is_shallow(repo)
        return describe_unrelated_history(
            record.slice_id, branch, record.base_commit, shallow=shallow
        )
    # Nothing of its own: the commit itself, and no merge commit that says nothing.
    if origin.commit == tip:
        return Rebased(stand, read_commit_tree(repo, stand))
    changes = read_commit_changes(repo, repo.common_dir, tip, [origin])
    joined = rules.find_joined(origin, changes)
    # As a whole first, for a rebase too: one by one, the first commit would hide what conflicts in
    # the later ones.
    merged = rules.merge(tip, course.onto, joined)
    if merged.conflicts and course.left:
        return describe_own_conflicts(record.slice_id, branch, course.left, merged.conflicts)
    if merged.conflicts:
        return Conflicted(slice_id=record.slice_id, files=merged.conflicts)
    if course.style == "merge":
        message = f"Merge branch '{branch}' into {record.branch_name}\n"
        made = write_commit(repo, merged.tree, [tip, stand], message, signed=signed)
        return Rebased(made, merged.tree)
    commits = read_commits(repo, course.onto, tip)
    rebased = rebase_commits(rules, commits, stand, joined, signed=signed)
    # Put on one by one, commits can come to other files without any conflict.
    if rebased is None or rebased.tree != merged.tree:
        if course.left:
            return describe_own_conflicts(record.slice_id, branch, course.left, ())
        why = "its commits cannot be put onto the target one by one"
        return Problem(record.slice_id, why, "take the target in whole: --style merge")
    return rebased
