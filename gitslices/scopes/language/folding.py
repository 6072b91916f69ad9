"""How a repository compares paths, and patterns brought to the same form."""

import unicodedata
from functools import lru_cache

from msgspec import Struct

from gitslices.scopes.language.globs import CharSet, Glob, Pattern, Token, parse_pattern

_LAST_CASED = 0x1FFFF
"""No character beyond this one has a case."""


class Folding(Struct, frozen=True):
    """The repository's `core.ignorecase` and `core.precomposeunicode`."""

    ignore_case: bool = False
    precompose_unicode: bool = False

    @property
    def changes_text(self) -> bool:
        """Whether two different spellings can be the same path."""
        return self.ignore_case or self.precompose_unicode

    def fold(self, text: str) -> str:
        """The form in which paths are compared."""
        if text.isascii():
            return text.lower() if self.ignore_case else text
        if self.precompose_unicode:
            text = unicodedata.normalize("NFC", text)
        if not self.ignore_case:
            return text
        # Casefolding takes some characters apart, which then have to be composed once more.
        folded = text.casefold()
        return unicodedata.normalize("NFC", folded) if self.precompose_unicode else folded


def fold_pattern(text: str, folding: Folding) -> Pattern:
    """Read a pattern so that it matches folded paths."""
    if folding.precompose_unicode:
        text = unicodedata.normalize("NFC", text)
    pattern = parse_pattern(text)
    if not folding.ignore_case:
        return pattern
    return Pattern(tuple(map(_fold_glob, pattern.components)), pattern.directory_only)


@lru_cache(maxsize=1 << 14)
def _fold_glob(glob: Glob) -> Glob:
    tokens: list[Token] = []
    for token in glob:
        if isinstance(token, str):
            # One character may fold to several, as `ß` does to `ss`.
            tokens.extend(token.casefold())
        elif isinstance(token, CharSet):
            tokens.append(_fold_set(token))
        else:
            tokens.append(token)
    return tuple(tokens)


def _fold_set(chars: CharSet) -> CharSet:
    images = {
        (image, image)
        for low, high in chars.ranges
        # Without that limit a range up to the last code point costs a million steps.
        for code in range(ord(low), min(ord(high), _LAST_CASED) + 1)
        # A set stands for one character, so what folds to several cannot be said with it.
        if len(image := chr(code).casefold()) == 1 and image != chr(code)
    }
    return CharSet(tuple(sorted({*chars.ranges, *images})), chars.negated)
