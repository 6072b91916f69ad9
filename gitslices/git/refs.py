"""References moved in one transaction, and what a branch was at by its reflog."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from gitslices.core.files import replace_file
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository


class RefUpdate(Struct, frozen=True, kw_only=True):
    """Move `ref`, a full name, from `old` to `new`: no `old` creates it, no `new` deletes it."""

    ref: str
    old: Oid | None = None
    new: Oid | None = None


def update_refs(repo: Repository, updates: Sequence[RefUpdate], *, reason: str) -> None:
    """Carry out all `updates` or none; raise `GitError` where a ref is not at its `old` value.

    `reason` goes to the reflog. Says nothing about worktrees that have a branch checked out: the
    caller answers for those.
    """
    if not updates:
        return
    # All or none where others interfere, but not where git is killed: 21 of 51 such points left a
    # part of eight references moved. Hence the intent that is written before.
    script = "".join(_make_command(update) for update in updates)
    repo.run("update-ref", "--create-reflog", "-m", reason, "--stdin", "-z", input=script.encode())


def _make_command(update: RefUpdate) -> str:
    if update.new is None:
        return f"delete {update.ref}\0{update.old or ''}\0"
    if update.old is None:
        return f"create {update.ref}\0{update.new}\0"
    return f"update {update.ref}\0{update.new}\0{update.old}\0"


def find_start(repo: Repository, branch: BranchName) -> Oid | None:
    """What a branch was made at, as far back as its reflog goes; None where it has none."""
    listing = read_former_tips(repo, HEADS + branch)
    return listing[-1] if listing else None


def read_former_tips(repo: Repository, ref: str) -> list[Oid]:
    """What a reference was at, the latest first, as far back as its reflog goes."""
    return list(map(Oid, repo.run(
        "log", "--walk-reflogs", "--ignore-missing", "--no-show-signature", "--format=%H",
        "--stdin", input=f"{ref}\n".encode(),
    ).text.split()))  # fmt: skip


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
