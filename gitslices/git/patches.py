"""What commits change, line by line, so that the same change is known again in other commits.

A clean merge keeps the line before a change and the line after it: had the other side touched one
of them, git would call it a conflict. So hunks are taken with one line of context, without the
numbers of their lines, and a forge's squash or rebase of a branch has the branch's own hunks.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath
from gitslices.git.repository import Repository

_MODES: Final = (b"old mode ", b"new mode ", b"new file mode ", b"deleted file mode ")
_OID_LINE: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_END: Final = b"0" * 40

Step = tuple[Oid, Oid | None]
"""A commit, and the one that it is compared with; None for the first of all."""

Patch = Mapping[bytes, Counter[bytes]]
"""By git's header of a file its hunks, and how often each is there; modes are hunks, too."""


def contains(patch: Patch, part: Patch) -> bool:
    """Whether `patch` changes all that `part` does, in the same way."""
    return all(file in patch and hunks <= patch[file] for file, hunks in part.items())


def read_paths(repo: Repository, steps: Sequence[Step]) -> tuple[frozenset[RepoPath], ...]:
    """The paths that each of `steps` changes, in their order; a rename is two of them."""
    if not steps:
        return ()
    told = repo.run(
        "diff-tree", "--stdin", "--root", "--always", "-r", "-z", "--name-only", "--no-renames",
        "--ignore-submodules=dirty", input=_ask(steps),
    ).text  # fmt: skip
    found: list[set[RepoPath]] = []
    for word in told.split("\0")[:-1]:
        # In the order asked for: a path that looks like another commit is a path.
        if len(found) < len(steps) and word == steps[len(found)][0]:
            found.append(set())
        else:
            found[-1].add(RepoPath(word))
    return tuple(map(frozenset, found))


def _ask(steps: Iterable[Step]) -> bytes:
    # Named with one parent, a merge is compared with that alone.
    return "".join(f"{commit} {parent or ''}\n" for commit, parent in steps).encode()


def read_patches(repo: Repository, steps: Sequence[Step]) -> tuple[Patch, ...]:
    """What each of `steps` changes, in their order; one git process for all of them."""
    if not steps:
        return ()
    told = repo.run(
        # As text whatever it is, and by no driver: attributes of today say nothing of a change.
        "diff-tree", "--stdin", "--root", "--always", "-r", "-p", "-U1", "--text", "--no-renames",
        "--no-ext-diff", "--no-textconv", "--diff-algorithm=myers", "--no-color",
        "--submodule=short", "--ignore-submodules=dirty",
        input=_ask(steps),
    ).stdout  # fmt: skip
    return tuple(_parse_patches(told.split(b"\n")))


def _parse_patches(lines: Iterable[bytes]) -> Iterator[Patch]:
    patch: dict[bytes, Counter[bytes]] = {}
    hunk: list[bytes] = []
    file, is_begun = b"", False
    # One that ends all comes last.
    for line in (*lines, _END):
        # Lines of files have a sign in front: none of them looks like these.
        starts_commit = _OID_LINE.fullmatch(line) is not None
        if hunk and (starts_commit or line.startswith((b"diff --git ", b"@@ "))):
            patch.setdefault(file, Counter())[b"\n".join(hunk)] += 1
            hunk = []
        if starts_commit:
            if is_begun:
                yield patch
            patch, is_begun = {}, True
        elif line.startswith(b"diff --git "):
            file = line
        elif line.startswith(b"@@ "):
            hunk = [b"@@"]
        elif hunk and line:
            hunk.append(line)
        elif line.startswith(_MODES):
            patch.setdefault(file, Counter())[line] += 1


class FilePatch(Struct, frozen=True, kw_only=True):
    """What differs in one file: its hunks as git prints them; a rename is two files."""

    path: RepoPath
    added: int
    removed: int
    is_binary: bool
    text: str


def read_file_patches(repo: Repository, older: Oid, newer: Oid) -> tuple[FilePatch, ...]:
    """What differs between two commits, file by file; no program of the user's is asked."""
    kinds = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
    counted = repo.run("diff", "--numstat", "-z", *kinds, older, newer, "--").text.split("\0")
    told = repo.run(
        "diff", "-p", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short",
        *kinds, older, newer, "--",
    ).text  # fmt: skip
    # Both list the same files in the same order; what a file holds begins with +, - or a space.
    bodies = re.split(r"^diff --git .*\n", told, flags=re.MULTILINE)[1:]
    return tuple(_make_file_patch(*one) for one in zip(counted[:-1], bodies, strict=False))


def _make_file_patch(counted: str, body: str) -> FilePatch:
    added, removed, path = counted.split("\t", 2)
    is_binary = added == "-"
    _, mark, hunks = body.partition("\n@@")
    return FilePatch(
        path=RepoPath(path),
        added=0 if is_binary else int(added),
        removed=0 if is_binary else int(removed),
        is_binary=is_binary,
        text=f"@@{hunks}" if mark else "",
    )
