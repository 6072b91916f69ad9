"""Branches of remotes: which they are, fetched, and pushed to as a compare-and-swap."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import GitError, InputError, RemoteError
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS, REMOTES, read_refs
from gitslices.git.refs import RefUpdate, update_refs
from gitslices.git.repository import Repository, Result

_ASKED: Final = r"^(core\.sshcommand|remote\..*\.(push)?url)$"
_ANY: Final = tuple(range(256))
# Forges say where to open a pull request, on lines that git marks as the remote's.
_OFFERED: Final = re.compile(rb"^remote:.*?(https?://[!-~]+)", re.MULTILINE)


class RemoteBranch(Struct, frozen=True, kw_only=True):
    """A branch of a remote; `ref` is where it is kept here, as it was last fetched."""

    remote: str
    branch: BranchName
    ref: str

    @property
    def name(self) -> str:
        """As git calls it: `origin/main`."""
        return self.ref.removeprefix(REMOTES)


def list_remotes(config: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the remotes, by the settings that `read_config` has read."""
    return tuple(
        key.removeprefix("remote.").removesuffix(".url")
        for key in config
        if key.startswith("remote.") and key.endswith(".url")
    )


def find_remote_branch(
    repo: Repository, config: Mapping[str, str], name: BranchName
) -> RemoteBranch | None:
    """The branch of a remote that `name` means, `origin/main` say; None where it is a local one."""
    fitting = [one for one in list_remotes(config) if name.startswith(f"{one}/")]
    if not fitting:
        return None
    remote = max(fitting, key=len)  # a remote's name may have slashes in it
    found = read_refs(repo, [REMOTES + name, HEADS + name])
    # Named in the settings alone it may be gone from the remote, or never have been fetched.
    if REMOTES + name not in found and HEADS + name in found:
        return None
    branch = BranchName(name.removeprefix(f"{remote}/"))
    return RemoteBranch(remote=remote, branch=branch, ref=REMOTES + name)


def find_upstream(repo: Repository, branch: BranchName) -> RemoteBranch | None:
    """The branch of a remote that a local one follows; None where it follows none."""
    form = "%(refname)%00%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
    for line in repo.run("for-each-ref", f"--format={form}", HEADS + branch).lines:
        name, remote, theirs, ref = line.split("\0")
        if name == HEADS + branch and ref.startswith(REMOTES) and theirs.startswith(HEADS):
            there = BranchName(theirs.removeprefix(HEADS))
            return RemoteBranch(remote=remote, branch=there, ref=ref)
    return None


class RemoteAccess(Struct, frozen=True, kw_only=True):
    """How git may reach remotes: whether a person is there to be asked for a password.

    `base` is the folder that addresses like `../hub.git` are meant from.
    """

    base: Path
    prompts: bool = False

    def make_env(self, repo: Repository) -> dict[str, str]:
        """The variables that keep git and ssh from asking where nobody answers."""
        listed = repo.run("config", "-z", "--get-regexp", _ASKED, ok=(0, 1)).text
        settings = [one.partition("\n") for one in listed.split("\0") if one]
        env = self._resolve([value for key, _, value in settings if key.startswith("remote.")])
        if self.prompts:
            return env
        env["GIT_TERMINAL_PROMPT"] = "0"
        ssh = any(value for key, _, value in settings if key == "core.sshcommand")
        if not ssh and "GIT_SSH" not in os.environ and "GIT_SSH_COMMAND" not in os.environ:
            env["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"
        return env

    def _resolve(self, addresses: Sequence[str]) -> dict[str, str]:
        """What has git take addresses from `base`: it would take them from where it is run."""
        relative = [one for one in dict.fromkeys(addresses) if _is_relative(one)]
        if not relative:
            return {}
        count = os.environ.get("GIT_CONFIG_COUNT", "")
        first = int(count) if count.isdecimal() else 0
        env = {"GIT_CONFIG_COUNT": str(first + len(relative))}
        for number, address in enumerate(relative, first):
            env[f"GIT_CONFIG_KEY_{number}"] = f"url.{self.base / address}.insteadOf"
            env[f"GIT_CONFIG_VALUE_{number}"] = address
        return env


def _is_relative(address: str) -> bool:
    # As git tells them apart: `host:path` and `scheme://` have a colon before any slash.
    return not address.startswith("/") and ":" not in address.partition("/")[0] and address != ""


def fetch_branches(
    repo: Repository, branches: Sequence[RemoteBranch], access: RemoteAccess
) -> None:
    """Bring branches of one remote up to date here.

    Raises `RemoteError` where the remote cannot be reached, `InputError` where it has no such
    branch.
    """
    remote = branches[0].remote
    specs = [f"+{HEADS}{one.branch}:{one.ref}" for one in branches]
    env = access.make_env(repo)
    done = repo.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
        "--no-auto-maintenance", "--", remote, *specs, ok=_ANY, env=env,
    )  # fmt: skip
    if done.status == 0:
        return
    # Told apart by exit status: what git says of it is in nobody's contract.
    for one in branches:
        asked = repo.run(
            "ls-remote", "--exit-code", "--", remote, HEADS + one.branch, ok=_ANY, env=env
        )
        if asked.status == 2:
            raise InputError(
                f"the remote {remote!r} has no branch {one.branch!r}",
                hint=f"see: git ls-remote --heads {remote}",
            )
    raise _make_remote_error(remote, done)


def _make_remote_error(remote: str, done: Result) -> RemoteError:
    said = done.complaint or f"git said nothing, exit status {done.status}"
    return RemoteError(
        f"the remote {remote!r} cannot be reached: {said}",
        hint=f"try again later; where git asks for a password, let it once: git fetch {remote}",
    )


class Pushed(Struct, frozen=True):
    """The remote's branch is where it was to go; `url` is an address that the remote names."""

    url: str | None = None


class Overtaken(Struct, frozen=True):
    """The remote's branch was not where it was taken to be; it is fetched now."""


class Declined(Struct, frozen=True):
    """The remote, or a hook of the repository, does not take it; `reason` is what was said."""

    reason: str


def push_branch(
    repo: Repository,
    place: RemoteBranch,
    *,
    new: Oid,
    old: Oid | None,
    access: RemoteAccess,
    worktree: Path | None,
) -> Pushed | Overtaken | Declined:
    """Move a branch of a remote from `old` to `new`; an `old` of None makes it.

    The repository's `pre-push` hook runs, in `worktree`: so the caller holds no lock. Raises
    `RemoteError` where the remote cannot be reached.
    """
    ref = HEADS + place.branch
    argv = (
        "push", "--porcelain", "--no-follow-tags",
        # The server compares and swaps with what it has told; this holds that against `old`. What
        # somebody has pushed in between is never lost.
        f"--force-with-lease={ref}:{old or ''}", "--", place.remote, f"{new}:{ref}",
    )  # fmt: skip
    env = access.make_env(repo)
    if worktree is None:
        done = repo.run(*argv, ok=_ANY, hooks=True, env=env)
    else:
        done = repo.run_at(worktree, *argv, ok=_ANY, hooks=True, env=env)
    if done.status == 0:
        _note_pushed(repo, place, new)
        offered = _OFFERED.search(done.stderr)
        return Pushed(offered[1].decode() if offered else None)
    said = [line.split("\t") for line in done.lines if line.startswith("!\t")]
    if not said and done.status != 1:
        raise _make_remote_error(place.remote, done)
    if read_branches_there(repo, place.remote, [place.branch], access).get(place.branch) != old:
        return Overtaken()
    return Declined(said[0][-1] if said else done.complaint)


def read_branches_there(
    repo: Repository, remote: str, branches: Sequence[BranchName], access: RemoteAccess
) -> dict[BranchName, Oid]:
    """The last commits of those of `branches` that a remote has now, in one call."""
    env = access.make_env(repo)
    # All of them beneath what they have in common: a command line has an end.
    patterns = sorted({f"{HEADS}{one.rpartition('/')[0]}/*" if "/" in one else HEADS + one
                       for one in branches})  # fmt: skip
    try:
        listing = repo.run("ls-remote", "--", remote, *patterns, env=env)
    except GitError as error:
        why = f"the remote {remote!r} cannot be reached: {error.stderr}"
        raise RemoteError(why) from error
    lines = (line.partition("\t") for line in listing.lines)
    found = {BranchName(ref.removeprefix(HEADS)): Oid(oid) for oid, _, ref in lines}
    return {one: found[one] for one in branches if one in found}


def read_addresses(repo: Repository, remote: str) -> tuple[str, ...]:
    """Where a remote is: as `url.*.insteadOf` has it, and as the settings say it."""
    resolved = repo.run("remote", "get-url", "--", remote).text.rstrip("\n")
    said = repo.run("config", "--get", f"remote.{remote}.url", ok=(0, 1)).text.rstrip("\n")
    return tuple(dict.fromkeys((resolved, said)))


def _note_pushed(repo: Repository, place: RemoteBranch, new: Oid) -> None:
    """Have the branch here as it is there, also where the settings let git not do it."""
    before = read_refs(repo, [place.ref]).get(place.ref)
    if before != new:
        update = RefUpdate(ref=place.ref, old=before, new=new)
        update_refs(repo, [update], reason="gitslices: push")
