"""Overlaps of whole scopes against trying every path: nothing missed, nothing made up."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gitslices.core.errors import ScopeError
from gitslices.core.model import NewPaths, Oid, Overlap, OverlapKind, RepoPath, RepoTree
from gitslices.scopes.language.atoms import Atom, make_atoms, settle_submodules
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.language.folding import Folding, fold_pattern
from gitslices.scopes.language.globs import GLOBSTAR, Glob
from gitslices.scopes.language.matcher import compile_scope, covers, fits
from gitslices.scopes.overlap import signatures as decider_module
from gitslices.scopes.overlap.name_product import list_names
from gitslices.scopes.overlap.scope_map import ScopeMap
from tests.support.examples import scale

NAMES = ["a", "b", "ab", "a.b", ".g"]
PATHS = ["/".join(names) for depth in (1, 2, 3) for names in product(NAMES, repeat=depth)]
GLOBS = [*NAMES, "*", "*b", "a*", "?", "[ab]", "[!a]", "**", "**", "[a]b", "*.b", "a.*", "?.?"]
KINDS: tuple[OverlapKind, ...] = get_args(OverlapKind)


def make_tree(
    paths: Iterable[str], submodules: Iterable[str] = (), *, ignore_case: bool = False
) -> RepoTree:
    return RepoTree(
        commit=Oid("0" * 40),
        paths=tuple(RepoPath(path) for path in sorted(paths)),
        submodules=frozenset(RepoPath(path) for path in submodules),
        ignore_case=ignore_case,
    )


def list_above(path: str) -> list[str]:
    return [path[:at] for at, char in enumerate(path) if char == "/"]


@st.composite
def trees(draw: st.DrawFn) -> RepoTree:
    drawn = draw(st.lists(st.sampled_from(PATHS), max_size=8, unique=True))
    kept: list[str] = []
    for path in drawn:
        if not any(path.startswith(f"{one}/") or one.startswith(f"{path}/") for one in kept):
            kept.append(path)
    submodules = draw(st.lists(st.sampled_from(kept), max_size=2)) if kept else []
    return make_tree(kept, submodules)


@st.composite
def entries(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 3)) == 0:
        return "/".join(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)))
    body = "/".join(draw(st.lists(st.sampled_from(GLOBS), min_size=1, max_size=3)))
    lead = draw(st.sampled_from(["", "", "", "", "/"]))
    return lead + body + draw(st.sampled_from(["", "", "", "/"]))


@st.composite
def scopes(draw: st.DrawFn, *, exclusions: bool = True) -> Scope:
    texts = draw(st.lists(entries(), min_size=1, max_size=2))
    if exclusions:
        texts += [f"!{text}" for text in draw(st.lists(entries(), max_size=2))]
    try:
        return parse_scope(texts)
    except ScopeError:
        assume(False)
        raise


ACCESSES = st.lists(
    st.builds(Access, read=st.just(Scope()) | scopes(), write=scopes()), min_size=2, max_size=4
)
SHARED = st.none() | scopes(exclusions=False)


@st.composite
def beneath_files(draw: st.DrawFn) -> tuple[RepoTree, list[Access], Scope | None]:
    """Scopes around a tracked file: itself, patterns beneath its path, and others."""
    file = draw(st.sampled_from([path for path in PATHS if path.count("/") < 2]))
    globs = st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2)
    beneath = globs.map(lambda names: "/".join((file, *names)))
    entry = st.just(file) | beneath | entries()

    def draw_scope(*, exclusions: bool = True) -> Scope:
        texts = draw(st.lists(entry, min_size=1, max_size=2))
        if exclusions:
            texts += [f"!{text}" for text in draw(st.lists(entry, max_size=1))]
        try:
            return parse_scope(texts)
        except ScopeError:
            assume(False)
            raise

    accesses = [
        Access(read=draw_scope() if draw(st.booleans()) else Scope(), write=draw_scope())
        for _ in range(3)
    ]
    shared = draw_scope(exclusions=False) if draw(st.integers(0, 3)) == 0 else None
    apart = [
        one
        for one in draw(trees()).paths
        if not f"{one}/".startswith(f"{file}/") and not file.startswith(f"{one}/")
    ]
    return make_tree([file, *apart]), accesses, shared


CASES = (trees(), ACCESSES, SHARED)
BRUTE = settings(
    max_examples=scale(100),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


class Brute:
    """The same questions, answered by trying every path."""

    def __init__(self, tree: RepoTree, accesses: Sequence[Access], shared: Scope | None) -> None:
        self.tree = tree
        self.tracked = set(tree.paths)
        self.named = {
            atom.head
            for access in accesses
            for scope in (access.read, access.write)
            for atom in list_atoms(scope, tree)
            if not atom.tail and not atom.directory_only
        }
        heads = {
            atom.head
            for access in accesses
            for scope in (access.read, access.write)
            for atom in list_atoms(scope, tree)
            if atom.tail
        }
        leaving = {above for head in heads for above in (head, *list_above(head))}
        self.staying = self.tracked - leaving
        directories = {above for path in tree.paths for above in list_above(path)}
        self.universe = [path for path in PATHS if path not in directories and self.can_be(path)]
        self.shared = None if shared is None else self._judge(shared)
        self.judges = [(self._judge(one.read), self._judge(one.write)) for one in accesses]

    def can_be(self, path: str) -> bool:
        """Tell whether a path can come to be beside the files that nobody expects to go."""
        return path in self.named or self.staying.isdisjoint(list_above(path))

    def _judge(self, scope: Scope) -> Callable[[str], bool]:
        judge = compile_scope(scope, Folding(), submodules=self.tree.submodules)
        return lambda path: judge.allows(path, is_submodule=path in self.tree.submodules)

    def count(self, index: int) -> tuple[int, int]:
        read, write = self.judges[index]
        return sum(map(read, self.tree.paths)), sum(map(write, self.tree.paths))

    def list_common(
        self, later: int, earlier: int, kind: OverlapKind, paths: Iterable[str]
    ) -> list[str]:
        first = self.judges[later][kind.startswith("write")]
        second = self.judges[earlier][kind.endswith("write")]
        return [
            path
            for path in paths
            if first(path) and second(path) and not (self.shared and self.shared(path))
        ]

    def find_kind(self, later: int, earlier: int, paths: Sequence[str]) -> OverlapKind | None:
        return next((kind for kind in KINDS if self.list_common(later, earlier, kind, paths)), None)

    def assert_true(self, later: int, earlier: int, overlap: Overlap) -> None:
        path = overlap.path
        assert self.list_common(later, earlier, overlap.kind, [path])
        assert overlap.exists == (path in self.tracked)
        tracked = self.list_common(later, earlier, overlap.kind, self.tree.paths)
        if overlap.exists:
            assert path == tracked[0]
            return
        assert not tracked
        assert self.can_be(path)
        assert not any(one.startswith(f"{path}/") for one in self.tracked)

    def assert_shortest(self, later: int, earlier: int, overlap: Overlap) -> None:
        others = self.list_common(later, earlier, overlap.kind, self.universe)
        sizes = [(path.count("/"), len(path)) for path in others]
        assert overlap.exists or not sizes or size_of(overlap.path) <= min(sizes)


def size_of(path: str) -> tuple[int, int]:
    return path.count("/"), len(path)


def list_pairs(count: int) -> list[tuple[int, int]]:
    return [
        (later, earlier) for later in range(count) for earlier in range(count) if later != earlier
    ]


@BRUTE
@given(*CASES)
def test_all_compares_every_path_that_could_exist(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    assert_all_is_exact(tree, accesses, shared)


@BRUTE
@given(beneath_files())
def test_paths_beneath_a_file_are_compared_where_it_is_expected_to_go(
    case: tuple[RepoTree, list[Access], Scope | None],
) -> None:
    assert_all_is_exact(*case)
    assert_anchored_is_exact(*case)
    assert_all_but_open(*case)


def assert_all_is_exact(tree: RepoTree, accesses: list[Access], shared: Scope | None) -> None:
    brute = Brute(tree, accesses, shared)
    compared = ScopeMap(tree, accesses, "all", shared)
    assert not any(compared.open_overlaps)
    for later, earlier in list_pairs(len(accesses)):
        overlap = compared.find_overlap(later, earlier)
        wanted = brute.find_kind(later, earlier, brute.universe)
        assert bool(overlap) == bool(compared.conflicts[later] >> earlier & 1)
        if wanted:
            assert overlap
            assert KINDS.index(overlap.kind) <= KINDS.index(wanted)
        if overlap:
            brute.assert_true(later, earlier, overlap)
            brute.assert_shortest(later, earlier, overlap)


@BRUTE
@given(*CASES)
def test_none_compares_the_tracked_paths_alone(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    brute = Brute(tree, accesses, shared)
    compared = ScopeMap(tree, accesses, "none", shared)
    for later, earlier in list_pairs(len(accesses)):
        overlap = compared.find_overlap(later, earlier)
        assert (overlap and overlap.kind) == brute.find_kind(later, earlier, tree.paths)
        assert bool(overlap) == bool(compared.conflicts[later] >> earlier & 1)
        if overlap:
            brute.assert_true(later, earlier, overlap)


@BRUTE
@given(*CASES)
def test_none_leaves_open_what_all_would_find(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    assert_none_leaves_open(tree, accesses, shared)


@BRUTE
@given(beneath_files())
def test_none_leaves_open_what_lies_beneath_files_that_are_expected_to_go(
    case: tuple[RepoTree, list[Access], Scope | None],
) -> None:
    assert_none_leaves_open(*case)


def assert_none_leaves_open(tree: RepoTree, accesses: list[Access], shared: Scope | None) -> None:
    tracked = ScopeMap(tree, accesses, "none", shared)
    everything = ScopeMap(tree, accesses, "all", shared)
    brute = Brute(tree, accesses, shared)
    for index in range(len(accesses)):
        left_open = everything.conflicts[index] & ~tracked.conflicts[index]
        assert tracked.open_overlaps[index] == left_open
        found = dict(tracked.find_open_overlaps(index))
        assert sum(1 << other for other in found) == left_open
        for other, overlap in found.items():
            brute.assert_true(index, other, overlap)
            assert not overlap.exists


@BRUTE
@given(*CASES)
def test_anchored_leaves_open_what_it_says(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    assert_all_but_open(tree, accesses, shared)


def assert_all_but_open(tree: RepoTree, accesses: list[Access], shared: Scope | None) -> None:
    anchored = ScopeMap(tree, accesses, "anchored", shared)
    everything = ScopeMap(tree, accesses, "all", shared)
    for index in range(len(accesses)):
        left_open = everything.conflicts[index] & ~anchored.conflicts[index]
        assert not anchored.conflicts[index] & ~everything.conflicts[index]
        found = dict(anchored.find_open_overlaps(index))
        assert sum(1 << other for other in found) == left_open
        brute = Brute(tree, accesses, shared)
        for other, overlap in found.items():
            brute.assert_true(index, other, overlap)
            assert not overlap.exists
        for other in set(range(len(accesses))) - {index}:
            if brute.find_kind(index, other, brute.universe):
                assert (anchored.conflicts[index] | left_open) >> other & 1
        assert anchored.open_overlaps[index] == left_open


@BRUTE
@given(*CASES)
def test_anchored_is_exact_but_for_what_it_leaves_open(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    assert_anchored_is_exact(tree, accesses, shared)


def assert_anchored_is_exact(tree: RepoTree, accesses: list[Access], shared: Scope | None) -> None:
    brute = Brute(tree, accesses, shared)
    compared = ScopeMap(tree, accesses, "anchored", shared)
    for later, earlier in list_pairs(len(accesses)):
        overlap = compared.find_overlap(later, earlier)
        assert bool(overlap) == bool(compared.conflicts[later] >> earlier & 1)
        assert compared.conflicts[later] >> earlier & 1 == compared.conflicts[earlier] >> later & 1
        wanted = [
            (kind, path)
            for kind in KINDS
            for path in brute.list_common(later, earlier, kind, brute.universe)
            if path in brute.named | brute.tracked
            or is_compared(path, *pick(accesses[later], accesses[earlier], kind), tree)
        ]
        if wanted:
            assert overlap
            assert KINDS.index(overlap.kind) <= KINDS.index(wanted[0][0])
        if overlap:
            brute.assert_true(later, earlier, overlap)
            scopes = pick(accesses[later], accesses[earlier], overlap.kind)
            assert overlap.path in brute.named | brute.tracked or is_compared(
                overlap.path, *scopes, tree
            )
            sizes = [size_of(path) for kind, path in wanted if kind == overlap.kind]
            assert overlap.exists or not sizes or size_of(overlap.path) <= min(sizes)


def pick(later: Access, earlier: Access, kind: OverlapKind) -> tuple[Scope, Scope]:
    return (
        later.write if kind.startswith("write") else later.read,
        earlier.write if kind.endswith("write") else earlier.read,
    )


def list_atoms(scope: Scope, tree: RepoTree) -> list[Atom]:
    return [
        settle_submodules(atom, tree.submodules)
        for entry in scope.included
        for atom in make_atoms(entry, Folding())
    ]


def is_compared(path: str, first: Scope, second: Scope, tree: RepoTree) -> bool:
    ones, others = (
        [atom for atom in list_atoms(scope, tree) if counts(atom, path, tree)]
        for scope in (first, second)
    )
    whole = Atom("")
    return any(
        one.is_unanchored == other.is_unanchored or whole in (one, other)
        for one, other in product(ones, others)
    ) or any(replaces(path, one, other, tree) for one, other in ((first, second), (second, first)))


def replaces(path: str, first: Scope, second: Scope, tree: RepoTree) -> bool:
    """Tell whether a pattern expects a file above the path to go, which the other scope covers."""
    matcher = compile_scope(second, Folding(), submodules=tree.submodules)
    heads = [
        atom.head for atom in list_atoms(first, tree) if atom.tail and counts(atom, path, tree)
    ]
    above = {one for head in heads for one in (head, *list_above(head))}
    return any(
        covers(atom, file) and counts(atom, path, tree) and matcher.allows(file)
        for file in above.intersection(tree.paths)
        for atom in list_atoms(second, tree)
    )


def counts(atom: Atom, path: str, tree: RepoTree) -> bool:
    """Tell whether an atom covers a new path without supposing a directory named like a file."""
    if not covers(atom, path):
        return False
    last = atom.tail[-1] if atom.tail else ()
    has_wildcard = any(not isinstance(token, str) for token in last)
    if atom.directory_only or not has_wildcard or "." not in last[1:]:
        return True
    directories = {above for one in tree.paths for above in list_above(one)}
    named = [path, *(above for above in list_above(path) if above in directories)]
    return any(matches(atom, one.split("/")) for one in named)


def matches(atom: Atom, names: list[str]) -> bool:
    head = atom.head.split("/") if atom.head else []
    return names[: len(head)] == head and match_globs(atom.tail, names[len(head) :])


def match_globs(globs: tuple[Glob, ...], names: list[str]) -> bool:
    if not globs:
        return not names
    if globs[0] == GLOBSTAR:
        return any(match_globs(globs[1:], names[at:]) for at in range(len(names) + 1))
    return bool(
        names and covers(Atom("", globs[:1]), names[0]) and match_globs(globs[1:], names[1:])
    )


@BRUTE
@given(*CASES)
def test_files_are_counted_as_the_judge_sees_them(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    brute = Brute(tree, accesses, shared)
    for new_paths in get_args(NewPaths):
        compared = ScopeMap(tree, accesses, new_paths, shared)
        for index in range(len(accesses)):
            assert compared.count_files(index) == brute.count(index)


@BRUTE
@given(*CASES)
def test_contested_segments_hold_the_paths_where_slices_collide(
    tree: RepoTree, accesses: list[Access], shared: Scope | None
) -> None:
    brute = Brute(tree, accesses, shared)
    compared = ScopeMap(tree, accesses, "anchored", shared)
    expected = {}
    for path in tree.paths:
        readers = sum(1 << at for at, (read, _) in enumerate(brute.judges) if read(path))
        writers = sum(1 << at for at, (_, write) in enumerate(brute.judges) if write(path))
        is_shared = brute.shared is not None and brute.shared(path)
        if writers and (readers | writers).bit_count() > 1 and not is_shared:
            expected[path] = (readers, writers)
    found = {
        path: (segment.readers, segment.writers)
        for segment in compared.contested
        for path in compared.list_paths(segment)
    }
    assert found == expected


def test_many_sets_of_exclusions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["*.md", "**/gen/", "src/**/*.lock", "**/a*/b"]
    accesses = [
        Access(read=Scope(), write=parse_scope([text, f"!{excluded}"]))
        for text in ("src/", "src/**/*.md", "*.md", "src/a/**", "docs/*.lock")
        for excluded in texts
    ]
    tree = make_tree(["src/a/x.md", "docs/y"])
    apart = ScopeMap(tree, accesses, "all").conflicts
    monkeypatch.setattr(decider_module, "_MAX_SETS", 1)
    assert ScopeMap(tree, accesses, "all").conflicts == apart


# The shortest name that two of the globs share has no more than four characters.
FOLDED_NAMES = ["".join(name) for size in range(1, 5) for name in product("abz-", repeat=size)]
CASED = ["*", "?", "a", "B", "[A-B]", "[!a-b]", "[!A]", "[!b]", "[A-Z]", "[!a-z]"]
CASED_GLOBS = (
    st.lists(st.sampled_from(CASED), min_size=1, max_size=3)
    .map("".join)
    .filter(lambda text: "**" not in text)
)


@BRUTE
@given(CASED_GLOBS, CASED_GLOBS, st.lists(CASED_GLOBS, max_size=2))
def test_names_are_found_where_case_is_folded_and_nowhere_else(
    first: str, second: str, others: list[str]
) -> None:
    folding = Folding(ignore_case=True)
    one, other, *beside = (
        fold_pattern(f"/{text}", folding).components[0] for text in (first, second, *others)
    )
    found = list(list_names(one, other, tuple(beside), folding))
    common = [name for name in FOLDED_NAMES if fits(one, name) and fits(other, name)]
    assert bool(found) == bool(common)
    samples = [next(names) for names in found]
    for name in samples:
        assert fits(one, name)
        assert fits(other, name)
        assert folding.fold(name) == name
    ways = [{tuple(fits(glob, name) for glob in beside) for name in names}
            for names in (samples, common)]  # fmt: skip
    assert ways[0] >= ways[1]
    assert min(map(len, samples), default=0) == min(map(len, common), default=0)
