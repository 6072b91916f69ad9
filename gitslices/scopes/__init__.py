"""Which paths a task may touch, and whether two tasks could touch the same one.

- `entries`: one entry and a whole scope, as people write them, and what is refused
- `globs`: gitignore patterns read into components
"""

from gitslices.scopes.entries import Entry, Scope, parse_entry, parse_scope
from gitslices.scopes.index import Access, ScopeMap

__all__ = ["Access", "Entry", "Scope", "ScopeMap", "parse_entry", "parse_scope"]
