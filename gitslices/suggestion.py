"""Command lines that messages suggest, to be followed literally."""

import shlex


def suggest(*words: str, goal_id: str) -> str:
    """`gitslices WORDS --goal ID`, quoted for a shell; right however many goals there are."""
    return f"gitslices {shlex.join((*words, '--goal', goal_id))}"
