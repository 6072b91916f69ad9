"""The environment of every test: nothing of the machine's own settings comes in."""

import os
import subprocess
from pathlib import Path


def seal_environment(home: Path) -> None:
    """Own HOME and XDG folders, fixed dates and identity, no system git config.

    The git at hand, however old, counts as one whose known holes somebody has repaired.
    Output is buffered, as it is for users.
    """
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITSLICES_", "XDG_")) or name == "PYTHONUNBUFFERED":
            del os.environ[name]
    os.environ.update(
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / "config"),
        XDG_STATE_HOME=str(home / "state"),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME="A U Thor",
        GIT_AUTHOR_EMAIL="author@example.com",
        GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
        GIT_COMMITTER_NAME="C O Mitter",
        GIT_COMMITTER_EMAIL="committer@example.com",
        GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
        LC_ALL="C.UTF-8",
        NO_COLOR="1",
    )
    done = subprocess.run(["git", "version"], capture_output=True, text=True, check=True)
    version = done.stdout.split()[2]
    (home / ".gitconfig").write_text(
        f"[init]\n\tdefaultBranch = main\n[gitslices]\n\tpatchedGit = {version}\n"
    )
