"""What a plan would change of the one applied, for people."""

from collections.abc import Iterable, Sequence

import click

from gitslices.changes import PlanChanges, Rescoped, Rewaiting
from gitslices.output.escape import escape
from gitslices.output.words import format_cost, format_retarget


def format_changes(changes: PlanChanges) -> str:
    """One line a slice and kind of change."""
    lines = [click.style(escape(changes.goal_id), bold=True)]
    if changes.cost_before is None:
        lines[0] += ": no plan has been applied, so every slice is new"
    elif changes.is_empty:
        lines[0] += ": nothing changes"
    if changes.retargeted is not None:
        lines += format_retarget(changes.retargeted)
    lines += (f"  added     {escape(id_)}" for id_ in changes.added)
    lines += (f"  gone      {escape(id_)}" for id_ in changes.gone)
    lines += (
        f"  rescoped  {escape(one.slice_id)}: {'; '.join(_list_scope_changes(one))}"
        for one in changes.rescoped
    )
    lines += (
        f"  waits     {escape(one.slice_id)}: {'; '.join(_list_wait_changes(one))}"
        for one in changes.rewaiting
    )
    lines += (
        f"  moved     {escape(one.slice_id)}: wave {one.before} -> {one.after}"
        for one in changes.moved
    )
    if changes.cost_before not in (None, changes.cost_after):
        lines.append(_format_costs(changes.cost_before or 0, changes.cost_after))
    return "\n".join(lines) + "\n"


def _format_costs(before: float, after: float) -> str:
    return f"critical path, cost {format_cost(before)} -> {format_cost(after)}"


def _list_scope_changes(one: Rescoped) -> Iterable[str]:
    for verb, entries in (
        ("also writes", one.write_gained),
        ("no longer writes", one.write_lost),
        ("also reads", one.read_gained),
        ("no longer reads", one.read_lost),
    ):
        if entries:
            yield f"{verb} {_join(entries)}"


def _list_wait_changes(one: Rewaiting) -> Iterable[str]:
    if one.gained:
        yield f"now after {_join(one.gained)}"
    if one.lost:
        yield f"no longer after {_join(one.lost)}"


def _join(texts: Sequence[str]) -> str:
    return ", ".join(map(escape, texts))
