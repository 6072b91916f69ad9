"""A git that is known to be unsafe in repositories that nobody vouches for."""

import re
from collections.abc import Iterator
from typing import Final

from gitslices.git.read import read_values, read_version
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.workspace import Workspace

# Which release of each series repaired CVE-2024-32002 and its like, of May 2024; 2.46 is newer.
_SAFE: Final = {39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1, 45: 1}
_SETTING: Final = "gitslices.patchedGit"


def find_unpatched_git(workspace: Workspace) -> Iterator[Trouble]:
    """A version of git with holes that a hostile repository can use."""
    version = read_version(workspace.repo)
    if is_patched(version) or version in read_values(workspace.repo, _SETTING):
        return
    finding = Finding(
        check="git",
        thing=f"git {version}",
        problem="it has known security holes, unless your distribution has repaired them",
        why="a hostile repository may run commands as you when it is cloned or checked out",
        hint=f"update git; if it is repaired: git config --global {_SETTING} {version}",
    )
    yield Trouble(finding=finding)


def is_patched(version: str) -> bool:
    """Whether a released version, such as 2.39.5, is none of those that have known holes."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if found is None:
        return True
    major, minor, patch = (int(number or 0) for number in found.groups())
    return (major, minor) > (2, max(_SAFE)) or (major == 2 and patch >= _SAFE.get(minor, patch + 1))


GIT_CHECKS = (find_unpatched_git,)
