"""Commits, read and written one by one, without a checkout."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.model import Oid
from gitslices.git.repository import NO_VARIABLES, Repository

# Nobody's name and no time: the same content always gets the same id, so trials can be remembered.
NOBODY: Final = {
    "GIT_AUTHOR_NAME": "gitslices",
    "GIT_AUTHOR_EMAIL": "",
    "GIT_AUTHOR_DATE": "@0 +0000",
    "GIT_COMMITTER_NAME": "gitslices",
    "GIT_COMMITTER_EMAIL": "",
    "GIT_COMMITTER_DATE": "@0 +0000",
}


class _Author(Struct, frozen=True, kw_only=True):
    """Who wrote a commit, and when: seconds since 1970 and the time zone, as git keeps them."""

    name: str
    email: str
    date: str


class Commit(Struct, frozen=True, kw_only=True):
    """A commit as far as it is needed to make it again elsewhere.

    `trailers` are those of its message, a line each, and `trailer_block` the lines of it that they
    were found in.
    """

    commit: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: _Author
    message: str
    trailers: tuple[str, ...] = ()
    trailer_block: str = ""

    @property
    def text(self) -> str:
        """The message without the trailers at its end."""
        return self.message.rstrip().removesuffix(self.trailer_block.rstrip()).rstrip()


_FIELDS: Final = (
    "%H", "%T", "%P", "%an", "%ae", "%ad", "%B", "%(trailers:only,unfold)", "%(trailers)",
)  # fmt: skip


def read_commits(repo: Repository, since: Oid, tip: Oid) -> tuple[Commit, ...]:
    """The commits that `tip` has and `since` lacks, parents first."""
    listing = repo.run(
        # As they were written: the user's settings for what a log shows would go into the copies.
        "log", "--reverse", "--topo-order", "--no-show-signature", "--no-mailmap",
        "--encoding=UTF-8", "--date=raw", f"--format=tformat:{'%x00'.join(_FIELDS)}%x00",
        f"{since}..{tip}", "--",
    ).text  # fmt: skip
    words = listing.split("\0")[:-1]
    return tuple(
        _make_commit(words[start : start + len(_FIELDS)])
        for start in range(0, len(words), len(_FIELDS))
    )


def read_commit_tree(repo: Repository, commit: Oid) -> Oid:
    """The tree of a commit."""
    return Oid(repo.run("rev-parse", "--verify", f"{commit}^{{tree}}").text.strip())


def write_commit(
    repo: Repository,
    tree: Oid,
    parents: Sequence[Oid],
    message: str,
    *,
    author: _Author | None = None,
    signed: bool = False,
) -> Oid:
    """Write a commit and return its id; without `author` the committer is the author, too.

    `signed` signs it with the user's key: `commit-tree` alone does not ask `commit.gpgSign`.
    """
    named = [word for parent in parents for word in ("-p", parent)]
    result = repo.run(
        # The message is UTF-8, whatever the user's setting would have the commit say.
        "-c", "i18n.commitEncoding=UTF-8", "commit-tree", *(("-S",) if signed else ()),
        tree, *named, "-F", "-",
        input=message.encode("utf-8", "surrogateescape"),
        env=_name_author(author) if author else NO_VARIABLES,
    )  # fmt: skip
    return Oid(result.text.strip())


def write_nobodys_merge(repo: Repository, tree: Oid, parents: Sequence[Oid], message: str) -> Oid:
    """Write a merge that nobody has made: the same content always gets the same id."""
    named = [word for parent in parents for word in ("-p", parent)]
    told = repo.run("commit-tree", tree, *named, "-F", "-", input=message.encode(), env=NOBODY)
    return Oid(told.text.strip())


def has_others_work(repo: Repository, tips: Iterable[Oid], known: Iterable[Oid]) -> bool:
    """Whether `tips` have a commit that none of `known` has, and that is no merge of nobody's."""
    ends = (*tips, *(f"^{one}" for one in known))
    shown = "--format=%P%x00%cn%x00%ce%x00%ct"
    listing = repo.run("log", "--no-show-signature", "--no-mailmap", shown, *ends, "--").lines
    nobody = f"\0{NOBODY['GIT_COMMITTER_NAME']}\0\0" + "0"
    return any(" " not in line or not line.endswith(nobody) for line in listing)


def copy_notes(repo: Repository, rewritten: Iterable[tuple[Oid, Oid]]) -> None:
    """Copy the notes of rewritten commits, as git rebase does: those that `notes.rewriteRef` names.

    Without that setting git copies none.
    """
    lines = "".join(f"{old} {new}\n" for old, new in rewritten)
    if lines:
        repo.run("notes", "copy", "--for-rewrite=rebase", "--stdin", input=lines.encode())


def _name_author(author: _Author) -> dict[str, str]:
    return {
        "GIT_AUTHOR_NAME": author.name,
        "GIT_AUTHOR_EMAIL": author.email,
        # Without the @ git takes no small number of seconds for a time.
        "GIT_AUTHOR_DATE": f"@{author.date}",
    }


def _make_commit(words: Sequence[str]) -> Commit:
    commit, tree, parents, name, email, date, message, trailers, block = words
    return Commit(
        # tformat ends each commit with a newline, which comes before the id of the next.
        commit=Oid(commit.strip()),
        tree=Oid(tree),
        parents=tuple(Oid(parent) for parent in parents.split()),
        author=_Author(name=name, email=email, date=date),
        message=message,
        trailers=tuple(line for line in trailers.splitlines() if line),
        trailer_block=block,
    )
