"""Scope entries as people write them: what each means, and what is refused."""

import re
import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from gitslices.core.errors import ScopeError
from gitslices.scopes.language.globs import GLOBSTAR, Pattern, literal_name, parse_pattern
from gitslices.scopes.language.notation import expand_braces, refuse_foreign

MAX_LITERAL_BYTES = 4096
MAX_PATTERN_BYTES = 256

_TOO_LONG = "it is too long"
_LIMITS = f"a path may have {MAX_LITERAL_BYTES} bytes, a pattern {MAX_PATTERN_BYTES}"
_HIDDEN = re.compile(r"(?:^|/)\.")
"""What `.`, `..` and `.git` begin with."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_REFUSED_CATEGORIES = {"Cc": "control character", "Cs": "lone surrogate"} | dict.fromkeys(
    ("Zl", "Zp"), "line separator"
)


class Entry(Struct, frozen=True, cache_hash=True):
    """One entry: `text` as it was given, `path` without `!`, `./` and double slashes.

    A literal's `path` has no slash at either end. The path of the whole repository is empty.
    """

    text: str
    path: str
    excluded: bool
    is_pattern: bool

    @property
    def names_whole_repository(self) -> bool:
        """Whether the entry stands for every path there can be."""
        return not self.path


class Scope(Struct, frozen=True):
    """A union of entries less its exclusions, sorted by their texts and without duplicates."""

    entries: tuple[Entry, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The entries as they were given."""
        return tuple(entry.text for entry in self.entries)

    @property
    def included(self) -> tuple[Entry, ...]:
        """The entries that add paths."""
        return tuple(entry for entry in self.entries if not entry.excluded)

    @property
    def excluded(self) -> tuple[Entry, ...]:
        """The entries that take paths out again."""
        return tuple(entry for entry in self.entries if entry.excluded)

    @property
    def names_whole_repository(self) -> bool:
        """Whether an entry names the whole repository, whatever is excluded again."""
        return any(entry.names_whole_repository for entry in self.included)


class Access(Struct, frozen=True, kw_only=True):
    """What one slice may read and write, and what a sparse worktree of it has besides."""

    read: Scope
    write: Scope
    checkout: Scope = Scope()


def parse_scope(entries: Iterable[str]) -> Scope:
    """The scope that entries make; raises ScopeError for a refused one, or if all only exclude.

    They may be kept from a time when less was refused: only what has no meaning at all is.
    """
    texts = {text for entry in entries for text in expand_braces(entry)}
    return make_scope(map(parse_entry, sorted(texts)))


def make_scope(entries: Iterable[Entry]) -> Scope:
    """The scope that entries make; raises ScopeError where all of them only exclude."""
    scope = Scope(tuple(sorted(set(entries), key=lambda entry: entry.text)))
    if scope.entries and all(entry.excluded for entry in scope.entries):
        raise ScopeError(
            "the scope only excludes, so nothing is in it",
            hint="add the paths to take them out of; '.' is the whole repository",
        )
    return scope


def parse_entries(text: str) -> tuple[Entry, ...]:
    """What somebody has written: the entries that it means, several where it has braces.

    Raises ScopeError for what is no entry, and for notations that are none of gitignore's.
    """
    if len(text) > MAX_LITERAL_BYTES + 1:
        raise ScopeError(f"{_quote(text)}: {_TOO_LONG}", hint=_LIMITS)
    try:
        texts = expand_braces(text)
    except ScopeError as error:
        raise ScopeError(f"{_quote(text)}: {error.message}", hint=error.hint) from None
    entries = tuple(map(parse_entry, texts))
    for entry in entries:
        try:
            refuse_foreign(entry.text.removeprefix("!"))
        except ScopeError as error:
            raise ScopeError(f"{_quote(text)}: {error.message}", hint=error.hint) from None
    return entries


def parse_entry(text: str) -> Entry:
    """What one entry means as it stands, braces being characters like others.

    Raises ScopeError with the reason and the way to write it instead.
    """
    if len(text) > MAX_LITERAL_BYTES + 1:
        raise ScopeError(f"{_quote(text)}: {_TOO_LONG}", hint=_LIMITS)
    excluded = text.startswith("!")
    body = text[1:] if excluded else text
    try:
        entry = _parse_body(text, body, excluded=excluded)
    except ScopeError as error:
        raise ScopeError(f"{_quote(text)}: {error.message}", hint=error.hint) from None
    if excluded and entry.names_whole_repository:
        raise ScopeError(
            f"{_quote(text)}: it takes out the whole repository, so nothing would be left",
            hint="leave it out, and name what the scope holds",
        )
    return entry


def _parse_body(text: str, body: str, *, excluded: bool) -> Entry:
    if not body.strip():
        raise ScopeError("an entry cannot be empty", hint="name a path, or '.' for the repository")
    if not (body.isascii() and body.isprintable()):
        _refuse_characters(body)
    if body == "project files":
        return Entry(text, "", excluded, is_pattern=False)
    is_pattern = "*" in body or "?" in body or "[" in body
    _refuse_places(body, is_pattern=is_pattern)
    path = _normalise_pattern(body) if is_pattern else _normalise_literal(body)
    return Entry(text, path, excluded, is_pattern and path != "")


def _refuse_characters(body: str) -> None:
    for char in body:
        kind = _REFUSED_CATEGORIES.get(unicodedata.category(char))
        if kind:
            raise ScopeError(
                f"it holds a {kind}, U+{ord(char):04X}", hint="a '?' stands for any one character"
            )


def _refuse_places(body: str, *, is_pattern: bool) -> None:
    if body.startswith("~"):
        raise ScopeError(
            "'~' is a home directory, and scopes stay inside the repository",
            hint=f"write './{body[:60]}' if the name does begin with '~'",
        )
    if _DRIVE.match(body) or (body.startswith("/") and not is_pattern):
        raise ScopeError(
            "it is an absolute path",
            hint="name the path from the repository's root; '.' is the whole repository",
        )
    limit = MAX_PATTERN_BYTES if is_pattern else MAX_LITERAL_BYTES
    if len(body.encode()) > limit:
        raise ScopeError(_TOO_LONG, hint=_LIMITS)


def _normalise_literal(body: str) -> str:
    if "//" not in body and not _HIDDEN.search(body):
        return body.rstrip("/")
    names = [name for name in body.split("/") if name not in ("", ".")]
    for name in names:
        _refuse_name(name)
    return "/".join(names)


def _normalise_pattern(body: str) -> str:
    path = _clean_pattern(strip_spaces(body))
    for form in {path} if path.isascii() else {path, unicodedata.normalize("NFC", path)}:
        pattern = parse_pattern(form)
        for glob in pattern.components:
            _refuse_name(literal_name(glob) or "")
    return "" if _is_everything(pattern) else path


def _clean_pattern(body: str) -> str:
    """Drop `./` and double slashes, but keep a pattern at the root that a slash ties to it."""
    names = [name for name in body.split("/") if name not in ("", ".")]
    lead = "/" if len(names) == 1 and "/" in body.rstrip("/") else ""
    return lead + "/".join(names) + ("/" if body.endswith("/") else "")


def _is_everything(pattern: Pattern) -> bool:
    return pattern.components == (GLOBSTAR,) and not pattern.directory_only


def strip_spaces(body: str) -> str:
    """Drop the spaces that gitignore drops: at the end, unless a backslash holds the first."""
    bare = body.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if backslashes % 2 and bare != body else bare


def _refuse_name(name: str) -> None:
    if name == "..":
        raise ScopeError(
            "'..' leads out of its directory", hint="name the path from the repository's root"
        )
    if name.lower() == ".git":
        raise ScopeError(
            f"{name!r} is git's own, and never tracked", hint="name files of the project only"
        )


def _quote(text: str) -> str:
    return ascii(text) if len(text) <= 60 else ascii(text[:57]) + "…"
