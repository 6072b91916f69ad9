"""What each speed-up of the overlap of scopes gains over the definition, by processor time."""

import itertools
import random
import time
from collections.abc import Callable
from typing import cast

from benches.plan import draw_patterns
from gitslices.core.model import Oid, RepoPath, RepoTree
from gitslices.scopes.language.entries import Access, Scope, parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope
from gitslices.scopes.overlap.path_product import PathFinder, find_witness
from gitslices.scopes.overlap.regions import partition_scopes, resolve_shared
from gitslices.scopes.overlap.scope_map import ScopeMap
from gitslices.scopes.tracked.resolved import ResolvedTree

TASKS, FILES = 200, 10_000


def bench_overlap() -> None:
    tree, accesses = make_scopes(TASKS)
    naming = [scope for access in accesses for scope in (access.read, access.write)]
    resolved = ResolvedTree(tree, naming)
    nothing_shared = resolve_shared(parse_scope([]), resolved)
    regions = partition_scopes(accesses, resolved, nothing_shared).regions
    pairs = list(itertools.combinations(regions, 2))
    print(f"{TASKS} tasks of patterns on {FILES:,} files: {len(pairs):,} pairs of regions")

    def define() -> None:
        for one, other in pairs:
            find_witness(one, other, PathFinder(resolved.tree), resolved.tree, ())

    def remember() -> None:
        finder = PathFinder(resolved.tree)
        for one, other in pairs:
            find_witness(one, other, finder, resolved.tree, ())

    defined, remembered = spend(define), spend(remember)
    whole = spend(lambda: ScopeMap(tree, accesses, "all"))
    say("new paths, each pair by the definition", defined, defined)
    say("  each shape of question asked once", remembered, defined)
    say("  by trie and signature (whole comparison)", whole, defined)
    matched = spend(lambda: match_each(naming, tree))
    found = spend(lambda: partition_all(tree, accesses))
    say("tracked paths, each file by each scope", matched, matched)
    say("  as intervals of the sorted paths", found, matched)


def make_scopes(tasks: int) -> tuple[RepoTree, list[Access]]:
    chance = random.Random(3)
    paths = sorted(
        f"area-{n % 40:02}/part-{n % 400 // 40}/mod-{n % 3000 // 400}/file-{n:05}."
        f"{chance.choice(('py', 'ts', 'md', 'sql', 'json'))}"
        for n in range(FILES)
    )
    tree = RepoTree(commit=Oid("0" * 40), paths=tuple(cast("list[RepoPath]", paths)))
    draw = [[draw_patterns(chance, paths) for _ in range(4)] for _ in range(tasks)]
    return tree, [Access(read=parse_scope(one[2:]), write=parse_scope(one[:2])) for one in draw]


def partition_all(tree: RepoTree, accesses: list[Access]) -> None:
    resolved = ResolvedTree(tree, [])
    partition_scopes(accesses, resolved, resolve_shared(parse_scope([]), resolved))


def match_each(scopes: list[Scope], tree: RepoTree) -> int:
    """How often a path is in a scope, asked one by one."""
    matchers = [compile_scope(scope, Folding()) for scope in scopes]
    return sum(matcher.allows(path) for matcher in matchers for path in tree.paths)


def spend(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def say(name: str, seconds: float, baseline: float) -> None:
    gain = f"{baseline / seconds:8.1f} times" if seconds < baseline else f"{'1':>8}"
    print(f"{name:<44} {seconds:8.3f} s {gain}", flush=True)
