"""Which pieces meet in paths that do not exist yet.

Pieces hang in a trie by the heads of their atoms: only those on one way down can meet. From each
piece a walk goes down from its own node. Where it covers a whole directory, or waits at a `**`, it
meets all pieces of a kind at once; what is left is decided one by one, once for each shape.
"""

from collections.abc import Iterable, Sequence

from gitslices.scopes.language.globs import literal_name
from gitslices.scopes.overlap.future_kinds import Decider
from gitslices.scopes.overlap.pieces import Piece, meet_each_other
from gitslices.scopes.overlap.residuals import Residual, Residuals, drop_dead, enter, list_moves

Slices = tuple[int, int]
"""Readers and writers."""


class Node:
    """One directory of the trie.

    `kinds` has a bit for each kind of piece in the subtree, `members` the slices with such pieces,
    and `inherited` the slices that meet all of them.
    """

    __slots__ = ("children", "inherited", "kinds", "members", "path", "pieces")

    def __init__(self, path: str) -> None:
        self.path = path
        self.children: dict[str, Node] = {}
        self.pieces: list[Piece] = []
        self.kinds = 0
        self.members: dict[int, Slices] = {}
        self.inherited: dict[int, Slices] = {}


class Meetings:
    """Finds the pieces that meet, and notes it in them."""

    def __init__(self, pieces: Sequence[Piece], decider: Decider) -> None:
        self._decider = decider
        self._root = Node("")
        self._settled = Node("")
        self._floating = Node("")
        for piece in pieces:
            kind = decider.find_kind(piece)
            if kind is not None:
                piece.kind = kind
                self._place(piece).pieces.append(piece)
        for root in self._roots:
            _sum_up(root)

    @property
    def _roots(self) -> tuple[Node, ...]:
        return self._root, self._settled, self._floating

    def _place(self, piece: Piece) -> Node:
        if piece.atom.is_floating:
            return self._floating
        return _open(self._settled if piece.is_floating else self._root, piece.atom.head)

    def meet_anchored(self) -> None:
        """Note all meetings but those of floating pieces with what is at home in one place."""
        for node in (*_list_nodes(self._root), *_list_nodes(self._settled)):
            for piece in node.pieces:
                self._walk(piece, node)
        everything = (piece for piece in self._root.pieces if not piece.atom.tail)
        for piece in (*everything, *self._floating.pieces):
            self._walk(piece, self._settled)
            self._meet_floating(piece)
        for root in self._roots:
            _hand_down(root)

    def meet_floating(self) -> None:
        """Note the meetings of floating pieces with all others."""
        for piece in self._floating.pieces:
            self._walk(piece, self._root)
        _hand_down(self._root)

    def _walk(self, piece: Piece, start: Node) -> None:
        waiting = [(start, *self._decider.look(piece, start.path), start.kinds)]
        while waiting:
            node, residual, excluded, todo = waiting.pop()
            if residual.is_dead or (excluded and any(other.is_complete for other in excluded)):
                continue
            met, missed = self._decider.decide_kinds(piece, residual, excluded)
            _meet_kinds(piece, node, met & todo)
            todo &= ~(met | missed)
            self._meet_each(piece, node, residual, excluded, todo)
            for name, child in _list_entered(node, residual) if todo else ():
                if child.kinds & todo:
                    inside = drop_dead(enter(other, name) for other in excluded)
                    waiting.append((child, enter(residual, name), inside, todo & child.kinds))

    def _meet_floating(self, piece: Piece) -> None:
        node = self._floating
        residual, excluded = self._decider.look(piece, self._decider.fresh)
        met, missed = self._decider.decide_kinds(piece, residual, excluded)
        _meet_kinds(piece, node, met & node.kinds)
        residual, excluded = self._decider.look(piece, "")
        self._meet_each(piece, node, residual, excluded, node.kinds & ~(met | missed))

    def _meet_each(
        self, piece: Piece, node: Node, residual: Residual, excluded: Residuals, todo: int
    ) -> None:
        for other in node.pieces if todo else ():
            if todo >> other.kind & 1 and self._decider.have_common(
                node.path, residual, excluded, other
            ):
                meet_each_other(piece, other)


def _open(node: Node, path: str) -> Node:
    for name in path.split("/") if path else ():
        child = node.children.get(name)
        if child is None:
            child = Node(f"{node.path}/{name}" if node.path else name)
            node.children[name] = child
        node = child
    return node


def _meet_kinds(piece: Piece, node: Node, kinds: int) -> None:
    for kind, members in node.members.items() if kinds else ():
        if kinds >> kind & 1:
            piece.meet(*members)
            _add(node.inherited, kind, (piece.readers, piece.writers))


def _add(slices: dict[int, Slices], kind: int, more: Slices) -> None:
    readers, writers = slices.get(kind, (0, 0))
    slices[kind] = readers | more[0], writers | more[1]


def _list_entered(node: Node, residual: Residual) -> Iterable[tuple[str, Node]]:
    """Give the children that a residual may enter: those it names, or all of them."""
    if not node.children:
        return ()
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
        for piece in node.pieces:
            _add(node.members, piece.kind, (piece.readers, piece.writers))
        for child in node.children.values():
            for kind, members in child.members.items():
                _add(node.members, kind, members)
        node.kinds = sum(1 << kind for kind in node.members)


def _hand_down(root: Node) -> None:
    for node in _list_nodes(root):
        for piece in node.pieces:
            if piece.kind in node.inherited:
                piece.meet(*node.inherited[piece.kind])
        for child in node.children.values():
            for kind, inherited in node.inherited.items():
                if child.kinds >> kind & 1:
                    _add(child.inherited, kind, inherited)
