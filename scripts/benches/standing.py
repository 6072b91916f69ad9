"""What grows with the number of slices that stand, and should not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from benches.process import GITSLICES, Spent, measure, run, take_turns
from gitslices.state.trash import read_trash, write_trash
from gitslices.workspace import Workspace, probe_workspace

_ROUNDS = 5
_FEW, _MANY = 10, 500
_AWAY = ("-c", "core.hooksPath=/dev/null")
_CHECK_LOOP = "for w in ../repo.slices/*; do git -C $w diff --name-only HEAD...; done"
_RUN = ("--", "sh", "-c", 'git commit -q --allow-empty -m "$GITSLICES_SLICE"')


def open_at(repository: Path) -> Workspace:
    """The workspace of a repository."""
    return probe_workspace(
        repository, git_dir=None, clock=lambda: datetime.now(UTC), purpose="bench"
    )


class _Standing:
    """A repository of 200 files in which so many slices stand."""

    def __init__(self, scratch: Path, slices: int) -> None:
        self.repository = scratch / str(slices) / "repo"
        self._graph = self.repository.parent / "graph.json"
        self._numbers = iter(range(slices))
        for number in range(200):
            path = self.repository / f"area-{number % 40:02}" / f"file-{number:04}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n" * 100)
        run("git", "init", "--quiet", "--initial-branch=main", str(self.repository))
        run("git", "add", ".", cwd=self.repository)
        run("git", "commit", "--quiet", "-m", "Start", cwd=self.repository)
        tasks = [
            {"id": f"t{number}", "owner_role": "w", "write_set": [f"new-{number}/"]}
            for number in range(slices)
        ]
        self._graph.write_text(json.dumps({"goal_id": "bench", "tasks": tasks}))
        run(*GITSLICES, "plan", str(self._graph), "--apply", cwd=self.repository)
        run(*GITSLICES, "hook", "install", cwd=self.repository)

    def start(self, *args: str) -> Spent:
        """One command of gitslices."""
        return measure(*GITSLICES, *args, cwd=self.repository)

    def merge(self) -> Spent:
        """The merge of a slice that has a commit."""
        name = f"t{next(self._numbers)}"
        top = self.repository.with_name("repo.slices") / f"bench--{name}"
        run("git", "commit", "--quiet", "--allow-empty", "-m", "Work", cwd=top)
        return self.start("merge", name)

    def commit(self, *settings: str) -> Callable[[], Spent]:
        """A commit on the target."""
        return lambda: measure(
            "git", *settings, "commit", "--quiet", "--allow-empty", "-m", "x", cwd=self.repository
        )

    def plan_again(self) -> Spent:
        """The same plan applied once more."""
        return self.start("plan", str(self._graph), "--apply")

    def loop(self) -> Spent:
        """What git takes to tell of each slice what it changes."""
        return measure("sh", "-c", _CHECK_LOOP, cwd=self.repository)


def bench_standing(scratch: Path) -> None:
    """Commands beside many slices that wait, beside few, or beside git's own part."""
    few, many = _Standing(scratch, _FEW), _Standing(scratch, _MANY)
    beside_many, beside_few = take_turns([many.merge, few.merge], _ROUNDS)
    _tell(f"merge beside {_MANY}", beside_many, f"beside {_FEW}", beside_few, "0.5 s")
    hooked, plain = take_turns([many.commit(), many.commit(*_AWAY)], _ROUNDS)
    _tell(f"commit on the target, {_MANY} wait", hooked, "no hooks", plain, "added 50 ms")
    checked, looped = take_turns([lambda: many.start("check", "--all"), many.loop], 3)
    _tell(f"check --all of {_MANY}", checked, "a loop of git diff", looped, "3 s")
    again, again_few = take_turns([many.plan_again, few.plan_again], 3)
    _tell(f"plan --apply again, {_MANY}", again, f"with {_FEW}", again_few, "1 s")


def bench_trash(scratch: Path) -> None:
    """What somebody waits for who empties a trash of 10,000 entries, and what it takes in all."""
    few = _Standing(scratch, 1)
    few.start("remove", "t0")
    with open_at(few.repository).open_store() as store, store.transaction():
        (one,) = read_trash(store)
        old = structs.replace(one, at="2001-01-01T00:00:00Z", aged=30 * 86_400)
        write_trash(store, [structs.replace(old, operation=f"{n:032x}") for n in range(10_000)])
    front, bare = few.start("prune", "--trash"), few.start("--help")
    # Waits until the other one is through, for nothing of it may be left behind.
    few.start("prune", "--trash", "--wait")
    _tell("prune --trash of 10,000, in front", front, "--help", bare, "0.2 s")


def bench_run(scratch: Path) -> None:
    """The time that one slice takes of a whole goal worked off."""
    sizes = (50, 500)
    each = [(_Standing(scratch, size).start("run", "--jobs", "2", *_RUN), size) for size in sizes]
    few, many = (Spent(one.seconds / size, one.busy / size, 0) for one, size in each)
    _tell("run, a slice of 500", many, "a slice of 50", few, "1.3 of it")


def _tell(name: str, own: Spent, against: str, other: Spent, goal: str) -> None:
    print(
        f"{name:<34} {own.seconds:7.3f} s, {own.busy:7.3f} busy   {own.busy / other.busy:5.2f} of "
        f"{against} ({other.busy:.3f} s busy) [{goal}]",
        flush=True,
    )
