"""What scopes of many slices come down to: distinct regions, each with the slices that share it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from gitslices.scopes.language.atoms import Atom
from gitslices.scopes.language.entries import Access, Scope
from gitslices.scopes.language.globs import literal_name
from gitslices.scopes.language.matcher import compile_name, covers
from gitslices.scopes.overlap.residuals import see_from
from gitslices.scopes.tracked.resolved import ResolvedTree
from gitslices.scopes.tracked.spans import NO_SPANS, Spans, subtract_spans
from gitslices.scopes.tracked.tree import AFTER_SLASH, TrackedTree


class Region:
    """An atom less the exclusions that reach into it, and the slices (bit masks) with it.

    `spans` are the positions it covers, `files` of them tracked, and in `contested` slices may
    collide;
    `near_readers` and `near_writers` collect the slices that share a path with it. `parts` cover
    what counts of it among the paths yet to be created, where that is less than the region.
    """

    __slots__ = (
        "atom",
        "contested",
        "excluded",
        "files",
        "is_unanchored",
        "near_readers",
        "near_writers",
        "number",
        "parts",
        "readers",
        "signature",
        "spans",
        "writers",
    )

    def __init__(
        self, number: int, atom: Atom, excluded: tuple[Atom, ...], is_unanchored: bool
    ) -> None:
        self.number = number
        self.atom = atom
        self.excluded = excluded
        self.is_unanchored = is_unanchored
        self.parts: tuple[Region, ...] = ()
        self.spans: Spans = NO_SPANS
        self.files = 0
        self.contested: Spans = NO_SPANS
        self.readers = self.writers = 0
        self.near_readers = self.near_writers = 0
        self.signature = 0

    def meet(self, readers: int, writers: int) -> None:
        """Note slices that share a path with this region."""
        self.near_readers |= readers
        self.near_writers |= writers


def _list_reaching(atom: Atom, excluded: Sequence[Atom]) -> tuple[Atom, ...]:
    """The excluded atoms that may take paths out of `atom`."""
    return tuple(other for other in excluded if may_touch(atom, other))


def may_touch(one: Atom, other: Atom) -> bool:
    """Whether two atoms have a directory in common where both may have paths."""
    # The answer is the same both ways round; only beneath the shorter head can the longer one be.
    if len(one.head) > len(other.head):
        one, other = other, one
    if one.head and one.head != other.head and not other.head.startswith(one.head + "/"):
        return False
    return not one.tail or not see_from(one, other.head).is_dead


def near_readers(regions: Iterable[Region], index: int) -> list[Region]:
    """The regions that share a path with one that a slice reads."""
    return [region for region in regions if region.near_readers >> index & 1]


def near_writers(regions: Iterable[Region], index: int) -> list[Region]:
    """The regions that share a path with one that a slice writes."""
    return [region for region in regions if region.near_writers >> index & 1]


def meet_each_other(one: Region, other: Region) -> None:
    """Note of both regions that they share a path."""
    one.meet(other.readers, other.writers)
    other.meet(one.readers, one.writers)


def unite(regions: Iterable[Region]) -> tuple[int, int]:
    """The readers and the writers of all the regions."""
    readers = writers = 0
    for region in regions:
        readers |= region.readers
        writers |= region.writers
    return readers, writers


Regions = tuple[Region, ...]


class SharedPaths(Struct, frozen=True, kw_only=True):
    """Where no two slices overlap: paths by position and, for those yet to be created, atoms.

    `atoms` are those from which nothing is excluded: at worst too few. `is_given` says whether
    anything was named at all.
    """

    is_given: bool
    spans: Spans
    atoms: tuple[Atom, ...]


class Partition(Struct, frozen=True, kw_only=True):
    """All distinct regions, and for each slice the ones that it reads and that it writes."""

    regions: Regions
    reads: tuple[Regions, ...]
    writes: tuple[Regions, ...]


def resolve_shared(shared: Scope, resolved: ResolvedTree) -> SharedPaths:
    """The places that a scope shares."""
    atoms = tuple(atom for entry in shared.included for atom in resolved.list_atoms(entry))
    excluded = tuple(atom for entry in shared.excluded for atom in resolved.list_atoms(entry))
    return SharedPaths(
        is_given=bool(shared.entries),
        spans=resolved.resolve_less(atoms, excluded),
        atoms=tuple(atom for atom in atoms if not _list_reaching(atom, excluded)),
    )


def partition_scopes(
    accesses: Sequence[Access], resolved: ResolvedTree, shared: SharedPaths
) -> Partition:
    """Cut the scopes of all slices; what is equal is one region, which knows its slices."""
    partitioner = _Partitioner(resolved)
    reads = tuple(partitioner.split(access.read) for access in accesses)
    writes = tuple(partitioner.split(access.write) for access in accesses)
    for index, (read, written) in enumerate(zip(reads, writes, strict=True)):
        _note_slice(index, read, written)
    regions = tuple(partitioner.regions.values())
    for region in regions:
        region.spans = resolved.resolve(region.atom)
        if region.excluded:
            region.spans = resolved.resolve_less((region.atom,), region.excluded)
        region.files = resolved.paths.count_tracked(region.spans)
        region.contested = subtract_spans(region.spans, shared.spans)
    return Partition(regions=regions, reads=reads, writes=writes)


def narrow_partition(partition: Partition, slices: Sequence[int], shared: SharedPaths) -> Partition:
    """Cut only the scopes of some slices, where other places are shared."""
    narrowed: dict[Region, Region] = {}

    def narrow(scopes: tuple[Regions, ...]) -> tuple[Regions, ...]:
        kept: list[Regions] = [()] * len(scopes)
        for index in slices:
            kept[index] = tuple(map(keep, scopes[index]))
        return tuple(kept)

    def keep(region: Region) -> Region:
        if region not in narrowed:
            kept = Region(len(narrowed), region.atom, region.excluded, region.is_unanchored)
            # What a region covers does not depend on what is shared, so nothing is resolved again.
            kept.spans, kept.files = region.spans, region.files
            kept.contested = subtract_spans(region.spans, shared.spans)
            narrowed[region] = kept
        return narrowed[region]

    reads, writes = narrow(partition.reads), narrow(partition.writes)
    for index in slices:
        _note_slice(index, reads[index], writes[index])
    return Partition(regions=tuple(narrowed.values()), reads=reads, writes=writes)


def _note_slice(index: int, reads: Regions, writes: Regions) -> None:
    for region in reads:
        region.readers |= 1 << index
    for region in writes:
        region.writers |= 1 << index


class _Partitioner:
    """Makes each region once."""

    def __init__(self, resolved: ResolvedTree) -> None:
        self._resolved = resolved
        self.regions: dict[tuple[Atom, tuple[Atom, ...]], Region] = {}

    def split(self, scope: Scope) -> Regions:
        if not scope.entries:
            return ()
        excluded = self._resolved.list_excluded(scope)
        atoms = (atom for entry in scope.included for atom in self._resolved.list_atoms(entry))
        return tuple(self._add(atom, excluded) for atom in dict.fromkeys(atoms))

    def _add(self, atom: Atom, excluded: Sequence[Atom]) -> Region:
        key = (atom, _list_reaching(atom, excluded) if excluded else ())
        region = self.regions.get(key)
        if region is None:
            region = self.regions[key] = Region(len(self.regions), *key, atom.is_unanchored)
        return region


class PartMaker:
    """Makes the parts of regions; regions that come down to the same part share it."""

    def __init__(self, tree: TrackedTree) -> None:
        self._tree = tree
        self._parts: dict[tuple[Atom, tuple[Atom, ...], bool], Region] = {}

    def split(self, region: Region) -> tuple[Region, ...]:
        """The parts of a region that names files, or none if it does not."""
        if not _names_files(region.atom):
            return ()
        # Any name that `*.py` matches could become a directory, with everything beneath it. Hardly
        # anybody means that, so only the directories that are called so already count as such.
        named = replace(region.atom, names_files=True)
        homes = (Atom(path) for path in _list_directories(region.atom, self._tree))
        return tuple(self._make(region, atom) for atom in (named, *homes))

    def _make(self, region: Region, atom: Atom) -> Region:
        key = (atom, _list_reaching(atom, region.excluded), region.is_unanchored)
        part = self._parts.get(key)
        if part is None:
            part = self._parts[key] = Region(-1, *key)
        part.readers |= region.readers
        part.writers |= region.writers
        return part


def _names_files(atom: Atom) -> bool:
    """Whether the last name holds a wildcard, and a dot that is not its first character."""
    if not atom.tail or atom.directory_only:
        return False
    name = atom.tail[-1]
    return "." in name[1:] and literal_name(name) is None


def _list_directories(atom: Atom, tree: TrackedTree) -> Iterator[str]:
    """The tracked directories that a pattern matches."""
    matches = compile_name(atom.tail[-1])
    for path in _list_dotted(atom.head, tree):
        if matches(path.rpartition("/")[2]) and covers(atom, path):
            yield path


def _list_dotted(directory: str, tree: TrackedTree) -> tuple[str, ...]:
    paths = tree.dotted_directories
    if not directory:
        return paths
    low = bisect_left(paths, directory + "/")
    return paths[low : bisect_left(paths, directory + AFTER_SLASH, lo=low)]
