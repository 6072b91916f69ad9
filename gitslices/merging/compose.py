"""Make the commit that lands a slice, in memory: nothing in the repository moves."""

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct

from gitslices.core.errors import Problem
from gitslices.core.model import FINISHED, Change, Oid, RepoPath, Slice, SliceId, SliceStatus
from gitslices.git.commits import Commit, read_commit_tree, read_commits, write_commit
from gitslices.git.compare import Baseline, read_commit_changes
from gitslices.git.read import is_ancestor, is_true
from gitslices.git.repository import Repository
from gitslices.merging.in_memory import Merger
from gitslices.rules.merging import (
    Standing,
    add_trailers,
    describe_stranger,
    describe_violations,
    make_merge_message,
)
from gitslices.slices.scopes import ScopeMatchers
from gitslices.state.store import Goal, SliceRecord
from gitslices.system.settings import MergeStyle
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
        matchers: ScopeMatchers,
        merger: Merger,
        style: MergeStyle,
    ) -> None:
        self._repo = workspace.repo
        self._goal = goal
        self._records = records
        self._matchers = matchers
        self._contained: set[Oid] = set()
        self._merger = merger
        self._style = style
        self._signed = is_true(workspace.config.get("commit.gpgsign"))

    def compose(
        self, standing: Standing, target: Oid, statuses: Mapping[SliceId, SliceStatus]
    ) -> Composed | Conflicted | Problem:
        """The commit that lands `standing` on `target`, or why there is none.

        `statuses` are those of all slices when `target` is the target's tip.
        """
        tip = standing.tip
        assert tip is not None, "a slice without a branch is not mergeable"  # noqa: S101
        origin = self._merger.find_origin(tip, target)
        if origin is None:
            return describe_stranger(
                standing.slice.slice_id, self._goal.plan.target, standing.base_commit
            )
        if origin.commit == tip:
            return Composed(standing=standing, commit=target, changes=())
        changes = self._read_changes(tip, origin)
        problem = self._find_scope_problem(standing, target, origin, changes, statuses)
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

    def _find_scope_problem(
        self,
        standing: Standing,
        target: Oid,
        origin: Baseline,
        changes: Sequence[Change],
        statuses: Mapping[SliceId, SliceStatus],
    ) -> Problem | None:
        """Why a slice may not land by its write scope.

        `changes` are those since `origin`, where it last met the target. With nothing amiss in them
        all is well; else git is asked for those that count, which costs more: what the target has
        come to besides, and what the slice was started from, is not the slice's change.
        """
        id_, tip, base = standing.slice.slice_id, standing.tip, standing.base_commit
        assert tip is not None, "a slice without a branch is not mergeable"  # noqa: S101
        landed = {one for one, status in statuses.items() if status in FINISHED}
        find = partial(
            self._matchers.find_violations, self._goal, self._records[id_], landed=landed
        )
        if not origin.torn and self._contains(target, base) and not find(changes):
            return None
        start = self._merger.find_origin(tip, target, base) or origin
        violations = find(self._read_changes(tip, start, Baseline(target)))
        return describe_violations(self._goal.goal_id, id_, violations) if violations else None

    def _read_changes(self, tip: Oid, *baselines: Baseline) -> tuple[Change, ...]:
        return read_commit_changes(self._repo, self._repo.common_dir, tip, baselines)

    def _contains(self, target: Oid, base: Oid) -> bool:
        """Whether the target has `base`, which it then keeps: it only moves forward here."""
        if base not in self._contained and is_ancestor(self._repo, base, target):
            self._contained.add(base)
        return base in self._contained

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
