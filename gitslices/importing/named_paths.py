"""The files that a text declares, as a list of its own, and those that it names in passing."""

import re
from collections.abc import Iterable
from typing import Any, Final

from gitslices.core.errors import ScopeError
from gitslices.importing.records import split_lines
from gitslices.scopes.language.entries import parse_entries

DECLARING_KEYS: Final = ("touches", "files", "write_set", "write_scope")
"""What tools and people call a declared scope, in free objects."""

_HEADING: Final = re.compile(r"^(?P<marks>#{1,6})\s+(?P<title>\S.*)$|^\*\*(?P<bold>[^*]+)\*\*:?$")
_FILES: Final = re.compile(
    r"(?:(?:relevant|affected|changed|target|touched)\s+)?(?:files|touches)"
    r"(?:\s+(?:to\s+)?(?:touch|change|changed|modify|modified|create|edit|write|touched)"
    r"(?:\s*(?:/|or|and)\s*(?:touch|change|modify|create|edit|write))?)?",
    re.IGNORECASE,
)  # fmt: skip
_ACCEPTANCE: Final = re.compile(r"acceptance(?:\s+criteria)?|definition of done", re.IGNORECASE)
_FENCE: Final = re.compile(r"^\s*(?:```|~~~)")
_ADDRESS: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://\S+")
_CODE: Final = re.compile(r"`([^`\n]+)`")
_VERB: Final = re.compile(
    r"^(?:create|modify|edit|update|add|delete|remove|new|change|test|tests)\b[:\s]+", re.IGNORECASE
)
_LINE_NUMBER: Final = re.compile(r":\d+(?:[-:]\d+)?$")
_PATH: Final = re.compile(
    r"(?<![\w/:.@-])(?:\.?[\w@\[(][\w@.\-\[\]()+]*/)*\.?[\w@\[(][\w@.\-\[\]()+]*"
)
_ENDING: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}$")
_CODE_ENDING: Final = re.compile(
    r"\.(?:c|cc|cfg|clj|cpp|cs|css|dart|env|exs?|go|graphql|h|hpp|hs|html|ini|ipynb|java|jl|js|json"
    r"|jsx|kt|less|lock|lua|md|mjs|mk|mod|php|pl|proto|ps1|pyi?|rb|rs|rst|sass|scala|scss|sh|sql"
    r"|svelte|swift|tf|toml|tsx?|txt|vue|xml|ya?ml|zig)",
    re.IGNORECASE,
)
_PRODUCT: Final = re.compile(
    r"asp\.net|socket\.io|(?:d3|discord|ember|express|moment|nest|next|node|nuxt|p5|three|vue)\.js",
    re.IGNORECASE,
)


def find_declared_files(text: str) -> tuple[str, ...]:
    """The entries of a list of files under a heading of its own."""
    lines = _find_section(text, _FILES)
    return tuple(entry for line in lines for entry in read_entries(line))


def find_acceptance(text: str) -> tuple[str, ...]:
    """The lines under a heading that says acceptance."""
    return split_lines("\n".join(_find_section(text, _ACCEPTANCE)))


def _find_section(text: str, wanted: re.Pattern[str]) -> list[str]:
    """The lines below a heading, up to the next of its level; a fence around them is left out."""
    found: list[str] = []
    level = None
    fenced = False
    for line in text.splitlines():
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line.strip())
        if heading:
            depth = len(heading["marks"] or "") or 7
            if level is None and wanted.fullmatch(
                (heading["title"] or heading["bold"]).strip(" :#")
            ):
                level = depth
                continue
            if level is not None and depth <= level:
                break
        if level is not None and line.strip() and not _FENCE.match(line):
            found.append(line)
    return found


def read_entries(text: str) -> tuple[str, ...]:
    """The scope entries in one item of a list of files: `src/a.py - the token`, `a.ts`, `b.ts`."""
    (item,) = split_lines(text.strip().replace("\n", " ")) or ("",)
    parts = item.split(",") if "{" not in item else [item]
    spans = [_CODE.findall(part) for part in parts]
    if any(spans) or all(len(part.split()) == 1 for part in parts):
        named = [one for found, part in zip(spans, parts, strict=True) for one in found or [part]]
        return tuple(clean for one in named if (clean := _clean(one)) and " " not in clean)
    # A sentence: its first word is a path, or there is none.
    words = _VERB.sub("", item).split()
    return (_clean(words[0]),) if words and _is_like_path(words[0]) else ()


def list_declared(value: Any) -> tuple[str, ...]:
    """The entries under a key that declares a scope: a list, or a text with commas or lines."""
    if isinstance(value, str):
        return tuple(entry for line in value.splitlines() for entry in read_entries(line))
    if not isinstance(value, list):
        return ()
    paths = (one.get("path") if isinstance(one, dict) else one for one in value)
    return tuple(clean for path in paths if isinstance(path, str) and (clean := _clean(path)))


def find_named_files(text: str) -> tuple[str, ...]:
    """The files that a sentence names, by an ending or between backticks; no directories."""
    without = _CODE.sub(" ", _ADDRESS.sub(" ", text))
    spans = [_clean(span) for span in _CODE.findall(text)]
    marked = [span for span in spans if span and " " not in span and _ENDING.search(span)]
    bare = [word for word in map(_balance, _PATH.findall(without)) if _is_file(word)]
    return tuple(dict.fromkeys((*filter(_is_entry, (*marked, *bare)),)))


def _balance(word: str) -> str:
    """A path in brackets without the bracket that closes them; `app/(shop)/x.ts` keeps its own."""
    word = word.rstrip(".")
    extra = word.count(")") - word.count("(")
    closing = len(word) - len(word.rstrip(")"))
    if extra > 0:
        word = word[: len(word) - min(extra, closing)]
    return word.strip("[(") if extra < 0 else word


def _is_file(word: str) -> bool:
    ending = _ENDING.search(word)
    if ending is None or _PRODUCT.fullmatch(word):
        return False
    return "/" in word or bool(_CODE_ENDING.fullmatch(ending[0]))


def _is_like_path(word: str) -> bool:
    return "/" in word or bool(_ENDING.search(_clean(word)))


def _clean(text: str) -> str:
    text = text.strip().strip("`'\"").rstrip(",;:").removeprefix("./")
    return _LINE_NUMBER.sub("", text)


def _is_entry(text: str) -> bool:
    return find_scope_fault(text) is None


def find_scope_fault(text: str) -> str | None:
    """Why a text of another tool is taken for no entry of a write scope."""
    try:
        entries = parse_entries(text)
    except ScopeError as error:
        return error.message
    if any(entry.names_whole_repository or set(entry.path) <= set("*/") for entry in entries):
        return f"{text!r} is the whole repository"
    return None


def divide_entries(texts: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Those of the entries that can be taken, and why the others cannot."""
    faults = {text: find_scope_fault(text) for text in texts}
    return (
        tuple(text for text, fault in faults.items() if fault is None),
        {text: fault for text, fault in faults.items() if fault is not None},
    )
