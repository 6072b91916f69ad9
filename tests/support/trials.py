"""Strike a command that changes branches and worktrees, then look for damage.

Used by the tests, with a few points, and by `scripts/soak`, with all of them.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from gitslices.core.model import GONE, SliceStatus
from gitslices.git.index import COPY
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.store import STORE_NAME, SliceRecord, open_store
from tests.support.repositories import FIXTURES, commit_all, git
from tests.support.shim import Ended, Server, Strike

IDS = ("a", "b", "c")
FOLDERS = {"a": "src/", "b": "docs/", "c": "tests/"}
KEPT_IN_STATE = {
    "topology.lock",
    "trash",
    "watch",
    *(STORE_NAME + end for end in ("", "-wal", "-shm")),
}
APPLY = ("plan", "../graph.json", "--apply")
# Any command that takes the topology lock, and changes nothing of its own accord.
TAKE_LOCK = ("prune", "--dry-run", "--force")

Run = Callable[[Path, Sequence[str]], Ended]


class Command(Struct, frozen=True, kw_only=True):
    """A command, the repository it starts from, and how the slices that stand then are recorded.

    `frees` lets go of what a killed process holds until its time is over.
    """

    name: str
    argv: tuple[str, ...]
    prepare: Callable[["Stage", Run], None]
    ends: Mapping[str, SliceStatus]
    frees: tuple[str, ...] = ()


class Stage:
    """A folder with the repository of one command, made once and put back for every trial."""

    def __init__(self, scratch: Path, command: Command, run: Run) -> None:
        self.command = command
        self.home = scratch / "stage"
        self.repo = self.home / "webshop"
        self.graph = self.home / "graph.json"
        self._copy = scratch / "copy"
        self.home.mkdir(parents=True)
        _make_repository(self.repo)
        tasks = [{"id": id_, "write_set": [FOLDERS[id_]]} for id_ in IDS]
        graph = {"goal_id": "g", "defaults": {"owner_role": "worker"}, "tasks": tasks}
        self.graph.write_text(json.dumps(graph))
        command.prepare(self, run)
        git(self.repo, "repack", "-a", "-d", "--quiet")  # fewer files to copy for each trial
        _copy(self.home, self._copy)
        self.values = set(self.read_refs().values())
        self.files = self._read_user_files()

    def reset(self) -> None:
        """All as it was before the command."""
        shutil.rmtree(self.home)
        _copy(self._copy, self.home)

    def worktree(self, id_: str) -> Path:
        return self.home / "webshop.slices" / f"g--{id_}"

    def read_refs(self) -> dict[str, str]:
        lines = git(self.repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def read_records(self) -> dict[str, SliceRecord]:
        folder = self.repo / ".git" / FOLDER_NAME
        if not (folder / STORE_NAME).exists():
            return {}
        with open_store(folder, timeout=5) as store:
            return {one.slice_id: one for one in store.read_slices() if one.status not in GONE}

    def find_damage(self) -> Iterator[str]:
        """What is wrong between git, the store and the disk; nothing, where all is well."""
        yield from self._find_strays()
        done = subprocess.run(
            ["git", "-C", str(self.repo), "fsck", "--no-progress", "--no-dangling", "--strict"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or done.stdout or done.stderr:
            yield f"fsck: {done.returncode} {done.stdout}{done.stderr}"
        records, refs = self.read_records(), self.read_refs()
        ours = {ref for ref in refs if ref.startswith("refs/heads/slices/")}
        if ours != {f"refs/heads/{one.branch_name}" for one in records.values()}:
            yield f"branches {sorted(ours)}, slices {sorted(records)}"
        yield from self._find_bad_worktrees(records)
        changed = git(self.repo, "status", "--porcelain", "-uno")
        if changed:
            yield f"main worktree: {changed}"
        for value in self.values - set(git(self.repo, "rev-list", "--all").splitlines()):
            yield f"lost commit {value}"
        for content in self.files - self._read_user_files():
            yield f"lost a file of the user: {content!r}"

    def _find_strays(self) -> Iterator[str]:
        state = self.repo / ".git" / FOLDER_NAME
        trash = state / "trash"
        for path in (self.repo / ".git").rglob("*"):
            partial = path.name.endswith((".lock", ".new", ".tmp")) or path.name == COPY
            stray = partial and path.parent != state
            if (stray and trash not in path.parents) or (
                path.parent == state and path.name not in KEPT_IN_STATE
            ):
                yield f"stray {path.relative_to(self.repo)}"

    def _find_bad_worktrees(self, records: dict[str, SliceRecord]) -> Iterator[str]:
        listing = git(self.repo, "worktree", "list", "--porcelain").split("\n\n")
        blocks = [block.splitlines() for block in listing[1:] if block]
        listed = {block[0].removeprefix("worktree "): block for block in blocks}
        if set(listed) != {one.worktree_path for one in records.values()}:
            yield f"worktrees {sorted(listed)}, slices {sorted(records)}"
        folder = self.home / "webshop.slices"
        found = {str(path) for path in folder.iterdir()} if folder.exists() else set()
        if found - set(listed):
            yield f"folders without a worktree: {sorted(found - set(listed))}"
        for record in records.values():
            block = listed.get(record.worktree_path, [])
            if f"branch refs/heads/{record.branch_name}" not in block or record.filling_operation:
                yield f"{record.slice_id}: {block} {record.filling_operation}"
            # A claim locks its worktree for git.
            odd = [one for one in block if one.startswith(("locked", "prunable"))]
            if any(not line.startswith("locked gitslices: slice") for line in odd):
                yield f"{record.slice_id}: {block}"
            elif Path(record.worktree_path).is_dir():
                changed = git(Path(record.worktree_path), "status", "--porcelain", "-uno")
                if changed:
                    yield f"{record.slice_id}: not whole: {changed}"

    def find_undone(self) -> Iterator[str]:
        """What the command should have done and has not."""
        found = {id_: one.status for id_, one in self.read_records().items()}
        if found != self.command.ends:
            yield f"{found}, not {self.command.ends}"

    def snapshot(self) -> Any:
        return self.read_refs(), self.read_records(), git(self.repo, "worktree", "list")

    def _read_user_files(self) -> set[bytes]:
        return {path.read_bytes() for path in self.home.rglob("mine-*") if path.is_file()}


def run_trial(
    stage: Stage, server: Server, strikes: Sequence[Strike], *, thorough: bool = True
) -> list[str]:
    """Strike the command, and again when it is resumed, then look; return what is wrong.

    A thorough trial also looks between the next command of any kind and the one that resumes, and
    resumes twice.
    """
    stage.reset()
    wrong: list[str] = []
    for strike in strikes:
        ended = server.run(stage.repo, stage.command.argv, strike)
        wrong += find_bad_answer(ended, strike)
    if thorough:
        taken = server.run(stage.repo, TAKE_LOCK)
        wrong += [f"the next command: {taken}"] if taken.code else []
        wrong += stage.find_damage()
    for argv in filter(None, (stage.command.frees, stage.command.argv)):
        resumed = server.run(stage.repo, argv)
        wrong += [f"resumed: {resumed}"] if resumed.code not in (0, 1) else []
    wrong += [*stage.find_undone(), *stage.find_damage()]
    if thorough:
        before = stage.snapshot()
        server.run(stage.repo, stage.command.argv)
        wrong += ["resuming twice changed something"] if stage.snapshot() != before else []
    return [f"{stage.command.name} {strikes}: {one}" for one in wrong]


def find_bad_answer(ended: Ended, strike: Strike) -> Iterator[str]:
    """What an answer to a strike must not be: a bug, or more than one error line."""
    if strike.action == "kill" and ended.code == -9:
        return
    errors = [line for line in ended.err.splitlines() if line.startswith("error:")]
    if ended.code not in (0, 1, 3) or "Traceback" in ended.err or len(errors) > 1:
        yield f"answered {ended}"


def _make_repository(path: Path) -> None:
    shutil.copytree(FIXTURES / "trees" / "webshop", path)
    git(path, "init", "--quiet", "--initial-branch=main")
    shutil.rmtree(path / ".git" / "hooks", ignore_errors=True)
    (path / ".gitignore").write_text("mine-ignored*\n")
    commit_all(path, "Start")


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)


def _apply(stage: Stage, run: Run) -> None:
    ended = run(stage.repo, APPLY)
    assert ended.code == 0, ended.err


def _work(stage: Stage, run: Run) -> None:
    """Every slice has a commit and files of the user; a and b are merged, references packed."""
    _apply(stage, run)
    for id_ in IDS:
        path = stage.worktree(id_)
        (path / FOLDERS[id_] / "new.txt").write_text(id_)
        commit_all(path, f"Work on {id_}")
        (path / "mine-ignored").write_text(f"ignored in {id_}")
    for id_ in "ab":
        git(stage.repo, "merge", "--quiet", "--no-ff", "-m", f"Merge {id_}", f"slices/g/{id_}")
    git(stage.repo, "pack-refs", "--all")
    (stage.worktree("c") / "mine-loose").write_text("loose in c")


def _nothing(stage: Stage, run: Run) -> None:
    (stage.repo / "mine-notes").write_text("notes")


def _throw_away(stage: Stage, run: Run) -> None:
    """c is in the trash, with all that was in it."""
    _work(stage, run)
    ended = run(stage.repo, ("remove", "c", "--force"))
    assert ended.code == 0, ended.err


def _begin(stage: Stage, run: Run) -> None:
    """a and b have commits, c has none; main has gone on, and holds files of the user."""
    _apply(stage, run)
    for id_ in "ab":
        path = stage.worktree(id_)
        (path / FOLDERS[id_] / "new.txt").write_text(id_)
        commit_all(path, f"Work on {id_}")
        (path / "mine-ignored").write_text(f"ignored in {id_}")
    (stage.repo / "Makefile").write_text("all: later\n")
    commit_all(stage.repo, "Later")
    (stage.repo / "mine-notes").write_text("notes")


def _leave_out(stage: Stage, run: Run) -> None:
    """a and b are there, c is only planned."""
    _apply(stage, run)
    for command in ("remove", "reopen"):
        ended = run(stage.repo, (command, "c"))
        assert ended.code == 0, ended.err


_WHOLE: Final[dict[str, SliceStatus]] = dict.fromkeys(IDS, "provisioned")

COMMANDS: Final = (
    Command(
        name="apply",
        argv=APPLY,
        prepare=_nothing,
        ends=_WHOLE,
    ),
    Command(
        name="remove",
        argv=("remove", "c", "--force"),
        prepare=_work,
        ends={"a": "provisioned", "b": "provisioned"},
    ),
    Command(
        name="prune",
        argv=("prune", "--force"),
        prepare=_work,
        ends={"c": "provisioned"},
    ),
    Command(
        name="undo",
        argv=("undo", "c"),
        prepare=_throw_away,
        ends=_WHOLE,
    ),
    Command(
        name="merge",
        argv=("merge", "a", "b"),
        prepare=_begin,
        ends=_WHOLE | {"a": "merged", "b": "merged"},
    ),
    Command(
        name="sync",
        argv=("sync", "--all"),
        prepare=_begin,
        ends=_WHOLE,
    ),
    Command(
        name="claim",
        argv=("claim", "c", "--holder", "one"),
        prepare=_leave_out,
        ends=_WHOLE | {"c": "claimed"},
        frees=("release", "c", "--force"),
    ),
)
"""Every command that changes branches or worktrees."""
