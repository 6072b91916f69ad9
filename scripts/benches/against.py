"""What is felt a thousand times a day, beside an older commit of gitslices."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benches.process import ENVIRONMENT, Spent, measure, run, take_turns

_ROUNDS = 21
_OWN = Path(__file__).resolve().parents[2]


class Version:
    """One commit of gitslices, and a repository that only it has been at."""

    def __init__(self, root: Path, scratch: Path) -> None:
        # Before the folder of site-packages, which has the gitslices that is measured.
        self._variables = {"PYTHONPATH": str(root)}
        self.repository = scratch / "repo"
        self._tokens = iter(range(1, 1_000_000))
        _make_repository(self.repository)
        graph = scratch / "graph.json"
        tasks = [
            {"id": f"t{number}", "owner_role": "w", "write_set": [f"area-{number:02}/"]}
            for number in range(8)
        ]
        graph.write_text(json.dumps({"goal_id": "bench", "tasks": tasks}))
        self.start("plan", str(graph), "--apply")
        self.start("hook", "install")

    def start(self, *args: str) -> Spent:
        """One command of it."""
        return measure(
            sys.executable, "-P", "-m", "gitslices", *args, cwd=self.repository,
            variables=self._variables,
        )  # fmt: skip

    def commit(self) -> Spent:
        """A commit in a slice, with the hooks."""
        top = self.repository.with_name("repo.slices") / "bench--t1"
        with (top / "area-01" / "file-0001.py").open("a") as file:
            file.write("more\n")
        return measure(
            "git", "commit", "--quiet", "--all", "-m", "x", cwd=top, variables=self._variables
        )

    def release(self) -> Spent:
        """What was claimed last, given back."""
        return self.start("release", "t0", "--token", str(next(self._tokens)))


def bench_against(ref: str, scratch: Path) -> None:
    """Every row: processor time of this commit and of `ref`, in turns, and the ratio."""
    old = scratch / "old"
    run("git", "-C", str(_OWN), "worktree", "add", "--quiet", "--detach", str(old), ref)
    try:
        _compare(ref, Version(_OWN, _make(scratch / "new-run")), Version(old, _make(scratch / "b")))
    finally:
        run("git", "-C", str(_OWN), "worktree", "remove", "--force", str(old))


def _make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _compare(ref: str, new: Version, old: Version) -> None:
    rows: dict[str, Callable[[Version], Spent]] = {
        "--help": lambda one: one.start("--help"),
        "status": lambda one: one.start("status"),
        "commit with hooks": Version.commit,
    }
    for name, action in rows.items():
        _tell(name, ref, *take_turns([lambda a=action: a(new), lambda a=action: a(old)], _ROUNDS))  # type: ignore[misc]
    claims: list[Callable[[], Spent]] = []
    for one in (new, old):
        claims += [lambda one=one: one.start("claim", "t0"), one.release]  # type: ignore[misc]
    claimed, released, before_claimed, before_released = take_turns(claims, _ROUNDS)
    _tell("claim", ref, claimed, before_claimed)
    _tell("release", ref, released, before_released)


def _tell(name: str, ref: str, own: Spent, before: Spent) -> None:
    print(
        f"{name:<22} {1000 * own.busy:7.1f} ms busy   {own.busy / before.busy:5.2f} of {ref} "
        f"({1000 * before.busy:.1f} ms)",
        flush=True,
    )


def _make_repository(folder: Path) -> None:
    for number in range(1_000):
        path = folder / f"area-{number % 40:02}" / f"file-{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 100)
    for args in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "."),
        ("commit", "-qm", "x"),
    ):
        subprocess.run(["git", *args], cwd=folder, check=True, env=ENVIRONMENT)
