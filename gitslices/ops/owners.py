"""Who does tasks, and which slices need their owners' review, by a file like CODEOWNERS."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from gitslices.core.errors import InputError
from gitslices.core.files import TooLargeError, read_regular
from gitslices.core.model import RepoPath, Requirement, Task, When
from gitslices.forge.owners import OwnerRule, count_owned, parse_owners
from gitslices.git.read import read_base
from gitslices.ops.plan import PlanRequest, find_base_ref
from gitslices.planning.policy import find_assumed_owner
from gitslices.scopes.language.entries import Access
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.workspace import Workspace

OWNER_REVIEW: Final = "owner_review"
_LARGEST: Final = 1024 * 1024
_MOST_ASKED: Final = 1000
"""The first files of a scope tell who owns most of it."""


def add_owners(workspace: Workspace, request: PlanRequest, path: Path) -> PlanRequest:
    """`request` with an owner for each task that names none, and a review where files are owned.

    The owner of a task is who owns most of the files in its write scope. Raises `InputError` for a
    file that cannot be read.
    """
    rules = parse_owners(_read(path))
    scoped = request.scoped
    tree = workspace.read_tree(read_base(workspace.repo, find_base_ref(workspace, request)))
    resolved = ResolvedTree(tree, [access.write for access in scoped.accesses])
    found = {
        task.id: _count_owners(rules, resolved, task, access)
        for task, access in zip(scoped.graph.tasks, scoped.accesses, strict=True)
        if task.write_set
    }
    assumed = find_assumed_owner(scoped.graph)
    tasks = tuple(
        task
        if task.owner_role or task.id not in found
        else structs.replace(task, owner_role=_choose_owner(found[task.id]) or assumed)
        for task in scoped.graph.tasks
    )
    return structs.replace(
        request,
        scoped=structs.replace(scoped, graph=structs.replace(scoped.graph, tasks=tasks)),
        reviews=tuple(_list_reviews([task for task in tasks if found.get(task.id)])),
    )


def _list_reviews(owned: Sequence[Task]) -> Iterator[Requirement]:
    # By what these tasks write, not by the patterns: one at home in any directory meets all scopes.
    entries = (entry for task in owned for entry in task.write_set if not entry.startswith("!"))
    if owned:
        yield Requirement(name=OWNER_REVIEW, when=When(paths=tuple(dict.fromkeys(entries))))


def _read(path: Path) -> str:
    try:
        return read_regular(path, limit=_LARGEST).decode("utf-8", "replace")
    except TooLargeError:
        raise InputError(f"{str(path)!r} is larger than {_LARGEST // 1024} KiB") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def _count_owners(
    rules: Sequence[OwnerRule], resolved: ResolvedTree, task: Task, access: Access
) -> Counter[str]:
    files = resolved.list_files(access.write)[:_MOST_ASKED]
    # What is yet to be made is owned by where it will be.
    return count_owned(rules, files or map(RepoPath, task.write_set))


def _choose_owner(counted: Counter[str]) -> str | None:
    return counted.most_common(1)[0][0] if counted else None
