"""Make the commit that lands a slice, in memory: nothing in the repository moves."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from gitslices.errors import Problem
from gitslices.git.commits import Commit, read_commit_tree, read_commits, write_commit
from gitslices.git.compare import Change, find_own_changes
from gitslices.git.read import is_ancestor, is_true
from gitslices.git.repository import Repository
from gitslices.landing import (
    Standing,
    Territory,
    add_trailers,
    describe_trespasses,
    find_trespasses,
    make_merge_message,
)
from gitslices.model import Oid, RepoPath, Slice, SliceId
from gitslices.ops.merger import Merger, make_judge
from gitslices.settings import MergeStyle
from gitslices.state.store import Goal, SliceRecord
from gitslices.workspace import Workspace


class Composed(Struct, frozen=True, kw_only=True):
    """A slice and the commit that would land it; the target's own if there is nothing new."""

    standing: Standing
    commit: Oid
    changes: tuple[Change, ...]


class Conflicted(Struct, frozen=True, kw_only=True):
    """A slice that git cannot merge, and the files that stand against it."""

    slice_id: SliceId
    files: tuple[RepoPath, ...]


class Composer:
    """Makes the commits that land the slices of one goal, one on top of the other."""

    def __init__(
        self,
        workspace: Workspace,
        goal: Goal,
        records: Mapping[SliceId, SliceRecord],
        merger: Merger,
        style: MergeStyle,
    ) -> None:
        self._workspace = workspace
        self._repo = workspace.repo
        self._goal = goal
        self._records = records
        self._merger = merger
        self._style = style
        self._signed = is_true(workspace.config.get("commit.gpgsign"))

    def compose(
        self, standing: Standing, target: Oid, under_way: frozenset[SliceId]
    ) -> Composed | Conflicted | Problem:
        """The commit that lands `standing` on `target`, or why there is none.

        `under_way` are the slices that new paths in their scopes belong to, if they come first.
        """
        tip = standing.tip
        assert tip is not None, "a slice without a branch is not mergeable"  # noqa: S101
        if is_ancestor(self._repo, tip, target):
            return Composed(standing=standing, commit=target, changes=())
        changes = find_own_changes(self._repo, tip, target)
        problem = self._judge(standing.slice.slice_id, changes, under_way)
        if problem is not None:
            return problem
        merged = self._merger.merge(target, tip, changes)
        if merged.conflicts:
            return Conflicted(slice_id=standing.slice.slice_id, files=merged.conflicts)
        commit = self._write(standing.slice, tip, target, merged.tree, changes)
        if commit is None:
            return Problem(
                standing.slice.slice_id,
                "its commits cannot be put onto the target one by one",
                "merge it whole: --style merge, or --style squash",
            )
        self._merger.follow(commit, changes)
        return Composed(standing=standing, commit=commit, changes=changes)

    def _judge(
        self, own: SliceId, changes: tuple[Change, ...], under_way: frozenset[SliceId]
    ) -> Problem | None:
        order = [slice_.slice_id for slice_ in self._goal.plan.slices]
        trespasses = find_trespasses(
            [change.path for change in changes],
            frozenset(
                one.path for one in changes if one.added and not self._merger.is_shared(one.path)
            ),
            self._territories[own].judge,
            [one for id_, one in self._territories.items() if id_ != own],
            under_way & frozenset(order[: order.index(own)]),
        )
        return describe_trespasses(own, trespasses) if trespasses else None

    @cached_property
    def _territories(self) -> dict[SliceId, Territory]:
        scopes = {one.slice_id: one.write_scope for one in self._goal.plan.slices}
        scopes |= {id_: self._records[id_].write_scope for id_ in scopes if id_ in self._records}
        return {
            id_: Territory(slice_id=id_, judge=make_judge(self._workspace, scope))
            for id_, scope in scopes.items()
        }

    def _write(
        self, slice_: Slice, tip: Oid, target: Oid, tree: Oid, changes: tuple[Change, ...]
    ) -> Oid | None:
        message = make_merge_message(slice_)
        if self._style == "merge":
            return write_commit(self._repo, tree, [target, tip], message, signed=self._signed)
        commits = read_commits(self._repo, target, tip)
        if self._style == "rebase":
            rebased = rebase_commits(
                self._repo, self._merger, commits, target, changes, signed=self._signed
            )
            return rebased[0] if rebased and rebased[1] == tree else None
        authors = list(dict.fromkeys((one.author.name, one.author.email) for one in commits))
        return write_commit(
            self._repo,
            tree,
            [target],
            add_trailers(message, [f"{name} <{email}>" for name, email in authors[1:]]),
            author=commits[0].author,
            signed=self._signed,
        )


def rebase_commits(
    repo: Repository,
    merger: Merger,
    commits: Sequence[Commit],
    onto: Oid,
    changes: Sequence[Change],
    *,
    signed: bool,
) -> tuple[Oid, Oid] | None:
    """Make `commits` again on top of `onto`, in memory: the last one and its tree.

    None where one does not apply. Merge commits among them are left out, and those that change
    nothing any more. `changes` are what all of them change.
    """
    head, tree = onto, read_commit_tree(repo, onto)
    for one in commits:
        if len(one.parents) != 1:
            continue
        # `merge-tree --merge-base` came only with git 2.40: a commit with the tree of the new
        # base on the old parent makes that parent the merge base.
        stand_in = write_commit(repo, tree, one.parents, "stand-in")
        merged = merger.merge(stand_in, one.commit, changes)
        if merged.conflicts:
            return None
        if merged.tree == tree:
            continue
        tree = merged.tree
        head = write_commit(repo, tree, [head], one.message, author=one.author, signed=signed)
    return head, tree
