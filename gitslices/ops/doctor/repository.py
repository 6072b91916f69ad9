"""What is wrong with git, its files, hooks and settings, and with those of the state.

Damaged files of git's in slices' worktrees are mended with the slices. The others are the
user's: the way is told.
"""

import re
import shlex
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from gitslices.core.errors import InputError, StateError, suggest
from gitslices.git.discovery import find_torn_folders, mend_torn_folder
from gitslices.git.links import find_head_file, find_linked_worktree
from gitslices.git.read import HEADS, read_expiry, read_values, read_version
from gitslices.git.repair import find_empty_refs, find_last_value, find_left_locks
from gitslices.git.repository import TORN_PAUSES
from gitslices.git.worktrees import LOCK_REASON, find_misleading_settings
from gitslices.ops.doctor.finding import Finding, Trouble
from gitslices.ops.doctor.repairs import Examined
from gitslices.ops.hook import InstallRequest, install, read_hooks
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.hook_watch import are_hooks_wanted
from gitslices.state.lock import find_stale_holders, is_held
from gitslices.state.store import STORE_NAME, open_store
from gitslices.workspace import Workspace

DAMAGED_HEAD: Final = "damaged-repository"


def find_damaged_head(common_dir: Path) -> Iterator[Trouble]:
    """A repository whose HEAD holds nothing: to git it is none."""
    if find_head_file(common_dir) is not None:
        return
    branch = _find_last_branch(common_dir) or "BRANCH"
    head = shlex.quote(str(common_dir / "HEAD"))
    yield Trouble(
        finding=Finding(
            check=DAMAGED_HEAD,
            thing=str(common_dir / "HEAD"),
            problem="git cannot read it",
            why="git takes the folder for no repository",
            hint=f"write it again: echo 'ref: {HEADS}{branch}' > {head}",
        )
    )


def _find_last_branch(common_dir: Path) -> str | None:
    """The branch that was checked out last in the main worktree, by the log of its HEAD."""
    last = find_last_value(common_dir / "logs" / "HEAD", switches=True)
    return last.rpartition(" to ")[2] if last else None


def find_git_locks(examined: Examined) -> Iterator[Trouble]:
    """Lock files of git that no process holds; our own are gone with what was cut short."""
    for lock in find_left_locks(examined.workspace.repo.common_dir):
        yield Trouble(
            finding=Finding(
                check="left-lock",
                thing=str(lock),
                problem="it is there, and no git is at work in the repository",
                why="git refuses what needs that lock",
                hint=f"delete it: rm {shlex.quote(str(lock))}",
            )
        )


def find_damaged_refs(examined: Examined) -> Iterator[Trouble]:
    """Branches, of no slice, whose file holds nothing."""
    common_dir = examined.workspace.repo.common_dir
    own = {HEADS + record.branch_name for record in examined.records}
    for ref in find_empty_refs(common_dir):
        # That of a slice is told of, and repaired, with the slice.
        if ref in own:
            continue
        commit = find_last_value(common_dir / "logs" / ref) or "COMMIT"
        path, name = shlex.quote(str(common_dir / ref)), shlex.quote(ref.removeprefix(HEADS))
        yield Trouble(
            finding=Finding(
                check="damaged-ref",
                thing=ref,
                problem="its file holds no commit",
                why="git takes the branch for broken, and writes nothing over it",
                hint=f"make it again: rm {path} && git branch {name} {commit}",
            )
        )


# Which release of each series repaired CVE-2024-32002 and its like, of May 2024; 2.46 is newer.
_SAFE: Final = {39: 4, 40: 2, 41: 1, 42: 2, 43: 4, 44: 1, 45: 1}
_SETTING: Final = "gitslices.patchedGit"


def _find_unpatched_git(workspace: Workspace) -> Iterator[Trouble]:
    """A version of git with holes that a hostile repository can use."""
    version = read_version(workspace.repo)
    # Distributions repair without a new number, which only the user can tell.
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
    # A series that is not listed was never repaired, whatever its last number is.
    return (major, minor) > (2, max(_SAFE)) or (major == 2 and patch >= _SAFE.get(minor, patch + 1))


GIT_CHECKS = (_find_unpatched_git,)


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


def find_unguarded_worktrees(workspace: Workspace, python: str) -> Iterator[Trouble]:
    """Worktrees of slices in which git looks for hooks where ours are not."""
    if not are_hooks_wanted(workspace.repo.common_dir / FOLDER_NAME):
        return
    report = read_hooks(workspace)
    for one in report.unguarded:
        asked = f"git -C {shlex.quote(one.worktree_path)} config --show-origin core.hooksPath"
        finding = Finding(
            check="disarmed-hooks",
            thing=one.worktree_path,
            problem=f"for slice {one.slice_id!r} git looks for hooks in {one.folder!r}, "
            "and those of gitslices are not there",
            why="changes outside its write scope are committed, and only the merge stops them",
            hint=f"commit what makes {report.manager} call ours, and bring it in: "
            f"{suggest('sync', one.slice_id, goal_id=one.goal_id)}"
            if report.manager
            else f"see where that is set, and unset it, or let the hooks there call ours: {asked}",
        )
        yield Trouble(finding=finding)


# A worktree that is being made, or is on a disk that is not mounted, must outlive `git gc`.
_SAFE_DIRECTORY: Final = timedelta(days=1)
_EXPIRIES: Final = {
    "gc.worktreePruneExpire": "git gc forgets worktrees that are just being made, or on a disk "
    "that is not mounted",
    "gc.pruneExpire": "git gc deletes objects that a commit in another worktree is about to use",
}


def _find_own_settings(workspace: Workspace) -> Iterator[Trouble]:
    """Settings of gitslices that no command accepts."""
    for name, read in (
        ("gitslices.worktreeRoot", lambda: workspace.worktree_root),
        ("gitslices.prefix", lambda: workspace.prefix),
    ):
        try:
            read()
        except InputError as error:
            finding = Finding(
                check="setting", thing=name, problem=error.message,
                why="no slice can be made", hint=error.hint,
            )  # fmt: skip
            yield Trouble(finding=finding)


def _find_short_expiries(workspace: Workspace) -> Iterator[Trouble]:
    """`git gc` told to clear away what is in use."""
    latest = (datetime.fromisoformat(workspace.now()) - _SAFE_DIRECTORY).timestamp()
    for name, why in _EXPIRIES.items():
        expiry = read_expiry(workspace.repo, name)
        if expiry is None or expiry <= latest:
            continue
        finding = Finding(
            check="setting",
            thing=name,
            # Of several values the last one counts for git.
            problem=f"it is {read_values(workspace.repo, name)[-1]!r}",
            why=why,
            hint=f"take it back: git config --unset-all {name}",
        )
        yield Trouble(finding=finding)


def _find_shared_layout(workspace: Workspace) -> Iterator[Trouble]:
    """Settings of git's that lead it to the wrong files."""
    for one in find_misleading_settings(workspace.repo, workspace.config):
        finding = Finding(
            check="setting", thing=one.name, problem=one.problem, why=one.why, hint=one.hint
        )
        yield Trouble(finding=finding)


SETTING_CHECKS = (_find_own_settings, _find_short_expiries, _find_shared_layout)


TORN: Final = "torn-registration"


def find_torn_registrations(common_dir: Path) -> Iterator[Trouble]:
    """An empty `commondir`: a killed `git worktree add`, or a power cut, leaves one."""
    torn = find_torn_folders(common_dir)
    # git makes the file empty first: whoever has the lock may be just there.
    if not torn or is_held(common_dir / FOLDER_NAME, "topology"):
        return
    # One of a living process is empty for a moment only.
    time.sleep(sum(TORN_PAUSES))
    own = _read_own_paths(common_dir)
    for folder in sorted(set(torn) & set(find_torn_folders(common_dir))):
        ours = (
            _read(folder / "locked").startswith(LOCK_REASON) or find_linked_worktree(folder) in own
        )
        finding = Finding(
            check=TORN,
            thing=str(folder),
            problem="its file commondir is empty",
            why="git commands that list worktrees fail in the whole repository",
            fix="write what git writes into it" if ours else None,
            hint=None if ours else f"not made by gitslices: echo ../.. > {folder / 'commondir'}",
        )
        yield Trouble(finding=finding, mend=partial(mend_torn_folder, folder) if ours else None)


def _find_stale_locks(common_dir: Path) -> Iterator[Trouble]:
    """Notes of who holds a lock, left by processes that are gone."""
    for path in find_stale_holders(common_dir / FOLDER_NAME):
        finding = Finding(
            check="stale-lock",
            thing=str(path),
            problem="it names the holder of a lock that nobody holds",
            why="whoever waits for that lock next is told of a process that is gone",
            fix="remove it",
        )
        yield Trouble(finding=finding, mend=partial(path.unlink, missing_ok=True))


FILE_CHECKS = (find_torn_registrations, _find_stale_locks)


def _read_own_paths(common_dir: Path) -> frozenset[Path]:
    folder = common_dir / FOLDER_NAME
    if not (folder / STORE_NAME).exists():
        return frozenset()
    # A damaged store is a finding of its own.
    with suppress(StateError), open_store(folder, timeout=1) as store:
        return frozenset(Path(record.worktree_path) for record in store.read_slices())
    return frozenset()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape").rstrip("\n")
    except OSError:
        return ""
