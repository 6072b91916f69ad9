"""Graphs and trees drawn at random, of so few paths that every one of them can be tried."""

from itertools import product
from random import Random

import msgspec

from gitslices.core.model import RepoTree, TaskGraph
from gitslices.scopes.language.entries import parse_scope
from gitslices.scopes.language.folding import Folding
from gitslices.scopes.language.matcher import compile_scope
from tests.support.graphs import make_graph, make_tree

NAMES = ("a", "b", "c.md", "d")
UNIVERSE = ["/".join(names) for depth in (1, 2, 3) for names in product(NAMES, repeat=depth)]
LITERALS = ("a", "b/", "d", "a/b", "a/d", "b/a", "a/b/c.md", "b/c.md", "d/d", "c.md", "b/a/d")
PATTERNS = ("*.md", "a/*.md", "**/d", "b/**/a", "a/**", "/?", "**/a/*.md", "d/[ab]", "*/b", "b/*/d")
EXCLUSIONS = ("!a/b", "!*.md", "!b/**/d", "!**/a")
FILES = ("a/b/c.md", "a/d", "b/a/d", "b/c.md", "c.md", "d/d", "a/b/a")


def cover(entries: tuple[str, ...], known: dict[tuple[str, ...], int]) -> int:
    if entries not in known:
        matcher = compile_scope(parse_scope(entries), Folding())
        known[entries] = sum(1 << at for at, path in enumerate(UNIVERSE) if matcher.allows(path))
    return known[entries]


def can_exist(path: str, tree: RepoTree) -> bool:
    above = [path[:at] for at, char in enumerate(path) if char == "/"]
    return path in tree.paths or (
        not any(up in tree.paths for up in above)
        and not any(other.startswith(f"{path}/") for other in tree.paths)
    )


class DrawnTree(msgspec.Struct):
    """A tree, and which paths of the universe are tracked in it and may be."""

    tree: RepoTree
    existing: int
    possible: int


def draw_tree(random: Random) -> DrawnTree:
    tree = make_tree(*random.sample(FILES, random.randint(0, 5)))
    return DrawnTree(
        tree,
        sum(1 << at for at, path in enumerate(UNIVERSE) if path in tree.paths),
        sum(1 << at for at, path in enumerate(UNIVERSE) if can_exist(path, tree)),
    )


def draw_scope(random: Random, most: int) -> list[str]:
    pool = LITERALS if random.random() < 0.5 else LITERALS + PATTERNS
    entries = random.sample(pool, random.randint(0 if most == 1 else 1, most))
    if entries and random.random() < 0.2:
        entries.append(random.choice(EXCLUSIONS))
    return entries


def draw_graph(random: Random) -> TaskGraph:
    count = random.randint(2, 5)
    return make_graph(
        *(
            {
                "id": f"t{number}",
                "write_set": draw_scope(random, 2),
                "read_set": draw_scope(random, 1),
                "dependencies": [f"t{one}" for one in range(number) if random.random() < 0.15],
                "estimate": random.randint(1, 4),
            }
            for number in range(count)
        )
    )
