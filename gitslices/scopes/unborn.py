"""Which pieces meet in paths that do not exist yet.

Pieces hang in a trie by the heads of their atoms: only those on one way down can meet. A piece that
covers a whole directory, or waits at a `**` there, meets at once every settled piece below it. All
other pairs are decided one by one, once for each shape.

A piece is settled when it covers some path yet to be created and none of its exclusions reaches
beneath that path. A pattern that waits at a `**` can then be completed further down.
"""

from collections.abc import Iterable, Sequence

from gitslices.scopes.atoms import Atom
from gitslices.scopes.globs import literal_name
from gitslices.scopes.meet import TooComplexError
from gitslices.scopes.pieces import Piece, meet_each_other, unite
from gitslices.scopes.residuals import Residual, enter, globstar_mask, list_moves, see_from
from gitslices.scopes.search import Masks, Search
from gitslices.scopes.tree import TrackedTree

EVERYTHING = Residual(Atom(""))
_UNKNOWN = "\0"
"""Stands for a path, where it would cost too much to say whether there is one."""

Residuals = tuple[Residual, ...]


class Node:
    """One directory of the trie."""

    __slots__ = (
        "children",
        "inherited_readers",
        "inherited_writers",
        "path",
        "pieces",
        "settled_readers",
        "settled_writers",
    )

    def __init__(self, path: str) -> None:
        self.path = path
        self.children: dict[str, Node] = {}
        self.pieces: list[Piece] = []
        self.settled_readers = self.settled_writers = 0
        self.inherited_readers = self.inherited_writers = 0


class Meetings:
    """Finds the pieces that meet, and notes it in them."""

    def __init__(self, pieces: Iterable[Piece], tree: TrackedTree, shared: Sequence[Atom]) -> None:
        self._tree = tree
        self._decider = Decider(tree, shared)
        self._root = Node("")
        self._floating: list[Piece] = []
        self._unsettled: list[Piece] = []
        for piece in pieces:
            self._place(piece)
        _sum_up(self._root)

    def _place(self, piece: Piece) -> None:
        if not self._tree.can_grow(piece.atom) or self._decider.is_emptied(piece):
            return
        piece.is_settled = self._decider.is_settled(piece)
        if piece.atom.is_floating:
            self._floating.append(piece)
            return
        if not piece.is_settled:
            self._unsettled.append(piece)
        self._open_node(piece.atom.head).pieces.append(piece)

    def _open_node(self, path: str) -> Node:
        node = self._root
        for name in path.split("/") if path else ():
            child = node.children.get(name)
            if child is None:
                child = Node(f"{node.path}/{name}" if node.path else name)
                node.children[name] = child
            node = child
        return node

    def meet_anchored(self) -> None:
        """Note all meetings but those of floating pieces with what is at home in one place."""
        for piece in self._list_placed():
            self._walk(piece, self._open_node(piece.atom.head))
        for piece in self._unsettled:
            self._climb(piece)
        for piece in self._root.pieces:
            if not piece.atom.tail:
                self._meet_each(piece, self._floating)
        self._meet_floating()
        _hand_down(self._root)

    def meet_floating(self) -> None:
        """Note the meetings of floating pieces with all others."""
        for piece in self._floating:
            self._walk(piece, self._root)
        for piece in self._unsettled:
            self._meet_each(piece, self._floating)
        _hand_down(self._root)

    def _list_placed(self) -> Iterable[Piece]:
        nodes = [self._root]
        while nodes:
            node = nodes.pop()
            yield from node.pieces
            nodes.extend(node.children.values())

    def _meet_each(self, piece: Piece, others: Iterable[Piece]) -> None:
        for other in others:
            if self._decider.have_common(piece, other):
                meet_each_other(piece, other)

    def _meet_floating(self) -> None:
        easy = [piece for piece in self._floating if self._decider.meets_all_below(piece)]
        readers, writers = unite(easy)
        for piece in easy:
            piece.meet(readers, writers)
        simple = {piece.number for piece in easy}
        hard = [piece for piece in self._floating if piece.number not in simple]
        for at, piece in enumerate(hard):
            self._meet_each(piece, easy)
            self._meet_each(piece, hard[at:])

    def _climb(self, piece: Piece) -> None:
        node = self._root
        self._meet_each(piece, node.pieces)
        for name in piece.atom.head.split("/") if piece.atom.head else ():
            node = node.children[name]
            self._meet_each(piece, node.pieces)

    def _walk(self, piece: Piece, start: Node) -> None:
        waiting = [(start, *self._decider.look(piece, start.path))]
        while waiting:
            node, residual, excluded = waiting.pop()
            if residual.is_dead or any(other.is_complete for other in excluded):
                continue
            if not excluded and self._decider.covers_settled(residual):
                piece.meet(node.settled_readers, node.settled_writers)
                node.inherited_readers |= piece.readers
                node.inherited_writers |= piece.writers
                continue
            for other in node.pieces:
                if self._decider.have_common_at(node.path, residual, excluded, other):
                    meet_each_other(piece, other)
            for name, child in _list_entered(node, residual):
                inside = tuple(enter(other, name) for other in excluded)
                waiting.append((child, enter(residual, name), _drop_dead(inside)))


class Decider:
    """Decides single pairs, each shape of them once."""

    def __init__(self, tree: TrackedTree, shared: Sequence[Atom]) -> None:
        self._tree = tree
        self._shared = tuple(atom for atom in shared if tree.can_grow(atom))
        self._found: dict[tuple[Residual, Residual, Residuals, Masks | None], str | None] = {}
        self._going_on: dict[Residual, bool] = {}

    def look(self, piece: Piece, directory: str) -> tuple[Residual, Residuals]:
        """Give what is left of a piece and of its own exclusions inside a directory."""
        excluded = (
            see_from(atom, directory) for atom in piece.excluded if self._tree.can_grow(atom)
        )
        return see_from(piece.atom, directory), _drop_dead(excluded)

    def look_shared(self, directory: str) -> Residuals:
        """Give what is left of the shared atoms inside a directory."""
        return _drop_dead(see_from(atom, directory) for atom in self._shared)

    def is_emptied(self, piece: Piece) -> bool:
        """Tell whether exclusions cover all that a piece could cover."""
        head = piece.atom.head
        excluded = (*self.look(piece, head)[1], *self.look_shared(head))
        return any(other.is_complete for other in excluded)

    def is_settled(self, piece: Piece) -> bool:
        """Tell whether a piece has a path to be created that exclusions stay away from."""
        head = piece.atom.head
        residual, own = self.look(piece, head)
        shared = self.look_shared(head)
        if not (own or shared or piece.atom.tail):
            return True
        idle = (*(0 for _ in own), *(globstar_mask(other.atom) for other in shared))
        return self._find_path(head, residual, EVERYTHING, (*own, *shared), idle)

    def meets_all_below(self, piece: Piece) -> bool:
        """Tell whether a floating piece meets any settled one, and is settled."""
        residual, own = self.look(piece, "")
        return piece.is_settled and not own and self.covers_settled(residual)

    def covers_settled(self, residual: Residual) -> bool:
        """Tell whether every settled piece of the directory has a path that is covered."""
        if residual.is_complete:
            return True
        if not residual.is_searching:
            return False
        waiting = Residual(residual.atom, residual.mask & globstar_mask(residual.atom))
        known = self._going_on.get(waiting)
        if known is None:
            known = self._going_on[waiting] = self._can_go_on(waiting)
        return known

    def _can_go_on(self, residual: Residual) -> bool:
        searching = [
            Residual(Atom("", atom.tail, atom.directory_only), globstar_mask(Atom("", atom.tail)))
            for atom in self._shared
        ]
        return self._find_free(residual, EVERYTHING, _drop_dead(searching), None) is not None

    def have_common(self, one: Piece, other: Piece) -> bool:
        """Tell whether two pieces meet in a path to be created."""
        if len(one.atom.head) > len(other.atom.head):
            one, other = other, one
        head = other.atom.head
        residual, excluded = self.look(one, head)
        return self.have_common_at(head, residual, excluded, other)

    def have_common_at(
        self, directory: str, residual: Residual, excluded: Residuals, other: Piece
    ) -> bool:
        """Tell whether what is left of a piece meets `other`, whose head is that directory."""
        if residual.is_dead:
            return False
        beneath, own = self.look(other, directory)
        beside = (*excluded, *own, *self.look_shared(directory))
        if any(atom.is_complete for atom in beside):
            return False
        if residual.is_complete and beneath.is_complete and self._tree.can_be_created(directory):
            return True
        return self._find_path(directory, residual, beneath, beside, None)

    def _find_path(
        self,
        directory: str,
        one: Residual,
        other: Residual,
        excluded: Residuals,
        idle: Masks | None,
    ) -> bool:
        path = self._find_free(one, other, excluded, idle)
        if path is None or not self._tree.is_directory(directory):
            return path is not None
        directories, files = self._tree.list_names(directory)
        first = path.partition("/")[0]
        if first not in directories and first not in files:
            return True
        search = Search(one, other, excluded, self._tree.folding, idle=idle, tree=self._tree)
        try:
            return search.find(directory) is not None
        except TooComplexError:
            return idle is None

    def _find_free(
        self, one: Residual, other: Residual, excluded: Residuals, idle: Masks | None
    ) -> str | None:
        key = (one, other, excluded, idle)
        if key not in self._found:
            search = Search(one, other, excluded, self._tree.folding, idle=idle)
            try:
                self._found[key] = search.find(None)
            except TooComplexError:
                self._found[key] = _UNKNOWN if idle is None else None
        return self._found[key]


def _drop_dead(residuals: Iterable[Residual]) -> Residuals:
    return tuple(residual for residual in residuals if not residual.is_dead)


def _list_entered(node: Node, residual: Residual) -> Iterable[tuple[str, Node]]:
    """Give the children that a residual may enter: one by its name, or all of them."""
    names = [
        literal_name(glob)
        for at in range(residual.mask.bit_length())
        if residual.mask >> at & 1
        for glob, _ in list_moves(residual.atom, at)
    ]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return node.children.items()
    return [(name, node.children[name]) for name in dict.fromkeys(known) if name in node.children]


def _list_nodes(root: Node) -> list[Node]:
    nodes = [root]
    for node in nodes:
        nodes.extend(node.children.values())
    return nodes


def _sum_up(root: Node) -> None:
    for node in reversed(_list_nodes(root)):
        settled = [piece for piece in node.pieces if piece.is_settled]
        node.settled_readers, node.settled_writers = unite(settled)
        for child in node.children.values():
            node.settled_readers |= child.settled_readers
            node.settled_writers |= child.settled_writers


def _hand_down(root: Node) -> None:
    for node in _list_nodes(root):
        for piece in node.pieces:
            if piece.is_settled:
                piece.meet(node.inherited_readers, node.inherited_writers)
        for child in node.children.values():
            child.inherited_readers |= node.inherited_readers
            child.inherited_writers |= node.inherited_writers
