"""Where a slice's own commits begin: its base, and whether the target has that."""

from msgspec import Struct

from gitslices.core.model import Oid, Plan
from gitslices.git.commits import read_commit_tree, write_commit
from gitslices.git.compare import find_merge_bases
from gitslices.git.read import find_commit, is_shallow, read_missing
from gitslices.git.repository import Repository


class UnmergedBase(Struct, frozen=True, kw_only=True):
    """The base of a slice, beneath whose own commits lie some that its target does not have.

    `planned` where the plan starts slices there: its commits may enter the target as they are. Else
    the target has dropped them, and nothing of them may come back with the slice.
    """

    commit: Oid
    planned: bool


def find_unmerged_base(
    repo: Repository, plan: Plan, base: Oid, tip: Oid, target: Oid
) -> UnmergedBase | None:
    """The `base` of a slice with this `tip`, where it has brought in what `target` lacks; or None.

    A slice that was put elsewhere by hand, its base left behind, has none.
    """
    if not read_missing(repo, target, [base]):
        return None
    # A history that is cut off between the two does not tell; that is said where it is needed.
    if is_shallow(repo) and not find_merge_bases(repo, base, target):
        return None
    # Not the base alone: its commit may have been amended in the slice, with others beneath it.
    beneath = read_missing(repo, target, find_merge_bases(repo, tip, base))
    if not beneath:
        return None
    planned = all(is_planned_start(repo, plan, commit) for commit in beneath)
    return UnmergedBase(commit=base, planned=planned)


def is_planned_start(repo: Repository, plan: Plan, commit: Oid) -> bool:
    """Whether the plan starts slices elsewhere than on their target, where `commit` is.

    It was there at the time of the plan, and is so now: a branch that was force-pushed since has
    dropped it, too. Where that branch is gone the plan alone tells.
    """
    if plan.base.ref == plan.target:
        return False
    now = find_commit(repo, plan.base.ref) or plan.base.commit
    return not any(read_missing(repo, end, [commit]) for end in {plan.base.commit, now})


def write_stand_in(repo: Repository, target: Oid, base: Oid) -> Oid:
    """A commit with the files of `target` that has `base` in its history, and nothing of it else.

    What is merged with it comes along without what the target lacks of the base, as `git rebase
    --onto` would have it.
    """
    return write_commit(repo, read_commit_tree(repo, target), [target, base], "stand-in")
