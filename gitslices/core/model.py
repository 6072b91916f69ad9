"""The values that flow down the layers: frozen, compared by content, encoded by msgspec."""

from typing import Annotated, Any, Final, Literal, NewType, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType, field

TaskId = NewType("TaskId", str)
SliceId = NewType("SliceId", str)
BranchName = NewType("BranchName", str)
Oid = NewType("Oid", str)
RepoPath = NewType("RepoPath", str)
"""A path from the repository's root, `/` between components; bytes that are no UTF-8 are
surrogate-escaped, as `os.fsdecode` does."""

_TaskStatus = Literal["pending", "blocked", "done"]
SliceStatus = Literal[
    "planned", "provisioned", "claimed", "done", "merged", "removed", "conflicted", "dropped"
]
OverlapKind = Literal["write_write", "write_read", "read_write"]
Link = Literal["whole", "broken", "foreign", "gone"]
"""How the folder at the path of a worktree is tied to git's own folder for it."""
Order = Literal["id", "critical-path"]
NewPaths = Literal["anchored", "all", "none"]
"""How far paths that do not exist yet count as overlaps."""
StartAt = Literal["merged", "done", "published"]
"""How far what a slice waits for must be before that may start."""
_COST_RANGE = Meta(gt=0, le=1_000_000_000)
Cost = Annotated[int, _COST_RANGE] | Annotated[float, _COST_RANGE]


LANDED: Final[frozenset[SliceStatus]] = frozenset({"merged", "removed"})
"""The target has all of a slice in one of these."""

GONE: Final[frozenset[SliceStatus]] = frozenset({"removed", "dropped"})
"""A slice recorded as one of these has no branch and no worktree: merged before, or given up."""

FINISHED: Final[frozenset[SliceStatus]] = LANDED | GONE
"""Nothing more is to be done for a slice in one of these."""

UNDER_WAY: Final[frozenset[SliceStatus]] = frozenset(
    {"provisioned", "claimed", "done", "conflicted"}
)
"""A slice in one of these has a branch and a worktree, and its write scope holds."""

LANDABLE: Final[frozenset[SliceStatus]] = UNDER_WAY - {"claimed"}
"""A slice in one of these counts as merged once its commits are in the target."""


def settle_status(
    recorded: SliceStatus | None, *, leased: bool, landed: bool, taken_back: bool = False
) -> SliceStatus:
    """The status of a slice, from its record and from what the clock and git add to that.

    `leased` says that its lease is live: one that has lapsed counts as none. `taken_back` says that
    the target has lost what it was merged as.
    """
    if leased and (taken_back or recorded not in FINISHED):
        return "claimed"
    if recorded is None:
        return "planned"
    # A record can still say `claimed` after the lease has lapsed: nobody is there to change it.
    if recorded == "claimed" or (recorded == "merged" and taken_back):
        recorded = "provisioned"
    # That its worktree is gone is the record's to know; to everybody else it is merged as before.
    if recorded == "removed" or (landed and recorded in LANDABLE):
        return "merged"
    return recorded


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a task graph says of one task, with the defaults filled in."""

    id: TaskId
    title: str = ""
    description: str = ""
    status: _TaskStatus = "pending"
    owner_role: str | None = None
    dependencies: tuple[TaskId, ...] = ()
    read_set: tuple[str, ...] = ()
    write_set: tuple[str, ...] = ()
    checkout_set: tuple[str, ...] = ()
    risk: str = "low"
    acceptance: tuple[str, ...] = ()
    estimate: Cost = 1
    metadata: dict[str, Any] = field(default_factory=dict)
    completed_at: str | None = None
    evidence: Any = None
    retry_count: int | None = None
    max_retries: int | None = None
    lease_expires_at: str | None = None
    delivery: Any = None


class TaskGraph(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One goal: its tasks in the order of the file."""

    version: Annotated[int, Meta(gt=0)] = 1
    goal_id: str = "default"
    generated_at: str | None = None
    shared: tuple[str, ...] = ()
    # Unset where the file has none, so that a graph without it keeps its digest.
    relaxed: tuple[str, ...] | UnsetType = UNSET
    tasks: tuple[Task, ...] = ()

    @property
    def unordered(self) -> tuple[str, ...]:
        """What two slices may write at once: shared and relaxed files."""
        return (*self.shared, *(self.relaxed or ()))


class RepoTree(Struct, frozen=True, kw_only=True):
    """The tracked paths of one commit, and how its repository compares paths.

    `paths` holds every blob, symbolic link and submodule, sorted by code point; `symlinks` and
    `submodules` are those of them that are links and gitlinks.
    """

    commit: Oid
    paths: tuple[RepoPath, ...]
    symlinks: frozenset[RepoPath] = frozenset()
    submodules: frozenset[RepoPath] = frozenset()
    ignore_case: bool = False
    precompose_unicode: bool = False


class Underway(Struct, frozen=True, kw_only=True):
    """The slices whose work has begun, by the applied plan's order: finished ones, then the others.

    `ordered` holds pairs of `started` slices, earlier and later, that the applied plan put in an
    order; `allowed` what slices may write beyond their plan.
    """

    finished: tuple[SliceId, ...] = ()
    started: tuple[SliceId, ...] = ()
    ordered: frozenset[tuple[SliceId, SliceId]] = frozenset()
    allowed: dict[SliceId, tuple[str, ...]] = field(default_factory=dict)


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which slices are meant: those of one of the risks that may write in one of the paths.

    Where either is empty, it says nothing.
    """

    risk: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Requirement(Struct, frozen=True, kw_only=True):
    """A gate or a review that the settings ask for, and of which slices."""

    name: str
    when: When = When()


class PlanSettings(Struct, frozen=True, kw_only=True):
    """What a plan depends on besides the graph and the tree.

    Without `workers` there are as many as there is work for. `names` are what slices of any goal
    have been called, by the ids of goal and task; `gates` and `reviews` come beside our own.
    """

    base_ref: str
    target: BranchName
    worktree_root: str
    prefix: str = "slices"
    order: Order = "critical-path"
    new_paths: NewPaths = "anchored"
    workers: int | None = None
    underway: Underway = Underway()
    names: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    gates: tuple[Requirement, ...] = ()
    reviews: tuple[Requirement, ...] = ()
    start: StartAt = "merged"


class Base(Struct, frozen=True, kw_only=True):
    """The commit that slices start from, and the name it was found by."""

    ref: str
    commit: Oid


class Slice(Struct, frozen=True, kw_only=True):
    """A task that writes, placed in a plan.

    `checkout_scope` is what its worktree has besides if it is sparse; it orders nobody.
    """

    slice_id: SliceId
    task_id: TaskId
    title: str
    owner_role: str | None
    read_scope: tuple[str, ...]
    write_scope: tuple[str, ...]
    read_files: int
    write_files: int
    dependencies: tuple[SliceId, ...]
    wave: int
    estimate: Cost
    branch_name: BranchName
    worktree_name: str
    worktree_path: str
    risk: str
    gates: tuple[str, ...]
    review_needs: tuple[str, ...]
    pr_url: str | None = None
    checkout_scope: tuple[str, ...] = ()

    @property
    def scopes(self) -> tuple[tuple[str, ...], ...]:
        """What it reads, what it writes and what it has besides."""
        return self.read_scope, self.write_scope, self.checkout_scope


class Overlap(Struct, frozen=True, kw_only=True):
    """A path that two slices share: the later one's access is named first in `kind`.

    It is uncertain where the scopes are too wild to compare: then they are taken to overlap.
    """

    kind: OverlapKind
    path: RepoPath
    exists: bool
    is_certain: bool = True


class Serialization(Struct, frozen=True, kw_only=True):
    """An order that no dependency asked for: an overlap forced it."""

    blocked_slice_id: SliceId
    serializes_after: SliceId
    kind: OverlapKind
    path: str
    exists: bool


class SharedOverlap(Struct, frozen=True, kw_only=True):
    """An entry of the graph's `shared` or `relaxed` list, and the slices that write inside it."""

    entry: str
    slice_ids: tuple[SliceId, ...]


class Skipped(Struct, frozen=True, kw_only=True):
    """A task that is no slice, and why."""

    task_id: TaskId
    reason: str


class Bottleneck(Struct, frozen=True, kw_only=True):
    """An overlapping path, and the cost of the critical path if it overlapped no more.

    With a schedule it is the makespan that there would be.
    `path` ends in a slash where it is a directory; `pairs` counts the forced orders that have no
    other reason. Of the kind `entry` it is an entry of scopes as it was written, of the kind
    `reads` it is empty: all that is read, and `pairs` all slices that overlap in nothing else.
    """

    path: str
    cost_without: int | float
    pairs: int = 0
    kind: Literal["path", "entry", "reads"] = "path"


class StartedOverlap(Struct, frozen=True, kw_only=True):
    """Two slices that are both under way, in no order, and overlap since their scopes changed."""

    slice_ids: tuple[SliceId, SliceId]
    kind: OverlapKind
    path: str
    exists: bool


class Shift(Struct, frozen=True, kw_only=True):
    """When a slice is worked on, in units of cost."""

    slice_id: SliceId
    start: int | float
    finish: int | float


class Schedule(Struct, frozen=True, kw_only=True):
    """Who works when if `workers` share the plan: slices by their start."""

    workers: int
    makespan: int | float
    slices: tuple[Shift, ...]


class PlanProgress(Struct, frozen=True, kw_only=True):
    """How far the slices of a plan are, and what they were allowed beyond it.

    Schedules and critical path are of what is not merged.
    """

    merged: tuple[SliceId, ...]
    under_way: tuple[SliceId, ...]
    left: tuple[SliceId, ...]
    allowed: dict[SliceId, tuple[str, ...]] = field(default_factory=dict)


class AtRisk(Struct, frozen=True, kw_only=True):
    """A slice that others may start upon, and how many would move if it changed in its review."""

    slice_id: SliceId
    followers: int


class EarlyStarts(Struct, frozen=True, kw_only=True):
    """What it gains to start before what one waits for is merged, and what it puts at risk.

    `slices` may start early. Reviews come in as many `rounds` one after the other where each waits
    for the merge of the one before; `at_risk` begins with the slice that most stand on.
    With reviews that take `review` each, and workers enough, all is merged at `makespan` instead of
    `makespan_waiting`; what is left to do counts, in the tasks' own costs.
    """

    start: StartAt
    slices: tuple[SliceId, ...]
    rounds: int
    at_risk: tuple[AtRisk, ...]
    # A plan that was applied earlier lacks these.
    review: int | float = 0
    makespan: int | float = 0
    makespan_waiting: int | float = 0


class Plan(Struct, frozen=True, kw_only=True):
    """What `gitslices plan --json` prints: a pure function of graph, tree and settings.

    `assumed_owner` is the owner of every slice where the graph names none at all.
    """

    schema_version: int = 1
    goal_id: str
    graph_digest: str
    base: Base
    target: BranchName
    order: Order
    unborn: NewPaths
    slices: tuple[Slice, ...]
    overlap_serializations: tuple[Serialization, ...]
    shared_overlaps: tuple[SharedOverlap, ...]
    open_overlaps: int
    skipped: tuple[Skipped, ...]
    waves: tuple[tuple[SliceId, ...], ...]
    critical_path: tuple[SliceId, ...]
    critical_path_cost: int | float
    bottlenecks: tuple[Bottleneck, ...]
    warnings: tuple[str, ...]
    started_overlaps: tuple[StartedOverlap, ...] = ()
    progress: PlanProgress | UnsetType = UNSET
    schedule: Schedule | UnsetType = UNSET
    assumed_owner: str | UnsetType = UNSET
    relaxed_overlaps: tuple[SharedOverlap, ...] | UnsetType = UNSET
    early_starts: EarlyStarts | UnsetType = UNSET

    @property
    def start(self) -> StartAt:
        """How far what a slice waits for must be before that may start."""
        return "merged" if self.early_starts is UNSET else self.early_starts.start


class Change(Struct, frozen=True, kw_only=True):
    """A path that a slice has in another state than its target.

    `is_new` where the target has nothing at that path, `is_gone` where the slice has nothing,
    `is_submodule` where either side is one, `was_submodule` where the target's side is;
    `is_unnamed` where it is a new one and `.gitmodules` does not say where that is to be had.
    """

    path: RepoPath
    is_new: bool = False
    is_gone: bool = False
    is_submodule: bool = False
    was_submodule: bool = False
    is_unnamed: bool = False


class PlannedSlices(Protocol):
    """What must be known of a goal: a plan, or those slices of it that are wanted."""

    @property
    def goal_id(self) -> str:
        """The goal."""

    @property
    def target(self) -> BranchName:
        """The branch that its slices are merged into."""

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The slices as they are planned."""
