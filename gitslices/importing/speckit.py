"""spec-kit's `tasks.md`: numbered items under phases, each with the files that it writes."""

import re
from collections.abc import Sequence
from typing import Final

from gitslices.core.errors import InputError
from gitslices.importing.check_lists import CheckItem, find_waits, read_fields, read_items
from gitslices.importing.foreign import ForeignTask, ForeignTasks, put_in_phases
from gitslices.importing.named_paths import find_named_files
from gitslices.importing.sources import SourceText

_TASK: Final = re.compile(
    r"^(?P<id>[A-Z]{1,4}-?\d{1,6}[a-z]?)\b[:.]?\s*(?P<marks>(?:\[[^\]]{1,12}\]\s*)*)(?P<text>.*)$"
)
_PHASE: Final = re.compile(
    r"^Phase\s+(?P<name>[\w.]+)\s*[:\u2013\u2014-]\s*(?P<title>.*)$", re.IGNORECASE
)
_STORY: Final = re.compile(r"\buser stor(?:y|ies)\b|\bUS\d+\b", re.IGNORECASE)
_MARK: Final = re.compile(r"\[([^\]]+)\]")


def read_speckit(source: SourceText) -> ForeignTasks:
    """The tasks; a phase waits for the one before, and user stories do not wait for each other."""
    items = [(item, found) for item in read_items(source.text) if (found := _TASK.match(item.text))]
    if not items:
        raise InputError(
            f"{source.name}: there is no task such as `- [ ] T001 text`",
            hint="other check lists are read by: gitslices import markdown",
        )
    phases = list(dict.fromkeys(filter(None, (_find_phase(item) for item, _ in items))))
    stories = frozenset(n for n, title in enumerate(phases, 1) if _STORY.search(title))
    numbers = [_number(phases, _find_phase(item)) for item, _ in items]
    tasks = [_make_task(item, found) for item, found in items]
    goal = source.path.resolve().parent.name if source.path else "speckit"
    return ForeignTasks(
        origin=f"speckit:{goal}", goal_id=goal, tasks=put_in_phases(tasks, numbers, beside=stories)
    )


def _number(phases: Sequence[str], phase: str | None) -> int:
    """The phase that a task is of; 0 for what stands before all of them."""
    return phases.index(phase) + 1 if phase in phases else 0


def _find_phase(item: CheckItem) -> str | None:
    return next((title for title in item.headings if _PHASE.match(title)), None)


def _make_task(item: CheckItem, found: re.Match[str]) -> ForeignTask:
    marks = _MARK.findall(found["marks"])
    fields = read_fields(item.below)
    waits = dict.fromkeys((*find_waits(item.text), *fields.waits_for))
    files = fields.write_set or find_named_files(found["text"])
    story = next((mark for mark in marks if mark.upper().startswith("US")), None)
    rest = {"phase": _find_phase(item), "story": story, "parallel": "P" in marks}
    return ForeignTask(
        key=found["id"],
        title=found["text"],
        description="\n".join(fields.lines),
        status="done" if item.is_done else "pending",
        dependencies=tuple(name for name in waits if name != found["id"]),
        write_set=files,
        rest={name: value for name, value in rest.items() if value} | fields.others,
    )
