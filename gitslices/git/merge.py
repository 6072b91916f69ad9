"""Merges made in memory: objects are written, but no branch, index or file is touched."""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from gitslices.git.repository import Repository
from gitslices.model import Oid, RepoPath

RULES_NAME: Final = ".gitattributes"


class Merged(Struct, frozen=True, kw_only=True):
    """The tree of a merge, and the paths whose conflicts are marked in it."""

    tree: Oid
    conflicts: tuple[RepoPath, ...]


class MergeRules:
    """A folder with nothing in it but the `.gitattributes` of a commit.

    git looks for merge drivers in the work tree it stands in, and `merge-tree --attr-source` came
    only with 2.41. So it is made to stand in this folder, and neither the user's checkout nor the
    user's settings decide how a merge comes out.
    """

    def __init__(self, repo: Repository, folder: Path, commit: Oid) -> None:
        self._repo = repo
        self._folder = folder
        self._root_rules = b""
        self._joined: frozenset[RepoPath] = frozenset()
        rules = _read_rules(repo, commit)
        self.digest = sha256(repr(rules).encode()).hexdigest()
        for path, text in rules:
            if path == RULES_NAME:
                self._root_rules = text
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text)

    def merge(self, ours: Oid, theirs: Oid, joined: Collection[RepoPath] = ()) -> Merged:
        """Merge two commits; the files in `joined` take the lines of both, whatever they are."""
        self._join(frozenset(joined))
        result = self._repo.run_at(
            self._folder, f"--git-dir={self._repo.common_dir}",
            "-c", "merge.directoryRenames=false",
            "merge-tree", "--write-tree", "--no-messages", "--name-only", "-z", ours, theirs,
            ok=(0, 1),
        )  # fmt: skip
        tree, *paths = result.text.rstrip("\0").split("\0")
        conflicts = sorted({RepoPath(path) for path in paths})
        return Merged(tree=Oid(tree), conflicts=tuple(conflicts))

    def _join(self, paths: frozenset[RepoPath]) -> None:
        if paths == self._joined:
            return
        # In front, so that what the repository itself says of a file comes later and wins.
        lines = "".join(f"{_quote(path)} merge=union\n" for path in sorted(paths))
        text = lines.encode("utf-8", "surrogateescape") + self._root_rules
        (self._folder / RULES_NAME).write_bytes(text)
        self._joined = paths


def _read_rules(repo: Repository, commit: Oid) -> list[tuple[str, bytes]]:
    listing = repo.run("ls-tree", "-r", "-z", "--full-tree", commit).text
    found = []
    for entry in listing.split("\0"):
        path = PurePosixPath(entry.partition("\t")[2])
        # As git does, follow no link; and trust no tree to stay inside the folder.
        if path.name == RULES_NAME and entry.startswith("100") and ".." not in path.parts:
            oid = entry.split(None, 3)[2]
            found.append((str(path), repo.run("cat-file", "blob", oid).stdout))
    return found


def _quote(path: RepoPath) -> str:
    """`path` as a pattern of gitattributes that matches nothing else, in git's C quotes."""
    literal = "".join(f"\\{char}" if char in "\\*?[" else char for char in path)
    quoted = "".join(
        f"\\{ord(char):03o}" if ord(char) < 32 or char in '"\\' else char for char in literal
    )
    return f'"/{quoted}"'
