"""How far many commits are from one: a single walk, where one `rev-list` each would take long."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gitslices.git.repository import Repository
from gitslices.model import Oid


def count_all_ahead_behind(
    repo: Repository, commits: Iterable[Oid], target: Oid
) -> Mapping[Oid, tuple[int, int]]:
    """For each of `commits`, how many commits it has that `target` lacks, and the reverse.

    Two git processes however many commits there are, none when all are the target.
    """
    others = sorted(set(commits) - {target})
    if not others:
        return {target: (0, 0)}
    ends = [target, *others]
    sharing = _count_by_sharers(repo, ends)
    counts = {target: (0, 0)}
    for place, commit in enumerate(others, start=1):
        mask = 1 << place
        ahead = sum(n for who, n in sharing.items() if who & mask and not who & 1)
        behind = sum(n for who, n in sharing.items() if who & 1 and not who & mask)
        counts[commit] = (ahead, behind)
    return counts


def _count_by_sharers(repo: Repository, ends: list[Oid]) -> Counter[int]:
    """Numbers of commits by who has them: bit n of a key stands for `ends[n]`.

    What all of them have is left out, so the walk is as long as their histories are apart.
    """
    shared = repo.run("merge-base", "--octopus", *ends, ok=(0, 1)).text.split()
    revisions = [*ends, *(f"^{commit}" for commit in shared)]
    listing = repo.run(
        "rev-list", "--topo-order", "--parents", "--stdin", input="\n".join(revisions).encode()
    ).text
    sharers = {str(commit): 1 << place for place, commit in enumerate(ends)}
    totals: Counter[int] = Counter()
    for line in listing.splitlines():
        commit, *parents = line.split()
        mask = sharers.pop(commit)
        totals[mask] += 1
        for parent in parents:
            sharers[parent] = sharers.get(parent, 0) | mask
    return totals
