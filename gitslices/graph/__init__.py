"""Task graph files: loaded whole and sound, or refused with everything that is wrong in them.

- `load`: the file or stream, its size, encoding and format, and the order of it all
- `parse_json`, `parse_toml`, `parse_yaml`: a text made a tree of plain objects, hostile or not
- `shape`: the tree made a `TaskGraph`, field by field where need be
- `rules`: ids, dependencies and scopes, each among the others
- `cycles`, `nearest`: the graph theory and the guesses that the rules need
- `findings`: what is wrong, where, and the words for it
- `schema`: the file format as JSON Schema
"""

from gitslices.graph.load import FILE_NAMES, find_graph_file, load_graph, load_graph_stream
from gitslices.graph.schema import make_graph_schema

__all__ = ["FILE_NAMES", "find_graph_file", "load_graph", "load_graph_stream", "make_graph_schema"]
