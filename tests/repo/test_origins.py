"""What git brings into the target counts as the slice's change, however the two have crossed."""

import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitslices.core.model import Oid, RepoPath
from gitslices.git.compare import Baseline, find_merge_bases, read_commit_changes, read_tree_changes
from gitslices.merging.in_memory import GoalMergeRules, open_merge_rules
from gitslices.slices.goals import choose_goal
from gitslices.workspace import Workspace
from tests.support.repositories import git
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

Files = Mapping[str, tuple[int, ...]]
"""For each path the versions of its three parts, far enough apart to merge one by one."""

START: Files = dict.fromkeys("pqrs", (0, 0, 0))


class History:
    """Commits made at random: changed, deleted and restored files, and merges resolved anyhow."""

    def __init__(self, repo: Path, seed: int) -> None:
        self._repo = repo
        self._random = random.Random(seed)
        self._files: dict[Oid, Files] = {}

    def cross(self) -> tuple[Oid, Oid]:
        """Two commits that have each merged the same ones, in an order of their own."""
        start = self._commit(START)
        heads = [self._commit(self._change(START), start) for _ in range(2)]
        heads += [self._commit(self._change(START), start)] * self._random.randrange(2)
        return self._merge_all(heads), self._merge_all(heads)

    def _merge_all(self, heads: list[Oid]) -> Oid:
        first, *rest = self._random.sample(heads, len(heads))
        for other in rest:
            ours, theirs = self._files[first], self._files[other]
            files: dict[str, tuple[int, ...]] = {}
            for path in START:
                side = self._random.choice((ours, ours, theirs, START, self._change(ours)))
                files |= {path: side[path]} if path in side else {}
            first = self._commit(files, first, other)
        return first

    def _change(self, files: Files) -> Files:
        changed = dict(files)
        for path in START:
            fate = self._random.random()
            if fate < 0.3:
                parts = list(files.get(path, START[path]))
                parts[self._random.randrange(3)] = self._random.randrange(3)
                changed[path] = tuple(parts)
            elif fate < 0.37:
                changed.pop(path, None)
        return changed

    def _commit(self, files: Files, *parents: Oid) -> Oid:
        tree = self._feed("mktree", text="".join(map(self._write, files.items())))
        named = [word for parent in parents for word in ("-p", parent)]
        commit = Oid(git(self._repo, "commit-tree", tree, "-m", "x", *named))
        self._files[commit] = files
        return commit

    def _write(self, file: tuple[str, tuple[int, ...]]) -> str:
        path, parts = file
        same = "".join(f"{path} {line}\n" for line in range(4))
        text = same.join(f"{path} is {part}\n" for part in parts)
        return f"100644 blob {self._feed('hash-object', '-w', '--stdin', text=text)}\t{path}\n"

    def _feed(self, *args: str, text: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self._repo, input=text, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def find_missed(
    workspace: Workspace, rules: GoalMergeRules, tip: Oid, target: Oid
) -> set[RepoPath]:
    """The paths that merging `tip` changes in `target` and that do not count as its changes."""
    repo = workspace.repo
    origin = rules.find_origin(tip, target)
    assert origin is not None
    baselines = (origin, Baseline(target))
    counted = read_commit_changes(repo, repo.common_dir, tip, baselines)
    merged = rules.merge(target, tip, ())
    brought = {change.path for change in read_tree_changes(repo, target, merged.tree)}
    return brought - set(merged.conflicts) - {change.path for change in counted}


@pytest.mark.parametrize("seed", range(3))
def test_every_path_that_a_merge_would_change_counts(repo: Path, seed: int) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["a/"]})
    history, crossed = History(repo, seed), 0
    with workspace.open_store() as store:
        goal = choose_goal(workspace, store, None)
    with open_merge_rules(workspace, goal, Oid(git(repo, "rev-parse", "main"))) as rules:
        for _ in range(12):
            tip, target = history.cross()
            crossed += len(find_merge_bases(workspace.repo, tip, target)) > 1
            assert find_missed(workspace, rules, tip, target) == set()
    assert crossed > 5
