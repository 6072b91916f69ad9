"""`status --graph`, and the plan's picture with its progress."""

from pathlib import Path

import pytest

from tests.support.commands import Finished, run_cli
from tests.support.pictures import read_svg
from tests.support.repositories import commit_all
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.fixture
def half(repo: Path) -> Path:
    """A chain of three: the first merged, the second claimed, the third waiting."""
    apply_tasks(
        open_at(repo),
        {"id": "schema", "write_set": ["db/"], "estimate": 8},
        {"id": "api", "title": HOSTILE, "write_set": ["src/"], "dependencies": ["schema"]},
        {"id": "ui", "write_set": ["web/"], "dependencies": ["api"], "estimate": 2},
    )
    claim = ask(repo, "claim", "schema", "--holder", "one", "--json").document
    place = Path(claim["worktree_path"])
    (place / "db").mkdir()
    (place / "db" / "new.sql").write_text("new")
    commit_all(place, "the work")
    ask(repo, "done", "schema", "--token", str(claim["token"]))
    ask(repo, "merge", "schema")
    ask(repo, "claim", "api", "--holder", "two <b>")
    return repo


def ask(place: Path, *words: str) -> Finished:
    answer = run_cli(place, *words)
    assert answer.code == 0, answer.err
    return answer


def test_waves_are_drawn_with_states_and_with_what_is_left(half: Path) -> None:
    head, left, _, *waves = ask(half, "status", "--graph").out.splitlines()
    assert head == "default · target main · 1 merged, 1 under way, 1 left"
    assert left == "left: cost 3 by api > ui"
    assert waves[0].split() == ["wave", "0", "█" * 20, "1", "of", "1", "merged"]
    assert waves[1].split() == ["✓", "schema", "merged"]
    assert waves[4].split()[:3] == ["●", "api", "claimed"]
    assert "two <b>, " in waves[4]
    assert waves[7].split() == ["·", "ui", "provisioned", "waits", "for", "api"]


def test_pictures_have_the_states_and_no_text_acts_in_them(half: Path, tmp_path: Path) -> None:
    svg = ask(half, "status", "--format", "svg").out
    hovers = [one.text for one in read_svg(svg).iter("{http://www.w3.org/2000/svg}title")]
    assert "Status of default" in hovers
    assert any("wave 0 · merged" in str(one) for one in hovers)
    assert svg.count('class="slice critical"') == 2
    assert [mark for mark in ("landed", "busy", "asking") if f'class="mark {mark}"' in svg] == [
        "landed", "busy",
    ]  # fmt: skip
    page = tmp_path / "status.html"
    assert ask(half, "status", "-o", str(page)).out == f"wrote {page}\n"
    assert "1 merged, 1 under way, 1 left" in page.read_text()
    assert HOSTILE[:8] + "alert" not in page.read_text()
    mermaid = ask(half, "status", "--format", "mermaid").out
    assert "  class s0 landed\n" in mermaid
    assert "  class s1 busy\n" in mermaid


def test_a_picture_has_one_goal_and_is_no_document(half: Path, tmp_path: Path) -> None:
    apply_tasks(open_at(half), {"id": "other", "write_set": ["other/"]}, goal_id="second")
    refused = run_cli(half, "status", "--format", "svg")
    assert refused.code == 2
    assert "2 are under way: default, second" in refused.err
    assert ask(half, "status", "--graph").out.count("wave 0") == 2
    assert "Status of second" in ask(half, "status", "--format", "svg", "--goal", "second").out
    for words in (("--graph", "--json"), ("--graph", "--format", "svg"), ("-o", "status.txt")):
        assert run_cli(half, "status", *words).code == 2
