"""Files as a commit has them."""

from gitslices.git.repository import Repository
from gitslices.model import Oid, RepoPath


def read_file(repo: Repository, commit: Oid, path: RepoPath) -> bytes | None:
    """What `commit` has at `path`, where a link is its own text; None where it has nothing."""
    entry = repo.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path).text
    if not entry:
        return None
    oid = entry.partition("\t")[0].split()[2]
    return repo.run("cat-file", "blob", oid).stdout
