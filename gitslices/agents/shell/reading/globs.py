"""The files that a pattern in a command stands for, found within bounds."""

import os
import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from itertools import islice
from typing import Final

MOST_MATCHES: Final = 1000
_MOST_LOOKS: Final = 50_000
_MAGIC: Final = re.compile(r"[*?[]")


class TooManyError(ValueError):
    """A pattern stands for more files, or asks for more looks, than anybody waits for."""


def find_matches(pattern: str) -> list[str]:
    """The paths that match the absolute `pattern`, sorted; `*` takes no hidden name.

    `**` takes any number of folders, as in zsh; those of bash, that takes one, are among them.

    Raises `TooManyError`: `/*/*/*/x` must not list a whole disk while an agent waits.
    """
    looks = iter(range(_MOST_LOOKS))
    found: Iterable[str] = ("/",)
    for part in pattern.strip("/").split("/"):
        found = _descend(found, looks) if part == "**" else _step(found, part, looks)
    matches = sorted(set(islice(found, MOST_MATCHES + 1)))
    if len(matches) > MOST_MATCHES:
        raise TooManyError(f"{pattern!r} stands for too many files")
    return matches


def _step(folders: Iterable[str], part: str, looks: Iterator[int]) -> Iterator[str]:
    matches = re.compile(translate(part)).match if _MAGIC.search(part) else None
    for folder in folders:
        for name in (part,) if matches is None else _list(folder, looks):
            if next(looks, None) is None:
                raise TooManyError("a pattern asks for too many looks")
            path = os.path.join(folder, name)  # noqa: PTH118
            is_hidden = name.startswith(".") and not part.startswith(".")
            if os.path.lexists(path) if matches is None else not is_hidden and matches(name):
                yield path


def _descend(folders: Iterable[str], looks: Iterator[int]) -> Iterator[str]:
    for folder in folders:
        yield folder
        inner = (path for path in _step([folder], "*", looks) if _is_folder(path))
        yield from _descend(inner, looks)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114


def _list(folder: str, looks: Iterator[int]) -> Iterator[str]:
    next(looks, None)
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries)
    except OSError:
        return
