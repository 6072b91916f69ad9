"""The pages for developers: what they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "internals").glob("*.md"))]
# Of commands that a page makes up for its example.
EXAMPLE = re.compile("snooze", re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_path_and_link_leads_somewhere(page: Path) -> None:
    text = page.read_text()
    paths = re.findall(r"`((?:gitslices|tests|scripts|fixtures|docs)/[\w./]*)", text)
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [path for path in paths if not EXAMPLE.search(path) and not (ROOT / path).exists()]
    missing += [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_every_name_of_code_is_defined(page: Path) -> None:
    sources = "\n".join(
        path.read_text() for top in ("gitslices", "tests") for path in (ROOT / top).rglob("*.py")
    )
    names = re.findall(
        r"`(?:class )?([A-Z][a-z]+(?:[A-Z][a-z]+)*|[a-z]+(?:_[a-z]+)+)`", page.read_text()
    )
    missing = [
        name for name in names if not (EXAMPLE.match(name) or re.search(rf"\b{name}\b", sources))
    ]
    assert missing == []
