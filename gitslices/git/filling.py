"""Write the files of registered worktrees, beside any number of others.

Half of what a checkout costs is reading trees and making an index, the same for all worktrees of
one commit. So one index serves as the seed of them all: git then only writes files.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gitslices.core.errors import DiskError
from gitslices.core.faults import reach
from gitslices.core.model import Oid, RepoPath
from gitslices.git.links import find_admin_folder
from gitslices.git.read import is_true
from gitslices.git.repository import Repository
from gitslices.git.worktrees import FILLING
from gitslices.scopes.tracked.sparse import Checkout

# A split index would be of no use elsewhere.
_WHOLE_INDEX: Final = ("-c", "core.splitIndex=false")


def make_seed(
    repo: Repository, path: Path, tracked: Sequence[RepoPath], *, sparse: bool, lazily: bool
) -> bytes:
    """An index of HEAD that fits every empty worktree of that commit; `path` is one of them.

    With `sparse` all of the `tracked` files are marked as left out, to bring in what is wanted.
    `lazily` is for a partial clone: nothing is fetched.
    """
    with _report_failure(path):
        admin = _mark(path)
        _read_head(repo, path, lazily=lazily)
        if sparse:
            repo.run_at(
                path, *_WHOLE_INDEX,
                "update-index", "--skip-worktree", "-z", "--stdin", input=_list_names(tracked),
            )  # fmt: skip
        seed = (admin / "index").read_bytes()
        (admin / "index").unlink()
        return seed


def _read_head(repo: Repository, path: Path, *, lazily: bool) -> None:
    if not lazily:
        repo.run_at(path, *_WHOLE_INDEX, "read-tree", "HEAD")
        return
    # git 2.38 has read-tree fetch every file of the commit.
    entries = repo.run_at(path, "ls-tree", "-r", "-z", "--full-tree", "HEAD").stdout
    repo.run_at(path, *_WHOLE_INDEX, "update-index", "-z", "--index-info", input=entries)


def fill_worktree(repo: Repository, path: Path, *, seed: bytes, checkout: Checkout | None) -> None:
    """Write the files of HEAD, or of `checkout` those alone, into an empty worktree.

    `seed` is what `make_seed` has made for this commit. Until `finish_worktree` the worktree does
    not count as filled.
    """
    with _report_failure(path):
        admin = _mark(path)
        reach("write:index")
        (admin / "index").write_bytes(seed)
        if checkout is None:
            # --index notes the times of the files; without it the first status reads each one.
            repo.run_at(path, "checkout-index", "--quiet", "--all", "--index")
        else:
            _make_sparse(repo, path, checkout)
            names = _list_names(checkout.paths)
            repo.run_at(path, "update-index", "--no-skip-worktree", "-z", "--stdin", input=names)
            repo.run_at(path, "checkout-index", "--quiet", "--index", "-z", "--stdin", input=names)


def finish_worktree(path: Path) -> None:
    """Note that a worktree has all its files, those of other sources too."""
    with _report_failure(path):
        (_find_admin(path) / FILLING).unlink()


def settle_index(path: Path) -> None:
    """Date the index of a worktree that nobody has used since its files were written.

    Git reads every file again that is as young as the index, to the second: it could have changed
    unseen (git's racy-git.txt). This spares the first `git status` of a worktree from that, unless
    it follows within the same second.
    """
    with _report_failure(path):
        os.utime(_find_admin(path) / "index")


def set_checkout(repo: Repository, path: Path, checkout: Checkout) -> None:
    """Make a worktree sparse, or change what it holds; git keeps tracked files that have changes.

    Not as a cone: that takes git 2.39 three times as long, and deletes ignored files outside of it.
    The first call in a repository turns on `extensions.worktreeConfig`, in the settings that all
    worktrees share: it must be alone.
    """
    lines = _list_patterns(checkout)
    repo.run_at(path, "sparse-checkout", "set", "--no-cone", "--stdin", input=lines)


def _make_sparse(repo: Repository, path: Path, checkout: Checkout) -> None:
    """Write what `git sparse-checkout set` would (its manual, "Internals"), and no file.

    That asks for every file left out six times whether it is really not there.
    """
    info = _find_admin(path) / "info"
    info.mkdir(exist_ok=True)
    (info / "sparse-checkout").write_bytes(_list_patterns(checkout))
    settings = {"sparseCheckout": True, "sparseCheckoutCone": checkout.is_cone}
    for name, value in settings.items():
        repo.run_at(path, "config", "--worktree", f"core.{name}", str(value).lower())


def _list_patterns(checkout: Checkout) -> bytes:
    return "".join(f"{line}\n" for line in checkout.patterns).encode("utf-8", "surrogateescape")


def _list_names(paths: Iterable[RepoPath]) -> bytes:
    return "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")


def _mark(path: Path) -> Path:
    admin = _find_admin(path)
    # Before there is an index: after a kill, one without this mark counts as filled.
    (admin / FILLING).touch()
    return admin


def _find_admin(path: Path) -> Path:
    admin = find_admin_folder(path)
    assert admin is not None, "the worktree is registered"  # noqa: S101
    return admin


@contextmanager
def _report_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskError(f"cannot fill {str(path)!r}: {error.strerror}") from error


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
