"""The changes that count, and what can be asked of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final, Protocol

from gitslices.core.model import RepoPath

MOST_FILES: Final = 25
"""A commit of more files says nothing of which belong together."""

HALF_LIFE: Final = 800
"""After so many further changes one counts half; it is as good from 400 to 2,000."""

_BOT: Final = re.compile(
    r"\[bot\]|\bbot\b|\bdependabot|\brenovate|\bpre-commit-ci|\bgreenkeeper|\bpyup\b"
    r"|\bgithub-actions\b|\bsnyk\b",
    re.IGNORECASE,
)


class Past(Protocol):
    """The changes of a history, numbered from 0 in the order in which they were made."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def lengths(self) -> bytes:
        """How many words the title of each has."""
        ...

    def read_saying(self, word: str) -> Sequence[int]:
        """Those whose title has a word, in order."""
        ...

    def read_changing(self, path: RepoPath) -> Sequence[int]:
        """Those that touched the file that is now at `path`, in order."""
        ...

    def read_files(self, numbers: Iterable[int]) -> Mapping[int, tuple[RepoPath, ...]]:
        """What each of them touched, by the names of today."""
        ...


def is_counted(author: str, email: str, files: int) -> bool:
    """Whether a commit says which files belong together: by a person, and not too large."""
    return 0 < files <= MOST_FILES and not _is_bot(author, email)


@cache
def _is_bot(author: str, email: str) -> bool:
    return bool(_BOT.search(author) or _BOT.search(email))


def weigh_age(past: Past, number: int, half_life: int = HALF_LIFE) -> float:
    """What a change still counts: 1 for the newest."""
    return float(0.5 ** ((past.count - number) / half_life))
