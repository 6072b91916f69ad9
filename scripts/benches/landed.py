"""What a status spends on seeing which slices have landed by another way than a merge."""

import sys
from collections.abc import Callable
from pathlib import Path

from benches.process import Spent, measure, run, show_load, take_turns

_ROUNDS = 3
_SLICES, _COMMITS = 100, 5_000
_STATUS = "from gitslices.cli.main import main; main()"
# The same without the signs, and with none of them known from before.
_BLIND = "from gitslices.slices.snapshot import Snapshot; Snapshot.presences = {}"
_FORGETFUL = "import gitslices.slices.verdicts as them; them._read = lambda *_: {}"


def bench_landed(scratch: Path, provision: Callable[[Path, int, int], None]) -> None:
    """Status of slices with a commit each, of which a forge has squashed every second one."""
    repository = scratch / "landed" / "repo"
    provision(repository, 200, _SLICES)
    for number in range(_SLICES):
        worktree = scratch / "landed" / "repo.slices" / f"bench--t{number}"
        (worktree / f"new-{number}").mkdir()
        (worktree / f"new-{number}" / "file").write_text(f"{number}\n" * 20)
        run("git", "add", ".", cwd=worktree)
        run("git", "commit", "--quiet", "-m", f"Work {number}", cwd=worktree)
    run("git", "fast-import", "--quiet", cwd=repository, data=_write_history().encode())
    run("git", "reset", "--quiet", "--hard", cwd=repository)
    show_load()
    blind, first, again = take_turns(
        [
            _ask(repository, f"{_BLIND}; {_STATUS}"),
            _ask(repository, f"{_FORGETFUL}; {_STATUS}"),
            _ask(repository, _STATUS),
        ],
        _ROUNDS,
    )
    what = f"status, {_SLICES} slices, {_COMMITS:,} commits since"
    _tell(f"{what}, first", first, blind, 1.5)
    _tell(f"{what}, again", again, blind, 1.1)


def _write_history() -> str:
    """Commits on main for `git fast-import`, every second slice's work amid those of others."""
    every = _COMMITS // _SLICES
    told = []
    for number in range(_COMMITS):
        slice_, is_landing = number // every, number % (2 * every) == every
        path = f"new-{slice_}/file" if is_landing else f"area-{number % 40:02}/new-{number % 400}"
        text = f"{slice_}\n" * 20 if is_landing else f"{number}\n" * 20
        told.append(
            f"commit refs/heads/main\ncommitter bench <bench@localhost> {1_800_000_000 + number} "
            f"+0000\ndata <<END\nCommit {number}\nEND\n"
            + ("from refs/heads/main^0\n" if not number else "")
            + f"M 100644 inline {path}\ndata <<END\n{text}END\n"
        )
    return "\n".join(told)


def _ask(repository: Path, code: str) -> Callable[[], Spent]:
    return lambda: measure(sys.executable, "-c", code, "status", "--json", cwd=repository)


def _tell(name: str, own: Spent, plain: Spent, goal: float) -> None:
    print(
        f"{name:<52} {1000 * own.busy:6.0f} ms busy   {own.busy / plain.busy:5.2f} of "
        f"{1000 * plain.busy:.0f} ms without [{goal:g}]",
        flush=True,
    )
