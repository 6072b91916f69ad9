"""The words of a text as past changes are searched by them."""

import re
from functools import cache
from typing import Final

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD: Final = re.compile(r"[^\W\d_][^\W_]+")
_LONGEST_TEXT: Final = 4_000
_LONGEST_WORD: Final = 40

_STOPPED: Final = """
about after all also an and any are as at be because been before but by can com could do does don
each for from github had has have here how http https if in instead into is it its just like make
may more most no not now of on one only or org other our out over see should so some such than that
the their them then there these they this to too up use used using was we were what when where which
while will with would www you your
"""
_STOP: Final = frozenset(_STOPPED.split())

_ENDINGS: Final = (
    ("ies", "y", 5), ("sses", "ss", 6), ("ing", "", 6), ("ed", "", 5), ("es", "e", 5),
    ("ss", "ss", 4), ("us", "us", 4), ("is", "is", 4), ("s", "", 4),
)  # fmt: skip
"""What goes from the end of a word, what comes instead, and from which length on."""


def find_words(text: str) -> frozenset[str]:
    """The words in a text or a path, each as it is searched by: lower case, no endings.

    Names are taken apart at their humps and underscores.
    """
    text = text[:_LONGEST_TEXT]
    if not text[1:].islower():
        text = _HUMP.sub(" ", text)
    return frozenset(map(_stem, _WORD.findall(text.lower()))) - _STOP


@cache
def _stem(word: str) -> str:
    """The word without the commonest endings of English: only so far that its forms meet."""
    word = word[:_LONGEST_WORD]
    for ending, instead, least in _ENDINGS:
        if len(word) >= least and word.endswith(ending):
            word = word[: -len(ending)] + instead
            # A doubled consonant goes with its ending: running, stopped.
            if ending in {"ing", "ed"} and word[-1] == word[-2] and word[-1] not in "lsz":
                return word[:-1]
            break
    return word[:-1] if word[-1] == "e" and len(word) > 4 else word
