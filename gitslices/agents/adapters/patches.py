"""Patches in the form of `apply_patch`, which several agents let their models write."""

import re
from typing import Any, Final

from gitslices.agents.adapters.payload import PayloadError

BEGIN: Final = "*** Begin Patch"
_FILE: Final = re.compile(
    r"^\s*\*\*\* (?:Add File|Update File|Delete File|Move to): *(.*?)\s*$", re.MULTILINE
)
_FIELDS: Final = ("patchText", "patch", "input")


def find_patched(text: str) -> tuple[str, ...]:
    """The paths of all files that a patch adds, changes, deletes or moves, as they are written.

    Raises `PayloadError` where there is none.
    """
    paths = tuple(dict.fromkeys(path for path in _FILE.findall(text) if path))
    if not paths or any("\0" in path for path in paths):
        raise PayloadError("the patch names no file")
    return paths


def find_patch(given: Any) -> str | None:
    """The patch that a tool is given, bare or in a field; None where it is given none."""
    if isinstance(given, str):
        return given
    fields = given if isinstance(given, dict) else {}
    found = next((fields[name] for name in _FIELDS if name in fields), None)
    return found if isinstance(found, str) else None
