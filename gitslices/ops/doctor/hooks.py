"""Hooks that hold the fences no more: those of git, and what those of agents start."""

import os
from collections.abc import Iterator
from functools import partial

from gitslices.git.placed import list_placed
from gitslices.launcher import find_launcher, write_launcher
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.hook import InstallRequest, install, read_hooks
from gitslices.state.armed import are_hooks_wanted
from gitslices.state.folder import FOLDER_NAME
from gitslices.workspace import Workspace


def find_disarmed_hooks(workspace: Workspace, python: str) -> Iterator[Trouble]:
    """Hooks that were installed and are gone, replaced, or no longer where git looks for them."""
    if not are_hooks_wanted(workspace.repo.common_dir / FOLDER_NAME):
        return
    report = read_hooks(workspace)
    bad = [f"{hook.name} is {hook.state}" for hook in report.hooks if hook.state != "installed"]
    if not bad:
        return
    finding = Finding(
        check="disarmed-hooks",
        thing=report.folder,
        problem=", ".join(bad),
        why="changes outside a write scope are committed, and only the merge stops them",
        fix="install them again, beside what is there",
        hint="where they are not wanted any more: gitslices hook uninstall",
    )
    yield Trouble(finding=finding, mend=partial(install, workspace, InstallRequest(python=python)))


def find_lost_launcher(workspace: Workspace, python: str) -> Iterator[Trouble]:
    """Agents' settings that start a script which is not there."""
    common_dir = workspace.repo.common_dir
    path = find_launcher(common_dir)
    if not list_placed(common_dir) or os.access(path, os.X_OK):
        return
    finding = Finding(
        check="disarmed-agents",
        thing=str(path),
        problem="the hooks of coding agents start it, and it cannot be run",
        why="agents are not asked before they write",
        fix="write it again",
        hint="where it is not wanted any more: gitslices agent uninstall TOOL",
    )
    yield Trouble(finding=finding, mend=partial(write_launcher, common_dir, python))
