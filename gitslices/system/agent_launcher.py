"""What the settings of coding agents start: a script among the repository's hooks.

It finds the gitslices that installed it, and turns every failure into exit code 2: that is a no to
all tools, where they pass over any other code.
"""

import shlex
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.files import replace_file

LAUNCHER_NAME: Final = "gitslices-agent"
_MODE: Final = 0o755
# `-P`: agents start it in the repository, whose own `gitslices` or `json.py` would be imported
# else. Where no gitslices is left to ask, it says no in slices only: sessions elsewhere are none of
# its business.
_SCRIPT: Final = """\
#!/bin/sh
# gitslices, for the hooks of coding agents: made by `gitslices agent install`, taken away by
# `gitslices agent uninstall`.
python={python}
if [ -x "$python" ] && [ "$1" = guard ]; then
    set -- "$python" -P -m gitslices.agents.guard "$3"
elif [ -x "$python" ]; then set -- "$python" -P -m gitslices agent "$@"
elif command -v gitslices >/dev/null; then set -- gitslices agent "$@"
else
    if [ "$1" = guard ] && ! [ -f "$(git rev-parse --git-dir)/gitslices-slice" ]; then exit 0; fi
    echo "gitslices: neither $python nor gitslices on PATH can be run" >&2
    echo "hint: install gitslices, then run: gitslices agent install" >&2
    exit 2
fi
"$@" || exit 2
"""


def find_launcher(common_dir: Path) -> Path:
    """Where the script is, or would be."""
    return common_dir / "hooks" / LAUNCHER_NAME


def write_launcher(common_dir: Path, python: str) -> None:
    """Write the script that starts the gitslices which `python` can import."""
    path = find_launcher(common_dir)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(path.parent)!r}: {error.strerror}") from error
    replace_file(path, _SCRIPT.format(python=shlex.quote(python)).encode(), mode=_MODE)


def remove_launcher(common_dir: Path) -> None:
    """Take the script away."""
    find_launcher(common_dir).unlink(missing_ok=True)
