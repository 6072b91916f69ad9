"""The task graph that a command line means."""

import sys
from pathlib import Path

from gitslices.core.errors import InputError
from gitslices.git.environment import get_cwd
from gitslices.graph.load import find_graph_file, load_graph, load_graph_stream
from gitslices.graph.scopes import ScopedGraph


def load_source(file: str | None, root: Path) -> ScopedGraph:
    """The graph with its scopes: in `file`, on standard input for `-`, else the one at `root`.

    A relative `file` starts from the current directory, whatever `-C` says.
    """
    if file == "-":
        return load_graph_stream(sys.stdin.buffer, "standard input")
    if file is not None:
        path = Path(file)
        return load_graph(path if path.is_absolute() else get_cwd() / path, file)
    found = find_graph_file(root)
    if found is None:
        raise InputError(
            f"no task graph at {str(root)!r}",
            hint="name a FILE, or write gitslices.toml there",
        )
    return load_graph(found)
