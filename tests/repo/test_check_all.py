"""`check --all` looks at many worktrees at once, and says what a look at each says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import RefusedError
from gitslices.core.model import SliceId
from gitslices.ops.check import CheckRequest, check
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path
from tests.support.workspaces import open_at


def _write(path: str) -> Callable[[Path], None]:
    def write(top: Path) -> None:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("changed\n")

    return write


def _commit(path: str) -> Callable[[Path], None]:
    def commit(top: Path) -> None:
        _write(path)(top)
        commit_all(top)

    return commit


def _stage(top: Path) -> None:
    _write("Makefile")(top)
    git(top, "add", "Makefile")


def _stage_and_take_back(top: Path) -> None:
    before = (top / "Makefile").read_text()
    _stage(top)
    (top / "Makefile").write_text(before)


def _take_in_target(top: Path) -> None:
    git(top, "merge", "--quiet", "main")


def _begin_merge(top: Path) -> None:
    git(top, "merge", "--quiet", "--no-ff", "--no-commit", "main")


def _switch_away(top: Path) -> None:
    git(top, "switch", "--quiet", "--create", "elsewhere")
    _commit("Makefile")(top)


def _detach(top: Path) -> None:
    git(top, "switch", "--quiet", "--detach")
    _commit("Makefile")(top)


def _make_inner(top: Path) -> None:
    git(top, "init", "--quiet", "inner")
    _write("inner/file")(top)


STATES: dict[str, Callable[[Path], object]] = {
    "untouched": lambda top: None,
    "own-commit": _commit("own-commit/new"),
    "foreign-commit": _commit("Makefile"),
    "own-edit": _write("own-edit/new"),
    "foreign-edit": _write("Makefile"),
    "foreign-file": _write("docs/new.md"),
    "staged": _stage,
    "staged-taken-back": _stage_and_take_back,
    "deleted": lambda top: (top / "Makefile").unlink(),
    "target-in": _take_in_target,
    "merging": _begin_merge,
    "switched": _switch_away,
    "detached": _detach,
    "inner": _make_inner,
    "index-gone": lambda top: Path(git(top, "rev-parse", "--git-path", "index")).unlink(),
    "link-gone": lambda top: (top / ".git").unlink(),
}


def test_it_says_of_each_slice_what_a_look_at_it_says(repo: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, *({"id": id_, "write_set": [f"{id_}/"]} for id_ in STATES))
    (repo / "later.txt").write_text("later")
    commit_all(repo, "Later")
    for id_, change in STATES.items():
        change(slice_path(workspace, id_))
    found = {one.slice_id: one for one in check(workspace, CheckRequest(every=True)).slices}
    assert set(found) == set(STATES)
    for id_ in map(SliceId, STATES):
        if found[id_].problem:
            with pytest.raises(RefusedError):
                check(workspace, CheckRequest(slice_id=id_))
        else:
            assert check(workspace, CheckRequest(slice_id=id_)).slices == (found[id_],)
    told = {id_ for id_, one in found.items() if one.violations}
    assert told >= {
        "foreign-commit", "foreign-edit", "foreign-file", "staged", "staged-taken-back", "deleted",
        "switched", "detached", "inner",
    }  # fmt: skip
    assert not told & {"untouched", "own-commit", "own-edit", "target-in", "merging"}
