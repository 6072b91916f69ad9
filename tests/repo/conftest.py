"""Clones of one remote that share a goal."""

from pathlib import Path

import pytest

from tests.support.remotes import add_remote
from tests.support.shared import Clone, make_clones


@pytest.fixture
def hub(repo: Path) -> Path:
    return add_remote(repo)


@pytest.fixture
def ann(hub: Path) -> Clone:
    """The clone that shares a goal: a and b, and c that waits for a."""
    (ann,) = make_clones(hub, "ann")
    ann.share()
    return ann


@pytest.fixture
def bob(hub: Path, ann: Clone) -> Clone:
    (bob,) = make_clones(hub, "bob")
    bob.join()
    return bob
