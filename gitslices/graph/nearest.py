"""The known name that a wrong one was probably meant to be."""

from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from gitslices.graph.findings import quote

_COMPARISONS: Final = 20_000
"""How many names may be compared for one graph's hints: about a fifth of a second."""

_LONGEST_NAME: Final = 512


def make_hints(known: Collection[str]) -> Callable[[str], str | None]:
    """Return a function that hints at the known name nearest to a wrong one, whatever the case.

    After so many comparisons it hints at nothing: the ten thousandth hint helps nobody.
    """
    names = {name.casefold(): name for name in known}
    left = _COMPARISONS

    @cache
    def hint_at(wrong: str) -> str | None:
        nonlocal left
        left -= len(names)
        if left < 0 or len(wrong) > _LONGEST_NAME:
            return None
        from difflib import get_close_matches

        near = get_close_matches(wrong.casefold(), names, n=1)
        return f"is {quote(names[near[0]])} meant?" if near else None

    return hint_at
