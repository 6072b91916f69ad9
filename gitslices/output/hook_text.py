"""Git hooks, for people: how they stand, and what one of them did."""

from collections.abc import Iterable
from pathlib import PurePath

from gitslices.ops.hook import HooksReport
from gitslices.ops.hook_run import HookReport
from gitslices.output.check_text import format_check
from gitslices.output.escape import escape
from gitslices.output.words import count
from gitslices.suggestion import suggest


def format_hooks(report: HooksReport) -> str:
    """The folder, and one line a hook."""
    lines = [f"hooks in {escape(report.folder)}"]
    width = max(len(hook.name) for hook in report.hooks)
    for hook in report.hooks:
        kept = f", {PurePath(hook.kept).name} is kept" if hook.kept else ""
        lines.append(f"  {hook.name.ljust(width)}   {hook.state}{escape(kept)}")
    return "\n".join(lines) + "\n"


def format_hook_run(report: HookReport) -> str:
    """What to tell while git works: nothing, as long as nothing is wrong."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: HookReport) -> Iterable[str]:
    if not report.checked.ok:
        yield format_check(report.checked).rstrip("\n")
        left = next(one for one in report.checked.slices if one.violations)
        wider = suggest(
            "scope", "allow", left.slice_id, "PATH", "--reason", "TEXT", goal_id=left.goal_id
        )
        yield f"hint: take the changes back, or widen the scope: {escape(wider)}"
    if report.forwarded:
        names = ", ".join(escape(id_) for id_ in report.forwarded)
        yield f"gitslices: {count(len(report.forwarded), 'waiting slice')} brought forward: {names}"
