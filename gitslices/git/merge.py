"""Merges made in memory: objects are written, but no branch, index or file is touched."""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath
from gitslices.git.repository import Repository

RULES_NAME: Final = ".gitattributes"


class Merged(Struct, frozen=True, kw_only=True):
    """The tree of a merge, and the paths whose conflicts are marked in it."""

    tree: Oid
    conflicts: tuple[RepoPath, ...]


class MergeRules:
    """How files merge by the `.gitattributes` of a commit.

    git looks for merge drivers in the work tree it stands in, and `merge-tree --attr-source` came
    only with 2.41. So it is made to stand in a folder with nothing else in it, and neither the
    user's checkout nor `core.attributesFile` decides how a merge comes out. Merges may run side by
    side: no file that one of them reads is ever written again.
    """

    def __init__(self, repo: Repository, folder: Path, commit: Oid) -> None:
        self._repo = repo
        self._tree = folder / "tree"
        self._joined_folder = folder / "joined"
        self._joined: dict[frozenset[RepoPath], Path] = {}
        self._writing = Lock()
        rules = _read_rules(repo, commit)
        self.digest = sha256(repr(rules).encode()).hexdigest()
        for place in (self._tree, self._joined_folder):
            place.mkdir(parents=True, exist_ok=True)
        for path, text in rules:
            (self._tree / path).parent.mkdir(parents=True, exist_ok=True)
            (self._tree / path).write_bytes(text)

    def merge(self, ours: Oid, theirs: Oid, joined: Collection[RepoPath] = ()) -> Merged:
        """Merge two commits; the files in `joined` take the lines of both, whatever they are."""
        result = self._repo.run_at(
            # Without a work tree, as in a bare repository, git looks for no such files.
            self._tree, f"--git-dir={self._repo.common_dir}", "--work-tree=.",
            # Else git moves a new file along with a folder that the other side has renamed: to a
            # path that nobody wrote, and that may be in no scope.
            "-c", "merge.directoryRenames=false",
            # What the repository itself says of a file is looked up later and wins (gitattributes).
            "-c", f"core.attributesFile={self.write_joined(frozenset(joined))}",
            # As git itself does with the common ancestors of two commits; whether a slice may be
            # merged that has none with its target is asked before.
            "merge-tree", "--write-tree", "--allow-unrelated-histories",
            "--no-messages", "--name-only", "-z", ours, theirs,
            ok=(0, 1),
        )  # fmt: skip
        tree, *paths = result.text.rstrip("\0").split("\0")
        conflicts = sorted({RepoPath(path) for path in paths})
        return Merged(tree=Oid(tree), conflicts=tuple(conflicts))

    def write_joined(self, paths: frozenset[RepoPath]) -> Path:
        """A file with the attributes of `paths`, one for every set of them."""
        with self._writing:
            if paths not in self._joined:
                place = self._joined_folder / str(len(self._joined))
                lines = "".join(f"{_quote(path)} merge=union\n" for path in sorted(paths))
                place.write_bytes(lines.encode("utf-8", "surrogateescape"))
                self._joined[paths] = place
            return self._joined[paths]


def would_add_nothing(repo: Repository, target: Oid, commit: Oid) -> bool:
    """Whether a merge of `commit` would leave the files of `target` as they are."""
    return would_make(repo, target, commit, target)


def would_make(repo: Repository, ours: Oid, theirs: Oid, expected: Oid) -> bool:
    """Whether a merge of two commits, without a conflict, gives the files of `expected`."""
    merged = repo.run(
        "merge-tree", "--write-tree", "--allow-unrelated-histories", "--no-messages", ours, theirs,
        ok=(0, 1),
    )  # fmt: skip
    tree = repo.run("rev-parse", "--verify", "--end-of-options", f"{expected}^{{tree}}").text
    return merged.status == 0 and merged.text.strip() == tree.strip()


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
