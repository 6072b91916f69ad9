"""Scripts that stand for git hooks, each with the one before it kept.

The script runs the kept hook first. It starts gitslices only where that has something to do, which
it sees from files alone: in a slice's worktree or on its branch. Everywhere else a hook costs the
start of a shell.
"""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import DiskError, Problem
from gitslices.core.files import read_regular, replace_file

_HookState = Literal["installed", "outdated", "missing"]

_HookPurpose = Literal["check-commit", "check-push"]

PURPOSES: Final[Mapping[str, _HookPurpose]] = {
    "pre-commit": "check-commit",
    "prepare-commit-msg": "check-commit",
    "pre-push": "check-push",
}
"""Every hook that `gitslices hook run` knows, and what it is for."""

# `prepare-commit-msg` holds the scopes and not `pre-commit`: git runs it under `--no-verify` too,
# and for commits of merge, cherry-pick, revert and rebase; and one check a commit is enough. The
# other is for hooks of the project's own that call `gitslices hook run`.
_ONLY_CALLED: Final = frozenset({"pre-commit"})

NAMES: Final = tuple(name for name in PURPOSES if name not in _ONLY_CALLED)
"""The hooks that are installed."""

_SIGN: Final = b"# gitslices hook,"
_LARGEST: Final = 64 * 1024
_KEPT: Final = ".before-gitslices"
# Where the framework called pre-commit puts a hook that it finds, and runs it from.
_LEGACY: Final = ".legacy"
_OLD: Final = ".old"

OWN_LIBRARY: Final = str(Path(__file__).parents[2])
"""The folder that this gitslices is in, for a Python that is told of no others."""

_HEAD: Final = """\
#!/bin/sh
# gitslices hook, made by `gitslices hook install`, taken away by `gitslices hook uninstall`.
# The hook that was here before is beside this one, as {name}{kept}, and runs first.
kept=${{0%/*}}/{name}{kept}
python={python}
library={library}
"""

_CHAIN: Final = """\
if [ -x "$kept" ]; then "$kept" "$@" || exit; fi
"""

# git gives its lines once, and both hooks want them. Where there are none, `printf` would still
# make an empty one.
_CHAIN_WITH_INPUT: Final = """\
input=$(cat)
if [ -x "$kept" ]; then
    { [ -z "$input" ] || printf '%s\\n' "$input"; } | "$kept" "$@" || exit
fi
"""

# Read from git's files and not asked of git: in a repository with the hooks, every commit anywhere
# would wait for one more process.
_PLACE: Final = """\
dir=${GIT_DIR:-.git}
if [ -f "$dir" ]; then
    IFS= read -r line <"$dir"
    dir=${line#gitdir: }
fi
common=$dir
if [ -f "$dir/commondir" ]; then
    IFS= read -r line <"$dir/commondir"
    case $line in /*) common=$line ;; *) common=$dir/$line ;; esac
fi
watch=$common/gitslices/watch
head=
[ -f "$dir/HEAD" ] && IFS= read -r head <"$dir/HEAD"

# Is the reference a slice's? Reftable hides its name.
fenced() {
    [ -f "$watch" ] || return 1
    [ "$1" = refs/heads/.invalid ] && return 0
    while read -r kind pattern; do
        # shellcheck disable=SC2254
        [ "$kind" = fence ] && case $1 in $pattern) return 0 ;; esac
    done <"$watch"
    return 1
}
"""

_FENCE: Final = """\
[ -f "$dir/gitslices-slice" ] || fenced "${head#ref: }" || exit 0
"""

_PUSH: Final = """\
wanted=
[ -f "$dir/gitslices-slice" ] && wanted=yes
while read -r from _ to _; do
    if fenced "$from" || fenced "$to"; then wanted=yes; fi
done <<END
$input
END
[ -n "$wanted" ] || exit 0
"""

# Most commits are plain, and the whole program takes four times as long to say so. That 97 comes
# from the quick answer alone: whatever else becomes of it, the whole program is asked.
_QUICK: Final = """\
if [ -x "$python" ]; then
    "$python" -I -S -c 'import sys
sys.path.append(sys.argv[1])
from gitslices.quick.commit import main
main()' "$library" 2>/dev/null
    [ $? = 97 ] && exit 0
fi
"""

_RUN: Final = """\
if [ -x "$python" ]; then set -- "$python" -P -m gitslices.cli.git_hook {name}
elif command -v gitslices >/dev/null; then set -- gitslices hook run {name}
else
    # A scope that nobody can check is not passed.
    why="neither $python nor gitslices on PATH can be run"
    echo "gitslices: cannot look at this slice: $why" >&2
    echo "hint: install gitslices, then run: gitslices hook install" >&2
    exit 1
fi
"""

# Not every hook has its standard output shown as remarks: git leaves that of pre-push alone.
_EXEC: Final = 'exec "$@" >&2\n'
_EXEC_WITH_INPUT: Final = """\
printf '%s\\n' "$input" | "$@" >&2
"""


class HookFile(Struct, frozen=True, kw_only=True):
    """One hook: how it stands, and the file of the hook that was there before, if it is kept."""

    name: str
    state: _HookState
    kept: str | None = None


def _make_script(name: str, python: str, library: str) -> str:
    """The text of the hook `name`, which starts the gitslices that `python` can import.

    `library` is the folder that it is in, where Python does not look by itself.
    """
    purpose = PURPOSES[name]
    reads_input = purpose == "check-push"
    return "".join(
        (
            _HEAD.format(
                name=name, kept=_KEPT, python=shlex.quote(python), library=shlex.quote(library)
            ),
            _CHAIN_WITH_INPUT if reads_input else _CHAIN,
            _PLACE,
            _PUSH if reads_input else _FENCE,
            "" if reads_input else _QUICK,
            _RUN.format(name=name),
            _EXEC_WITH_INPUT if reads_input else _EXEC,
        )
    )


def find_hooks(folder: Path) -> tuple[HookFile, ...]:
    """How each of our hooks stands in `folder`."""
    return tuple(_find_hook(folder, name) for name in NAMES)


def find_install_problems(folder: Path, names: Sequence[str] = NAMES) -> tuple[Problem, ...]:
    """What must be cleared up by hand before hooks can be installed in `folder`."""
    return tuple(
        Problem(
            str(folder / name),
            "it is not gitslices' hook, and an older hook is kept beside it already",
            f"merge the two, and move {name}{_KEPT} away",
        )
        for name in names
        if _find_own(folder, name) is None
        and _exists(folder / name)
        and _exists(_keep(folder, name))
        and not _is_same(folder / name, _keep(folder, name))
    )


def install_hooks(folder: Path, python: str, names: Sequence[str] = NAMES) -> None:
    """Put our hooks into `folder`, a hook that is there under another name; twice is once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            own = _find_own(folder, name)
            if own is None and _exists(folder / name):
                # Killed after this, the next install finds the old hook kept and none in the way.
                (folder / name).replace(_keep(folder, name))
                # lefthook puts aside what it finds, and stops where it has done so before.
                if _is_own(folder / f"{name}{_OLD}"):
                    (folder / f"{name}{_OLD}").unlink()
            replace_file(
                own or folder / name, _make_script(name, python, OWN_LIBRARY).encode(), mode=0o777
            )
    except OSError as error:
        raise DiskError(f"cannot install hooks in {str(folder)!r}: {error.strerror}") from error


def uninstall_hooks(folder: Path, names: Sequence[str] = NAMES) -> None:
    """Take our hooks out of `folder`, and put the ones before back as they were."""
    try:
        for name in names:
            own, kept = _find_own(folder, name), _keep(folder, name)
            if own is None and _exists(folder / name):
                continue
            if _exists(kept):
                kept.replace(own or folder / name)
            elif own:
                own.unlink()
    except OSError as error:
        raise DiskError(f"cannot remove hooks in {str(folder)!r}: {error.strerror}") from error


def _find_hook(folder: Path, name: str) -> HookFile:
    own, kept = _find_own(folder, name), _keep(folder, name)
    state: _HookState = "missing"
    if own is not None:
        state = "installed" if _is_current(own, name) else "outdated"
    return HookFile(name=name, state=state, kept=str(kept) if _exists(kept) else None)


def _is_current(path: Path, name: str) -> bool:
    text = path.read_text("utf-8", "surrogateescape")
    python, library = (find_word(text, variable) for variable in ("python", "library"))
    works = os.access(python, os.X_OK) and os.access(path, os.X_OK)
    return works and text == _make_script(name, python, library)


def find_word(text: str, variable: str) -> str:
    """What a script of ours gives `variable` at its start, empty where nothing."""
    start = f"{variable}="
    line = next((one for one in text.splitlines() if one.startswith(start)), start)
    return (shlex.split(line.removeprefix(start)) or [""])[0]


def _find_own(folder: Path, name: str) -> Path | None:
    return next(
        (path for path in (folder / name, folder / f"{name}{_LEGACY}") if _is_own(path)), None
    )


def _is_own(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    try:
        data = read_regular(path, limit=_LARGEST)
    except OSError:
        return False
    # Only right after `#!`: a hook of the project that mentions ours is not ours.
    return any(line.startswith(_SIGN) for line in data.splitlines()[1:2])


def _is_same(path: Path, kept: Path) -> bool:
    """Whether the hook that was kept is an earlier one of the same maker's."""
    try:
        one, other = (read_regular(place, limit=_LARGEST) for place in (path, kept))
    except OSError:
        return False
    return one == other or (b"call_lefthook" in one and b"call_lefthook" in other)


def _keep(folder: Path, name: str) -> Path:
    return folder / f"{name}{_KEPT}"


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()
