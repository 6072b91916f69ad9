"""Settings in JSON, which others have written in, too."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from gitslices.core.errors import InputError

SAFE: Final = "move it aside, or mend it, then install again"


def load_table(text: str, place: str) -> dict[str, Any]:
    """The object that `text` is; raise `InputError` with the place of what is wrong in it."""
    try:
        table = json.loads(text, object_pairs_hook=_make_table)
    except json.JSONDecodeError as error:
        where = f"{place}:{error.lineno}:{error.colno}"
        raise InputError(f"{where}: it is no JSON: {error.msg}", hint=SAFE) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: {error}", hint=SAFE) from error
    if not isinstance(table, dict):
        raise InputError(f"{place}: it is no object", hint=SAFE)
    return table


def _make_table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        # JSON takes the last of two in silence; written again, the first would be lost.
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(one for one in names if names.count(one) > 1)!r} is there twice")
    return table


def write_table(table: Mapping[str, Any], before: str | None) -> str:
    """JSON in the style of the text before, which stays as it is if it says the same."""
    # Somebody's own line breaks and blanks are no less theirs for being JSON.
    if before is not None and json.loads(before) == table:
        return before
    found = re.search(r"^([ \t]+)\S", before or "", re.MULTILINE)
    indent = found[1] if found else "  "
    end = "\n" if before is None or before.endswith("\n") else ""
    return json.dumps(table, indent=indent, ensure_ascii=False) + end
