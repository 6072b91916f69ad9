"""A repository, a graph, and gitslices as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GITSLICES = (sys.executable, "-m", "gitslices")
SEED = 20260101

Found = Iterator[str]
Soak = Callable[[Path, float], tuple[int, list[str], str]]
"""Takes a folder and the part to run; returns trials, failures, and what the trials were."""


def seal_environment(home: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITSLICES_", "XDG_")):
            del os.environ[name]
    who = {f"GIT_{role}_{what}": f"soak{'@localhost' * (what == 'EMAIL')}"
           for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}  # fmt: skip
    os.environ.update(
        who, HOME=str(home), GIT_CONFIG_NOSYSTEM="1", LC_ALL="C.UTF-8", NO_COLOR="1",
        PYTHONPATH=str(ROOT),
    )  # fmt: skip


def write_graph(path: Path, goal: str, ids: Sequence[str]) -> str:
    tasks = [{"id": id_, "write_set": [f"new-{goal}-{id_}/"]} for id_ in ids]
    path.write_text(
        json.dumps({"goal_id": goal, "defaults": {"owner_role": "worker"}, "tasks": tasks})
    )
    return str(path)


def start(repo: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GITSLICES, *args], cwd=repo, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(process: subprocess.Popen[str]) -> Found:
    out, err = process.communicate()
    if process.returncode:
        yield f"exit {process.returncode}: {err or out}"
