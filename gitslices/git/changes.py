"""What commits touched, read in one pass over a history."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid, RepoPath
from gitslices.git.repository import Repository


class LoggedChange(Struct, frozen=True):
    """A commit that is no merge; `touched` are its files, `renamed` their former names by new ones.

    What a commit deletes, and the former names of what it renames, are touched under these names.
    """

    commit: Oid
    author: str
    email: str
    title: str
    touched: tuple[RepoPath, ...]
    renamed: dict[RepoPath, RepoPath]


_FIELDS: Final = "%H%x00%an%x00%ae%x00%s%x00"
_MOST_RENAMES: Final = 200
"""Above so many candidates in a commit git compares no contents: such a commit is a bulk one."""

_LONGEST_LETTER: Final = 4
"""`R100`: what is longer is the next commit's id."""


def read_changes(
    repo: Repository, tip: Oid, since: Oid | None, limit: int, *, is_partial: bool
) -> list[LoggedChange]:
    """The newest `limit` commits of `tip`, the oldest first, less those that `since` has.

    In a partial clone renames are known by equal contents alone: to compare others, git would
    fetch them.
    """
    said = repo.run(
        # By the user's settings paths could be relative, and texts in another encoding.
        "-c", f"diff.renameLimit={_MOST_RENAMES}",
        "log", f"--max-count={limit}", "--no-merges", "--name-status", "-z", "--no-mailmap",
        "--no-show-signature", "--no-relative", "--no-color", "--encoding=UTF-8",
        "--find-renames=100%" if is_partial else "--find-renames=50%",
        f"--format={_FIELDS}", "--end-of-options", tip, *((f"^{since}",) if since else ()),
        env={"GIT_NO_LAZY_FETCH": "1"},
    ).text  # fmt: skip
    changes = list(_parse(said.split("\0")))
    changes.reverse()
    return changes


def _parse(words: list[str]) -> Iterator[LoggedChange]:
    """The commits in git's order: four fields, then a letter and one path or two for each file."""
    place, last = 0, len(words) - 1
    while place < last:
        # Git ends a commit's fields, and begins its files, with a line break or nothing at all.
        commit = words[place].lstrip("\n")
        if not commit:
            place += 1
            continue
        author, email, title = words[place + 1 : place + 4]
        place += 4
        touched: list[RepoPath] = []
        renamed: dict[RepoPath, RepoPath] = {}
        while place < last:
            letter = words[place].lstrip("\n")
            if not letter:
                place += 1
                continue
            if len(letter) > _LONGEST_LETTER:
                break
            if letter[0] in "RC":
                former, path = words[place + 1], RepoPath(words[place + 2])
                if letter[0] == "R":
                    renamed[path] = RepoPath(former)
                place += 3
            else:
                path = RepoPath(words[place + 1])
                place += 2
            touched.append(path)
        yield LoggedChange(Oid(commit), author, email, title, tuple(touched), renamed)
