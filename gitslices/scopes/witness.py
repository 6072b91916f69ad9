"""The shortest path that two pieces share and that could be created."""

from collections.abc import Sequence

from gitslices.scopes.atoms import Atom
from gitslices.scopes.meet import TooComplexError
from gitslices.scopes.pieces import Piece
from gitslices.scopes.residuals import Residual, Residuals, drop_dead, see_from
from gitslices.scopes.search import UNKNOWN, Search, find_free
from gitslices.scopes.tree import TrackedTree


def find_shortest(
    one: Piece, other: Piece, tree: TrackedTree, shared: Sequence[Atom]
) -> str | None:
    """Find the shared path with the fewest components, then characters."""
    if not (tree.can_grow(one.atom) and tree.can_grow(other.atom)):
        return None
    head = max(one.atom.head, other.atom.head, key=len)
    first, second = see_from(one.atom, head), see_from(other.atom, head)
    if first.is_dead or second.is_dead:
        return None
    beside = (*one.excluded, *other.excluded, *shared)
    excluded = drop_dead(see_from(atom, head) for atom in beside)
    if any(residual.is_complete for residual in excluded):
        return None
    if first.is_complete and second.is_complete and tree.can_be_created(head):
        return head
    path = _search(first, second, excluded, tree, head)
    return path if path is None or not head else f"{head}/{path}"


def rank_path(path: str) -> tuple[int, int, str]:
    """Give the order in which paths serve as an example: the shortest first."""
    return path.count("/"), len(path), path


def _search(
    one: Residual, other: Residual, excluded: Residuals, tree: TrackedTree, head: str
) -> str | None:
    path = find_free(one, other, excluded, tree.folding)
    if path == UNKNOWN:
        return _search(one, other, (), tree, head)
    if path is None or not tree.is_taken(head, path):
        return path
    try:
        return Search(one, other, excluded, tree.folding, tree=tree).find(head)
    except TooComplexError:
        return _search(one, other, (), tree, head)
