"""What the tree says of single entries: those that match nothing, or not what they seem to."""

from gitslices.scopes.atoms import find_ancestor, make_atoms
from gitslices.scopes.entries import Entry
from gitslices.scopes.tree import TrackedTree


def remark_on(entry: Entry, tree: TrackedTree, files: int) -> str | None:
    """Say what is worth knowing of an entry that matches so many tracked files."""
    if files and not tree.submodules:
        return None
    head = make_atoms(entry, tree.folding)[0].head
    blocking = find_ancestor(head, tree.files)
    if blocking in tree.submodules and blocking is not None and head != blocking:
        return _remark_on_submodule(entry, blocking)
    if blocking is not None and head != blocking:
        kind = "symbolic link" if blocking in tree.symlinks else "file"
        return f"{entry.text!r} matches nothing: {blocking!r} is a {kind}, not a directory"
    if files:
        return None
    if entry.is_pattern or entry.excluded:
        return f"{entry.text!r} matches no tracked file"
    return f"{entry.text!r} does not exist yet"


def _remark_on_submodule(entry: Entry, submodule: str) -> str:
    if entry.excluded:
        return f"{entry.text!r} is left aside: it lies inside the submodule {submodule!r}"
    return f"{entry.text!r} lies inside the submodule {submodule!r} and stands for it"
