"""The status table on terminals wide and narrow, and what it says of slices in disorder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import convert, structs
from rich.cells import cell_len
from rich.text import Text

from gitslices.core.model import BranchName, SliceId, TaskGraph
from gitslices.ops.status import FailedAttempt, GoneSlice, SliceState, StatusReport, status
from gitslices.output.text.live import make_row
from gitslices.output.text.status import View, format_status
from gitslices.slices.goals import GoalSummary
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import git
from tests.support.slices import apply_graph
from tests.support.workspaces import open_at

NOW = "2026-01-01T10:00:00Z"
GRAPH = {
    "goal_id": "g",
    "tasks": [{"id": id_, "owner_role": "w", "write_set": [f"{id_}/"]} for id_ in "ab"],
}
API = SliceState(
    goal_id="g",
    slice_id=SliceId("api"),
    status="claimed",
    wave=0,
    dependencies=(),
    waits_for=(),
    reason=None,
    branch_name=BranchName("slices/auth-rework/api"),
    worktree_path="/home/ann/code/webshop.slices/auth-rework--api",
    holder="ann@laptop",
    expires_at="2026-01-01T10:30:00Z",
    waiting=None,
    waiting_since=None,
    lapsed=None,
    failed=None,
    asked=(),
    ahead=3,
    behind=0,
    follows=False,
    dirty=True,
    conflicts=(),
    sparse=False,
    problem=None,
)
LATER = structs.replace(
    API,
    slice_id=SliceId("later"),
    status="planned",
    holder=None,
    expires_at=None,
    dirty=False,
)
HERE = "/home/ann/code/webshop"


def make_report(*states: SliceState, gone: tuple[GoneSlice, ...] = ()) -> StatusReport:
    target = BranchName("main")
    return StatusReport(
        goal_id="g",
        target=target,
        problem=None,
        goals=(GoalSummary(goal_id="g", target=target, state="under-way"),),
        slices=states,
        gone=gone,
        not_shown=(),
    )


def draw(
    *states: SliceState, here: str | None = HERE, width: int | None = None, paths: bool = True
) -> list[str]:
    view = View(now=NOW, here=here, width=width, paths=paths)
    text = format_status(make_report(*states), view)
    return [Text.from_ansi(line).plain for line in text.splitlines()]


def test_a_path_is_shown_from_where_the_reader_is_if_that_is_shorter() -> None:
    assert draw(API)[-1].endswith(" ../webshop.slices/auth-rework--api")
    assert draw(API, here="/srv/deep/down")[-1].endswith(f" {API.worktree_path}")
    assert draw(API, here=None)[-1].endswith(f" {API.worktree_path}")


def test_a_deadline_is_told_by_the_time_left() -> None:
    assert "ann@laptop, 30m left " in draw(API)[-1]
    tomorrow = structs.replace(API, expires_at="2026-01-02T13:10:00Z")
    assert "ann@laptop, 27h left " in draw(tomorrow)[-1]


def test_a_gone_slice_is_told_as_shortly() -> None:
    gone = GoneSlice(
        goal_id="g",
        slice_id=API.slice_id,
        status=API.status,
        branch_name=API.branch_name,
        worktree_path=API.worktree_path,
        holder=API.holder,
        expires_at=API.expires_at,
    )
    report = make_report(API, gone=(gone,))
    assert format_status(report, View(now=NOW, here=HERE)).splitlines()[-1] == (
        "no longer planned: api, held by ann@laptop, 30m left, "
        "at ../webshop.slices/auth-rework--api"
    )


def test_on_a_narrow_terminal_columns_that_say_nothing_go_first() -> None:
    state = structs.replace(API, holder=None, expires_at=None, dirty=False)
    wide, narrow = draw(state, width=200), draw(state, width=80)
    assert wide[1].split() == [
        "slice", "status", "holder", "wave", "commits", "changes", "waits", "for", "worktree",
    ]  # fmt: skip
    assert narrow[1].split() == ["slice", "status", "wave", "commits", "worktree"]
    assert narrow[-1].endswith("../webshop.slices/auth-rework--api")


def test_no_line_is_wider_than_the_terminal_and_no_path_is_cut() -> None:
    lines = draw(API, LATER, width=80)
    assert max(cell_len(line) for line in lines) <= 80
    assert [line.split()[0] for line in lines[3:]] == [
        "api",
        "../webshop.slices/auth-rework--api",
        "later",
    ]


def test_what_is_wrong_stands_among_the_changes_with_the_next_move_below() -> None:
    lines = draw(structs.replace(API, problem="broken link", dirty=False), LATER)
    assert " broken link " in lines[3]
    assert lines[-1] == "see: gitslices doctor"
    assert "see: gitslices doctor" not in draw(API)


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Two slices, provisioned."""
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return open_at(repo)


def find_a(workspace: Workspace) -> SliceState:
    a, b = status(workspace, None).slices
    assert b.problem is None
    return a


def delete_worktree(repo: Path, a: Path) -> None:
    shutil.rmtree(a)


def delete_branch(repo: Path, a: Path) -> None:
    git(repo, "update-ref", "-d", "refs/heads/slices/g/a")


def delete_both(repo: Path, a: Path) -> None:
    git(repo, "worktree", "remove", "--force", str(a))
    delete_branch(repo, a)


def move_worktree(repo: Path, a: Path) -> None:
    (a / "loose.txt").write_text("precious")
    git(repo, "worktree", "move", str(a), str(a.with_name("moved")))


def break_link(repo: Path, a: Path) -> None:
    (a / "loose.txt").write_text("precious")
    (a / ".git").write_text(f"gitdir: {repo.with_name('before')}/.git/worktrees/g--a\n")


def start_another_repository(repo: Path, a: Path) -> None:
    (a / ".git").unlink()
    git(a, "init", "--quiet")


@pytest.mark.parametrize(
    ("harm", "problem", "dirty"),
    [
        (delete_worktree, "no worktree", False),
        (delete_branch, "no branch", True),
        (delete_both, "no branch, no worktree", False),
        (move_worktree, "moved", True),
        (break_link, "broken link", True),
        (start_another_repository, "not its worktree", False),
    ],
)
def test_a_slice_in_disorder_says_so_and_still_shows_its_changes(
    workspace: Workspace,
    repo: Path,
    harm: Callable[[Path, Path], None],
    problem: str,
    *,
    dirty: bool,
) -> None:
    assert find_a(workspace).problem is None
    harm(repo, workspace.worktree_root / "g--a")
    state = find_a(workspace)
    assert (state.problem, state.dirty) == (problem, dirty)


def test_a_merged_slice_of_which_nothing_is_left_has_no_problem(
    workspace: Workspace, repo: Path
) -> None:
    with workspace.open_store() as store:
        store.write_status("g", SliceId("a"), "merged")
    delete_both(repo, workspace.worktree_root / "g--a")
    assert find_a(workspace).problem is None


def test_the_command_shows_the_problem_in_text_and_json(
    cli: Cli, workspace: Workspace, repo: Path
) -> None:
    delete_worktree(repo, workspace.worktree_root / "g--a")
    assert [one["problem"] for one in cli("status", "--json").document["slices"]] == [
        "no worktree",
        None,
    ]
    done = cli("status")
    assert "no worktree" in done.out
    assert done.out.endswith("see: gitslices doctor\n")


def test_beyond_a_symbolic_link_paths_are_shown_in_full(
    cli: Cli, workspace: Workspace, repo: Path
) -> None:
    """Where a shell takes `..` for the folder that holds the link."""
    link = repo.parent / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(repo)
    shown = cli("status", "--paths", directory=link, env={"PWD": str(link)}).out
    assert str(workspace.worktree_root / "g--a") in shown
    assert str(workspace.worktree_root) not in cli("status", "--paths", env={"PWD": str(repo)}).out


def test_who_waits_for_a_person_is_told_in_one_line() -> None:
    waiting = structs.replace(
        API, waiting="may it\n\x1b[1mpush?" + "x" * 300, waiting_since="2026-01-01T09:59:00Z"
    )
    line = draw(waiting)[-1]
    assert line.startswith(r"api waits for a person since 09:59: may it \x1b[1mpush?xxx")
    assert line.endswith("x…")
    assert make_row(waiting).state == "asking"


def test_in_80_columns_a_slice_takes_one_line() -> None:
    busy = structs.replace(
        API,
        slice_id=SliceId("a-rather-long-name-for-a-slice"),
        waits_for=(SliceId("one-of-them"), SliceId("another-one")),
        problem="broken link, in a rebase",
    )
    lines = draw(busy, LATER, width=80, paths=False)
    assert max(cell_len(line) for line in lines) <= 80
    rows = [line for line in lines[3:] if line.startswith(("a-rather", "later"))]
    assert len(rows) == 2
    assert "../webshop.slices" not in "".join(lines)


def test_what_became_of_the_last_holder_is_told_from_never_begun() -> None:
    begun = structs.replace(LATER, status="provisioned")
    failed = FailedAttempt(attempt=2, holder="ann", at=NOW, reason="gate", message="tests: exit 1")
    lines = draw(
        begun,
        structs.replace(begun, lapsed="bob"),
        structs.replace(begun, failed=failed),
        structs.replace(begun, reason="shares src/a.py with ui, held by ann until then"),
        paths=False,
    )
    assert [line.split()[1:3] for line in lines[3:7]] == [
        ["provisioned", "0"], ["lapsed", "bob"], ["failed", "0"], ["provisioned", "0"],
    ]  # fmt: skip
    assert lines[6].endswith("shares src/a.py with ui")
    assert lines[-1] == "later: attempt 2 failed: tests: exit 1"
