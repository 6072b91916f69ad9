"""What is mined of a history: which changes count, renames followed, extended as it grows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitslices.core.model import RepoPath
from gitslices.history.coupling import find_bonds, find_certain
from gitslices.state.history_cache import HISTORY_NAME, HistoryCache
from gitslices.state.mining import MinedHistory
from tests.support.histories import Made, add_history, make_history
from tests.support.repositories import git
from tests.support.workspaces import open_at

PAIRS = [
    Made(f"Token fix {number}", {"src/token.py": f"{number}", "tests/test_token.py": f"{number}"})
    for number in range(30)
]
BULK = Made("Format everything", {f"lib/{number}.py": "x" for number in range(30)})
BOT = Made("Bump things", {"src/token.py": "bot", "lock": "1"}, author="dependabot[bot] <d@x>")


@contextmanager
def open_past(repo: Path) -> Iterator[tuple[HistoryCache, MinedHistory]]:
    with open_at(repo).open_past() as opened:
        yield opened


def describe(past: HistoryCache) -> object:
    """All that can be asked of a history."""
    files = past.read_files(range(past.count))
    paths = {path for touched in files.values() for path in touched}
    return (
        past.count,
        past.lengths,
        dict(files),
        {path: list(past.read_changing(path)) for path in paths},
        {word: list(past.read_saying(word)) for word in ("token", "fix", "bump")},
        past.read_commits(range(past.count)),
    )


def test_bulk_commits_bots_and_merges_do_not_count(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "r", [*PAIRS, BULK, BOT])
    git(repo, "switch", "--quiet", "--create", "side", "HEAD~3")
    (repo / "side.txt").write_text("x")
    git(repo, "add", "side.txt")
    git(repo, "commit", "--quiet", "-m", "Side")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    with open_past(repo) as (past, history):
        assert (history.commits, history.changes, history.notes) == (33, 31, ())
        assert not past.read_changing(RepoPath("lib/1.py"))
        assert not past.read_saying("bump")
        assert len(past.read_saying("token")) == 30


def test_files_that_change_together_are_bound(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "r", [*PAIRS, Made("Other", {"src/other.py": "1"})])
    with open_past(repo) as (past, _):
        (bond,) = find_bonds(past, RepoPath("src/token.py")).values()
        assert (bond.together, bond.changes) == (30, 30)
        # 15 of weight beside half a change that never was.
        assert bond.confidence == pytest.approx(15 / 15.5, abs=0.01)
        assert set(find_certain(past, RepoPath("src/token.py"))) == {"tests/test_token.py"}
        assert not find_certain(past, RepoPath("src/other.py"))


def test_renames_are_followed(tmp_path: Path) -> None:
    """Also through a bulk commit, and where the name was taken before."""
    moves = Made(
        "Move", {f"lib/{number}.py": "x" for number in range(30)}, {"src/token.py": "api/t.py"}
    )
    back = Made(
        "Move again", moved={"api/t.py": "src/final.py", "tests/test_token.py": "src/token.py"}
    )
    repo = make_history(tmp_path / "r", [*PAIRS, moves, back])
    with open_past(repo) as (past, _):
        assert len(past.read_changing(RepoPath("src/final.py"))) == 31
        assert len(past.read_changing(RepoPath("src/token.py"))) == 31
        assert not past.read_changing(RepoPath("api/t.py"))
        assert set(find_bonds(past, RepoPath("src/final.py"))) == {"src/token.py"}


def test_a_history_that_grows_is_mined_as_if_at_once(tmp_path: Path) -> None:
    move = Made("Move", moved={"src/token.py": "src/key.py"})
    more = [Made("Bump fix", {"src/key.py": "k", 'b\udce9 "x"': "odd"}), BULK, BOT]
    repo = make_history(tmp_path / "r", PAIRS)
    with open_past(repo) as (_, history):
        assert history.changes == 30
    for made in (move, *more):
        add_history(repo, [made])
        with open_past(repo) as (past, _):
            grown = describe(past)
    (repo / ".git" / "gitslices" / HISTORY_NAME).unlink()
    with open_past(repo) as (past, _):
        assert describe(past) == grown


def test_another_history_begins_anew_and_an_older_commit_does_not(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "r", PAIRS)
    for back, changes in ((0, 30), (5, 30), (0, 30)):
        git(repo, "checkout", "--quiet", f"main~{back}")
        with open_past(repo) as (_, history):
            assert history.changes == changes
    git(repo, "switch", "--quiet", "--orphan", "new")
    (repo / "a").write_text("1")
    git(repo, "add", "a")
    git(repo, "commit", "--quiet", "-m", "One")
    with open_past(repo) as (_, history):
        assert history.changes == 1


@pytest.mark.parametrize("damage", [b"nothing of SQLite's", b"", b"SQLite format 3\0" + bytes(84)])
def test_a_damaged_cache_is_made_again(tmp_path: Path, damage: bytes) -> None:
    repo = make_history(tmp_path / "r", PAIRS)
    with open_past(repo) as (past, _):
        whole = describe(past)
    (repo / ".git" / "gitslices" / HISTORY_NAME).write_bytes(damage)
    with open_past(repo) as (past, _):
        assert describe(past) == whole


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    repo = make_history(tmp_path / "r", PAIRS)
    git(tmp_path, "clone", "--quiet", "--depth=5", repo.as_uri(), "shallow")
    with open_past(tmp_path / "shallow") as (_, history):
        assert history.changes == 5
        assert history.notes[0].startswith("a shallow clone")
    git(tmp_path, "init", "--quiet", "empty")
    with open_past(tmp_path / "empty") as (_, history):
        assert history.commit is None
        assert "only the names of files" in history.notes[0]


def test_in_the_worktree_of_a_slice_the_history_is_that_of_the_main_worktree(
    tmp_path: Path,
) -> None:
    repo = make_history(tmp_path / "r", PAIRS)
    git(repo, "worktree", "add", "--quiet", "-b", "slice", str(tmp_path / "w"))
    (tmp_path / "w" / "new").write_text("1")
    git(tmp_path / "w", "add", "new")
    git(tmp_path / "w", "commit", "--quiet", "-m", "Work")
    with open_past(tmp_path / "w") as (_, history):
        assert history.commit == git(repo, "rev-parse", "main")
