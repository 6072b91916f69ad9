"""The tools by name."""

from importlib import import_module
from typing import Final

from gitslices.agents.tool import Tool

TOOLS: Final = ("claude", "codex", "cursor")


def load_tool(name: str) -> Tool:
    """One tool; only its own module is imported, for the sake of the guard."""
    if name not in TOOLS:
        raise ValueError(f"there is no tool {name!r}")
    tool = import_module(f"gitslices.agents.{name}").TOOL
    assert isinstance(tool, Tool)  # noqa: S101
    return tool
