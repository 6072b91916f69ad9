"""Parts of the history held in memory, for questions that would be a git process each."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from gitslices.core.model import Oid
from gitslices.git.repository import Repository


class CommitGraph:
    """The commits between some ends and what all of those have in common, parents first."""

    def __init__(self, parents: Mapping[Oid, tuple[Oid, ...]], messages: Mapping[Oid, str]) -> None:
        self.parents = parents
        self.messages = messages

    def reach(self, tips: Iterable[Oid], stop: Collection[Oid] = ()) -> set[Oid]:
        """The commits of the graph that `tips` have, none of `stop` and nothing beyond those."""
        found: set[Oid] = set()
        waiting = list(tips)
        while waiting:
            commit = waiting.pop()
            if commit in self.parents and commit not in found and commit not in stop:
                found.add(commit)
                waiting += self.parents[commit]
        return found

    def find_mainline(self, tip: Oid) -> tuple[Oid, ...]:
        """`tip`, its first parent, that one's, and so on, the newest first."""
        found = []
        while tip in self.parents:
            found.append(tip)
            if not self.parents[tip]:
                break
            tip = self.parents[tip][0]
        return tuple(found)

    def get_parent(self, commit: Oid) -> Oid | None:
        """The first parent; None for the first commit of all."""
        return next(iter(self.parents[commit]), None)


def read_commit_graph(repo: Repository, ends: Iterable[Oid]) -> CommitGraph:
    """The history of those of `ends` that git has, back to where all of them meet."""
    known = list(dict.fromkeys(ends))
    met = repo.run("merge-base", "--octopus", *known, ok=(0, 1, 128))
    if met.status == 128:  # one of them is gone
        known = _keep_known(repo, known)
        met = repo.run("merge-base", "--octopus", *known, ok=(0, 1)) if known else met
    # The meeting point itself, too: it is the base of most.
    beyond = [f"^{commit}^@" for commit in met.text.split()]
    listing = repo.run(
        "log", "-z", "--topo-order", "--reverse", "--no-show-signature", "--encoding=UTF-8",
        "--format=%H %P%n%B", "--stdin",
        input="".join(f"{one}\n" for one in (*known, *beyond)).encode(),
    ).text  # fmt: skip
    parents: dict[Oid, tuple[Oid, ...]] = {}
    messages: dict[Oid, str] = {}
    for entry in listing.split("\0"):
        ids, _, message = entry.partition("\n")
        if ids:
            commit, *of = map(Oid, ids.split())
            parents[commit], messages[commit] = tuple(of), message
    return CommitGraph(parents, messages)


def _keep_known(repo: Repository, commits: Sequence[Oid]) -> list[Oid]:
    """Those of `commits` that git has, in their order."""
    asked = "".join(f"{one}\n" for one in commits).encode()
    told = repo.run("cat-file", "--batch-check=%(objecttype)", input=asked).lines
    return [one for one, kind in zip(commits, told, strict=True) if kind == "commit"]
