"""Commands that are killed, and people who use plain git beside them: all at once, by seed."""

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from soaks.ground import GITSLICES
from tests.support.repositories import commit_all, git, make_repository

SEEDS, STEPS = 50, 60
KILLED = 0.2
"""The part of the commands that is killed, at a moment between start and `LATEST` seconds."""
LATEST = 0.5
# An ordinary no, an unknown slice or one that has gone, and busy. Anything else is a failure.
ORDINARY = {0, 1, 2, 4}
TASKS: tuple[tuple[str, list[str], list[str]], ...] = (
    ("a", ["src/"], []),
    ("b", ["docs/"], []),
    ("c", ["tests/", "docs/api/"], []),
    ("d", ["lib/"], ["a"]),
    ("e", ["src/web/", "assets/"], ["b"]),
    ("f", ["tools/"], []),
)
FOLDERS = {id_: scope[0] for id_, scope, _ in TASKS}


def soak_chaos(scratch: Path, share: float) -> tuple[int, list[str], str]:
    """Random commands, plain git and kills; then git, the store and the disk must agree."""
    seeds = range(max(1, round(SEEDS * share)))
    wrong = [f"seed {seed}: {one}" for seed in seeds for one in run_seed(scratch / str(seed), seed)]
    return len(seeds), wrong, f"seeds of {STEPS} steps"


def run_seed(folder: Path, seed: int) -> Iterator[str]:
    chaos = Chaos(folder, random.Random(seed))
    for _ in range(STEPS):
        chaos.step()
    chaos.settle()
    yield from chaos.wrong
    yield from chaos.find_damage()


class Chaos:
    """A repository, what was done in it, and what must therefore be there at the end.

    `kept` are commits that somebody made and nobody took back; `written` the files of each slice's
    own commits; `strangers` references that are none of ours.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        folder.mkdir(parents=True)
        self.chance = chance
        self.repo = make_repository(folder / "webshop")
        self.graph = folder / "graph.json"
        self.kept: set[str] = set()
        self.written: dict[str, set[str]] = {id_: set() for id_ in FOLDERS}
        self.strangers: dict[str, str] = {}
        self.to_restore: list[Callable[[], None]] = []
        self.wrong: list[str] = []
        self._number = 0
        self._write_graph(FOLDERS)
        self._run("plan", str(self.graph), "--apply", kill=False)
        self._keep_branch("foreign/one")

    def step(self) -> None:
        """Something that somebody does, drawn by weight."""
        actions: list[tuple[int, Callable[[], None]]] = [
            (4, self.apply), (6, self.claim), (10, self.commit), (6, self.finish), (6, self.merge),
            (4, self.sync), (2, self.remove), (3, self.prune), (3, self.undo), (2, self.doctor),
            (2, self.widen), (2, self.replan), (2, self.release),
            (3, self.advance_target), (2, self.amend_target), (2, self.reset_target),
            (2, self.switch_away), (2, self.rename_branch), (2, self.rebase_slice), (2, self.stash),
            (2, self.collect_garbage), (2, self.make_worktree), (2, self.leave_file),
        ]  # fmt: skip
        weights = [weight for weight, _ in actions]
        self.chance.choices([action for _, action in actions], weights)[0]()

    # What gitslices is asked to do.

    def apply(self) -> None:
        self._run("plan", str(self.graph), "--apply")

    def replan(self) -> None:
        """The same goal without one of its tasks, or with all of them again."""
        left = [id_ for id_ in FOLDERS if id_ != self.chance.choice([*FOLDERS, ""])]
        self._write_graph(left)
        self._run("plan", str(self.graph), "--apply")

    def claim(self) -> None:
        self._run("claim", self._draw(), "--holder", "worker", "--ttl", "1h")

    def release(self) -> None:
        self._run("release", self._draw(), "--force")

    def finish(self) -> None:
        """Say that a slice is done, with the token of whoever has it."""
        id_ = self._draw()
        token = self._find_token(id_)
        if token:
            self._run("done", id_, "--token", token)

    def merge(self) -> None:
        style = self.chance.choice(["merge", "merge", "squash", "rebase"])
        self._run("merge", *self.chance.choice([["--all"], [self._draw()]]), "--style", style)

    def sync(self) -> None:
        self._run("sync", self.chance.choice(["--all", self._draw()]))

    def remove(self) -> None:
        self._run("remove", self._draw(), *self.chance.choice([[], ["--force"]]))

    def prune(self) -> None:
        self._run("prune")

    def undo(self) -> None:
        self._run("undo")

    def doctor(self) -> None:
        self._run("doctor", "--fix")

    def widen(self) -> None:
        pattern = f"{self.chance.choice(['more', 'src', 'docs'])}/x{self.chance.randrange(3)}/"
        self._run("scope", "allow", self._draw(), pattern, "--reason", "needed")

    # What people do with plain git.

    def commit(self) -> None:
        """A worker's commit, of a file that nobody else has."""
        id_ = self._draw()
        path = self._worktree(id_)
        if path is None or self._branch_at(path) != f"slices/g/{id_}":
            return
        file = self._write_file(path, FOLDERS[id_])
        if self._commit(path):
            self.written[id_].add(file)

    def leave_file(self) -> None:
        """Work that is not committed; `settle` commits it."""
        path = self._worktree(self._draw())
        if path is not None:
            (path / f"left{self._next()}.txt").write_text("left")

    def advance_target(self) -> None:
        self._write_file(self.repo, "target/")
        self._commit(self.repo)

    def amend_target(self) -> None:
        """The last commit made anew, where nobody has built on it but the target."""
        before = git(self.repo, "rev-parse", "main")
        if self._git(self.repo, "commit", "--quiet", "--amend", "--no-edit", "--date=now") == 0:
            self.kept.discard(before)

    def reset_target(self) -> None:
        """One step back: what only the target had is taken back by whoever does this."""
        gone = git(self.repo, "rev-list", "main~1..main", ok=False).split()
        if gone and self._git(self.repo, "reset", "--quiet", "--keep", "main~1") == 0:
            self.kept -= set(gone)

    def switch_away(self) -> None:
        path = self.chance.choice([self.repo, self._worktree(self._draw())])
        if path is None:
            return
        branch = self._branch_at(path)
        if branch and self._git(path, "switch", "--quiet", "--detach") == 0:
            self.to_restore.append(lambda: self._switch_back(path, branch))

    def rename_branch(self) -> None:
        id_ = self._draw()
        path, branch, other = self._worktree(id_), f"slices/g/{id_}", f"renamed/{self._next()}"
        if path is None or self._branch_at(path) != branch:
            return
        if self._git(self.repo, "branch", "-m", branch, other) == 0:
            self.to_restore.append(lambda: self._rename_back(other, branch))

    def rebase_slice(self) -> None:
        id_ = self._draw()
        path = self._worktree(id_)
        if path is None or self._branch_at(path) != f"slices/g/{id_}":
            return
        before = set(git(path, "rev-list", "main..HEAD", ok=False).split())
        if self._git(path, "rebase", "--quiet", "main") == 0:
            self.kept -= before
            self.kept |= set(git(path, "rev-list", "main..HEAD").split())
        else:
            self._git(path, "rebase", "--abort")

    def stash(self) -> None:
        path = self._worktree(self._draw())
        if path is not None and self._git(path, "stash", "--quiet", "--include-untracked") == 0:
            self._git(path, "stash", "pop", "--quiet")

    def collect_garbage(self) -> None:
        self._git(self.repo, *self.chance.choice([["gc", "--quiet"], ["pack-refs", "--all"]]))

    def make_worktree(self) -> None:
        name = f"foreign/{self._next()}"
        path = self.repo.parent / name.replace("/", "-")
        if self._git(self.repo, "worktree", "add", "-q", "-b", name, str(path), "HEAD") == 0:
            self._write_file(path, "foreign/")
            self._commit(path)
            self.strangers[f"refs/heads/{name}"] = git(path, "rev-parse", "HEAD")

    # The end.

    def settle(self) -> None:
        """Everything put back that people have moved, and the next command run: it recovers."""
        for restore in reversed(self.to_restore):
            restore()
        self._run("status", kill=False)
        self._run("doctor", "--fix", kill=False)

    def find_damage(self) -> Iterator[str]:
        """What is wrong between what was done, git, the store and the disk."""
        done = subprocess.run(
            ["git", "-C", str(self.repo), "fsck", "--no-progress", "--no-dangling"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or done.stdout or done.stderr:
            yield f"fsck: {done.stdout}{done.stderr}"
        there = set(git(self.repo, "rev-list", "--all").split())
        there |= set(git(self.repo, "rev-list", "--reflog").split())
        # A rebase or a squash writes a commit anew; the message goes with it.
        messages = set(git(self.repo, "log", "--all", "--reflog", "--format=%B").splitlines())
        for commit in self.kept - there:
            if git(self.repo, "log", "-1", "--format=%s", commit, ok=False) not in messages:
                yield f"lost commit {commit}"
        for ref, commit in self.strangers.items():
            if git(self.repo, "rev-parse", "--verify", ref, ok=False) != commit:
                yield f"{ref} was moved"
        yield from self._find_strays()
        yield from self._find_false_statuses()
        told = self._answer("doctor")
        for one in told.get("findings", ()):
            # What was committed after a merge is told, and left to people.
            if one["check"] != "late-commits":
                yield f"doctor: {one['thing']}: {one['problem']}"

    def _find_strays(self) -> Iterator[str]:
        for path in (self.repo / ".git").rglob("*"):
            inside = path.relative_to(self.repo)
            if "trash" in inside.parts or path.name == "topology.lock":
                continue
            if path.name.endswith((".lock", ".new", ".tmp")) or path.name.startswith("operation-"):
                yield f"stray {inside}"
        status = self._answer("status")
        slices = (*status.get("slices", ()), *status.get("gone", ()))
        claimed = {f"locked gitslices: slice {one['slice_id']}" for one in slices if one["holder"]}
        for line in git(self.repo, "worktree", "list", "--porcelain").splitlines():
            # Whoever has a slice has its worktree locked; of a lapsed one the lock may be left.
            if (
                line.startswith("locked gitslices:")
                and line.partition(" is claimed")[0] not in claimed
            ):
                yield f"a worktree is {line}"

    def _find_false_statuses(self) -> Iterator[str]:
        paths = set(git(self.repo, "ls-tree", "-r", "--name-only", "main").splitlines())
        for one in self._answer("status").get("slices", ()):
            written = self.written[one["slice_id"]]
            # What was committed after the merge is told beside it, as commits ahead.
            if one["status"] == "merged" and not one["ahead"] and written - paths:
                yield f"{one['slice_id']} is merged, and main lacks {sorted(written - paths)}"

    # Means.

    def _run(self, *args: str, kill: bool = True) -> None:
        process = subprocess.Popen(
            [*GITSLICES, *args], cwd=self.repo, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        dies = kill and self.chance.random() < KILLED
        moment = self.chance.uniform(0, LATEST)
        try:
            said, _ = process.communicate(timeout=moment if dies else 300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
            if not dies:
                self.wrong.append(f"{args} hangs")
            return
        if process.returncode not in ORDINARY:
            self.wrong.append(f"{args}: exit {process.returncode}: {said}")

    def _answer(self, command: str) -> dict[str, list[dict[str, str]]]:
        done = subprocess.run(
            [*GITSLICES, command, "--json"], cwd=self.repo, text=True, capture_output=True,
            check=False,
        )  # fmt: skip
        if done.returncode not in {0, 1}:
            self.wrong.append(f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}")
        answer = json.loads(done.stdout or "{}")
        assert isinstance(answer, dict)
        return answer

    def _git(self, path: Path, *args: str) -> int:
        done = subprocess.run(
            ["git", "-C", str(path), *args], capture_output=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode

    def _commit(self, path: Path) -> bool:
        """Whether git has made a commit; an index that a killed merge holds locked refuses it."""
        try:
            self.kept.add(commit_all(path, f"Step {self._number}"))
        except AssertionError:
            return False
        return True

    def _write_file(self, path: Path, folder: str) -> str:
        name = f"{folder}n{self._next()}.txt"
        (path / folder).mkdir(parents=True, exist_ok=True)
        (path / name).write_text(name)
        return name

    def _write_graph(self, ids: Collection[str]) -> None:
        tasks = [
            {"id": id_, "write_set": scope, "dependencies": [one for one in needs if one in ids]}
            for id_, scope, needs in TASKS
            if id_ in ids
        ]
        graph = {"goal_id": "g", "defaults": {"owner_role": "worker"}, "tasks": tasks}
        self.graph.write_text(json.dumps(graph))

    def _keep_branch(self, name: str) -> None:
        git(self.repo, "branch", name)
        self.strangers[f"refs/heads/{name}"] = git(self.repo, "rev-parse", name)

    def _switch_back(self, path: Path, branch: str) -> None:
        if path.is_dir():
            self._git(path, "switch", "--quiet", branch)

    def _rename_back(self, other: str, branch: str) -> None:
        path = self._worktree(branch.rpartition("/")[2])
        is_at_hand = path is not None and self._branch_at(path) == other
        if is_at_hand and self._git(self.repo, "branch", "-m", other, branch) == 0:
            return
        # The slice has gone, or its branch was made anew: the other one is somebody's own now.
        if path is not None and is_at_hand:
            self._git(path, "switch", "--quiet", branch)
        commit = git(self.repo, "rev-parse", "--verify", f"refs/heads/{other}", ok=False)
        self.strangers[f"refs/heads/{other}"] = commit

    def _find_token(self, id_: str) -> str | None:
        for one in self._answer("log").get("events", ()):
            if one.get("slice_id") == id_ and one.get("event") == "claimed":
                detail = one.get("detail")
                return str(detail["token"]) if isinstance(detail, dict) else None
        return None

    def _worktree(self, id_: str) -> Path | None:
        path = self.repo.parent / "webshop.slices" / f"g--{id_}"
        return path if (path / ".git").exists() else None

    def _branch_at(self, path: Path) -> str:
        return git(path, "symbolic-ref", "--quiet", "--short", "HEAD", ok=False)

    def _draw(self) -> str:
        return self.chance.choice([*FOLDERS])

    def _next(self) -> int:
        self._number += 1
        return self._number
