"""Faults on demand, for tests: die, or fail as a bad disk does, at a named point.

`GITSLICES_FAULT=POINT[#N][:kill|enospc|eio]` strikes where POINT is reached for the N-th time; the
first, and `kill`, unless said. `GITSLICES_FAULT=?FILE` writes down the points that are reached.
Without the variable a point costs one look at a constant.
"""

import errno
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Final

_ERRORS: Final = {"enospc": errno.ENOSPC, "eio": errno.EIO}
_WISH: Final = os.environ.get("GITSLICES_FAULT", "")
_WISHED: Final = re.fullmatch(
    r"(?P<point>.+?)(#(?P<number>\d+))?(:(?P<kind>kill|enospc|eio))?", _WISH
)
_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Say that `point` comes next; where a fault is due, raise `OSError` or do not return."""
    if _WISHED is None:
        return
    _reached[point] += 1
    if _WISH.startswith("?"):
        with Path(_WISH[1:]).open("a") as file:
            file.write(f"{point}#{_reached[point]}\n")
    elif point == _WISHED["point"] and _reached[point] == int(_WISHED["number"] or 1):
        _strike(_WISHED["kind"] or "kill")


def _strike(kind: str) -> None:
    if kind == "kill":
        # No `finally` and no handler may run: what is left then is the point of the test.
        os.kill(os.getpid(), signal.SIGKILL)
    raise OSError(_ERRORS[kind], os.strerror(_ERRORS[kind]))
