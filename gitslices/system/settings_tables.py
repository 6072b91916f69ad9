"""What `.gitslices/config.toml` may hold: a type for each table."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gitslices.core.model import Requirement, StartAt, When
from gitslices.planning.policy import GATES

# A text with a NUL can be handed to no program: it ends an argument there.
Text = Annotated[str, Meta(pattern=r"^[^\0]*[^\0\s][^\0]*$")]
Seconds = Annotated[float, Meta(gt=0, le=7 * 24 * 3600)]
MergeStyle = Literal["merge", "squash", "rebase"]
SyncStyle = Literal["merge", "rebase"]
EmptyRun = Literal["fail", "ok"]
ConflictingRun = Literal["begin", "report"]
StalledRun = Literal["tell", "end"]
Fetching = Literal["never", "claim"]
ForgeName = Literal["github", "gitlab", "gitea", "none"]
Publishing = Literal["never", "done"]
Ports = Annotated[int, Meta(ge=1, le=100)]


class Setup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands that make a new worktree ready, in order, each within `timeout` seconds.

    `background` are servers that a worktree has from then on until it goes, `ports` is how many a
    slice has to itself.
    """

    commands: tuple[Text, ...] = ()
    background: tuple[Text, ...] = ()
    timeout: Seconds = 600
    ports: Ports = 1

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is run."""
        return (*self.commands, *self.background)


class Teardown(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands that take away what set-up made outside of a worktree, before the worktree goes.

    Each has `timeout` seconds. `after_merge` has a run call them once it has merged a slice.
    """

    commands: tuple[Text, ...] = ()
    timeout: Seconds = 600
    after_merge: bool = False


class Gate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command that decides one gate, within `timeout` seconds.

    Without `when` it is asked of all slices, but for our own gates, which have their own condition.
    """

    command: Text
    timeout: Seconds = 1800
    when: When | None = None


class RequiredReview(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A review that some slices need."""

    review: Text
    when: When = When()


class MergeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How slices are merged and brought up to date; None leaves the choice to the command.

    `rerun_gates` names gates to be run again on the merged files; true means all of them.
    """

    style: MergeStyle | None = None
    sync: SyncStyle | None = None
    rerun_gates: bool | tuple[Text, ...] = False
    required_reviews: tuple[Text | RequiredReview, ...] = ()


class PlanTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How slices are planned; `start` says how far what a slice waits for must be.

    With `done` that may start before it is merged, on a base that has it; with `published` once it
    is up for review besides.
    """

    start: StartAt | None = None


class RunSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts in a run; `empty` says what becomes of a slice whose command changed nothing.

    `conflict` says whether the merge is begun in the worktree of a slice that is tried again,
    `stall` whether a command that is silent for too long is ended, or only told of.
    """

    empty: EmptyRun | None = None
    conflict: ConflictingRun | None = None
    stall: StalledRun | None = None


class NotifySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command that tells a person to look, within `timeout` seconds."""

    command: Text | None = None
    timeout: Seconds = 10


class RemoteSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the target is fetched: before a slice is claimed, or only by `gitslices fetch`."""

    fetch: Fetching | None = None


class PublishSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where and how branches are put up for review.

    `open` is the command for a forge that has no client here; it prints the address. `on` says
    whether `done` publishes, too. `reviewers` are asked beside the owners of what was changed.
    """

    forge: ForgeName | None = None
    open: Text | None = None
    timeout: Seconds = 120
    remote: Text | None = None
    reviewers: tuple[Text, ...] = ()
    on: Publishing | None = None


class SuggestSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command that ranks files for a task in our place, within `timeout` seconds."""

    command: Text | None = None
    timeout: Seconds = 60


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; gates by name."""

    setup: Setup = Setup()
    teardown: Teardown = Teardown()
    gates: dict[str, Gate] = field(default_factory=dict)
    merge: MergeSettings = MergeSettings()
    plan: PlanTable = PlanTable()
    run: RunSettings = RunSettings()
    notify: NotifySettings = NotifySettings()
    remote: RemoteSettings = RemoteSettings()
    publish: PublishSettings = PublishSettings()
    suggest: SuggestSettings = SuggestSettings()

    @property
    def gate_requirements(self) -> tuple[Requirement, ...]:
        """The gates, and of which slices they are asked; less our own, asked as ever."""
        return tuple(
            Requirement(name=name, when=one.when or When())
            for name, one in self.gates.items()
            if one.when is not None or name not in GATES
        )

    @property
    def review_requirements(self) -> tuple[Requirement, ...]:
        """The reviews that are required, and of which slices."""
        return tuple(
            Requirement(name=one)
            if isinstance(one, str)
            else Requirement(name=one.review, when=one.when)
            for one in self.merge.required_reviews
        )

    @property
    def texts(self) -> tuple[str, ...]:
        """Every command in it, once each: what a user is asked to approve."""
        gates = (gate.command for gate in self.gates.values())
        notify = (self.notify.command,) if self.notify.command else ()
        publish = (self.publish.open,) if self.publish.open else ()
        suggest = (self.suggest.command,) if self.suggest.command else ()
        around = (*self.setup.texts, *self.teardown.commands)
        return tuple(dict.fromkeys((*around, *gates, *notify, *publish, *suggest)))

    @property
    def rerun_gates(self) -> tuple[str, ...]:
        """The gates to be run again on the merged files."""
        named = self.merge.rerun_gates
        if isinstance(named, bool):
            return tuple(self.gates) if named else ()
        return tuple(dict.fromkeys(named))
