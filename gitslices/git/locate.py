"""Find a repository by its files alone, where git itself may fail."""

from pathlib import Path

from gitslices.git.worktrees import find_admin_folder, list_admin_folders


def find_common_dir(directory: Path, git_dir: Path | None = None) -> Path | None:
    """The folder that all worktrees share, of the repository around `directory` or at `git_dir`."""
    if git_dir is not None:
        return _find_shared(git_dir)
    for folder in (directory, *directory.parents):
        if (folder / ".git").is_dir():
            return folder / ".git"
        linked = find_admin_folder(folder)
        if linked is not None:
            return _find_shared(linked)
        if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
            return _find_shared(folder)
    return None


def find_top(directory: Path) -> Path | None:
    """The top of the worktree around `directory`."""
    above = (directory, *directory.parents)
    return next((folder for folder in above if (folder / ".git").exists()), None)


def find_torn_folders(common_dir: Path) -> tuple[Path, ...]:
    """Git's folders for worktrees whose `commondir` says nothing: git fails of a single one."""
    folders = list_admin_folders(common_dir)
    return tuple(folder for folder in folders if _is_torn(folder))


def mend_torn_folder(folder: Path) -> None:
    """Write the `commondir` that git writes."""
    (folder / "commondir").write_text("../..\n")


def _find_shared(git_dir: Path) -> Path:
    return git_dir.parent.parent if git_dir.parent.name == "worktrees" else git_dir


def _is_torn(folder: Path) -> bool:
    try:
        return not (folder / "commondir").read_bytes().strip()
    except FileNotFoundError:
        return (folder / "gitdir").exists()
    except OSError:
        return False
