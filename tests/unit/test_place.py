"""Where git says that a repository is."""

from pathlib import Path

import pytest

from gitslices.core.errors import MachineError
from gitslices.git.discovery import RepositoryPlace, read_place
from gitslices.git.repository import Result


def parse(*lines: str) -> RepositoryPlace:
    answer = "".join(f"{line}\n" for line in lines)
    return read_place(Result(0, answer.encode(), b""), Path("/asked"))


def test_inside_a_worktree_the_way_up_is_told() -> None:
    assert parse("/r/.git", "/r/.git", "true", "") == RepositoryPlace(
        git_dir=Path("/r/.git"), common_dir=Path("/r/.git"), up=""
    )
    assert parse("/r/.git/worktrees/a", "/r/.git", "true", "../../").up == "../../"


def test_elsewhere_there_is_none() -> None:
    assert parse("/r.git", "/r.git", "false").up is None
    assert parse("/r/.git", "/r/.git", "false", "/r").up is None


@pytest.mark.parametrize(
    "lines",
    [
        ("/a\nb/.git", "/a\nb/.git", "true", ""),
        ("/a\n/b/.git", "/a\n/b/.git", "true", ""),
        ("/a\ntrue", "/a\ntrue", "false"),
        ("/a\nfalse", "/a\nfalse", "false"),
        ("/own", "/a\ntrue", "false"),
        ("/own", "/a\nfalse", "false"),
        ("/own", "/a\ntrue", "true", ""),
        ("/own\n/b", "/c", "false"),
    ],
)
def test_no_line_break_in_a_path_passes_for_another_answer(lines: tuple[str, ...]) -> None:
    with pytest.raises(MachineError, match="'/asked' has a line break"):
        parse(*lines)
