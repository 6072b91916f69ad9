"""Programs that write a project's git hooks themselves: husky, lefthook, simple-git-hooks.

They write over hooks of others whenever they run. So for hooks that a manager serves its own files,
which the project tracks, are made to call ours, and ours lie where no manager writes. The line that
calls them is the same on every machine, and does nothing where gitslices is not installed.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct

from gitslices.core.errors import DiskError, Problem
from gitslices.core.files import read_block, read_regular, replace_file
from gitslices.core.model import RepoPath
from gitslices.system.hook_scripts import NAMES, PURPOSES
from gitslices.system.lefthook import (
    LEFTHOOK_FILES,
    add_command,
    can_edit,
    drop_commands,
    list_served,
)
from gitslices.system.worktreeinclude import copy_included

ManagerName = Literal["husky", "lefthook", "simple-git-hooks"]

_LARGEST: Final = 16 * 1024 * 1024
_COMMENT: Final = "# {}"
_SIGN: Final = "gitslices/hooks/"
_SIMPLE_FILES: Final = ("package.json", ".simple-git-hooks.json", "simple-git-hooks.json")
_SIMPLE_KEY: Final = "simple-git-hooks"

_CALL: Final = '"$(git rev-parse --git-common-dir)/gitslices/hooks/{name}"'
# Whoever has no gitslices must be able to commit.
_SHORT: Final = '[ ! -x {call} ] || {call} "$@" || exit 1'
_LONG: Final = """\
if [ -x {call} ]; then
    input=$(cat)
    {{ [ -z "$input" ] || printf '%s\\n' "$input"; }} | {call} "$@" || exit 1
    # What comes after this line may want to read the same.
    exec <<INPUT
$input
INPUT
fi
"""


class Manager(Struct, frozen=True, kw_only=True):
    """A hook manager of the project whose worktree is at `top`, and the file that rules it.

    `serves` are those of our hooks that it writes: in its own way, and over everybody else's.
    """

    name: ManagerName
    top: Path
    file: RepoPath
    serves: tuple[str, ...]

    def calls(self, name: str) -> bool:
        """Whether the manager calls our hook `name`."""
        if self.name == "husky":
            text = _read(self.top / _name_husky_file(self, name)) or ""
            return bool(read_block(text, comment=_COMMENT))
        if name in self.serves:
            return f"{_SIGN}{name}" in (_read(self.top / self.file) or "")
        return False


def find_manager(top: Path, folder: Path) -> Manager | None:
    """The manager of a project at `top` where git looks for hooks in `folder`, by its files."""
    if (folder / "h").is_file() and folder.parent.parent == top:
        file = RepoPath(str(folder.parent.relative_to(top)))
        return Manager(name="husky", top=top, file=file, serves=NAMES)
    for one in LEFTHOOK_FILES:
        text = _read(top / one)
        if text is not None:
            served = list_served(one, text, NAMES)
            return Manager(name="lefthook", top=top, file=RepoPath(one), serves=served)
    for one in _SIMPLE_FILES:
        table = _find_simple(_read(top / one), one)
        if table is not None:
            served = tuple(name for name in NAMES if isinstance(table.get(name), str))
            return Manager(name="simple-git-hooks", top=top, file=RepoPath(one), serves=served)
    return None


def find_call_problems(manager: Manager) -> tuple[Problem, ...]:
    """What a person has to do before the manager can be made to call ours."""
    if manager.name == "lefthook" and not can_edit(manager.file, _read_file(manager)):
        return tuple(
            Problem(
                str(manager.top / manager.file),
                f"{name} is here, and JSON with comments cannot be changed without losing these",
                f"add a command to {name}: {_make_lefthook_line(name)}",
            )
            for name in manager.serves
            if not manager.calls(name)
        )
    return ()


def _read_file(manager: Manager) -> str:
    return _read(manager.top / manager.file) or ""


def copy_hook_folder(main: Path, worktree: Path, folder: Path) -> None:
    """Give a worktree the folder of husky's that git looks in, and that git does not track."""
    paths = list_hook_folder(main, folder)
    if not (worktree / folder.relative_to(main)).exists():
        copy_included(main, worktree, paths)


def list_hook_folder(main: Path, folder: Path) -> tuple[RepoPath, ...]:
    """The files of a hooks folder in the main worktree that husky has made; none of any other."""
    if not (folder.is_relative_to(main) and (folder / "h").is_file()):
        return ()
    if (_read(folder / ".gitignore") or "").strip() != "*":
        return ()
    return tuple(sorted(RepoPath(str(one.relative_to(main))) for one in folder.iterdir()))


def add_calls(manager: Manager) -> tuple[RepoPath, ...]:
    """Have the manager call our hooks; return the files that this has changed."""
    return tuple(_rewrite(manager, _WAYS[manager.name][0]))


def drop_calls(manager: Manager) -> tuple[RepoPath, ...]:
    """Take the calls away again."""
    return tuple(_rewrite(manager, _WAYS[manager.name][1]))


Way = Callable[[Manager], Iterator[tuple[RepoPath, str | None]]]


def _rewrite(manager: Manager, way: Way) -> Iterator[RepoPath]:
    for path, text in way(manager):
        place = manager.top / path
        if text == _read(place):
            continue
        try:
            if text is None:
                place.unlink()
            else:
                mode = place.stat().st_mode & 0o777 if place.exists() else 0o644
                replace_file(place, text.encode("utf-8", "surrogateescape"), mode=mode)
        except OSError as error:
            raise DiskError(f"cannot write {str(place)!r}: {error.strerror}") from error
        yield path


def _read(path: Path) -> str | None:
    try:
        return read_regular(path, limit=_LARGEST).decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _make_call(name: str) -> str:
    # Only `pre-push` is given lines to read.
    form = _LONG if PURPOSES[name] == "check-push" else _SHORT
    return form.format(call=_CALL.format(name=name)).rstrip()


def _name_husky_file(manager: Manager, name: str) -> RepoPath:
    return RepoPath(f"{manager.file}/{name}")


def _call_by_husky(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    for name in NAMES:
        path = _name_husky_file(manager, name)
        before = _drop_lines(_read(manager.top / path) or "")
        block = f"{_COMMENT.format('gitslices: begin')}\n{_make_call(name)}\n"
        block += f"{_COMMENT.format('gitslices: end')}\n"
        first, _, rest = before.partition("\n")
        # First of all: what stands there may end with `exec` or `exit`.
        yield path, f"{first}\n{block}{rest}" if first.startswith("#!") else block + before


def _drop_from_husky(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    for name in NAMES:
        path = _name_husky_file(manager, name)
        if manager.calls(name):
            yield path, _drop_lines(_read(manager.top / path) or "") or None


def _drop_lines(text: str) -> str:
    block = re.compile(r"^# gitslices: begin\n.*?^# gitslices: end\n", re.MULTILINE | re.DOTALL)
    return block.sub("", text, count=1)


def _make_lefthook_line(name: str) -> str:
    call = _CALL.format(name=name)
    return f"sh -c '[ ! -x {call} ] || {call} \"$@\"' gitslices {{0}}"


def _call_by_lefthook(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    text = _read(manager.top / manager.file) or ""
    for name in manager.serves:
        if not manager.calls(name):
            reads = PURPOSES[name] == "check-push"  # only that is given lines to read
            line = _make_lefthook_line(name)
            text = add_command(str(manager.top / manager.file), text, name, line, reads=reads)
    yield manager.file, text


def _drop_from_lefthook(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    text = _read(manager.top / manager.file) or ""
    yield manager.file, drop_commands(manager.file, text, manager.serves)


def _find_simple(text: str | None, file: str) -> dict[str, Any] | None:
    try:
        table = json.loads(text) if text else None
    except ValueError:
        return None
    if not isinstance(table, dict):
        return None
    inner = table.get(_SIMPLE_KEY) if file == "package.json" else table
    return inner if isinstance(inner, dict) else None


def _call_by_simple(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    def change(table: dict[str, Any]) -> None:
        for name in manager.serves:
            if not manager.calls(name):
                # A string that its shell reads; what was there comes after ours.
                call = _make_call(name).replace("\n", "\n")
                table[name] = f"{call}\n{table[name]}"
        kept = table.get("preserveUnused", [])
        if kept is not True:
            own = [name for name in NAMES if name not in manager.serves]
            table["preserveUnused"] = [*kept, *(name for name in own if name not in kept)]

    yield _change_simple(manager, change)


def _drop_from_simple(manager: Manager) -> Iterator[tuple[RepoPath, str | None]]:
    def change(table: dict[str, Any]) -> None:
        for name in manager.serves:
            table[name] = table[name].removeprefix(_make_call(name) + "\n")
        kept = table.get("preserveUnused")
        if isinstance(kept, list):
            table["preserveUnused"] = [name for name in kept if name not in NAMES]
            if not table["preserveUnused"]:
                del table["preserveUnused"]

    yield _change_simple(manager, change)


def _change_simple(
    manager: Manager, change: Callable[[dict[str, Any]], None]
) -> tuple[RepoPath, str]:
    text = _read(manager.top / manager.file) or "{}"
    table = json.loads(text)
    change(table[_SIMPLE_KEY] if manager.file == "package.json" else table)
    if json.loads(text) == table:
        return manager.file, text
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    written = json.dumps(table, indent=found[1] if found else "  ", ensure_ascii=False)
    return manager.file, written + ("\n" if text.endswith("\n") else "")


_WAYS: Final[Mapping[ManagerName, tuple[Way, Way]]] = {
    "husky": (_call_by_husky, _drop_from_husky),
    "lefthook": (_call_by_lefthook, _drop_from_lefthook),
    "simple-git-hooks": (_call_by_simple, _drop_from_simple),
}
