"""What is wrong with the branch and the worktree of a slice: one list, for every command.

What a fault keeps a slice from is decided here, too, so that what one command refuses no other
offers.
"""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final, Literal

from msgspec import Struct

from gitslices.core.errors import GitError, Problem
from gitslices.core.model import BranchName, Link, SliceId


class Away(Struct, frozen=True):
    """A folder that is missing above a worktree, so that nobody can tell what has become of it.

    Where it `was_mounted`, it is a mount point at which nothing is mounted now. If not, a disk that
    is away and a folder that was deleted look the same.
    """

    folder: str
    was_mounted: bool

    @property
    def problem(self) -> str:
        """What is missing, as the end of a sentence."""
        if self.was_mounted:
            return f"nothing is mounted at {self.folder!r} now"
        return f"there is no {self.folder!r}: its disk is not mounted, or somebody has deleted it"

    @property
    def hint(self) -> str:
        """How the worktree comes back, or counts as deleted."""
        if self.was_mounted:
            return "mount it, then try again"
        deleted = "gitslices doctor --fix --deleted"
        return f"mount the disk, then try again; or, if the folder was deleted: {deleted}"


class WorktreeFacts(Struct, frozen=True, kw_only=True):
    """The branch and the worktree of a slice, as files and git show them.

    It was `moved_to` a path that the store does not have, or is `away`. `head` is the branch that
    is at hand, None for a detached HEAD; `midway` a command that took HEAD off the slice's own
    branch and will put it back at its end; one that `is_merging` stays on it. Another worktree, at
    `used_at`, has the slice's branch.
    `damaged` are files of git's own for the worktree that hold nothing git can read. `has_merged`
    says that the slice is merged, and needs neither any more.
    """

    slice_id: SliceId
    branch: BranchName
    path: str
    link: Link = "whole"
    moved_to: str | None = None
    away: Away | None = None
    has_branch: bool = True
    head: BranchName | None = None
    midway: Literal["rebase", "bisect"] | None = None
    is_merging: bool = False
    used_at: str | None = None
    damaged: tuple[str, ...] = ()
    has_merged: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the worktree is anywhere."""
        return self.link in {"whole", "broken"} or self.moved_to is not None

    @property
    def place(self) -> str:
        """Where the worktree is, or should be."""
        return self.moved_to or self.path

    @property
    def git(self) -> str:
        """How a command for git begins that is to work there."""
        return f"git -C {shlex.quote(self.place)}"

    @property
    def switch_back(self) -> str:
        """What puts the worktree on the slice's branch."""
        return f"{self.git} switch {shlex.quote(self.branch)}"


class WorktreeFault(Enum):
    """A word for tables, a sentence, the next move; the gravest stands first.

    Fields in braces are those of `_fill_in`.
    """

    AWAY = (
        "away",
        "its worktree {path!r} is away: {absence}",
        "{comeback}",
    )
    LOST = (
        "no branch, no worktree",
        "both its branch and its worktree are gone",
        "forget it: gitslices doctor --fix; gitslices plan --apply makes it anew",
    )
    MOVED = (
        "moved",
        "its worktree is at {place!r} now",
        "note that: gitslices doctor --fix",
    )
    FOREIGN = (
        "not its worktree",
        "the folder at its path is not its worktree",
        "move it away, or: gitslices doctor",
    )
    BROKEN_LINK = (
        "broken link",
        "git's link to its worktree {path!r} is broken",
        "repair it: gitslices doctor --fix",
    )
    DAMAGED = (
        "damaged",
        "git cannot read the {damaged} of its worktree",
        "mend it: gitslices doctor --fix",
    )
    USED = (
        "branch elsewhere",
        "its branch is checked out at {used_at!r}",
        "switch that worktree to another branch: {detach}",
    )
    NO_BRANCH = (
        "no branch",
        "its branch {branch!r} is gone",
        "make it again: gitslices doctor --fix",
    )
    NO_WORKTREE = (
        "no worktree",
        "its worktree {path!r} is gone",
        "make it again: gitslices doctor --fix",
    )
    MIDWAY = (
        "{midway} under way",
        "a {midway} is under way in {place!r}",
        "conclude or abort it first: {abort}",
    )
    MERGING = (
        "merge under way",
        "a merge is under way in {place!r}",
        "conclude it: {git} commit; or abort it: {git} merge --abort",
    )
    OFF_BRANCH = (
        "not on its branch",
        "its worktree is on {head}, not on its branch",
        "switch it back: {switch}",
    )
    UNREADABLE = (
        "unreadable",
        "git cannot say what is uncommitted in its worktree: {complaint}",
        "see what can be done: gitslices doctor",
    )


class Fault(Struct, frozen=True):
    """What is wrong with one slice, in words."""

    kind: WorktreeFault
    word: str
    problem: Problem


_OF_LINK: Final[Mapping[Link, WorktreeFault]] = {
    "foreign": WorktreeFault.FOREIGN,
    "gone": WorktreeFault.NO_WORKTREE,
    "broken": WorktreeFault.BROKEN_LINK,
}

HIDES_WORK: Final = frozenset({WorktreeFault.AWAY, WorktreeFault.DAMAGED, WorktreeFault.UNREADABLE})
"""With one of these nobody can tell what would be lost with a worktree."""

BARS_WORK: Final = frozenset(WorktreeFault) - {
    WorktreeFault.LOST,
    WorktreeFault.NO_WORKTREE,
    WorktreeFault.MERGING,
}
"""Nobody is given a slice with one of these; one that is gone is made anew for whoever claims.

A merge that was begun is work like any other: whoever takes the slice goes on with it.
"""

BARS_COMMANDS: Final = frozenset(WorktreeFault) - {
    WorktreeFault.USED,
    WorktreeFault.MIDWAY,
    WorktreeFault.MERGING,
    WorktreeFault.OFF_BRANCH,
}
"""With one of these no command can be run in the worktree, or it is another one."""

BARS_MERGE: Final = frozenset(
    {
        WorktreeFault.AWAY,
        WorktreeFault.LOST,
        WorktreeFault.DAMAGED,
        WorktreeFault.NO_BRANCH,
        WorktreeFault.MIDWAY,
        WorktreeFault.MERGING,
        WorktreeFault.OFF_BRANCH,
        WorktreeFault.UNREADABLE,
    }
)
"""With one of these the branch is not all of a slice's work, or nobody can tell."""

BARS_COMPARE: Final = BARS_MERGE - {WorktreeFault.MERGING}
"""With one of these a slice is not compared with others; a merge counts as it stands."""

BARS_APPLY: Final = frozenset({WorktreeFault.AWAY, WorktreeFault.MOVED, WorktreeFault.BROKEN_LINK})
"""With one of these a slice would get a second worktree."""

BARS_RESTORE: Final = BARS_APPLY | {WorktreeFault.FOREIGN, WorktreeFault.USED}
"""With one of these git could not make the worktree of a slice again."""

BARS_SYNC: Final = BARS_MERGE | {WorktreeFault.BROKEN_LINK}
"""With one of these the files of a slice could not follow its branch."""

BARS_CHECK: Final = HIDES_WORK | {WorktreeFault.BROKEN_LINK, WorktreeFault.NO_BRANCH}
"""With one of these git fails where the changes of a slice are."""

BARS_REMOVAL: Final = frozenset(
    {
        WorktreeFault.MOVED,
        WorktreeFault.FOREIGN,
        WorktreeFault.BROKEN_LINK,
        WorktreeFault.USED,
    }
)
"""With one of these others' files would go, or the slice's own would stay."""


def find_faults(facts: WorktreeFacts) -> tuple[Fault, ...]:
    """Everything that is wrong, the gravest in front."""
    kinds = set(_list_kinds(facts))
    return tuple(describe_fault(kind, facts) for kind in WorktreeFault if kind in kinds)


def _list_kinds(facts: WorktreeFacts) -> Iterator[WorktreeFault]:
    has_neither = facts.link == "gone" and not facts.moved_to and not facts.has_branch
    if has_neither and facts.has_merged:
        return  # it may go: nobody needs either any more
    # Of what is on a disk that is away nothing else can be told, and what is lost altogether needs
    # no list of its parts.
    if facts.away is not None or has_neither:
        yield WorktreeFault.AWAY if facts.away is not None else WorktreeFault.LOST
        return
    if not facts.has_branch and not facts.has_merged:
        yield WorktreeFault.NO_BRANCH
    if facts.used_at is not None:
        yield WorktreeFault.USED
    if facts.moved_to is not None:
        yield WorktreeFault.MOVED
    # Of one that was moved the link at its old path says nothing: anything may stand there now.
    elif facts.link != "whole":
        yield _OF_LINK[facts.link]
    yield from _list_inner_kinds(facts)


def _list_inner_kinds(facts: WorktreeFacts) -> Iterator[WorktreeFault]:
    """What is wrong inside a worktree that is there."""
    # HEAD itself may be what is damaged, so no word on the branch that is at hand.
    if facts.damaged:
        yield WorktreeFault.DAMAGED
    elif facts.is_there and facts.head != facts.branch and not facts.has_merged:
        yield WorktreeFault.MIDWAY if facts.midway else WorktreeFault.OFF_BRANCH
    elif facts.is_there and facts.is_merging:
        yield WorktreeFault.MERGING


def find_bar(faults: Sequence[Fault], bars: Collection[WorktreeFault]) -> Fault | None:
    """The gravest of `faults` that is one of `bars`."""
    return next((fault for fault in faults if fault.kind in bars), None)


def describe_fault(kind: WorktreeFault, facts: WorktreeFacts, complaint: str = "") -> Fault:
    """A fault of the slice that `facts` speak of; `complaint` is what git said."""
    fields = _fill_in(facts, complaint)
    word, message, hint = (text.format(**fields) for text in kind.value)
    return Fault(kind, word, Problem(facts.slice_id, message, hint))


def _fill_in(facts: WorktreeFacts, complaint: str) -> dict[str, str | None]:
    return {
        "place": facts.place,
        "git": facts.git,
        "path": facts.path,
        "branch": facts.branch,
        "absence": facts.away.problem if facts.away else None,
        "comeback": facts.away.hint if facts.away else None,
        "used_at": facts.used_at,
        "detach": f"git -C {shlex.quote(facts.used_at or '')} switch --detach",
        "midway": facts.midway,
        "damaged": " and the ".join(facts.damaged),
        "head": repr(str(facts.head)) if facts.head else "a detached HEAD",
        "switch": facts.switch_back,
        "abort": f"{facts.git} {'bisect reset' if facts.midway == 'bisect' else 'rebase --abort'}",
        "complaint": complaint,
    }


class Uncommitted(Struct, frozen=True, kw_only=True):
    """Changed and untracked paths of one worktree, or the fault for which nobody can tell."""

    paths: tuple[str, ...] = ()
    fault: Fault | None = None

    @property
    def is_edited(self) -> bool:
        """Whether there is work that only the worktree has, as far as anybody can tell."""
        return bool(self.paths) or self.fault is not None


def explain_failure(facts: WorktreeFacts, error: GitError) -> Fault:
    """The fault that git failed in a worktree whose files show nothing wrong."""
    complaint = error.stderr.strip().partition("\n")[0]
    return describe_fault(WorktreeFault.UNREADABLE, facts, complaint)
