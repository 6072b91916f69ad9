"""One browser for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()
