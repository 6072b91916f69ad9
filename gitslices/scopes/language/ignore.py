"""Lines as in a gitignore file, read within the limits that the entries of scopes have.

A tracked file may hold any pattern, and a wild one keeps a regular expression busy for hours. What
is beyond the limits is left out; a line that takes back (`!`) takes all before it along, so that
nothing counts as covered that might have been taken back.
"""

from collections.abc import Iterable

from msgspec import Struct

from gitslices.core.errors import Problem, ScopeError
from gitslices.scopes.language.atoms import Atom, split_head
from gitslices.scopes.language.entries import MAX_LITERAL_BYTES, MAX_PATTERN_BYTES, strip_spaces
from gitslices.scopes.language.globs import parse_pattern
from gitslices.scopes.language.matcher import covers


class _IgnoreRule(Struct, frozen=True):
    """One line: `text` as git takes it for a pattern, and what it covers or takes back."""

    text: str
    atom: Atom
    takes_back: bool


class IgnoreRules(Struct, frozen=True):
    """The lines that count, in their order, and those that do not, each with the reason."""

    rules: tuple[_IgnoreRule, ...] = ()
    refused: tuple[Problem, ...] = ()

    def covers(self, path: str) -> bool:
        """Tell whether a path from the root is covered; a directory's ends in `/`."""
        return next(
            (not rule.takes_back for rule in reversed(self.rules) if covers(rule.atom, path)),
            False,
        )


def read_ignore_lines(lines: Iterable[str]) -> IgnoreRules:
    """The rules that `lines` hold, without comments and blank lines."""
    rules: list[_IgnoreRule] = []
    refused: list[Problem] = []
    for line in lines:
        text = strip_spaces(line.removesuffix("\r"))
        if not text.strip("/!") or text.startswith("#"):
            continue
        try:
            rules.append(_read_rule(text))
        except ScopeError as error:
            refused.append(Problem(text, error.message, error.hint))
            # Nobody can tell what it would have taken back: rather too few lines count than too
            # many.
            if text.startswith("!"):
                rules.clear()
    return IgnoreRules(tuple(rules), tuple(refused))


def _read_rule(text: str) -> _IgnoreRule:
    takes_back = text.startswith("!")
    body = text[1:] if takes_back else text
    is_literal = not any(char in body for char in "*?[\\")
    limit = MAX_LITERAL_BYTES if is_literal else MAX_PATTERN_BYTES
    if len(body.encode("utf-8", "surrogateescape")) > limit:
        raise ScopeError("it is too long", hint=f"it may have {limit} bytes")
    if any("\ud800" <= char <= "\udfff" for char in body):
        raise ScopeError("it is no text in UTF-8")
    if {".", ".."} & set(body.split("/")):
        raise ScopeError("git knows no '.' and no '..' in a pattern")
    return _IgnoreRule(text, split_head(parse_pattern(body)), takes_back)
