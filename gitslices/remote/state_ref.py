"""The ref that holds the shared state: fetched, read, written upon, pushed.

Every commit is the child of the one before, so a plain push is a compare-and-swap: the server takes
it only while the ref is where its parent says. No worktree and no index has any part in it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import InputError, RemoteError, StateError
from gitslices.core.model import BranchName, Oid
from gitslices.git.commits import NOBODY
from gitslices.git.read import HEADS, REMOTES, read_refs
from gitslices.git.remotes import RemoteAccess
from gitslices.git.repository import Repository
from gitslices.remote.documents import LARGEST_FILE, MOST_FILES

DEFAULT_REF: Final = "refs/gitslices/state"
_FETCHED: Final = "refs/gitslices/shared"
_NEXT: Final = "refs/gitslices/next"
_ANY: Final = tuple(range(256))
_NAMED: Final = 2
"""How `ls-remote --exit-code` says that the remote is there, and the ref is not."""
_IS_REF: Final = re.compile(r"refs(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_MOST_COMMITS: Final = 1000
_LONGEST_MESSAGE: Final = 256 * 1024


class StateCommit(Struct, frozen=True, kw_only=True):
    """One change of the state, by its message."""

    commit: Oid
    parents: tuple[Oid, ...]
    message: str


_FETCH: Final = (
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
    "--no-auto-maintenance", "--",
)  # fmt: skip


def check_ref(ref: str) -> str:
    """`ref`, if it can be the state's; else raise `InputError`."""
    if not _IS_REF.fullmatch(ref) or ".." in ref or ref.endswith((".lock", ".")) or len(ref) > 200:
        raise InputError(
            f"gitslices.stateRef is {ref!r}, which is no full name of a ref",
            hint=f"choose one: git config gitslices.stateRef {DEFAULT_REF}",
        )
    return ref


def fetch_state(
    repo: Repository, remote: str, ref: str, branches: Sequence[BranchName], access: RemoteAccess
) -> Oid | None:
    """Fetch the state, and `branches` of the remote with it; None where there is no such ref.

    One of them that is gone there is the trouble of its own goal alone. Raises `RemoteError` where
    the remote cannot be reached.
    """
    specs = [f"+{HEADS}{one}:{REMOTES}{remote}/{one}" for one in dict.fromkeys(branches)]
    env = access.make_env(repo)
    done = repo.run(*_FETCH, remote, f"+{ref}:{_FETCHED}", *specs, ok=_ANY, env=env)
    if done.status == 0:
        return read_refs(repo, [_FETCHED])[_FETCHED]
    asked = repo.run("ls-remote", "--exit-code", "--", remote, ref, ok=_ANY, env=env)
    if asked.status == _NAMED:
        return None
    if asked.status == 0 and branches:
        tip = fetch_state(repo, remote, ref, (), access)
        for spec in specs:
            repo.run(*_FETCH, remote, spec, ok=_ANY, env=env)
        return tip
    said = done.complaint or f"git said nothing, exit status {done.status}"
    raise RemoteError(
        f"the remote {remote!r} cannot be reached: {said}",
        hint=f"nothing was changed; try again later, or see: git fetch {remote}",
    )


def read_chain(repo: Repository, old: Oid | None, new: Oid) -> tuple[StateCommit, ...] | None:
    """The changes from `old` to `new`, the first one in front; None where they are no chain.

    Without an `old`, the newest ones.
    """
    limit = () if old else (f"--max-count={_MOST_COMMITS}",)
    ends = (f"{old}..{new}",) if old else (new,)
    listing = repo.run(
        "log", "-z", "--reverse", "--topo-order", "--no-show-signature", "--no-mailmap",
        "--encoding=UTF-8", *limit, "--format=tformat:%H %P%n%B", *ends, "--", ok=(0, 128),
    )  # fmt: skip
    # A shallow clone, or a store older than a rewritten ref, may have no such commit.
    if listing.status:
        return None
    found = tuple(_parse_commit(part) for part in listing.text.split("\0") if part)
    expected = [old, *(one.commit for one in found)] if old else [one.commit for one in found]
    rest = found if old else found[1:]
    for one, parent in zip(rest, expected, strict=False):
        if one.parents != (parent,):
            return None
    return found if not old or expected[-1] == new else None


def _parse_commit(text: str) -> StateCommit:
    head, _, message = text.lstrip("\n").partition("\n")
    commit, *parents = head.split()
    return StateCommit(
        commit=Oid(commit),
        parents=tuple(map(Oid, parents)),
        message=message[:_LONGEST_MESSAGE],
    )


def read_changes(repo: Repository, old: Oid | None, new: Oid) -> dict[str, bytes | None]:
    """The files of `new` that `old` has otherwise; None is one that is gone.

    Raises `StateError` for what is no small file at a plain path.
    """
    found = dict(_list_changed(repo, old, new))
    if len(found) > MOST_FILES:
        raise StateError(f"the shared state has {len(found)} files", hint="see: gitslices doctor")
    wanted = {path: oid for path, oid in found.items() if oid is not None}
    asked = "".join(f"{oid}\n" for oid in wanted.values()).encode()
    sizes = repo.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", input=asked).lines
    for path, line in zip(wanted, sizes, strict=True):
        kind, _, size = line.partition(" ")
        if kind != "blob" or int(size) > LARGEST_FILE:
            raise StateError(
                f"the shared state has {path[:200]!r}, too large to be one of its files"
            )
    contents = _split_batch(repo.run("cat-file", "--batch", input=asked).stdout) if wanted else ()
    return {**found, **dict(zip(wanted, contents, strict=True))}  # type: ignore[dict-item]


def _list_changed(repo: Repository, old: Oid | None, new: Oid) -> Iterator[tuple[str, Oid | None]]:
    if old is None:
        for entry in repo.run("ls-tree", "-r", "-z", "--full-tree", new).text.split("\0")[:-1]:
            facts, _, path = entry.partition("\t")
            mode, _, oid = facts.split(" ")
            yield path, _check_mode(path, mode, oid)
        return
    words = repo.run(
        "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new, "--"
    ).text.split("\0")
    for facts, path in zip(words[::2], words[1::2], strict=False):
        _, mode, _, oid, _ = facts.lstrip(":").split(" ")
        yield path, None if mode == "000000" else _check_mode(path, mode, oid)


def _check_mode(path: str, mode: str, oid: str) -> Oid:
    if mode != "100644":
        raise StateError(
            f"the shared state has {path[:200]!r}, which is no plain file",
            hint="nothing was changed; see: gitslices doctor",
        )
    return Oid(oid)


def _split_batch(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.index(b"\n", start)
        size = int(data[start:end].rsplit(b" ", 1)[1])
        yield data[end + 1 : end + 1 + size]
        start = end + 1 + size + 1


def write_state(
    repo: Repository,
    parents: Sequence[Oid],
    files: Mapping[str, bytes | None],
    message: str,
    *,
    like: Oid | None = None,
) -> Oid:
    """Write a commit with `files` in place of those of its parent, or of the commit `like`."""
    who = repo.run("var", "GIT_COMMITTER_IDENT", ok=(0, 128))
    # A machine without a name of its own takes part all the same.
    ident = who.text.strip() if who.status == 0 else f"{NOBODY['GIT_COMMITTER_NAME']} <> 0 +0000"
    lines = [
        f"commit {_NEXT}\nmark :1\ncommitter {ident}\ndata {len(message.encode())}\n{message}\n"
    ]
    lines += [f"{'merge' if place else 'from'} {one}\n" for place, one in enumerate(parents)]
    if like is not None:
        tree = repo.run("rev-parse", "--verify", f"{like}^{{tree}}").text.strip()
        lines.append(f'M 040000 {tree} ""\n')
    script = bytearray("".join(lines).encode())
    for path, data in files.items():
        if data is None:
            script += f"D {path}\n".encode()
        else:
            script += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
    script += b"get-mark :1\n"
    # One process for blobs, trees and the commit, where each would be one.
    told = repo.run("fast-import", "--quiet", "--force", "--date-format=raw", input=bytes(script))
    return Oid(told.text.strip())


class PushSpec(Struct, frozen=True, kw_only=True):
    """A branch of the remote that is to move with the state; hooks run in `worktree`."""

    name: BranchName
    new: Oid
    worktree: Path | None


class Refused(Struct, frozen=True):
    """The remote has not taken it, or its answer was lost; `reason` is what git said.

    `is_told` where the remote itself has refused it.
    """

    reason: str
    is_told: bool


def push_state(
    repo: Repository,
    remote: str,
    ref: str,
    new: Oid,
    access: RemoteAccess,
    *,
    branch: PushSpec | None = None,
) -> Refused | None:
    """Move the state to `new`, and a branch in the same step, or neither.

    Hooks of the repository run with a branch only. None where the remote has taken it.
    """
    head = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no")
    env = access.make_env(repo)
    if branch is None:
        done = repo.run(*head, "--no-verify", "--", remote, f"{new}:{ref}", ok=_ANY, env=env)
    else:
        argv = (
            *head,
            "--atomic",
            "--",
            remote,
            f"{new}:{ref}",
            f"{branch.new}:{HEADS}{branch.name}",
        )
        top = branch.worktree
        done = (
            repo.run(*argv, ok=_ANY, hooks=True, env=env)
            if top is None
            else repo.run_at(top, *argv, ok=_ANY, hooks=True, env=env)
        )
    if done.status == 0:
        return None
    said = [line.split("\t")[-1] for line in done.lines if line.startswith("!\t")]
    own = [one for one in said if "atomic push fail" not in one]
    reason = (own or said or [done.complaint or f"exit status {done.status}"])[0]
    return Refused(reason, bool(said))
