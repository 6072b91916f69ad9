"""Which regions meet in paths that do not exist yet.

Regions hang in a trie by the heads of their atoms: only those on one way down can meet. From each
region a walk goes down from its own node. Where it covers a whole directory, or waits at a `**`, it
meets all regions of a signature at once; what is left is decided one by one, once for each shape.
"""

from collections.abc import Iterable, Sequence

from gitslices.scopes.language.globs import literal_name
from gitslices.scopes.overlap.regions import Region, meet_each_other
from gitslices.scopes.overlap.residuals import (
    Residual,
    Residuals,
    drop_dead,
    enter,
    list_transitions,
)
from gitslices.scopes.overlap.signatures import Decider

_Slices = tuple[int, int]
"""Readers and writers."""


class _Node:
    """One directory of the trie.

    `signatures` has a bit for each signature of a region in the subtree; `members` holds for each
    the slices with such regions, `inherited` the slices that meet all of them.
    """

    __slots__ = ("children", "inherited", "members", "path", "regions", "signatures")

    def __init__(self, path: str) -> None:
        self.path = path
        self.children: dict[str, _Node] = {}
        self.regions: list[Region] = []
        self.signatures = 0
        self.members: dict[int, _Slices] = {}
        self.inherited: dict[int, _Slices] = {}


class NewOverlaps:
    """Finds the regions that meet, and notes it in them."""

    def __init__(self, regions: Sequence[Region], decider: Decider) -> None:
        self._decider = decider
        self._root = _Node("")
        self._homes = _Node("")
        self._unanchored = _Node("")
        for region in regions:
            signature = decider.find_signature(region)
            if signature is not None:
                region.signature = signature
                self._place(region).regions.append(region)
        for root in self._roots:
            _sum_up(root)

    @property
    def _roots(self) -> tuple[_Node, ...]:
        return self._root, self._homes, self._unanchored

    def _place(self, region: Region) -> _Node:
        if region.atom.is_unanchored:
            return self._unanchored
        return _open(self._homes if region.is_unanchored else self._root, region.atom.head)

    def meet_anchored(self) -> None:
        """Note all meetings but those of unanchored regions with what is at home in one place."""
        for node in (*_list_nodes(self._root), *_list_nodes(self._homes)):
            for region in node.regions:
                self._walk(region, node)
        everything = (region for region in self._root.regions if not region.atom.tail)
        for region in (*everything, *self._unanchored.regions):
            self._walk(region, self._homes)
            self._meet_unanchored(region)
        for root in self._roots:
            _hand_down(root)

    def meet_unanchored(self) -> None:
        """Note the meetings of unanchored regions with all others."""
        for region in self._unanchored.regions:
            self._walk(region, self._root)
        _hand_down(self._root)

    def _walk(self, region: Region, start: _Node) -> None:
        # A stack of its own: a literal of 4,096 bytes can have more components than Python has
        # frames.
        waiting = [(start, *self._decider.see_region(region, start.path), start.signatures)]
        while waiting:
            node, residual, excluded, todo = waiting.pop()
            if residual.is_dead or (excluded and any(other.is_complete for other in excluded)):
                continue
            met, missed = self._decider.decide_signatures(region, residual, excluded)
            _meet_signatures(region, node, met & todo)
            # What is decided here is decided for all beneath; the walk ends where nothing is left,
            # and that keeps it from visiting every pair.
            todo &= ~(met | missed)
            self._meet_each(region, node, residual, excluded, todo)
            for name, child in _list_entered(node, residual) if todo else ():
                if child.signatures & todo:
                    inside = drop_dead(enter(other, name) for other in excluded)
                    waiting.append((child, enter(residual, name), inside, todo & child.signatures))

    def _meet_unanchored(self, region: Region) -> None:
        node = self._unanchored
        residual, excluded = self._decider.see_region(region, self._decider.fresh)
        met, missed = self._decider.decide_signatures(region, residual, excluded)
        _meet_signatures(region, node, met & node.signatures)
        residual, excluded = self._decider.see_region(region, "")
        self._meet_each(region, node, residual, excluded, node.signatures & ~(met | missed))

    def _meet_each(
        self, region: Region, node: _Node, residual: Residual, excluded: Residuals, todo: int
    ) -> None:
        for other in node.regions if todo else ():
            if todo >> other.signature & 1 and self._decider.have_common(
                node.path, residual, excluded, other
            ):
                meet_each_other(region, other)


def _open(node: _Node, path: str) -> _Node:
    for name in path.split("/") if path else ():
        child = node.children.get(name)
        if child is None:
            child = _Node(f"{node.path}/{name}" if node.path else name)
            node.children[name] = child
        node = child
    return node


def _meet_signatures(region: Region, node: _Node, signatures: int) -> None:
    for signature, members in node.members.items() if signatures else ():
        if signatures >> signature & 1:
            region.meet(*members)
            # The regions beneath are told in one pass at the end (`_hand_down`). Telling each of
            # them at once would cost a visit for every pair after all.
            _add(node.inherited, signature, (region.readers, region.writers))


def _add(slices: dict[int, _Slices], signature: int, more: _Slices) -> None:
    readers, writers = slices.get(signature, (0, 0))
    slices[signature] = readers | more[0], writers | more[1]


def _list_entered(node: _Node, residual: Residual) -> Iterable[tuple[str, _Node]]:
    """The children that a residual may enter: those it names, or all of them."""
    if not node.children:
        return ()
    names = [
        literal_name(glob)
        for at in range(residual.mask.bit_length())
        if residual.mask >> at & 1
        for glob, _ in list_transitions(residual.atom, at)
    ]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        return node.children.items()
    return [(name, node.children[name]) for name in dict.fromkeys(known) if name in node.children]


def _list_nodes(root: _Node) -> list[_Node]:
    nodes = [root]
    for node in nodes:
        nodes.extend(node.children.values())
    return nodes


def _sum_up(root: _Node) -> None:
    # Parents stand before their children in the list; reversed, children are complete first.
    for node in reversed(_list_nodes(root)):
        for region in node.regions:
            _add(node.members, region.signature, (region.readers, region.writers))
        for child in node.children.values():
            for signature, members in child.members.items():
                _add(node.members, signature, members)
        node.signatures = sum(1 << signature for signature in node.members)


def _hand_down(root: _Node) -> None:
    for node in _list_nodes(root):
        for region in node.regions:
            if region.signature in node.inherited:
                region.meet(*node.inherited[region.signature])
        for child in node.children.values():
            for signature, inherited in node.inherited.items():
                if child.signatures >> signature & 1:
                    _add(child.inherited, signature, inherited)
