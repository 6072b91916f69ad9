"""Merges in memory that run side by side, by one set of rules."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gitslices.core.model import Oid, RepoPath
from gitslices.git.merge import MergeRules
from gitslices.git.repository import Repository, Result
from tests.support.repositories import commit_all, git

LOG, NOTES = RepoPath("CHANGELOG.md"), RepoPath("docs/api.md")


def open_repo(repo: Path, before_merge: Callable[[], None]) -> Repository:
    """The repository; right before git merges for the first time, `before_merge` is called."""
    waiting = [before_merge]

    def run(argv: tuple[str, ...], data: bytes | None, env: Mapping[str, str]) -> Result:
        if "merge-tree" in argv and waiting:
            waiting.pop()()
        done = subprocess.run(
            ["git", *argv], input=data, capture_output=True, check=False, env={**os.environ, **env}
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return Repository(repo, repo / ".git", repo / ".git", run)


def make_sides(repo: Path, path: RepoPath) -> tuple[Oid, Oid]:
    """Two commits that each append a line to `path`."""
    sides = []
    for name in ("one", "two"):
        git(repo, "switch", "--quiet", "--detach", "main")
        (repo / path).write_text(f"{(repo / path).read_text()}{name}\n")
        sides.append(Oid(commit_all(repo, name)))
    return sides[0], sides[1]


def test_a_merge_keeps_its_shared_files_while_another_one_starts_with_others(
    repo: Path, tmp_path: Path
) -> None:
    log, notes = make_sides(repo, LOG), make_sides(repo, NOTES)
    inner = []
    opened = open_repo(repo, lambda: inner.append(rules.merge(*notes, [NOTES])))
    rules = MergeRules(opened, tmp_path / "rules", log[0])
    assert rules.merge(*log, [LOG]).conflicts == ()
    assert [one.conflicts for one in inner] == [()]
    assert rules.merge(*notes, [LOG]).conflicts == (NOTES,)
    assert rules.merge(*log).conflicts == (LOG,)


def test_what_the_repository_says_of_a_file_wins_over_its_being_shared(
    repo: Path, tmp_path: Path
) -> None:
    (repo / ".gitattributes").write_text("/CHANGELOG.md -merge\n")
    git(repo, "switch", "--quiet", "main")
    commit_all(repo)
    sides = make_sides(repo, LOG)
    opened = open_repo(repo, lambda: None)
    assert MergeRules(opened, tmp_path, sides[0]).merge(*sides, [LOG]).conflicts == (LOG,)


def test_attributes_of_the_user_decide_nothing(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("* merge=union\n")
    git(repo, "config", "core.attributesFile", str(tmp_path / "mine"))
    sides = make_sides(repo, LOG)
    opened = open_repo(repo, lambda: None)
    assert MergeRules(opened, tmp_path / "rules", sides[0]).merge(*sides).conflicts == (LOG,)


def test_the_rules_count_where_there_is_no_work_tree(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitattributes").write_text("/CHANGELOG.md merge=union\n")
    git(repo, "switch", "--quiet", "main")
    commit_all(repo)
    sides = make_sides(repo, LOG)
    (repo / ".gitattributes").unlink()
    git(repo, "config", "core.bare", "true")
    opened = open_repo(repo, lambda: None)
    assert MergeRules(opened, tmp_path / "rules", sides[0]).merge(*sides).conflicts == ()
