"""Whose commits a branch has: what its reflog says of where each of its values came from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.files import replace_file
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS, is_ancestor
from gitslices.git.repository import Repository

# What git writes when a branch is set to a commit that was there already.
_MOVED: Final = re.compile(
    r"(merge|pull|rebase)\b.*: Fast-forward$|fetch\b.*: fast-forward$"
    r"|reset: moving to |branch: (Created from|Reset to) |gitslices: (provision|move)$"
)
_REBASED: Final = re.compile(r"(pull|rebase)\b.*\(finish\): \S+ onto (?P<onto>[0-9a-f]+)$")


class Stretch(Struct, frozen=True):
    """What a branch was started from, and where it is now."""

    base: Oid
    tip: Oid


class _Entry(Struct, frozen=True):
    """A value a branch had; `at` is in seconds since 1970."""

    commit: Oid
    at: int
    message: str

    @property
    def is_move(self) -> bool:
        rebased = _REBASED.match(self.message)
        return bool(_MOVED.match(self.message)) or (
            rebased is not None and rebased["onto"] == self.commit
        )


def find_worked(
    repo: Repository, stretches: Mapping[BranchName, Stretch], target: BranchName
) -> set[BranchName]:
    """Those of the branches on which somebody has made commits that they still have.

    A branch that was only brought up to date, by a fast-forward, a reset or a rebase to what the
    target had at that time, is none of them. One whose reflog tells nothing counts as worked on.
    """
    if not stretches:
        return set()
    logs = _read_reflogs(repo, stretches)
    return {
        branch
        for branch, stretch in stretches.items()
        if _is_worked(repo, logs.get(branch, ()), stretch, target)
    }


def find_start(repo: Repository, branch: BranchName) -> Oid | None:
    """What a branch was made at, as far back as its reflog goes; None where it has none."""
    entries = _read_reflogs(repo, (branch,)).get(branch)
    return entries[-1].commit if entries else None


def drop_lost_entries(repo: Repository, log: Path) -> None:
    """Take out of a reflog, where it is a file, the entries whose commits git has no more.

    For `git fsck` they are damage, and for whoever follows them a dead end.
    """
    lines = log.read_bytes().splitlines(keepends=True) if log.exists() else []
    named = {oid for line in lines for oid in line.split(b" ", 2)[:2] if oid.strip(b"0")}
    asked = b"".join(oid + b"\n" for oid in sorted(named))
    answer = repo.run("cat-file", "--batch-check", input=asked).stdout if named else b""
    lost = {line.split()[0] for line in answer.splitlines() if line.endswith(b" missing")}
    kept = [line for line in lines if lost.isdisjoint(line.split(b" ", 2)[:2])]
    if len(kept) < len(lines):
        replace_file(log, b"".join(kept), mode=0o666)


def _is_worked(
    repo: Repository, entries: Sequence[_Entry], stretch: Stretch, target: BranchName
) -> bool:
    if not entries or entries[0].commit != stretch.tip:
        return True
    if not entries[0].is_move:
        return True
    listing = repo.run("rev-list", stretch.tip, f"^{stretch.base}").text
    own = set(listing.split())
    values = [entry for entry in entries if entry.commit in own]
    if not all(entry.is_move for entry in values):
        return True
    history = _read_reflogs(repo, (target,)).get(target, ())
    return any(not _was_there(repo, entry, history) for entry in values)


def _was_there(repo: Repository, entry: _Entry, history: Sequence[_Entry]) -> bool:
    """Whether the branch with that `history` had the commit of `entry` when that was written."""
    then = next((one.commit for one in history if one.at <= entry.at), None)
    return then is not None and is_ancestor(repo, entry.commit, then)


def _read_reflogs(
    repo: Repository, branches: Iterable[BranchName]
) -> dict[BranchName, list[_Entry]]:
    """The reflogs of branches, the newest entry first; without those that have none."""
    listing = repo.run(
        "log", "--walk-reflogs", "--ignore-missing", "--no-show-signature", "--date=unix",
        "--format=%gD %H %gs", "--stdin",
        input="".join(f"{HEADS}{branch}\n" for branch in branches).encode(),
    ).text  # fmt: skip
    logs: dict[BranchName, list[_Entry]] = {}
    for branch, entry in map(_parse, listing.rstrip("\n").split("\n") if listing else ()):
        logs.setdefault(branch, []).append(entry)
    return logs


def _parse(line: str) -> tuple[BranchName, _Entry]:
    """Read `refs/heads/main@{1700000000} 0123abc message`."""
    selector, commit, message = line.split(" ", 2)
    ref, _, at = selector.rstrip("}").rpartition("@{")
    return BranchName(ref.removeprefix(HEADS)), _Entry(Oid(commit), int(at), message)
