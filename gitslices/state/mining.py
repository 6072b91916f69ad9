"""The cache of a history brought up to a commit."""

from typing import Final

from msgspec import Struct

from gitslices.core.errors import GitError
from gitslices.core.model import Oid
from gitslices.git.changes import read_changes
from gitslices.git.read import is_shallow
from gitslices.git.repository import Repository
from gitslices.state.history_cache import HistoryCache

MOST_COMMITS: Final = 20_000
"""How many of the newest commits are looked at: what is older hardly counts."""


class MinedHistory(Struct, frozen=True, kw_only=True):
    """How much of a history is known: `changes` that count of `commits`, and what is left out."""

    commit: Oid | None
    commits: int
    changes: int
    notes: tuple[str, ...] = ()


def mine(
    repo: Repository, cache: HistoryCache, tip: Oid | None, *, is_partial: bool
) -> MinedHistory:
    """Add to the cache what it lacks of `tip`; a cache of another history begins anew."""
    notes = [] if tip is None else list(_extend(repo, cache, tip, is_partial=is_partial))
    if not cache.count:
        notes.append("no change so far counts, so only the names of files are gone by")
    return MinedHistory(commit=tip, commits=cache.seen, changes=cache.count, notes=tuple(notes))


def _extend(repo: Repository, cache: HistoryCache, tip: Oid, *, is_partial: bool) -> list[str]:
    if is_partial and _lacks_trees(repo):
        return ["a clone without the trees of older commits: its history is left out"]
    since = cache.tip if cache.seen < 2 * MOST_COMMITS else None
    if since is None or not _is_older(repo, since, tip):
        # A branch that is behind the cache is known already, with a little of what comes after.
        if since is not None and _is_older(repo, tip, since):
            return _tell_bounds(repo, cache)
        cache.clear()
        since = None
    if since != tip:
        try:
            logged = read_changes(repo, tip, since, MOST_COMMITS, is_partial=is_partial)
        except GitError as error:
            return [f"the history cannot be read: {error.message}"]
        cache.add(tip, logged)
    return _tell_bounds(repo, cache)


def _is_older(repo: Repository, older: Oid, newer: Oid) -> bool:
    """Whether `newer` has all of `older`; not where git knows `older` no more."""
    if older == newer:
        return True
    asked = repo.run("merge-base", "--is-ancestor", older, newer, ok=(0, 1, 128))
    return asked.status == 0


def _lacks_trees(repo: Repository) -> bool:
    filters = r"^remote\..*\.partialclonefilter$"
    return "tree:" in repo.run("config", "--get-regexp", filters, ok=(0, 1)).text


def _tell_bounds(repo: Repository, cache: HistoryCache) -> list[str]:
    notes = []
    if is_shallow(repo):
        notes.append("a shallow clone: what is older than its first commit is not known")
    if cache.seen >= MOST_COMMITS:
        notes.append(f"only the newest {MOST_COMMITS:,} commits were looked at, and those since")
    return notes
