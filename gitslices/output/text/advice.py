"""What the history advises about a plan, for people."""

from collections.abc import Iterator

import click

from gitslices.ops.advise import Advice
from gitslices.ops.contention import Contention, PathContention
from gitslices.output.words import count, escape
from gitslices.planning.advice import LikelyMeeting, MissingFile


def format_advice(advice: Advice) -> str:
    """The lines below a plan; none where the history has nothing to say."""
    lines = list(_list_lines(advice))
    return "\n".join(("", *lines, "")) if lines else ""


def _list_lines(advice: Advice) -> Iterator[str]:
    label = click.style("advice:", fg="yellow")
    for one in advice.missing:
        yield f"{label} {_tell_missing(one)}"
    for offer in advice.offers:
        ids = ", ".join(map(escape, offer.slice_ids))
        yield f'{label} {ids} write {escape(offer.path)}: {offer.list} = ["{escape(offer.path)}"]'
    if advice.meetings:
        yield "in no order, but likely to meet:"
        yield from map(_tell_meeting, advice.meetings)
    elif advice.meetings == ():
        yield "no two slices in no order are likely to meet"


def _tell_missing(one: MissingFile) -> str:
    return (
        f"{escape(one.path)}: in {one.together} of {one.changes} changes {escape(one.missing)}"
        f" changed, too; it is not in the write scope of {escape(one.slice_id)}"
    )


def _tell_meeting(one: LikelyMeeting) -> str:
    first, second = one.slice_ids
    paths = ", ".join(map(escape, one.paths))
    return f"  {one.percent:>3}%  {escape(first)}, {escape(second)}: {paths}"


def format_contention(contention: Contention) -> str:
    """What each path that orders slices costs, and which are worth being relaxed."""
    lines = [_tell_contention(one) for one in contention.paths]
    return "\n".join(("", *(lines or ["no file that two slices write puts them in an order"]), ""))


def _tell_contention(one: PathContention) -> str:
    path = escape(one.path)
    said = f"{path} orders {count(one.pairs, 'pair')}"
    if not one.tried:
        return f"{said}; no two past changes of it are near enough to be tried"
    share = round(100 * one.merged / one.tried)
    remedy = f': relaxed = ["{path}"]' if one.is_worth_relaxing else ""
    return (
        f"{said}; of {count(one.tried, 'pair')} of past changes of it {share}% merge in any"
        f" order{remedy}"
    )
