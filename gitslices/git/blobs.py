"""Files as a commit has them."""

from gitslices.git.repository import Repository
from gitslices.model import Oid, RepoPath


def has_entry(repo: Repository, commit: Oid, path: RepoPath) -> bool:
    """Whether `commit` has a file or a directory at `path`."""
    return bool(_list_entry(repo, commit, path))


def read_file(repo: Repository, commit: Oid, path: RepoPath) -> bytes | None:
    """What `commit` has at `path`, where a link is its own text; None where it has nothing."""
    entry = _list_entry(repo, commit, path)
    if not entry:
        return None
    oid = entry.partition("\t")[0].split()[2]
    return repo.run("cat-file", "blob", oid).stdout


def _list_entry(repo: Repository, commit: Oid, path: RepoPath) -> str:
    return repo.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path).text
