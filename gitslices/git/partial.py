"""Files that a partial clone has not fetched yet: brought in at once, not each by itself."""

from collections.abc import Collection, Mapping

from gitslices.core.model import Oid, RepoPath
from gitslices.git.read import is_true
from gitslices.git.repository import Repository


def is_partial(config: Mapping[str, str]) -> bool:
    """Whether objects may be missing that git would fetch when they are asked for."""
    return bool(_find_promisors(config))


def fetch_files(
    repo: Repository, config: Mapping[str, str], commit: Oid, paths: Collection[RepoPath]
) -> None:
    """Fetch what is missing of the files at `paths` in `commit`.

    What cannot be had now is left to the git that needs it: that says best why.
    """
    missing = _read_missing(repo, commit) & _read_blobs(repo, commit, paths)
    for remote in _find_promisors(config) if missing else ():
        # As git itself does it (promisor-remote.c), but for the maintenance afterwards.
        fetched = repo.run(
            "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags",
            "--no-write-fetch-head", "--recurse-submodules=no", "--filter=blob:none",
            "--no-auto-maintenance", "--stdin", "--end-of-options", remote,
            input="".join(f"{oid}\n" for oid in sorted(missing)).encode(), ok=tuple(range(256)),
        )  # fmt: skip
        if fetched.status == 0:
            return


def _find_promisors(config: Mapping[str, str]) -> tuple[str, ...]:
    """The remotes that promise what is missing (git-config: remote.NAME.promisor)."""
    named = [
        key.removeprefix("remote.").removesuffix(".promisor")
        for key, value in config.items()
        if key.startswith("remote.") and key.endswith(".promisor") and is_true(value)
    ]
    older = config.get("extensions.partialclone")
    return tuple(dict.fromkeys([*named, *([older] if older else [])]))


def _read_missing(repo: Repository, commit: Oid) -> set[str]:
    # To print what is missing also keeps rev-list from fetching it, one object at a time.
    listing = repo.run(
        "rev-list", "--objects", "--no-object-names", "--no-walk", "--missing=print", commit
    )
    return {line[1:] for line in listing.lines if line.startswith("?")}


def _read_blobs(repo: Repository, commit: Oid, paths: Collection[RepoPath]) -> set[str]:
    wanted = frozenset(paths)
    entries = repo.run("ls-tree", "-r", "-z", "--full-tree", commit).text.split("\0")[:-1]
    facts = (entry.partition("\t") for entry in entries)
    return {head.split()[2] for head, _, path in facts if path in wanted}
