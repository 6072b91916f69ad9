"""What a shell offers for the next word of a command line: commands, options, slices and names."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from gitslices.core.errors import GitslicesError
from gitslices.core.model import FINISHED
from gitslices.git.environment import get_cwd
from gitslices.ops.places import Known, list_known
from gitslices.workspace import probe_workspace

_LINE: Final = "GITSLICES_LINE"
_ABOUT_ENDED: Final = frozenset({"show", "log", "undo"})
"""Commands about slices that may have ended."""


class LineComplete(ShellComplete):
    """Answers any shell: it gives the line up to the cursor, and gets a line for each offer."""

    name = "line"
    source_template = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being typed, and what there is of that."""
        line = os.environ.get(_LINE, "")
        words = split_arg_string(line)
        unfinished = words.pop() if words[1:] and not line[-1:].isspace() else ""
        # `gs cd` is the shell's own: it asks for a path.
        if words[:2] == ["gs", "cd"]:
            words[1] = "path"
        return words[1:], unfinished

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What may follow; `cd` first, where `gs` is completed."""
        found = super().get_completions(args, incomplete)
        line = os.environ.get(_LINE, "")
        if not args and line.startswith("gs ") and "cd".startswith(incomplete):
            found.insert(0, CompletionItem("cd", help="Go to the worktree of a slice."))
        return found

    def format_completion(self, item: CompletionItem) -> str:
        """Kind, value and what it is, with tabs between."""
        parts = (item.type, item.value, item.help or "")
        return "\t".join(" ".join(part.split("\t")).replace("\n", " ") for part in parts)


def _offer_goals(context: click.Context, unfinished: str) -> list[CompletionItem]:
    """The goals."""
    return _offer(unfinished, ((goal.goal_id, "") for goal in _read(context)))


def _offer_slices(context: click.Context, unfinished: str) -> list[CompletionItem]:
    """The slices that the command may be about, with their titles."""
    ended = context.info_name in _ABOUT_ENDED
    return _offer(
        unfinished,
        (
            (one.slice_id, one.title)
            for goal in _read(context)
            for one in goal.slices
            if ended or one.status not in FINISHED
        ),
    )


def _offer_gates(context: click.Context, unfinished: str) -> list[CompletionItem]:
    """The gates that slices have."""
    known = _read(context)
    return _offer(unfinished, ((name, "") for goal in known for name in goal.gates))


def _offer_holders(context: click.Context, unfinished: str) -> list[CompletionItem]:
    """Whoever has a slice now."""
    known = _read(context)
    return _offer(unfinished, ((name, "") for goal in known for name in goal.holders))


def _offer(unfinished: str, names: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=about if about != name else None)
        for name, about in dict(names).items()
        if name.startswith(unfinished) and name.isprintable()
    ]


def _read(context: click.Context) -> tuple[Known, ...]:
    """What the repository at hand has; nothing where it cannot be read, for nobody is told."""
    directory = Path(context.params.get("directory") or ".")
    try:
        workspace = probe_workspace(
            get_cwd() / directory,
            git_dir=None,
            clock=lambda: datetime.now(UTC),
            purpose="completion",
        )
        return list_known(workspace, context.params.get("goal_id"))
    except (GitslicesError, OSError):
        return ()


OFFERS: Final = {
    "goals": _offer_goals,
    "slices": _offer_slices,
    "gates": _offer_gates,
    "holders": _offer_holders,
}


def answer_shells() -> None:
    """Let click answer a shell that completes a line."""
    add_completion_class(LineComplete)
