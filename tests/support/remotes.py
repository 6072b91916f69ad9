"""A repository with a remote, and somebody else who works on the same."""

from pathlib import Path

from tests.support.repositories import commit_all, git


def add_remote(repo: Path, name: str = "origin") -> Path:
    """Give `repo` a bare remote beside it that has all of its main branch, which follows it."""
    hub = repo.with_name(f"{name}.git")
    git(repo, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    git(repo, "remote", "add", name, str(hub))
    git(repo, "push", "--quiet", "--set-upstream", name, "main")
    return hub


def clone(hub: Path, name: str = "colleague") -> Path:
    """Another checkout of the remote."""
    path = hub.with_name(name)
    git(hub, "clone", "--quiet", str(hub), str(path))
    return path


def push_change(colleague: Path, path: str, text: str, branch: str = "main") -> str:
    """Let the colleague commit a file, and push it; return the commit."""
    git(colleague, "pull", "--quiet", "--ff-only", "origin", branch)
    (colleague / path).parent.mkdir(parents=True, exist_ok=True)
    (colleague / path).write_text(text)
    commit = commit_all(colleague, f"Change {path}")
    git(colleague, "push", "--quiet", "origin", f"HEAD:{branch}")
    return commit
