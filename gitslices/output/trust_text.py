"""The commands that wait for approval, and those that have it, for people."""

from collections.abc import Sequence

from gitslices.output.escape import escape
from gitslices.output.words import count
from gitslices.state.trust import Approval


def format_question(missing: Sequence[str]) -> str:
    """The texts to be approved, each as it would be run."""
    head = f"{count(len(missing), 'command')} of this repository would run with full rights:\n"
    return head + _list(missing)


def format_missing(missing: Sequence[str]) -> str:
    """What may not run, and how to let it."""
    return f"not approved, so not run:\n{_list(missing)}approve with: gitslices trust --yes\n"


def format_approvals(approvals: Sequence[Approval]) -> str:
    """One line an approval, with its time."""
    lines = [f"{one.approved_at}  {escape(one.text)}\n" for one in approvals]
    return "".join(lines) or "nothing is approved here\n"


def _list(texts: Sequence[str]) -> str:
    return "".join(f"  {escape(text)}\n" for text in texts)
