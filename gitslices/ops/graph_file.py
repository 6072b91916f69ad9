"""The graph file begun, and tasks added, changed and taken out in it."""

import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import InputError, NotARepositoryError, RefusedError, ScopeError
from gitslices.core.files import replace_file
from gitslices.core.model import RepoPath
from gitslices.core.naming import GRAPH_FILE
from gitslices.git.read import find_commit
from gitslices.graph.edit import add_task, change_task, remove_task
from gitslices.graph.lines import GraphText
from gitslices.graph.load import check_text, find_graph_file, load_text
from gitslices.graph.scopes import ScopedGraph
from gitslices.scopes.language.entries import parse_entries
from gitslices.workspace import Workspace

Action = Literal["add", "set", "rm"]

_SHARED: Final = ("CHANGELOG.md", "CHANGES.md", "CHANGELOG.rst", "CHANGES.rst", "NEWS.md", "NEWS")
_TESTS: Final = ("tests", "test", "spec", "__tests__")
_ASIDE: Final = frozenset(
    (*_TESTS, "doc", "docs", "examples", "vendor", "third_party", "node_modules", "fixtures")
)


class InitReport(Struct, frozen=True, kw_only=True):
    """What `gitslices init --json` prints: the file, and what was put into it."""

    path: str
    goal_id: str
    task_id: str
    write_set: tuple[str, ...]
    shared: tuple[str, ...]


class EditRequest(Struct, frozen=True, kw_only=True):
    """What becomes of one task in the graph file at `path`, which messages call `name`."""

    path: Path
    name: str
    action: Action
    task_id: str
    fields: dict[str, object] = {}


def init(workspace: Workspace, goal_id: str | None) -> InitReport:
    """Write a graph file with one task, from what the repository looks like.

    Raises `RefusedError` where there is one already.
    """
    top = workspace.repo.worktree
    if top is None:
        raise NotARepositoryError(workspace.repo.common_dir)
    found = find_graph_file(top)
    if found or os.path.lexists(top / GRAPH_FILE):
        raise RefusedError(
            f"there is a task graph already: {found or top / GRAPH_FILE}",
            hint="add to it: gitslices task add ID --write PATTERN",
        )
    paths = _list_paths(workspace)
    report = InitReport(
        path=str(top / GRAPH_FILE),
        goal_id=goal_id or _name_goal(workspace.main_worktree or top),
        task_id="first-task",
        write_set=_choose_scope(paths) or ("src/",),
        shared=tuple(name for name in _SHARED if RepoPath(name) in paths),
    )
    text = _write_text(report)
    check_text(GraphText(GRAPH_FILE, text, "TOML"))
    replace_file(top / GRAPH_FILE, text.encode(), mode=0o666)
    return report


def _list_paths(workspace: Workspace) -> Sequence[RepoPath]:
    commit = find_commit(workspace.repo, "HEAD")
    return workspace.read_tree(commit).paths if commit else ()


def _name_goal(folder: Path) -> str:
    name = "".join(char for char in folder.name if char.isprintable())
    return name if any(char.isalnum() for char in name) else "goal"


def _choose_scope(paths: Sequence[RepoPath]) -> tuple[str, ...]:
    """A directory with much of the source, and the one with its tests."""
    folders = Counter[str]()
    for path in paths:
        parts = path.split("/")
        if len(parts) > 1 and not parts[0].startswith("."):
            folders["/".join(parts[: 2 if len(parts) > 2 and parts[0] == "src" else 1])] += 1
    source = (name for name, _ in folders.most_common() if name not in _ASIDE)
    tests = (name for name in _TESTS if name in folders)
    chosen = (next(filter(_is_literal, names), None) for names in (source, tests))
    return tuple(f"{name}/" for name in chosen if name)


def _is_literal(name: str) -> bool:
    with suppress(ScopeError):
        (entry,) = parse_entries(f"{name}/")
        return not entry.is_pattern
    return False


def _write_text(report: InitReport) -> str:
    import tomlkit

    def write(value: object) -> str:
        return str(tomlkit.item(value).as_string())

    shared = write(list(report.shared)) if report.shared else '["CHANGELOG.md"]'
    return f"""\
# What is to be done, task by task, and which files each task touches.
#
#   gitslices task add ID --write PATTERN   another task, or write it here
#   gitslices validate                      finds what is wrong in this file
#   gitslices plan                          shows what can go side by side, and why not
#   gitslices plan --apply                  gives each task a branch and a worktree

version = 1
goal_id = {write(report.goal_id)}  # branches and worktrees are named after it

# Files that many tasks append to: they put no tasks in an order.
{"" if report.shared else "# "}shared = {shared}

# What every task has that does not say otherwise.
[defaults]
owner_role = "executor"

[[tasks]]
id = {write(report.task_id)}
title = "Say in one line what is to be done"
# What it may change: files, directories, or patterns as in a .gitignore, and !exceptions.
# The narrower, the more tasks can go side by side.
write_set = {write(list(report.write_set))}
# Only what must not change while it runs: whatever writes there goes before or after it.
# read_set = []
# What its worktree has besides with plan --apply --sparse; it orders nobody.
# checkout_set = []
# The tasks that have to be merged before it begins.
# dependencies = []
# acceptance = ["what must be true when it is done"]
# risk = "low"    # high asks for a security review
# estimate = 1    # what it costs beside the others
"""


def edit(request: EditRequest) -> ScopedGraph:
    """Change one task in the file, whole or not at all; the graph that is in it then."""
    with hold_graph(request.path) as path:
        before = load_text(path, request.name)
        after = _EDITS[request.action](before, request)
        scoped = check_text(after)
        if after.text != before.text:
            replace_file(path, after.text.encode(), mode=path.stat().st_mode & 0o777 or 0o644)
    return scoped


_EDITS: Final[dict[Action, Callable[[GraphText, EditRequest], GraphText]]] = {
    "add": lambda text, request: add_task(text, {"id": request.task_id, **request.fields}),
    "set": lambda text, request: change_task(text, request.task_id, request.fields),
    "rm": lambda text, request: remove_task(text, request.task_id),
}


@contextmanager
def hold_graph(path: Path) -> Iterator[Path]:
    """The file itself, behind whatever links, while nobody else of us changes it."""
    while True:
        real = Path(os.path.realpath(path))
        try:
            descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Who had the lock before has put another file in its place: that one is to be held.
            if os.path.samestat(os.fstat(descriptor), real.stat()):
                yield real
                return
        finally:
            os.close(descriptor)
