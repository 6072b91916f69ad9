"""Patches in the form that Codex hands to `apply_patch`."""

import re
from typing import Final

BEGIN: Final = "*** Begin Patch"
_FILE: Final = re.compile(
    r"^\s*\*\*\* (?:Add File|Update File|Delete File|Move to): *(.*?)\s*$", re.MULTILINE
)


def find_patched(text: str) -> tuple[str, ...]:
    """The paths of all files that a patch adds, changes, deletes or moves, as they are written."""
    return tuple(dict.fromkeys(path for path in _FILE.findall(text) if path))
