"""When a slice may be taken away, and for how long it can be brought back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field

from gitslices.core.errors import Problem, suggest
from gitslices.core.model import SliceId
from gitslices.core.naming import count
from gitslices.rules.progress import Progress
from gitslices.rules.worktree_faults import BARS_REMOVAL, HIDES_WORK, Fault

KEPT_FOR: Final = timedelta(days=14)
# What a single look at the trash can add to the age of what is in it.
LONGEST_STEP: Final = timedelta(days=7)

# What tools make again by themselves; `gitslices.disposable` adds to it or, with `!`, takes away.
DISPOSABLE: Final = (
    "__pycache__/", "*.py[co]", ".venv/", "venv/", "*.egg-info/", ".mypy_cache/",
    ".pytest_cache/", ".ruff_cache/", ".hypothesis/", ".tox/", "node_modules/", ".next/",
    ".turbo/", "target/", ".gradle/", ".DS_Store",
)  # fmt: skip

_SHOWN: Final = 3


class Retirable(Struct, frozen=True, kw_only=True):
    """A slice that might be removed, and what would be lost or disturbed.

    `changed` are uncommitted paths, `ignored` those that git ignores and nothing else has; `ahead`
    counts commits the target lacks, `detached` those of a HEAD that is on no branch, `unpushed`
    those that only a submodule here has. `locked` is the reason of a lock that is not ours, `busy`
    says that its files are being written, `claimed` that somebody works in it, `stale` that
    it is not as it was looked at. `faults` are what is wrong with its worktree. Something is
    `mounted` on a folder in it.
    """

    goal_id: str
    slice_id: SliceId
    changed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    ahead: int = 0
    detached: int = 0
    unpushed: Mapping[str, int] = field(default_factory=dict)
    progress: Progress = "started"
    locked: str | None = None
    busy: bool = False
    claimed: bool = False
    stale: bool = False
    faults: tuple[Fault, ...] = ()
    mounted: str | None = None

    @property
    def landed(self) -> bool:
        """Whether it has commits, and the target has all of them."""
        return self.ahead == 0 and self.progress == "landed"


def find_removal_problems(slice_: Retirable, *, force: bool) -> tuple[Problem, ...]:
    """What forbids removing a slice; `force` gives up its work, but no lock and no lease."""
    found = (*_find_bars(slice_), *(() if force else _find_work(slice_)))
    return tuple(Problem(slice_.slice_id, message, hint) for message, hint in found)


def _find_bars(slice_: Retirable) -> Iterable[tuple[str, str]]:
    # None of these gives way to `force`: that is for work nobody wants, not for what others hold or
    # still write.
    if slice_.busy:
        yield "its worktree is being filled", "wait, then try again"
    if slice_.claimed:
        free = suggest("release", slice_.slice_id, "--force", goal_id=slice_.goal_id)
        yield "it is claimed", f"let it go first: {free}"
    if slice_.mounted is not None:
        yield f"{slice_.mounted!r} is mounted in its worktree", "unmount it, then try again"
    if slice_.stale:
        yield "it has changed since it was looked at", "try again"
    for fault in slice_.faults:
        if fault.kind in BARS_REMOVAL:
            yield fault.problem.message, fault.problem.hint or ""
    if slice_.locked is not None:
        why = f": {slice_.locked}" if slice_.locked else ""
        yield f"its worktree is locked{why}", "see: git worktree unlock"


def _find_work(slice_: Retirable) -> Iterable[tuple[str, str]]:
    for fault in slice_.faults:
        if fault.kind in HIDES_WORK:
            hint = f"{fault.problem.hint}, or remove it all the same with --force"
            yield fault.problem.message, hint
    if slice_.changed:
        yield (
            f"uncommitted: {_shorten(slice_.changed)}",
            "commit it, or remove it all the same with --force",
        )
    if slice_.ignored:
        yield (
            f"ignored by git, and nowhere else: {_shorten(slice_.ignored)}",
            "move it away, or where it may go: name it in gitslices.disposable, or use --force",
        )
    if slice_.ahead:
        yield (
            f"{count(slice_.ahead, 'commit')} not in the target",
            "merge it, be it by git merge, or remove it all the same with --force",
        )
    if slice_.detached:
        yield (
            f"{count(slice_.detached, 'commit')} on no branch, at the worktree's detached HEAD",
            "give them a branch: git switch --create NAME, or use --force",
        )
    for name, number in slice_.unpushed.items():
        yield (
            f"submodule {name}: {count(number, 'commit')} that no remote has",
            "push them, or remove it all the same with --force",
        )


def find_expiry(removed_at: str) -> datetime:
    """Until when a removal can be undone at least."""
    return datetime.fromisoformat(removed_at) + KEPT_FOR


def count_age(age: timedelta, seen_at: str, now: str) -> timedelta:
    """How long something has been in the trash, looked at `now`, that was `age` old at `seen_at`.

    A clock that jumps would make everything old at once, or be mended after a removal that it had
    years ago. So it counts for no more than `LONGEST_STEP` between two looks, and never backwards.
    """
    step = datetime.fromisoformat(now) - datetime.fromisoformat(seen_at)
    return age + min(max(step, timedelta()), LONGEST_STEP)


def is_expired(removed_at: str, age: timedelta, now: str) -> bool:
    """Whether the clock and the looks at the trash agree that something has had its time."""
    # A clock that jumps ahead makes the first true at once. The age grows by looks, and does not.
    return find_expiry(removed_at) <= datetime.fromisoformat(now) and age >= KEPT_FOR


def _shorten(paths: Sequence[str]) -> str:
    rest = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + rest
