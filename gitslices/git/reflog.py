"""What a branch was at by its reflog, as far back as that goes."""

from pathlib import Path

from gitslices.core.files import replace_file
from gitslices.core.model import BranchName, Oid
from gitslices.git.read import HEADS
from gitslices.git.repository import Repository


def find_start(repo: Repository, branch: BranchName) -> Oid | None:
    """What a branch was made at, as far back as its reflog goes; None where it has none."""
    listing = repo.run(
        "log", "--walk-reflogs", "--ignore-missing", "--no-show-signature", "--format=%H",
        "--stdin", input=f"{HEADS}{branch}\n".encode(),
    ).text.split()  # fmt: skip
    return Oid(listing[-1]) if listing else None


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
