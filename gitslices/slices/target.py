"""The branch that slices are merged into: another one than before, gone, or set back."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gitslices.core.errors import InputError
from gitslices.core.model import LANDED, BranchName, Oid, Plan, SliceId
from gitslices.core.naming import OLD_SETTINGS_FILE, SETTINGS_FILE
from gitslices.git.compare import mentions_revert
from gitslices.git.read import HEADS, count_beyond, find_target_tip, read_missing, read_refs
from gitslices.git.remotes import (
    RemoteBranch,
    find_remote_branch,
    find_upstream,
    list_remotes,
)
from gitslices.git.repository import Repository
from gitslices.planning.diff import Retarget
from gitslices.rules.progress import Presence
from gitslices.state.landings import Landing, read_landings
from gitslices.state.store import Event, SliceRecord, Store
from gitslices.workspace import Workspace

if TYPE_CHECKING:
    from gitslices.system.settings_tables import Settings

Doubt = tuple[SliceRecord, Oid, Landing | None]
"""A slice, its last commit, and how it was merged."""


def find_retarget(
    workspace: Workspace, store: Store, applied: Plan | None, planned: Plan
) -> Retarget | None:
    """The step from the target of `applied` to that of `planned`; None where they are one.

    A merged slice stays merged, so that nothing takes it to the new target by itself.
    """
    if applied is None or applied.target == planned.target:
        return None
    landings = read_landings(store, planned.goal_id)
    merged = [one.slice_id for one in store.read_slices(planned.goal_id) if one.status in LANDED]
    landed = {id_: landings[id_].landed_as for id_ in merged if id_ in landings}
    tip = find_target_tip(workspace.repo, planned.target)
    missing = read_missing(workspace.repo, tip, landed.values()) if tip else set()
    return Retarget(
        before=applied.target,
        after=planned.target,
        missing=tuple(id_ for id_, commit in landed.items() if commit in missing),
    )


def read_target(repo: Repository, target: BranchName) -> Oid:
    """The last commit of the branch that slices are merged into; raise where it is gone."""
    commit = find_target_tip(repo, target)
    if commit is None:
        raise InputError(
            f"the goal is merged into {target!r}, and this branch is gone",
            hint="plan its graph for another one: gitslices plan FILE --apply --target BRANCH; "
            f"or make it again: git branch {shlex.quote(target)} COMMIT",
        )
    return commit


def find_dropped(repo: Repository, target: Oid, landed: Sequence[Doubt]) -> list[Doubt]:
    """Those of the slices that have `landed` that `target` may have dropped or taken back.

    Two git processes; what became of each of these is `judge_slices`' to tell.
    """
    ends = [landing.landed_as if landing else tip for _, tip, landing in landed]
    missing = read_missing(repo, target, ends) if ends else set()
    there = set(ends) - missing
    reverts = bool(there) and mentions_revert(repo, there, target)
    return [one for one, end in zip(landed, ends, strict=True) if reverts or end in missing]


def find_taken_back(
    repo: Repository,
    store: Store,
    goal_id: str,
    target: BranchName,
    merged: Mapping[SliceId, tuple[Landing, Presence]],
) -> frozenset[SliceId]:
    """Those of the `merged` slices whose work no target has any more, by what is told of them.

    Of commits that git has no more nobody can tell it; what was merged into a former target is
    there still.
    """
    doubtful = {
        id_: (landing, presence)
        for id_, (landing, presence) in merged.items()
        if presence.known and not presence.landed
    }
    return frozenset(
        id_
        for id_, (landing, presence) in doubtful.items()
        if presence.reverted_by
        or not _is_elsewhere(repo, store.read_events(goal_id, id_), target, landing.landed_as)
    )


class Lag(Struct, frozen=True, kw_only=True):
    """How many commits a local target lacks of the remote's branch that it follows."""

    remote_branch: str
    commits: int

    def describe(self, target: BranchName) -> str:
        """The same in words, with the next step."""
        count = "a commit" if self.commits == 1 else f"{self.commits} commits"
        return f"{target} lacks {count} of {self.remote_branch}: gitslices fetch brings it there"


def find_lag(workspace: Workspace, target: BranchName) -> Lag | None:
    """What a local `target` lacks of what was fetched of its upstream last; None where nothing."""
    config = workspace.config
    # By the settings, which are at hand: most repositories that have no remote cost no process.
    if not list_remotes(config) or f"branch.{target}.merge" not in config:
        return None
    there = find_upstream(workspace.repo, target)
    tips = read_refs(workspace.repo, [there.ref, HEADS + target]) if there else {}
    if there is None or len(tips) < 2:
        return None
    commits = count_beyond(workspace.repo, tips[there.ref], [tips[HEADS + target]])
    return Lag(remote_branch=there.name, commits=commits) if commits else None


def find_place(workspace: Workspace, target: BranchName) -> RemoteBranch | None:
    """The remote's branch that a target is, or follows."""
    repo, config = workspace.repo, workspace.config
    if not list_remotes(config):
        return None
    return find_remote_branch(repo, config, target) or find_upstream(repo, target)


def is_fetch_wanted(workspace: Workspace) -> bool:
    """Whether `[remote] fetch` wants the target fetched before every claim."""
    settings = _find_settings(workspace)
    return settings is not None and settings.remote.fetch == "claim"


def is_publish_wanted(workspace: Workspace) -> bool:
    """Whether `[publish] on` wants a slice published that is done."""
    settings = _find_settings(workspace)
    return settings is not None and settings.publish.on == "done"


def _find_settings(workspace: Workspace) -> "Settings | None":
    """The settings of a repository that has a remote; None where there are none."""
    main = workspace.main_worktree
    # Every claim asks: without a remote, or without settings, the answer costs nothing.
    if not list_remotes(workspace.config) or (main and not _has_settings(main)):
        return None
    if main is None:
        from gitslices.slices.settings import read_settings

        return read_settings(workspace)
    from gitslices.system.settings import load_settings

    # The file at hand alone: git would take its time, and nothing is at stake.
    return load_settings(main)


def _has_settings(top: Path) -> bool:
    return any((top / name).exists() for name in (SETTINGS_FILE, OLD_SETTINGS_FILE))


def _is_elsewhere(
    repo: Repository, events: Sequence[Event], target: BranchName, landed_as: Oid
) -> bool:
    """Whether the target that a slice was merged into, another one than today's, has it."""
    named = [one.detail.get("target") for one in events if one.event == "merged"]
    if not named or named[-1] in {None, target}:
        return False
    former = find_target_tip(repo, BranchName(str(named[-1])))
    return former is not None and landed_as not in read_missing(repo, former, [landed_as])
