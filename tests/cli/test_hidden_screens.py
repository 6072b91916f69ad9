"""Hidden text in graphs, authors, gates and reviews, on every screen that shows it."""

import json
import unicodedata
from pathlib import Path

import pytest

from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings

TAGS = "\U000e0069\U000e0067\U000e006e\xad\u200b\u202e\U000e0101\u3164"
SHOWN = r"\U000e0069\U000e0067\U000e006e\xad\u200b\u202e\U000e0101\u3164"


@pytest.fixture
def slice_(repo: Path, cli: Cli) -> Path:
    """A slice with hidden text in all that people write of it."""
    task = {
        "id": "a", "owner_role": "x", "title": f"Title{TAGS}", "write_set": ["src/"],
        "acceptance": [f"good{TAGS}"],
    }  # fmt: skip
    (repo / "graph.json").write_text(json.dumps({"tasks": [task]}, ensure_ascii=False))
    write_settings(repo, f"[gates]\nacceptance_criteria = \"echo 'said{TAGS}'; false\"\n")
    commit_all(repo, "Graph")
    assert cli("plan", "graph.json", "--apply").code == 0
    path = repo.parent / "webshop.slices" / "default--a"
    git(path, "config", "user.name", f"Ann{TAGS}")
    (path / "src" / f"odd{TAGS}.py").write_text("")
    commit_all(path, f"Subject{TAGS}")
    assert cli("review", "a", "--kind", "code_review", "--by", "bob", "--verdict", "approve",
               "--note", f"note{TAGS}").code == 0  # fmt: skip
    return path


SCREENS = [
    ("plan", "graph.json"),
    ("plan", "graph.json", "--format", "mermaid"),
    ("plan", "graph.json", "--format", "dot"),
    ("plan", "graph.json", "--format", "svg"),
    ("plan", "graph.json", "--format", "html"),
    ("trust",),
    ("ready",),
    ("claim", "a"),
    ("log", "a", "--evidence"),
]


@pytest.mark.usefixtures("slice_")
@pytest.mark.parametrize("argv", SCREENS, ids=" ".join)
def test_hidden_text_is_shown_on_every_screen(cli: Cli, argv: tuple[str, ...]) -> None:
    done = cli(*argv)
    text = done.out + done.err
    assert SHOWN.replace("\\", "") in text.replace("#92;", "").replace("\\", "")
    seams = "\u200b" if "mermaid" in argv else ""  # ours, so that mermaid reads no syntax
    hidden = {char for char in text if unicodedata.category(char) in {"Cf", "Cs"}} - set(seams)
    assert not hidden
    assert "\u3164" not in text
    assert "\U000e0101" not in text


@pytest.mark.usefixtures("slice_")
def test_the_last_line_of_a_gate_and_a_path_are_shown_so(cli: Cli) -> None:
    token = str(cli("claim", "a", "--json").document["token"])
    assert cli("trust", "--yes").code == 0
    for argv in (("done", "a", "--token", token), ("gate", "status"), ("log",)):
        done = cli(*argv)
        assert f"said{SHOWN}" in done.out + done.err, argv
        assert not set(TAGS) & set(done.out + done.err)
