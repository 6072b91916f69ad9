"""What `gitslices plan` says of the history, below a plan."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import to_builtins

from gitslices.cli.drawing import Format, draw
from gitslices.cli.options import Outcome
from gitslices.core.model import Plan

if TYPE_CHECKING:
    from gitslices.graph.scopes import ScopedGraph
    from gitslices.ops.advise import Advice
    from gitslices.ops.plan import PlanRequest
    from gitslices.workspace import Workspace


def find_advice(
    workspace: "Workspace",
    scoped: "ScopedGraph",
    made: Plan,
    *,
    wanted: bool | None,
    meetings: bool,
) -> "Advice | None":
    """What the history advises, if that is wanted, or has been mined before."""
    from gitslices.ops.advise import advise, is_mined

    if not meetings and (wanted is False or not (wanted or is_mined(workspace))):
        return None
    return advise(workspace, scoped, made, meetings=meetings)


def adjust(
    workspace: "Workspace", request: "PlanRequest", owners: Path | None, likely: float | None
) -> "tuple[PlanRequest, tuple[str, ...]]":
    """The request with owners by a file, and an order for what is likely to meet; what to say."""
    if owners is not None:
        from gitslices.ops.owners import add_owners

        request = add_owners(workspace, request, owners)
    if likely is None:
        return request, ()
    from gitslices.ops.advise import order_likely

    return order_likely(workspace, request, likely)


def draw_advised(plan: Plan, advice: "Advice | None", format_: Format) -> str:
    """The plan in a format; below its text what the history advises."""
    from gitslices.output.text.advice import format_advice

    said = format_advice(advice) if advice is not None and format_ == "text" else ""
    return draw(plan, format_) + said


def measure(workspace: "Workspace", made: Plan) -> Outcome:
    """The plan, and what the paths cost that put its slices in an order."""
    from gitslices.ops.contention import measure_contention
    from gitslices.output.text.advice import format_contention

    found = measure_contention(workspace, made)
    return Outcome(
        document={**to_builtins(made), "contention": found},
        text=lambda: draw(made, "text") + format_contention(found),
    )
