"""The adapters by the name of their agent."""

from importlib import import_module
from typing import Final

from gitslices.agents.adapters.adapter import Adapter

ADAPTERS: Final = ("claude", "codex", "copilot", "cursor", "gemini", "opencode", "qwen")


def load_adapter(name: str) -> Adapter:
    """One adapter; only its own module is imported, for the sake of the guard."""
    if name not in ADAPTERS:
        raise ValueError(f"there is no tool {name!r}")
    adapter = import_module(f"gitslices.agents.adapters.{name}").ADAPTER
    assert isinstance(adapter, Adapter)  # noqa: S101
    return adapter
