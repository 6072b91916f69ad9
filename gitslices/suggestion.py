"""Command lines that messages suggest, to be followed literally."""

import shlex


def suggest(*words: str, goal_id: str | None = None) -> str:
    """`gitslices WORDS`, quoted for a shell; with `goal_id` where there are several goals."""
    goal = ("--goal", goal_id) if goal_id is not None else ()
    return f"gitslices {shlex.join((*words, *goal))}"
