"""Files that nobody may write or read: what can be read is shown, all else is the machine's no."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gitslices.state.database import make_shape
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.schema import SCHEMA_VERSION
from gitslices.state.store import STORE_NAME
from tests.support.graphs import format_toml
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk

# Root is held by no modes as long as it has these.
BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")
READS = (
    ("status",), ("status", "--json"), ("log",), ("log", "a"), ("check", "--slice", "a"),
    ("check", "--all"), ("ready",), ("undo", "--list"), ("gate", "status"),
)  # fmt: skip
WRITES = (
    ("claim", "b"), ("plan", "GRAPH", "--apply"), ("remove", "b"), ("prune",), ("sync", "--all"),
    ("merge", "--all"),
)  # fmt: skip
GRAPH = format_toml(a="src/", b="docs/", c="tests/")


@pytest.fixture
def desk(repo: Path) -> Desk:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    (desk.worktree("a") / "src" / "work").write_text("work")
    commit_all(desk.worktree("a"), "Work of a")
    (repo.parent / "graph.toml").write_text(GRAPH)
    return desk


def tell(desk: Desk, prefix: tuple[str, ...], args: tuple[str, ...]) -> tuple[int, str]:
    words = [str(desk.repo.parent / "graph.toml") if one == "GRAPH" else one for one in args]
    argv = [*prefix, sys.executable, "-m", "gitslices", *words, "-C", str(desk.repo)]
    done = subprocess.run(argv, capture_output=True, check=False, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def sealed(desk: Desk) -> tuple[str, ...]:
    """What runs a command while everything of the repository is on a read-only file system."""
    top = str(desk.repo.parent)
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", script, top)
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    return prefix


def leave_wal(desk: Desk) -> None:
    """As a killed process does: what it has written last is not in the file itself yet."""
    path = desk.repo / ".git" / FOLDER_NAME / STORE_NAME
    script = (
        "import os, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "db.execute(\"UPDATE slices SET status = 'done' WHERE slice_id = 'b'\")\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    Path(f"{path}-shm").unlink()
    assert Path(f"{path}-wal").stat().st_size


def test_a_read_only_file_system_is_read(desk: Desk, sealed: tuple[str, ...]) -> None:
    assert {args: tell(desk, sealed, args)[0] for args in READS} == dict.fromkeys(READS, 0)
    for args in WRITES:
        code, said = tell(desk, sealed, args)
        assert (code, "bug" in said) == (3, False), said
        assert "ead-only" in said or "readonly" in said


def test_there_what_was_written_last_counts(desk: Desk, sealed: tuple[str, ...]) -> None:
    leave_wal(desk)
    code, said = tell(desk, sealed, ("status",))
    assert (code, "done" in said) == (0, True)


def test_there_a_store_of_an_older_gitslices_is_read(desk: Desk, sealed: tuple[str, ...]) -> None:
    path = desk.repo / ".git" / FOLDER_NAME / STORE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name, columns in make_shape(SCHEMA_VERSION).items():
            if name not in make_shape(1):  # an index has no columns
                kind = "INDEX" if columns == {None} else "TABLE"
                connection.execute(f"DROP {kind} IF EXISTS {name}")  # a table takes its own along
        for table, columns in make_shape(1).items():
            for column in make_shape(SCHEMA_VERSION)[table] - columns:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
    before = path.read_bytes()
    code, said = tell(desk, sealed, ("status",))
    assert code == 0, said
    assert path.read_bytes() == before


PLACES = ("", STORE_NAME, "topology.lock", "watch", "../worktrees/default--a", "../HEAD", "../refs")


@pytest.mark.parametrize("mode", [0o000, 0o200, 0o400, 0o500])
@pytest.mark.parametrize("place", PLACES)
def test_modes_that_forbid_are_told_and_lose_nothing(desk: Desk, place: str, mode: int) -> None:
    prefix = () if os.geteuid() else BOUND
    if prefix and not shutil.which(prefix[0]):
        pytest.skip("root is held by no modes")
    path = (desk.repo / ".git" / FOLDER_NAME / place).resolve()
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        for args in (("status",), ("claim", "b"), ("doctor",), ("prune",)):
            code, said = tell(desk, prefix, args)
            assert code in {0, 1, 2, 3, 4}, said
            assert "Traceback" not in said
    finally:
        path.chmod(before)
    assert tell(desk, (), ("status",))[0] == 0
    assert "Work of a" in git(desk.repo, "log", "--all", "--format=%s")
