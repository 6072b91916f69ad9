"""Which paths a task may touch, and whether two tasks could touch the same one.

What people write:
- `entries`: one entry, a whole scope and what a slice has of both kinds; what is refused
- `globs`: gitignore patterns read into components
- `folding`: paths and patterns in the form in which a repository compares them
- `atoms`: what entries come down to, a literal head and a tail of wildcards
- `judge`: single paths against a scope; pathspec compiles

What is there:
- `tree`: the tracked paths, and what could be created beside them
- `spans`, `places`, `resolve`: atoms as intervals of the sorted paths
- `remarks`: entries that match nothing, or not what they seem to

What could be there:
- `meet`: names that two globs share
- `residuals`: what is left of an atom inside a directory
- `search`, `witness`: the shortest path that two atoms share

All slices at once:
- `ground`: one tree, and what entries come down to there
- `pieces`, `cutting`: the distinct parts of all scopes, and the slices that have them
- `files`: what counts of a pattern that names files
- `contacts`: pieces that meet in paths that exist or are named
- `decider`, `unborn`: pieces that meet in paths yet to be created
- `comparison`: all meetings together, as far as the setting asks for them
- `examples`: a path to show for an overlap
- `index`: the answers, imported on first use: a hook has nothing to compare

- `checkout`: a scope told to git as a sparse checkout
"""

from typing import TYPE_CHECKING, Any

from gitslices.scopes.entries import Access, Entry, Scope, parse_entry, parse_scope
from gitslices.scopes.folding import Folding
from gitslices.scopes.judge import Judge, compile_scope

if TYPE_CHECKING:
    from gitslices.scopes.checkout import EVERYTHING, Checkout, make_checkouts
    from gitslices.scopes.contacts import Segment
    from gitslices.scopes.index import ScopeMap

__all__ = [
    "EVERYTHING",
    "Access",
    "Checkout",
    "Entry",
    "Folding",
    "Judge",
    "Scope",
    "ScopeMap",
    "Segment",
    "compile_scope",
    "make_checkouts",
    "parse_entry",
    "parse_scope",
]


def __getattr__(name: str) -> Any:
    if name in {"ScopeMap", "Segment"}:
        from gitslices.scopes import index

        return getattr(index, name)
    if name in {"EVERYTHING", "Checkout", "make_checkouts"}:
        from gitslices.scopes import checkout

        return getattr(checkout, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
