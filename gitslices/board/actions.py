"""What can be done on the board: the command that each stands for, and the request it makes."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import click
from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.model import SliceId
from gitslices.ops.evidence import ReviewRequest, review
from gitslices.ops.hold import HoldRequest, hold
from gitslices.ops.leases import ReleaseRequest, release
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.reopen import ReopenRequest, reopen
from gitslices.ops.scope import AllowRequest, allow_scope
from gitslices.ops.scope_requests import GrantRequest, grant_scope
from gitslices.ops.status import SliceState
from gitslices.ops.sync import SyncRequest, sync
from gitslices.output.text.merging import format_merged, format_synced
from gitslices.rules.evidence import Verdict
from gitslices.workspace import Workspace


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants done: to which slice, by whom, with what they filled in."""

    goal_id: str
    slice_id: SliceId
    user: str
    fields: Mapping[str, str]


class Field(Struct, frozen=True, kw_only=True):
    """What an action asks for; of the kind `review` it is one of the slice's reviews."""

    name: str
    label: str
    kind: Literal["text", "review"] = "text"
    required: bool = True


class Done(Struct, frozen=True, kw_only=True):
    """What came of it, in lines; `ok` is what the exit code 0 of the command tells."""

    ok: bool
    text: str


class Action(Struct, frozen=True, kw_only=True):
    """One button: `asks` says what goes, moves or ends by it, where that is to be thought of."""

    name: str
    label: str
    asks: str | None
    fields: tuple[Field, ...]
    words: Callable[[Wish], Sequence[str]]
    run: Callable[[Workspace, Wish], Done]


def _review(verdict: Verdict) -> Callable[[Workspace, Wish], Done]:
    def run(workspace: Workspace, wish: Wish) -> Done:
        made = review(
            workspace,
            ReviewRequest(
                slice_id=wish.slice_id, goal_id=wish.goal_id, kind=wish.fields["kind"],
                reviewer=wish.user, verdict=verdict, note=wish.fields.get("note", ""),
                commit=wish.fields.get("commit", ""),
            ),
        )  # fmt: skip
        return Done(ok=True, text=f"{made.kind} of {made.commit[:10]}: {made.verdict}")

    return run


def _name_review(verdict: Verdict) -> Callable[[Wish], Sequence[str]]:
    def name(wish: Wish) -> Sequence[str]:
        note, commit = wish.fields.get("note", ""), wish.fields.get("commit", "")
        return (
            "review", *("--kind", wish.fields.get("kind", "")), *("--by", wish.user),
            *("--verdict", verdict), *(("--note", note) if note else ()),
            *(("--commit", commit) if commit else ()), *_name(wish),
        )  # fmt: skip

    return name


def _merge(workspace: Workspace, wish: Wish) -> Done:
    report = merge(workspace, MergeRequest(slice_ids=(wish.slice_id,), goal_id=wish.goal_id))
    return Done(ok=not (report.conflicted or report.refused), text=format_merged(report))


def _sync(workspace: Workspace, wish: Wish) -> Done:
    report = sync(workspace, SyncRequest(slice_ids=(wish.slice_id,), goal_id=wish.goal_id))
    return Done(ok=not (report.conflicted or report.refused), text=format_synced(report))


def _release(workspace: Workspace, wish: Wish) -> Done:
    report = release(
        workspace, ReleaseRequest(slice_id=wish.slice_id, token=None, goal_id=wish.goal_id)
    )
    return Done(ok=True, text=f"open, was held by {report.holder}" if report.holder else "open")


def _hold(workspace: Workspace, wish: Wish) -> Done:
    request = HoldRequest(
        slice_id=wish.slice_id, by=wish.user, goal_id=wish.goal_id, reason=wish.fields["reason"]
    )
    report = hold(workspace, request)
    held = f"; {report.holder} keeps it till then" if report.holder else ""
    return Done(ok=True, text=f"on hold: {report.reason}{held}")


def _unhold(workspace: Workspace, wish: Wish) -> Done:
    hold(workspace, HoldRequest(slice_id=wish.slice_id, by=wish.user, goal_id=wish.goal_id))
    return Done(ok=True, text="left to workers again")


def _reopen(workspace: Workspace, wish: Wish) -> Done:
    report = reopen(workspace, ReopenRequest(slice_id=wish.slice_id, goal_id=wish.goal_id))
    return Done(ok=True, text=f"was {report.former_status}, can be claimed again")


def _allow(workspace: Workspace, wish: Wish) -> Done:
    pattern, reason = wish.fields["pattern"], wish.fields["reason"]
    request = AllowRequest(
        slice_id=wish.slice_id, pattern=pattern, reason=reason, goal_id=wish.goal_id
    )
    allow_scope(workspace, request)
    return Done(ok=True, text=f"may write {pattern}, too")


def _grant(workspace: Workspace, wish: Wish) -> Done:
    pattern = wish.fields["pattern"]
    grant_scope(
        workspace, GrantRequest(slice_id=wish.slice_id, pattern=pattern, goal_id=wish.goal_id)
    )
    return Done(ok=True, text=f"may write {pattern}, too")


def _name(wish: Wish, *operands: str) -> Sequence[str]:
    named = (wish.slice_id, *operands)
    # Or an id that begins with a hyphen would be an option.
    fence = ("--",) if any(one.startswith("-") for one in named) else ()
    return ("--goal", wish.goal_id, *fence, *named)


_REVIEW_FIELDS: Final = (
    Field(name="kind", label="Review", kind="review"),
    Field(name="note", label="Note", required=False),
)
_PATTERN: Final = Field(name="pattern", label="Path or pattern")

ACTIONS: Final[Mapping[str, Action]] = {
    one.name: one
    for one in (
        Action(
            name="approve", label="Approve", asks=None, fields=_REVIEW_FIELDS,
            words=_name_review("approve"), run=_review("approve"),
        ),
        Action(
            name="reject", label="Reject", asks="A merge is refused until a later review approves. "
            "The note is what the next attempt is told.",
            fields=(_REVIEW_FIELDS[0], Field(name="note", label="Note")),
            words=_name_review("reject"), run=_review("reject"),
        ),
        Action(
            name="merge", label="Merge", asks="The target moves.", fields=(),
            words=lambda wish: ("merge", *_name(wish)), run=_merge,
        ),
        Action(
            name="sync", label="Sync", asks="The slice's branch and its files move onto the "
            "target. Uncommitted changes stay.", fields=(),
            words=lambda wish: ("sync", *_name(wish)), run=_sync,
        ),
        Action(
            name="release", label="Release", asks="Whoever has the slice loses it, and may still "
            "be at work in it. Commits and files stay.", fields=(),
            words=lambda wish: ("release", "--force", *_name(wish)), run=_release,
        ),
        Action(
            name="hold", label="Hold", asks=None,
            fields=(Field(name="reason", label="Reason"),),
            words=lambda wish: (
                "hold", "--reason", wish.fields.get("reason", ""), *_name(wish),
            ),
            run=_hold,
        ),
        Action(
            name="unhold", label="Unhold", asks=None, fields=(),
            words=lambda wish: ("unhold", *_name(wish)), run=_unhold,
        ),
        Action(
            name="retry", label="Try again", asks="The slice can be claimed again. One that was "
            "merged starts anew from the target.", fields=(),
            words=lambda wish: ("reopen", *_name(wish)), run=_reopen,
        ),
        Action(
            name="allow", label="Allow a path", asks=None,
            fields=(_PATTERN, Field(name="reason", label="Reason")),
            words=lambda wish: (
                "scope", "allow", "--reason", wish.fields.get("reason", ""),
                *_name(wish, wish.fields.get("pattern", "")),
            ),
            run=_allow,
        ),
        Action(
            name="grant", label="Grant a path", asks="Both slices may change that path then; the "
            "merge proves what comes of it.", fields=(_PATTERN,),
            words=lambda wish: ("scope", "grant", *_name(wish, wish.fields.get("pattern", ""))),
            run=_grant,
        ),
    )
}  # fmt: skip


def list_offered(state: SliceState) -> tuple[str, ...]:
    """The names of what can be done to a slice as it stands."""
    has_work = state.ahead > 0
    offered = {
        "approve": has_work,
        "reject": has_work,
        "merge": state.status == "done",
        "sync": state.status in {"provisioned", "claimed", "done", "conflicted"},
        "release": state.status == "claimed",
        "hold": state.on_hold is None and state.status not in {"merged", "dropped"},
        "unhold": state.on_hold is not None,
        "retry": state.status in {"done", "conflicted", "merged", "dropped"},
        "allow": state.status in {"planned", "provisioned", "claimed", "conflicted"},
    }
    return tuple(name for name, is_so in offered.items() if is_so)


def name_command(action: Action, wish: Wish) -> str:
    """What to type for the same, in any directory of the repository."""
    return shlex.join(("gitslices", *action.words(wish)))


def carry_out(workspace: Workspace, action: Action, wish: Wish) -> Done:
    """Do it; raises what the command would, and `InputError` for a field that is missing."""
    for field in action.fields:
        if field.required and not wish.fields.get(field.name, "").strip():
            raise InputError(f"{field.label!r} is empty", hint="fill it in")
    done = action.run(workspace, wish)
    return Done(ok=done.ok, text=click.unstyle(done.text).strip())
