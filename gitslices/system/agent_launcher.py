"""What the settings of coding agents start: a command that finds the slice, and a script.

The command stands in settings that others share, and so has no path of this machine in it. The
script lies among the repository's hooks and finds the gitslices that installed it. Both turn every
failure into exit code 2 with words: that is a no to all tools, where they pass over any other code,
and some over a 2 that says nothing.
"""

import os
import shlex
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.files import replace_file
from gitslices.system.hook_scripts import OWN_LIBRARY, find_word

LAUNCHER_NAME: Final = "gitslices-agent"
_MODE: Final = 0o755

# Looks upwards for the worktree of a slice, from where the session was started and from where it
# is. Not by `git rev-parse`: a repository made inside the slice would hide it. Outside slices the
# guard is not asked, and nothing is started. No single quote and no backslash: whatever shell a
# tool takes hands it on as it is.
_FINDER: Final = " ".join(
    (
        'for d in "$CLAUDE_PROJECT_DIR" "$GEMINI_PROJECT_DIR" "$QWEN_PROJECT_DIR"',
        '"$COPILOT_PROJECT_DIR" .; do [ -n "$d" ] && d=$(cd -P "$d" 2>/dev/null && pwd -P);',
        'while [ -n "$d" ]; do g=$d/.git; [ -f "$g" ] && read -r _ g <"$g";',
        "case $g in /*) ;; *) g=$d/$g ;; esac;",
        '[ -f "$g/gitslices-slice" ] && g=$g/../.. && break 2; d=${d%/*}; done; g=; done;',
        'if [ -z "$g" ]; then case $1 in guard|turn) exit 0 ;; esac;',
        "g=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null) || exit 0;",
        '[ -d "$g/gitslices" ] || [ "$1" = worktree-create ] || exit 0; fi;',
        f'if [ -x "$g/hooks/{LAUNCHER_NAME}" ]; then "$g/hooks/{LAUNCHER_NAME}" "$@";',
        'else gitslices agent "$@"; fi; c=$?; case $c in 0|2) exit $c ;; esac;',
        'echo "gitslices: nobody can be asked (exit code $c), so this may not run" >&2;',
        'echo "hint: see what is wrong with: gitslices agent status" >&2; exit 2',
    )
)
AGENT_COMMAND: Final = f"sh -c '{_FINDER}' gitslices"
"""To be followed by the subcommand of `gitslices agent`; the same in every settings file."""

# `-P`: agents start it in the repository, whose own `gitslices` or `json.py` would be imported
# else.
_SCRIPT: Final = """\
#!/bin/sh
# gitslices, for the hooks of coding agents: made by `gitslices agent install`, taken away by
# `gitslices agent uninstall`.
python={python}
library={library}
if [ -x "$python" ] && [ "$1" = guard ]; then
    # A plain yes is 97, which nothing else ends with. 1 is where it could not even begin; whatever
    # else, the whole program has answered in its place.
    "$python" -I -S -c 'import sys
sys.path.append(sys.argv[1])
try: from gitslices.quick.edit import main
except ImportError: sys.exit(1)
main(sys.argv[2])' "$library" "$3"
    code=$?
    case $code in 97) exit 0 ;; 0|2) exit $code ;; esac
    set -- "$python" -P -m gitslices.agents.guard "$3"
elif [ -x "$python" ]; then set -- "$python" -P -m gitslices agent "$@"
elif command -v gitslices >/dev/null; then set -- gitslices agent "$@"
else
    echo "gitslices: neither $python nor gitslices on PATH can be run" >&2
    echo "hint: install gitslices, then run: gitslices agent install" >&2
    exit 2
fi
"$@"
code=$?
[ $code = 0 ] && exit 0
[ $code = 2 ] || echo "gitslices: it ended without an answer (exit code $code)" >&2
exit 2
"""


def find_launcher(common_dir: Path) -> Path:
    """Where the script is, or would be."""
    return common_dir / "hooks" / LAUNCHER_NAME


def find_launcher_problem(common_dir: Path) -> str | None:
    """Why the script cannot do its work; None where it can."""
    path = find_launcher(common_dir)
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return "it is not there"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not os.access(path, os.X_OK):
        return "it cannot be executed"
    python, library = (find_word(text, name) for name in ("python", "library"))
    if not python or text != _make_script(python, library):
        return "it is not as this version of gitslices writes it"
    return None if os.access(python, os.X_OK) else f"{python!r}, which it starts, is gone"


def write_launcher(common_dir: Path, python: str) -> None:
    """Write the script that starts the gitslices which `python` can import."""
    path = find_launcher(common_dir)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise DiskError(f"cannot make {str(path.parent)!r}: {error.strerror}") from error
    replace_file(path, _make_script(python, OWN_LIBRARY).encode(), mode=_MODE)


def _make_script(python: str, library: str) -> str:
    return _SCRIPT.format(python=shlex.quote(python), library=shlex.quote(library))


def remove_launcher(common_dir: Path) -> None:
    """Take the script away."""
    find_launcher(common_dir).unlink(missing_ok=True)
