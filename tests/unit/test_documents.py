"""The documents for users: links lead somewhere, promises have tests, sentences are short."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from gitslices.system.settings_tables import Gate, Settings
from tests.support.documents import ROOT, read_sentences

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README_LINES = 150
SENTENCE_WORDS = 30
OF_OURS = {"GITSLICES_FAULT", "GITSLICES_LINE", "GITSLICES_WORKER"}
"""Variables between processes of ours, and for tests."""


def name_page(page: Path) -> str:
    return str(page.relative_to(ROOT))


def make_anchor(heading: str) -> str:
    plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower()).strip()
    return re.sub(r"\s+", "-", plain)


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)|(?:src|srcset)=\"([^\"]+)\"", text):
        path, _, anchor = "".join(link).partition("#")
        aim = page.parent / path if path else page
        headings = re.findall(r"^#+ (.+)$", aim.read_text(), re.MULTILINE) if aim.is_file() else []
        if not aim.exists() or (anchor and anchor not in map(make_anchor, headings)):
            lost.append("".join(link))
    assert lost == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


SHORT = [ROOT / "README.md", ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/how-to").iterdir())]


@pytest.mark.parametrize("page", SHORT, ids=name_page)
def test_sentences_are_short(page: Path) -> None:
    long = [one for one in read_sentences(page) if len(one.split()) > SENTENCE_WORDS]
    assert long == []


def test_every_promise_names_a_test_that_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    promises = text.partition("## What it promises")[2].partition("\n## ")[0]
    files = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    for promise in re.split(r"^- ", promises, flags=re.MULTILINE)[1:]:
        named = re.findall(r"<!-- (\w+\.py)::(\w+) -->", promise)
        assert named, promise
        for file, function in named:
            assert f"def {function}(" in files[file], f"{file}::{function}"


def test_the_figures_of_the_promises_are_those_of_the_soak() -> None:
    text = (ROOT / "README.md").read_text()
    figures = re.findall(
        r"\d[\d,]{2,}", text.partition("## What it promises")[2].partition("\n## ")[0]
    )
    soak = (ROOT / "docs" / "reliability.md").read_text()
    assert [figure for figure in figures if figure not in soak] == []


def test_every_setting_and_variable_has_its_line() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    code = "\n".join(path.read_text() for path in (ROOT / "gitslices").rglob("*.py"))
    keys = {
        f"gitslices.{key}" for key in re.findall(r"git config (?:--\w+ )*gitslices\.(\w+)", code)
    }
    keys |= set(re.findall(r'"(GITSLICES_[A-Z]+(?:_[A-Z]+)*)"', code)) - OF_OURS
    for section in fields(Settings):
        inside = section.type if section.name != "gates" else Gate
        keys |= {f"[{section.name}]", *(field.name for field in fields(inside))}
    assert {key for key in keys if f"`{key}`" not in page} == set()
