"""One goal of a run: which command works on which slice, and what has become of all."""

from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct

from gitslices.core.errors import GitslicesError, Problem
from gitslices.core.model import SliceId
from gitslices.slices.settings import read_settings
from gitslices.state.store import Goal
from gitslices.workspace import Workspace


class AgentCommand(Struct, frozen=True, kw_only=True):
    """A program with its arguments, of which `jobs` work at a time.

    It works on the slices whose task has `name` as its `metadata.agent` or its owner; one without
    a name on all for which there is no other.
    """

    name: str = ""
    jobs: int = 1
    command: tuple[str, ...]


class GoalRun:
    """One goal of a run, and what has become of its slices.

    `names` are those of the commands of the run, `agents` says which of them each slice has.
    `lost` is why nothing more of it is begun, where it is one of several.
    """

    def __init__(
        self, workspace: Workspace, goal: Goal, merged: Sequence[SliceId], names: Collection[str]
    ) -> None:
        self.goal = goal
        self.agents = _choose_agents(goal, names)
        settings = read_settings(workspace, goal.plan.target)
        self.settings = settings.run
        self.tears_down = settings.teardown.after_merge
        self.attempts: Counter[SliceId] = Counter()
        self.again: set[SliceId] = set()
        self.not_before: dict[SliceId, float] = {}
        self.cost = 0.0
        self.tokens = 0
        self.merged = list(merged)
        self.empty: list[SliceId] = []
        self.failed: dict[SliceId, Problem] = {}
        self.warnings: list[str] = []
        self.lost: GitslicesError | None = None


def _choose_agents(goal: Goal, names: Collection[str]) -> dict[SliceId, str]:
    """The names of the commands for slices; those for which there is none are not among them."""
    tasks = {task.id: task for task in goal.graph.tasks}
    chosen = {}
    for slice_ in goal.plan.slices:
        task = tasks.get(slice_.task_id)
        asked = [task.metadata.get("agent"), task.owner_role] if task else []
        found = next((one for one in (*asked, "") if isinstance(one, str) and one in names), None)
        if found is not None:
            chosen[slice_.slice_id] = found
    return chosen
