"""What two commits have in common, and which paths differ between them."""

from msgspec import Struct

from gitslices.git.repository import Repository
from gitslices.model import Oid, RepoPath


class Change(Struct, frozen=True):
    """A path that differs; `added` when the older tree lacks it, `deleted` when the newer does."""

    path: RepoPath
    added: bool = False
    deleted: bool = False


def find_merge_bases(repo: Repository, one: Oid, other: Oid) -> tuple[Oid, ...]:
    """The best common ancestors: one, several after criss-cross merges, or none."""
    listing = repo.run("merge-base", "--all", one, other, ok=(0, 1)).text
    return tuple(Oid(line) for line in listing.split())


def read_tree_changes(repo: Repository, older: Oid, newer: Oid) -> tuple[Change, ...]:
    """The paths that differ between two commits; a rename is two of them."""
    listing = repo.run(
        "diff-tree", "-r", "-z", "--no-renames", "--name-status", older, newer
    ).text.split("\0")
    pairs = zip(listing[::2], listing[1::2], strict=False)
    return tuple(
        Change(RepoPath(path), added=kind == "A", deleted=kind == "D") for kind, path in pairs
    )


def find_own_changes(repo: Repository, tip: Oid, target: Oid) -> tuple[Change, ...]:
    """What `tip` changes of its own: what it took over from `target` by merging is not counted.

    After criss-cross merges a path counts only if it differs from every common ancestor.
    """
    bases = find_merge_bases(repo, tip, target)
    own: tuple[Change, ...] | None = None
    for base in bases:
        changes = read_tree_changes(repo, base, tip)
        common = {change.path for change in own} if own is not None else None
        own = tuple(one for one in changes if common is None or one.path in common)
    return own or ()
