"""Hostile ids, prefixes and paths."""

import contextlib
import json
import os
import random
import re
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gitslices.core.errors import InputError
from gitslices.core.naming import validate_prefix
from soaks.ground import GITSLICES, SEED, Found
from tests.support.repositories import git, make_repository
from tests.support.shim import Server

HOSTILE = (
    "-rf", "-D", "-M", "--force", "HEAD", "main", "@", "@{-1}", "refs/heads/main", "..", "../x",
    ".", ".git", ".git/config", "a..b", "a.lock", "x.lock/y", "a b", "a~b", "a^b", "a:b", "a?b",
    "a*b", "a[b", "a\\b", "/a", "a/", "a//b", "a\nb", "a\x00b", "\x1b[31m", "\u202eevil",
    "zero\u200bwidth", "a" * 300, "f" * 40, "CON", "É", "e\u0301", "$(touch x)", "`touch x`",
    "; rm -rf .", "%s%n", "", " ", "'", '"',
)  # fmt: skip


def soak_names(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """Hostile ids, prefixes and paths: refused, or made into names that are safe."""
    chance = random.Random(SEED)
    count = max(len(HOSTILE), round(10_000 * share))
    fuzzed = [*HOSTILE, *(draw_name(chance) for _ in range(count - len(HOSTILE)))]
    repo = make_repository(scratch / "repo")
    before = git(repo, "for-each-ref")
    wrong = [*find_bad_prefixes(fuzzed), *find_bad_slices(scratch, repo, fuzzed)]
    with Server(scratch, os.environ) as server:
        for name in HOSTILE:
            write_hostile(scratch / "g.json", [(name, "ok")], goal=name)
            done = server.run(repo, ("plan", str(scratch / "g.json"), "--apply"))
            if done.code not in (0, 1, 2):
                wrong.append(f"{name!r}: {done}")
    kept = [line for line in git(repo, "for-each-ref").splitlines() if "heads/slices/" not in line]
    if kept != before.splitlines():
        wrong.append(f"references changed: {kept}")
    return count, wrong, "ids, prefixes and paths"


def draw_name(chance: random.Random) -> str:
    alphabet = string.printable + "é\u202e\u200b\u0301中\x00\x7f"
    drawn = "".join(chance.choices(alphabet, k=chance.randint(0, 60)))
    return chance.choice(("{}", "-{}", "../{}", "{}.lock", "refs/{}", "{}..{}")).format(drawn, "x")


def find_bad_prefixes(names: Sequence[str]) -> Found:
    for name in names:
        with contextlib.suppress(InputError):
            validate_prefix(name)
            ref = f"refs/heads/{name}/goal/task"
            argv = ["git", "check-ref-format", ref]
            if name.startswith("-") or subprocess.run(argv, check=False).returncode:
                yield f"prefix {name!r} was accepted"


def find_bad_slices(scratch: Path, repo: Path, names: Sequence[str]) -> Found:
    """Refused by `validate`, which finds no git to ask; or planned under a safe name."""
    graph = scratch / "names.json"
    write_hostile(graph, [(name, name) for name in names])
    done = subprocess.run(
        [*GITSLICES, "validate", str(graph), "--json"], capture_output=True, check=False,
        cwd=repo, env={**os.environ, "PATH": str(scratch / "nothing")},
    )  # fmt: skip
    if done.returncode != 2:
        yield f"validate: exit {done.returncode}: {done.stderr.decode()[-500:]}"
        return
    problems = json.loads(done.stdout)["error"]["problems"]
    places = (re.match(r"tasks\[(\d+)\]", problem["place"]) for problem in problems)
    refused = {int(place[1]) for place in places if place}
    write_hostile(
        graph, [(name, name) for number, name in enumerate(names) if number not in refused]
    )
    planned = subprocess.run(
        [*GITSLICES, "plan", str(graph), "--json"], capture_output=True, check=False, cwd=repo
    )
    if planned.returncode:
        yield f"plan: exit {planned.returncode}: {planned.stdout.decode()[-500:]}"
        return
    slices = json.loads(planned.stdout)["slices"]
    for one in slices:
        if not re.fullmatch(r"slices/names/[a-z0-9][a-z0-9-]*", one["branch_name"]):
            yield f"branch {one['branch_name']!r}"
    if len({one["branch_name"] for one in slices}) != len(slices):
        yield "two slices share a branch"


def write_hostile(path: Path, tasks: Sequence[tuple[str, str]], goal: str = "names") -> None:
    made = [{"id": id_, "write_set": [entry]} for id_, entry in tasks]
    path.write_text(
        json.dumps({"goal_id": goal, "defaults": {"owner_role": "worker"}, "tasks": made})
    )
