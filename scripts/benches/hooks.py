"""What a commit and an agent's edit wait for, in slices and elsewhere."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from benches.process import GITSLICES, Spent, measure, run, take_turns

_ROUNDS = 21
# What any hook in Python costs that reads a little JSON, matches it and starts git.
_BARE = (sys.executable, "-I", "-S", "-c", "import json, re, subprocess")
_AWAY = ("-c", "core.hooksPath=/dev/null")


def bench_hooks(scratch: Path) -> None:
    repository, slice_ = _make_slices(scratch)
    run(*GITSLICES, "hook", "install", cwd=repository)
    run("git", "worktree", "add", "--quiet", "-b", "other", "../other", cwd=repository)
    diff = ("git", "diff", "--cached", "--quiet")
    actions = [_measure(*_BARE, cwd=slice_), _measure(*diff, cwd=slice_)]
    bare, asked = take_turns(actions, _ROUNDS)
    floor = Spent(bare.seconds + asked.seconds, bare.busy + asked.busy, 0)
    own, plain = take_turns([_commit(slice_), _commit(slice_, *_AWAY)], _ROUNDS)
    _tell("commit in a slice, added", _subtract(own, plain), floor, 2.2)
    other = scratch / "other"
    shell, own, plain = take_turns(
        [_measure("sh", "-c", ":", cwd=other), _commit(other), _commit(other, *_AWAY)], _ROUNDS
    )
    _tell("commit in no slice, added", _subtract(own, plain), shell, 3)


def bench_guard(scratch: Path) -> None:
    repository, slice_ = _make_slices(scratch)
    run(*GITSLICES, "agent", "install", "claude", cwd=slice_)
    settings = json.loads((slice_ / ".claude" / "settings.json").read_text())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "area-00/x.py", "new_string": ""}}
    data = json.dumps(edit).encode()
    bare, shell, inside, outside = take_turns(
        [
            _measure(*_BARE, cwd=slice_),
            _measure("sh", "-c", ":", cwd=repository),
            _measure("sh", "-c", command, cwd=slice_, data=data),
            _measure("sh", "-c", command, cwd=repository, data=data),
        ],
        _ROUNDS,
    )
    _tell("guard, an edit in a slice", inside, bare, 2.0)
    _tell("guard, outside of slices", outside, shell, 8)


def _measure(*argv: str, cwd: Path, data: bytes = b"") -> Callable[[], Spent]:
    return lambda: measure(*argv, cwd=cwd, data=data)


def _make_slices(scratch: Path) -> tuple[Path, Path]:
    """A repository with eight slices, and the worktree of one."""
    repository = scratch / "repo"
    for number in range(1_000):
        path = repository / f"area-{number % 40:02}" / f"file-{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n" * 100)
    run("git", "init", "--quiet", "--initial-branch=main", str(repository))
    run("git", "add", ".", cwd=repository)
    run("git", "commit", "--quiet", "-m", "Start", cwd=repository)
    tasks = [
        {"id": f"t{number}", "owner_role": "w", "write_set": [f"area-{number:02}/"]}
        for number in range(8)
    ]
    graph = scratch / "graph.json"
    graph.write_text(json.dumps({"goal_id": "bench", "tasks": tasks}))
    run(*GITSLICES, "plan", str(graph), "--apply", cwd=repository)
    return repository, scratch / "repo.slices" / "bench--t0"


def _commit(top: Path, *settings: str) -> Callable[[], Spent]:
    path = top / "area-00" / "file-0000.py"

    def commit() -> Spent:
        with path.open("a") as file:
            file.write("more\n")
        return measure("git", *settings, "commit", "--quiet", "--all", "-m", "x", cwd=top)

    return commit


def _subtract(own: Spent, plain: Spent) -> Spent:
    return Spent(own.seconds - plain.seconds, own.busy - plain.busy, own.memory)


def _tell(name: str, own: Spent, limit: Spent, goal: float) -> None:
    ratio = own.busy / limit.busy
    print(
        f"{name:<34} {1000 * own.seconds:7.1f} ms, {1000 * own.busy:6.1f} busy   {ratio:5.2f} of "
        f"{1000 * limit.busy:.1f} ms [{goal:g}]",
        flush=True,
    )
