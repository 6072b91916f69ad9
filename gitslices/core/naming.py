"""What goals, tasks and graphs are called: branches, worktrees, digests, and the order of ids."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from gitslices.core.errors import InputError
from gitslices.core.model import BranchName, TaskGraph

_SLUG_LENGTH: Final = 48
_PREFIX_LENGTH: Final = 200

SETTINGS_FILE: Final = ".gitslices/config.toml"
OLD_SETTINGS_FILE: Final = ".gitslices.toml"
SETTINGS_TABLES: Final = (
    "setup", "teardown", "gates", "merge", "plan", "run", "notify", "remote", "publish", "suggest",
)  # fmt: skip
GRAPH_FILE: Final = "gitslices.toml"

_NaturalKey = tuple[tuple[tuple[str, int, str], ...], str]

_OTHER = re.compile(r"[^a-z0-9]+")
_SOFT = re.compile(r"[._/]+")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TEXT_AND_NUMBER = re.compile(r"([^0-9]*)([0-9]*)")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


class TaskName(NamedTuple):
    """What branch and worktree of a task's slice are called after, a component each."""

    goal: str
    task: str


def make_task_names(
    goal_id: str,
    task_ids: Collection[str],
    given: Mapping[tuple[str, str], tuple[str, str]] = MappingProxyType({}),
) -> dict[str, TaskName]:
    """Name the tasks of a goal, each unlike every other one; those `given` before stay as they are.

    A digest follows where the slug of an id loses more than upper case, dots, underscores and
    slashes, or where another id comes to the same slug.
    """
    names = {id_: TaskName(*given[goal_id, id_]) for id_ in task_ids if (goal_id, id_) in given}
    taken = set(given.values())
    goal = _make_slug(goal_id)
    plain = {} if goal != _soften(goal_id) else {
        id_: TaskName(goal, slug)
        for id_ in task_ids
        if id_ not in names and (slug := _make_slug(id_)) == _soften(id_)
    }  # fmt: skip
    wanted = Counter(plain.values())
    for id_ in task_ids:
        if id_ in names:
            continue
        name = plain.get(id_)
        # Of ids that come to the same slug, the one that is its own slug keeps it.
        is_free = name and name not in taken and (wanted[name] == 1 or name.task == id_)
        names[id_] = name if name and is_free else _add_digest(goal_id, id_)
    return names


def make_branch_name(name: TaskName, prefix: str) -> BranchName:
    """Name the branch of a task's slice: prefix, then goal and task, one component each."""
    return BranchName(f"{prefix}/{name.goal}/{name.task}")


def make_worktree_name(name: TaskName) -> str:
    """Name the folder of a task's slice. Neither half holds `--`, so they can be told apart."""
    return f"{name.goal}--{name.task}"


def find_task_name(worktree_name: str) -> TaskName | None:
    """The name of which `make_worktree_name` made this one, if it did."""
    goal, _, task = worktree_name.partition("--")
    whole = _NAME.fullmatch(goal) and _NAME.fullmatch(task)
    return TaskName(goal, task) if whole else None


def natural_key(text: str) -> _NaturalKey:
    """Return a sort key that reads digits as numbers, task-2 before task-10; no two texts tie."""
    parts = _TEXT_AND_NUMBER.findall(text)
    # Compared by length and then by digits, because `int` refuses more than 4,300 of them.
    numbers = ((head, digits.lstrip("0")) for head, digits in parts)
    return tuple((head, len(number), number) for head, number in numbers), text


def validate_prefix(prefix: str) -> str:
    """Return the prefix if every branch that begins with it passes `git check-ref-format`.

    Raises `InputError` otherwise.
    """
    if len(prefix) > _PREFIX_LENGTH:
        raise InputError(
            f"gitslices.prefix is {len(prefix)} characters long",
            hint=f"choose at most {_PREFIX_LENGTH}: git config gitslices.prefix NAME",
        )
    # Git refuses the ending: a reference's lock is a file of that name beside it.
    locked = any(part.endswith(".lock") for part in prefix.split("/"))
    if not _PREFIX.fullmatch(prefix) or ".." in prefix or locked:
        raise InputError(
            f"gitslices.prefix is {prefix!r}, which cannot begin a branch name",
            hint="choose letters, digits, '.', '_' and '-', with '/' between parts:"
            " git config gitslices.prefix slices",
        )
    return prefix


def make_graph_digest(graph: TaskGraph) -> str:
    """Return `sha256:` and 64 hex digits of the graph's content, whatever its file's format."""
    # Keys in `metadata` come as the file has them, and formats and editors differ in their order.
    encoded = msgspec.json.encode(graph, order="sorted")
    return f"sha256:{sha256(encoded).hexdigest()}"


def _add_digest(goal_id: str, task_id: str) -> TaskName:
    # NUL is in no id: without it the pairs `a`, `bc` and `ab`, `c` would be one.
    digest = sha256(f"{goal_id}\0{task_id}".encode()).hexdigest()[:8]
    goal, task = _make_slug(goal_id), _make_slug(task_id)
    return TaskName(goal or "goal", f"{task or 'task'}-{digest}")


def _soften(text: str) -> str | None:
    """`text` with what names may lose in silence written as in a slug; None for other scripts."""
    return _SOFT.sub("-", text.lower().strip("._/")) or None if text.isascii() else None


def _make_slug(text: str) -> str:
    slug = _OTHER.sub("-", text.lower()).strip("-")
    return slug[:_SLUG_LENGTH].rstrip("-")


def show_path(path: str) -> str:
    r"""`path` with bytes that are no UTF-8 written `\xe9`, so that it can be encoded and shown."""
    if path.isascii():
        return path
    # Git allows any bytes in a path. Their surrogates cannot be encoded, so to print them raises.
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def find_path_flaw(path: str) -> str | None:
    """What keeps `path` out of JSON documents and of lists with a line for each; or None."""
    if "\n" in path:
        return "has a line break in it"
    return None if show_path(path) == path else "is not UTF-8"


def list_some(names: Sequence[str], shown: int = 3) -> str:
    """The first of `names`, and how many more there are."""
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{', '.join(names[:shown])}{rest}"


def count(number: int, noun: str, verbs: tuple[str, str] | None = None) -> str:
    """`1 file`, `2 files`; with what one does and what several do, `1 file is`, `2 files are`."""
    said = f"{number} {noun}" if number == 1 else f"{number} {noun}s"
    return said if verbs is None else f"{said} {verbs[number != 1]}"
