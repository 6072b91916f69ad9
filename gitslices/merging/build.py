"""Make the commit that takes a slice into the target, in memory: no branch or file moves."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from msgspec import Struct

from gitslices.core.errors import GitError, GitLockedError, Problem
from gitslices.core.model import LANDED, Change, Oid, RepoPath, SliceId, SliceStatus
from gitslices.git.commits import Commit, copy_notes, read_commit_tree, read_commits, write_commit
from gitslices.git.compare import Baseline, read_commit_changes
from gitslices.git.read import is_ancestor, is_shallow, is_true
from gitslices.git.repository import Repository
from gitslices.git.submodules import mark_unnamed
from gitslices.merging.in_memory import GoalMergeRules, Origin
from gitslices.rules.merging import (
    MergeCandidate,
    describe_early_base,
    describe_unmerged_base,
    describe_unrelated_history,
    describe_violations,
    make_merge_subject,
    make_squash_message,
)
from gitslices.rules.progress import make_landing_trailer
from gitslices.slices.own_commits import UnmergedBase, UnmergedBases, write_stand_in
from gitslices.slices.scopes import ScopeMatchers
from gitslices.state.store import Goal, SliceRecord
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace


class BuiltMerge(Struct, frozen=True, kw_only=True):
    """A slice and the commit that takes it in; the target's own if there is nothing new."""

    candidate: MergeCandidate
    commit: Oid
    changes: tuple[Change, ...]
    rewritten: tuple[tuple[Oid, Oid], ...] = ()


class TargetTip(Struct, frozen=True, kw_only=True):
    """What the next slice is merged into: a commit, its merge rules, and all slices' statuses."""

    commit: Oid
    rules: GoalMergeRules
    statuses: Mapping[SliceId, SliceStatus]

    def take_in(self, built: BuiltMerge) -> "TargetTip":
        """The target once `built` is accepted: only then does the next slice merge by its rules."""
        return TargetTip(
            commit=built.commit,
            rules=self.rules.read_next(built.commit, built.changes),
            statuses={**self.statuses, built.candidate.slice.slice_id: "merged"},
        )


class Conflicted(Struct, frozen=True, kw_only=True):
    """A slice that git cannot merge, and the files that stand against it."""

    slice_id: SliceId
    files: tuple[RepoPath, ...]


class Rebased(Struct, frozen=True):
    """Commits made again: the last one, its tree, and which commit has become which."""

    commit: Oid
    tree: Oid
    rewritten: tuple[tuple[Oid, Oid], ...] = ()


class MergeBuilder:
    """Makes the commits that take the slices of one goal in, one on top of the other."""

    def __init__(
        self,
        workspace: Workspace,
        goal: Goal,
        records: Mapping[SliceId, SliceRecord],
        matchers: ScopeMatchers,
        style: MergeStyle,
        bases: UnmergedBases,
    ) -> None:
        self._repo = workspace.repo
        self._goal = goal
        self._records = records
        self._matchers = matchers
        self._contained: set[Oid] = set()
        self._bases = bases
        self._style = style
        self._signed = is_true(workspace.config.get("commit.gpgsign"))

    def build(
        self, candidate: MergeCandidate, target: TargetTip
    ) -> BuiltMerge | Conflicted | Problem:
        """The commit that takes `candidate` into `target`, or why there is none."""
        tip = candidate.tip
        assert tip is not None, "a slice without a branch is not mergeable"  # noqa: S101
        unmerged = None if candidate.landed else self._find_unmerged(candidate, tip, target.commit)
        onto = target.commit
        if unmerged and unmerged.early and self._style != "merge":
            # What it was started on has landed as other commits: its own range alone is taken.
            onto, unmerged = write_stand_in(self._repo, onto, unmerged.commits), None
        origin = target.rules.find_origin(tip, onto)
        if origin is None:
            return describe_unrelated_history(
                candidate.slice.slice_id,
                self._goal.plan.target,
                candidate.base_commit,
                shallow=is_shallow(self._repo),
            )
        # Nothing is left to merge: done once more, a merge must not make a commit each time; and a
        # forge's squash would get one that adds nothing, past which its branch cannot be pulled.
        if origin.commit == tip or candidate.landed:
            return BuiltMerge(candidate=candidate, commit=target.commit, changes=())
        changes = self._read_changes(tip, origin)
        problem = self._find_base_problem(candidate, unmerged) or self._find_scope_problem(
            candidate, target, origin, changes
        )
        if problem is not None:
            return problem
        joined = target.rules.find_joined(origin, changes)
        # Merged as a whole in every style, so that they all meet the same conflicts; and a rebase
        # has to come to this very tree.
        merged = target.rules.merge(onto, tip, joined)
        if merged.conflicts:
            return Conflicted(slice_id=candidate.slice.slice_id, files=merged.conflicts)
        made = self._write(candidate, onto, target, merged.tree, joined)
        if made is None:
            return Problem(
                candidate.slice.slice_id,
                "its commits cannot be put onto the target one by one",
                "merge it whole: --style merge, or --style squash",
            )
        return BuiltMerge(
            candidate=candidate, commit=made.commit, changes=changes, rewritten=made.rewritten
        )

    def _find_unmerged(
        self, candidate: MergeCandidate, tip: Oid, target: Oid
    ) -> UnmergedBase | None:
        """What lies beneath the slice's own commits that the target lacks."""
        return self._bases.find(self._records[candidate.slice.slice_id], tip, target)

    def _find_base_problem(
        self, candidate: MergeCandidate, unmerged: UnmergedBase | None
    ) -> Problem | None:
        """Why a slice may not bring that along."""
        # A merge commit takes in as they are the commits that the plan starts from.
        if unmerged is None or (unmerged.planned and self._style == "merge"):
            return None
        goal, id_ = self._goal, candidate.slice.slice_id
        if unmerged.early:
            return describe_early_base(goal.goal_id, id_, goal.plan.target)
        planned = goal.plan.base.ref if unmerged.planned else None
        return describe_unmerged_base(goal.goal_id, id_, goal.plan.target, unmerged.commit, planned)

    def _find_scope_problem(
        self,
        candidate: MergeCandidate,
        target: TargetTip,
        origin: Origin,
        changes: Sequence[Change],
    ) -> Problem | None:
        """Why a slice may not land by its write scope.

        `changes` are those since `origin`, where it last met the target. With nothing amiss in them
        all is well; else git is asked for those that count, which costs more: what the target has
        come to besides, and what the slice was started from, is not the slice's change.
        """
        id_, tip, base = candidate.slice.slice_id, candidate.tip, candidate.base_commit
        assert tip is not None, "a slice without a branch is not mergeable"  # noqa: S101
        changes = mark_unnamed(self._repo, changes, tip)
        # What has landed, in this run too, owns no path any more.
        landed = {one for one, status in target.statuses.items() if status in LANDED}
        find = partial(
            self._matchers.find_violations, self._goal, self._records[id_], landed=landed
        )
        # Compared with a torn file, which is nobody's, the slice seems to have changed it.
        if not origin.torn and self._contains(target.commit, base) and not find(changes):
            return None
        start = target.rules.find_origin(tip, target.commit, base) or origin
        violations = find(self._read_changes(tip, start, Baseline(target.commit)))
        return describe_violations(self._goal.goal_id, id_, violations) if violations else None

    def _read_changes(self, tip: Oid, *baselines: Baseline) -> tuple[Change, ...]:
        changes = read_commit_changes(self._repo, self._repo.common_dir, tip, baselines)
        return mark_unnamed(self._repo, changes, tip)

    def _contains(self, target: Oid, base: Oid) -> bool:
        """Whether the target has `base`, which it then keeps: it only moves forward here."""
        if base not in self._contained and is_ancestor(self._repo, base, target):
            self._contained.add(base)
        return base in self._contained

    def _write(
        self,
        candidate: MergeCandidate,
        since: Oid,
        target: TargetTip,
        tree: Oid,
        joined: frozenset[RepoPath],
    ) -> Rebased | None:
        """The commit of `tree`, by the style; None where the commits do not lead to it in turn.

        Those are meant that the slice has and `since` lacks.
        """
        onto, signed, slice_, tip = target.commit, self._signed, candidate.slice, candidate.tip
        assert tip is not None, "it was merged just before"  # noqa: S101
        subject = make_merge_subject(slice_)
        trailer = make_landing_trailer(self._goal.goal_id, slice_.slice_id)
        if self._style == "merge":
            message = f"{subject}\n\n{trailer}\n"
            made = write_commit(self._repo, tree, [onto, tip], message, signed=signed)
            return Rebased(made, tree)
        commits = read_commits(self._repo, since, tip)
        if self._style == "rebase":
            rebased = rebase_commits(target.rules, commits, onto, joined, signed=signed)
            # Put on one by one, commits can come to other files than those that were judged.
            return rebased if rebased and rebased.tree == tree else None
        # What was only taken in from the target is nobody's work here.
        own = [one for one in commits if len(one.parents) == 1] or commits
        message = _squash_messages(subject, own, trailer)
        # A commit has one author: the others are named in its message.
        author = own[0].author
        return Rebased(
            write_commit(self._repo, tree, [onto], message, author=author, signed=signed), tree
        )


def _squash_messages(subject: str, commits: Sequence[Commit], trailer: str) -> str:
    authors = dict.fromkeys(f"{one.author.name} <{one.author.email}>" for one in commits)
    return make_squash_message(
        subject,
        [one.text for one in commits],
        [*(line for one in commits for line in one.trailers), trailer],
        list(authors),
    )


def rebase_commits(
    rules: GoalMergeRules,
    commits: Sequence[Commit],
    onto: Oid,
    joined: frozenset[RepoPath],
    *,
    signed: bool,
) -> Rebased | None:
    """Make `commits` again on top of `onto`, in memory; None where one does not apply.

    Merge commits among them are left out, and those that change nothing any more. One that stands
    there already stays as it is, unless it is to be `signed`: a commit made again loses the
    signature that it had. The files in `joined` take the lines of both sides.
    """
    repo = rules.repo
    head, tree = onto, read_commit_tree(repo, onto)
    rewritten: list[tuple[Oid, Oid]] = []
    for commit in commits:
        if len(commit.parents) != 1:
            continue
        if commit.parents == (head,) and not signed:
            head, tree = commit.commit, commit.tree
            continue
        # `merge-tree --merge-base` came only with git 2.40: a commit with the tree of the new
        # base on the old parent makes that parent the merge base.
        stand_in = write_commit(repo, tree, commit.parents, "stand-in")
        merged = rules.merge(stand_in, commit.commit, joined)
        if merged.conflicts:
            return None
        if merged.tree == tree:
            continue
        tree = merged.tree
        head = write_commit(repo, tree, [head], commit.message, author=commit.author, signed=signed)
        rewritten.append((commit.commit, head))
    return Rebased(head, tree, tuple(rewritten))


def keep_notes(repo: Repository, rewritten: Iterable[tuple[Oid, Oid]]) -> tuple[str, ...]:
    """Copy the notes of commits that were made again and have landed; a warning where git fails."""
    try:
        # The branch has moved by now: a failure here must not make the merge look undone.
        copy_notes(repo, rewritten)
    except (GitError, GitLockedError) as error:
        return (f"notes of rewritten commits were not copied: {error.message}",)
    return ()
