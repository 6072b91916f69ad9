"""What users do while git merges in memory: a merge driver, a program of theirs, does it here."""

import shlex
import sys
from pathlib import Path

from tests.support.repositories import commit_all, git


def meddle(repo: Path, *commands: str) -> None:
    """Both sides change the Makefile, whose merge driver runs `commands` once, then merges."""
    once = repo.parent / "once"
    script = "\n".join(
        [
            "#!/bin/sh",
            "unset $(git rev-parse --local-env-vars)",
            f"mkdir {shlex.quote(str(once))} 2>/dev/null && {{",
            *(f"  {command} || exit 9" for command in commands),
            "}",
            'git merge-file "$1" "$2" "$3" >/dev/null; exit 0',
        ]
    )
    driver = repo.parent / "driver"
    driver.write_text(script)
    driver.chmod(0o755)
    git(repo, "config", "merge.meddler.driver", f"{shlex.quote(str(driver))} %A %O %B")
    (repo / ".gitattributes").write_text("Makefile merge=meddler\n")
    (repo / "Makefile").write_text("all: main\n")
    commit_all(repo)


def in_repo(repo: Path, *args: str) -> str:
    return shlex.join(["git", "-C", str(repo), *args])


def ours(repo: Path, *args: str) -> str:
    return f"{loud(repo, *args)} >/dev/null"


def loud(repo: Path, *args: str) -> str:
    return shlex.join([sys.executable, "-m", "gitslices", *args, "-C", str(repo)])
