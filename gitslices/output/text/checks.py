"""Changes outside a scope, told to people, to git's hooks and to agents."""

from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING

from msgspec import UNSET

from gitslices.core.errors import suggest
from gitslices.core.naming import list_some
from gitslices.output.words import count, escape, shorten_line
from gitslices.rules.scope_check import UNNAMED

if TYPE_CHECKING:
    from gitslices.ops.check import CheckReport, SliceCheck
    from gitslices.ops.guard import GuardReport
    from gitslices.ops.hook import HooksReport
    from gitslices.ops.hook_run import HookReport
    from gitslices.ops.scope import ScopeReport
    from gitslices.ops.scope_requests import AskReport
    from gitslices.ops.scopes import ScopesReport
    from gitslices.provisioning.agent_files import AgentFilesReport
    from gitslices.state.scope_requests import AskedScope


def format_check(report: "CheckReport") -> str:
    """The violations of each slice; one line for a slice without any."""
    if not report.slices:
        return "this worktree is no slice: nothing to check\n"
    return "".join(f"{line}\n" for one in report.slices for line in _format_slice(one))


def _format_slice(one: "SliceCheck") -> Iterable[str]:
    name, violations = escape(one.slice_id), one.violations
    if one.problem is not UNSET:
        yield f"{name}: cannot be checked: {escape(one.problem)} (see: gitslices doctor)"
        return
    if not violations:
        yield f"{name}: all changes are inside the write scope"
        return
    changes = count(len(violations), "change")
    inside = all(violation.reason == UNNAMED for violation in violations)
    what = "that no commit can hold" if inside else "outside the write scope"
    yield f"{name}: {changes} {what}"
    shown = [(escape(violation.path), escape(violation.reason)) for violation in violations]
    width = max(len(path) for path, _ in shown)
    for path, reason in shown:
        yield f"  {path.ljust(width)}   {reason}"


def format_hooks(report: "HooksReport") -> str:
    """The folder, and one line a hook."""
    lines = [f"hooks in {escape(report.folder)}"]
    width = max(len(hook.name) for hook in report.hooks)
    for hook in report.hooks:
        kept = f", {PurePath(hook.kept).name} is kept" if hook.kept else ""
        lines.append(f"  {hook.name.ljust(width)}   {hook.state}{escape(kept)}")
    if report.manager:
        lines.append(f"called by {report.manager}, from files of the project")
    if report.changed:
        files = ", ".join(map(escape, report.changed))
        lines.append(
            f"changed: {files}; commit that, and slices have it once they are brought forward"
        )
    lines += [
        f"not for slice {escape(one.slice_id)}: git looks in {escape(one.folder)}"
        for one in report.unguarded
    ]
    return "\n".join(lines) + "\n"


def format_hook_run(report: "HookReport") -> str:
    """What to tell while git works: nothing, as long as nothing is wrong."""
    return "".join(f"{line}\n" for line in _format_lines(report))


def _format_lines(report: "HookReport") -> Iterable[str]:
    if not report.checked.ok:
        yield format_check(report.checked).rstrip("\n")
        left = next(one for one in report.checked.slices if one.violations)
        reasons = {violation.reason for violation in left.violations}
        if UNNAMED in reasons:
            yield (
                "hint: of a repository inside, move its .git away and add its files; "
                "or make it a submodule: git submodule add URL PATH"
            )
        if reasons != {UNNAMED}:
            wider = suggest(
                "scope", "allow", left.slice_id, "PATH", "--reason", "TEXT", goal_id=left.goal_id
            )
            yield f"hint: take the changes back, or widen the scope: {escape(wider)}"


_SHOWN: int = 20


def format_denials(report: "GuardReport") -> str:
    """Each path with its reason, then what may be written instead."""
    return "\n".join(_list_lines(report))


def _list_lines(report: "GuardReport") -> Iterable[str]:
    id_ = escape(report.slice_id)
    yield f"slice {id_} may not write this:"
    for denial in report.denials[:_SHOWN]:
        yield f"  {escape(denial.asked)}: {escape(denial.reason)}"
    if len(report.denials) > _SHOWN:
        yield f"  and {len(report.denials) - _SHOWN} more"
    scope = escape(" ".join(report.write_scope))
    yield f"it may write {scope} in {escape(report.worktree_path)}"
    wider = suggest(
        "scope", "request", report.slice_id, "PATH", "--reason", "TEXT", goal_id=report.goal_id
    )
    yield f"hint: to ask for more: {escape(wider)}"
    yield from map(format_asked, report.asked)


def format_asked(asked: "AskedScope") -> str:
    """What another slice asks for, and how it is granted."""
    words = ("scope", "grant", asked.slice_id, asked.pattern)
    return (
        f"slice {escape(asked.slice_id)} asks to write {escape(asked.pattern)}, which this slice"
        f" could touch ({escape(asked.path)}): {escape(shorten_line(asked.reason))}"
        f" (grant it: {escape(suggest(*words, goal_id=asked.goal_id))})"
    )


def format_request(report: "AskReport") -> str:
    """Whether it is granted, and who is in the way."""
    name, pattern = escape(report.slice_id), escape(report.pattern)
    if report.granted:
        return f"{name} may write {pattern}\n"
    ways = [
        f"  {escape(one.slice_id)}: it is under way, and may {one.access} {escape(one.path)}"
        for one in report.in_way
    ]
    words = ("scope", "grant", report.slice_id, report.pattern)
    grant = escape(suggest(*words, goal_id=report.goal_id))
    end = "or once it has landed" if len(ways) == 1 else "or once they have landed"
    hint = f"granted by: {grant}" + (f", {end}" if ways else "")
    return "\n".join((f"{name} asks to write {pattern}", *ways, hint)) + "\n"


def format_scope(report: "ScopeReport") -> str:
    """Each entry on a line of its own, with the reason where it was added later."""
    return "".join(f"{line}\n" for line in _format_scope_lines(report))


def _format_scope_lines(report: "ScopeReport") -> Iterable[str]:
    reasons = {one.pattern: f"   allowed: {one.reason}" for one in report.allowed}
    for verb, entries in (("may write", report.write_scope), ("may read", report.read_scope)):
        if entries:
            yield f"{escape(report.slice_id)} {verb}"
        for entry in entries:
            reason = reasons.get(entry, "") if verb == "may write" else ""
            yield f"  {escape(entry)}{escape(reason)}"


_FEW: int = 5


def format_scopes(report: "ScopesReport") -> str:
    """The figures, then what went beyond its scope and which orders were for nothing."""
    return "".join(f"{line}\n" for line in _list_scope_figures(report))


def _list_scope_figures(report: "ScopesReport") -> Iterable[str]:
    if not report.touched:
        yield "no slice with changes of its own has landed yet"
        return
    yield (
        f"{count(report.landed, 'slice')} landed: {report.contained} inside what they declared,"
        f" {report.inside} of {count(report.touched, 'file')}"
    )
    yield f"declared {report.width:g} files for each one touched"
    yield (
        f"allowed later: {report.widenings}, refused: {report.refusals},"
        f" forced orders that no file bore out: {report.needless_orders} of {len(report.orders)}"
    )
    beyond = [one for one in report.slices if one.outside]
    for one in beyond[:_FEW]:
        paths = escape(list_some(one.outside))
        yield f"  {escape(one.goal_id)}/{escape(one.slice_id)} went beyond: {paths}"
    needless = [one for one in report.orders if one.borne_out is None]
    for order in needless[:_FEW]:
        yield (
            f"  {escape(order.blocked_slice_id)} waited for {escape(order.serializes_after)}"
            f" by {escape(order.path)}, and need not have"
        )


def format_agent_files(report: "AgentFilesReport") -> str:
    """A line for each file, then where else it went and what is left to do."""
    return "".join(f"{line}\n" for line in _list_file_lines(report))


def format_agent_texts(report: "AgentFilesReport") -> str:
    """What each file would hold."""
    return "\n".join(
        f"# {file.path}\n{_escape_lines(file.text)}"
        for file in report.files
        if file.text is not None
    )


def _list_file_lines(report: "AgentFilesReport") -> Iterable[str]:
    width = max((len(file.path) for file in report.files), default=0)
    if not report.files:
        yield "nothing of gitslices is there"
    for file in report.files:
        tracked = ", tracked" if file.tracked else ""
        yield f"{escape(file.path).ljust(width)}   {file.state}{tracked}"
    if report.slices:
        yield f"also in the worktrees of {count(report.slices, 'slice')}"
    changed = [file.path for file in report.files if file.tracked and file.state != "unchanged"]
    if changed:
        yield f"hint: commit {', '.join(map(escape, changed))}: slices see it once they have it"
    if report.limits:
        yield "its hooks do not see, so that only git hooks and the merge hold it:"
        yield from (f"  {limit}" for limit in report.limits)


def _escape_lines(text: str) -> str:
    return "".join(f"{escape(line)}\n" for line in text.splitlines())
