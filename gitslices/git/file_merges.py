"""One file in several commits, and merges of its versions outside of any commit."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath
from gitslices.git.repository import Repository

_LARGEST: Final = 1_000_000


class Version(Struct, frozen=True):
    """What a file held in some commit."""

    oid: Oid
    content: bytes


def read_versions(
    repo: Repository, path: RepoPath, revisions: Iterable[str]
) -> list[Version | None]:
    """The file at `path` in each revision, in one call; None where there is none, or a huge one.

    Nothing is fetched for it.
    """
    wanted = list(revisions)
    if "\n" in path:
        return [None] * len(wanted)
    asked = "".join(f"{revision}:{path}\n" for revision in wanted)
    said = repo.run(
        "cat-file", "--batch",
        input=asked.encode("utf-8", "surrogateescape"), env={"GIT_NO_LAZY_FETCH": "1"},
    ).stdout  # fmt: skip
    versions: list[Version | None] = []
    place = 0
    for _ in wanted:
        end = said.index(b"\n", place)
        words = said[place:end].split(b" ")
        place = end + 1
        # `<id> blob <size>`; what is missing is said in the words of the question.
        if len(words) != 3 or words[1] not in {b"blob", b"tree", b"commit"}:
            versions.append(None)
            continue
        size = int(words[2])
        content = said[place : place + size]
        place += size + 1
        is_file = words[1] == b"blob" and size <= _LARGEST
        versions.append(Version(Oid(words[0].decode()), content) if is_file else None)
    return versions


def merge_versions(
    repo: Repository, folder: Path, ours: bytes, base: bytes, theirs: bytes
) -> bytes | None:
    """The three-way merge of one file; None where it conflicts or is no text."""
    if base in {ours, theirs}:
        return theirs if base == ours else ours
    paths = [folder / name for name in ("ours", "base", "theirs")]
    for path, content in zip(paths, (ours, base, theirs), strict=True):
        path.write_bytes(content)
    merged = repo.run("merge-file", "-p", "-q", *map(str, paths), ok=tuple(range(256)))
    return merged.stdout if merged.status == 0 else None
