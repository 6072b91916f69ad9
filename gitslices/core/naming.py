"""What goals, tasks and graphs are called: branches, worktrees, digests, and the order of ids."""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from gitslices.core.errors import InputError
from gitslices.core.model import BranchName, TaskGraph

_SLUG_LENGTH: Final = 48
_PREFIX_LENGTH: Final = 200

SETTINGS_FILE: Final = ".gitslices/config.toml"
SETTINGS_TABLES: Final = ("setup", "gates", "merge")
GRAPH_FILE: Final = "gitslices.toml"

NaturalKey = tuple[tuple[tuple[str, int, str], ...], str]

_OTHER = re.compile(r"[^a-z0-9]+")
_TEXT_AND_NUMBER = re.compile(r"([^0-9]*)([0-9]*)")
_PREFIX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def make_branch_name(goal_id: str, task_id: str, prefix: str) -> BranchName:
    """Name the branch of a task's slice: prefix, then goal and task, one component each."""
    goal, task = _make_components(goal_id, task_id)
    return BranchName(f"{prefix}/{goal}/{task}")


def make_worktree_name(goal_id: str, task_id: str) -> str:
    """Name the folder of a task's slice. Neither half holds `--`, so they can be told apart."""
    goal, task = _make_components(goal_id, task_id)
    return f"{goal}--{task}"


def natural_key(text: str) -> NaturalKey:
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


@lru_cache(maxsize=1 << 15)
def _make_components(goal_id: str, task_id: str) -> tuple[str, str]:
    """Slug both ids; where a slug lost anything, the task's carries a digest of both."""
    goal, task = _make_slug(goal_id), _make_slug(task_id)
    if (goal, task) == (goal_id, task_id):
        return goal, task
    # Different ids can come to the same slug, so the digest is what tells them apart. NUL is in no
    # id: without it the pairs `a`, `bc` and `ab`, `c` would be one.
    digest = sha256(f"{goal_id}\0{task_id}".encode()).hexdigest()[:8]
    return goal or "goal", f"{task or 'task'}-{digest}"


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
