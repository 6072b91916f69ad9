"""The waves of a goal drawn in the terminal, each slice with where it stands."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import click
from rich.cells import cell_len, set_cell_size

from gitslices.core.model import SliceId
from gitslices.ops.progress import GoalProgress
from gitslices.ops.status import SliceState
from gitslices.output.text.status import View
from gitslices.output.words import (
    describe_progress,
    escape,
    format_cost,
    format_left,
    name_state,
    shorten_line,
)

_SIGNS: Final[Mapping[str, tuple[str, str | None]]] = {
    "merged": ("✓", "magenta"),
    "done": ("◆", "blue"),
    "claimed": ("●", "cyan"),
    "asking": ("?", "yellow"),
    "lapsed": ("?", "yellow"),
    "on hold": ("?", "yellow"),
    "conflicted": ("✗", "red"),
    "failed": ("✗", "red"),
    "dropped": ("-", None),
}
_ID_WIDTH: Final = 32
_BAR: Final = 20


def format_waves(goals: Iterable[GoalProgress], view: View) -> str:
    """One picture a goal: its waves from the top down, each slice below the ones it waits for."""
    return "\n".join("\n".join(_draw_goal(goal, view)) + "\n" for goal in goals)


def _draw_goal(progress: GoalProgress, view: View) -> Iterator[str]:
    plan = progress.plan
    target = f"target {escape(plan.target)}"
    yield _cut(f"{escape(plan.goal_id)} · {target} · {_describe_progress(progress)}", view)
    if plan.critical_path:
        path = " > ".join(map(escape, plan.critical_path))
        yield _cut(f"left: cost {format_cost(plan.critical_path_cost)} by {path}", view)
    states = {one.slice_id: one for one in progress.slices}
    width = min(_ID_WIDTH, max((cell_len(escape(id_)) for id_ in states), default=0))
    for number, members in enumerate(plan.waves):
        shown = [states[id_] for id_ in members if id_ in states]
        yield ""
        yield _cut(_head_wave(number, shown), view, bold=True)
        yield from (_draw_slice(one, progress, width, view) for one in shown)


def _describe_progress(progress: GoalProgress) -> str:
    return describe_progress(progress.plan.progress) if progress.plan.progress else "no slices"


def _head_wave(number: int, members: list[SliceState]) -> str:
    """`wave 1  ██████░░░░  3 of 5 merged`."""
    landed = sum(one.status == "merged" for one in members)
    full = round(_BAR * landed / len(members)) if members else 0
    bar = "█" * full + "░" * (_BAR - full)
    return f"wave {number}  {bar}  {landed} of {len(members)} merged"


def _draw_slice(state: SliceState, progress: GoalProgress, width: int, view: View) -> str:
    word = name_state(state)
    sign, colour = _SIGNS.get(word, ("·" if state.waits_for else "○", None))
    id_ = escape(state.slice_id)
    # A long one is shown whole: cut, it could not be named in a command.
    named = id_ if cell_len(id_) > width else set_cell_size(id_, width)
    rest = f"{word:<12}{' · '.join(_list_facts(state, view))}".rstrip()
    room = None if view.width is None else view.width - cell_len(named) - 6
    is_critical = state.slice_id in progress.plan.critical_path
    return (
        f"  {click.style(sign, fg=colour)} {click.style(named, bold=is_critical or None)}"
        f"  {click.style(_cut_to(rest, room), fg=colour)}"
    )


def _list_facts(state: SliceState, view: View) -> Iterator[str]:
    if state.holder and state.expires_at:
        yield f"{escape(state.holder)}, {format_left(state.expires_at, view.now)}"
    if state.ahead:
        yield f"+{state.ahead}"
    if state.dirty:
        yield "uncommitted"
    if state.waiting:
        yield escape(shorten_line(state.waiting))
    if state.on_hold is not None:
        yield f"on hold: {escape(shorten_line(state.on_hold))}"
    if state.conflicts:
        yield f"conflicts: {', '.join(map(escape, state.conflicts))}"
    if state.failed:
        yield f"attempt {state.failed.attempt}: {escape(shorten_line(state.failed.message))}"
    if state.problem:
        yield escape(state.problem)
    waited: tuple[SliceId, ...] = state.waits_for or state.dependencies
    if waited:
        yield f"{'waits for' if state.waits_for else 'after'} {', '.join(map(escape, waited))}"


def _cut(text: str, view: View, *, bold: bool = False) -> str:
    cut = _cut_to(text, view.width)
    return click.style(cut, bold=True) if bold else cut


def _cut_to(text: str, room: int | None) -> str:
    if room is None or cell_len(text) <= room:
        return text
    return set_cell_size(text, max(0, room - 1)).rstrip() + "…"
