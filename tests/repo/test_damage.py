"""State that is damaged in any way: told, mended, and no work lost; never called a bug."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gitslices.cli.main import run
from gitslices.state.folder import FOLDER_NAME
from gitslices.state.store import STORE_NAME
from tests.support.graphs import format_toml
from tests.support.repositories import commit_all, git

GRAPH = format_toml("g", a="src/", b="docs/", c="tests/")
COMMANDS = (
    ("status",),
    ("plan", "--apply", "--allow-dirty"),
    ("claim", "b"),
    ("log",),
    ("undo", "--list"),
    ("merge", "--all"),
    ("prune",),
    ("doctor",),
    ("doctor", "--fix"),
)
AFTERWARDS = (
    ("plan", "--apply", "--allow-dirty"),
    ("status",),
    ("log",),
    ("merge", "--all"),
    ("undo", "--list"),
)
"""What works once `doctor --fix` has been there."""
SAID = (0, 1, 2, 3, 4)

Damage = Callable[[Path], None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slice with a commit and a holder, one with loose files, one in the trash with a commit."""
    top = tmp_path_factory.mktemp("template")
    repo = top / "shop"
    for name in ("src", "docs", "tests"):
        (repo / name).mkdir(parents=True)
        (repo / name / "file").write_text(f"{name}\n")
    git(repo, "init", "--quiet")
    (repo / "gitslices.toml").write_text(GRAPH)
    commit_all(repo, "Start")
    return top


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    repo = tmp_path / "shop"
    shutil.copytree(template / "shop", repo)
    tell(repo, "plan", "--apply")
    trees = tmp_path / "shop.slices"
    (trees / "g--a" / "src" / "file").write_text("work of a\n")
    commit_all(trees / "g--a", "Work of a")
    (trees / "g--b" / "docs" / "new").write_text("not committed\n")
    (trees / "g--c" / "tests" / "file").write_text("work of c\n")
    commit_all(trees / "g--c", "Work of c")
    tell(repo, "remove", "c", "--force")
    tell(repo, "claim", "a", "--holder", "alice")
    return repo


def tell(repo: Path, *args: str) -> int:
    return run([*args, "-C", str(repo)])


def find_store(repo: Path) -> Path:
    return repo / ".git" / FOLDER_NAME / STORE_NAME


def execute(sql: str, *values: object) -> Damage:
    def damage(repo: Path) -> None:
        with closing(sqlite3.connect(find_store(repo), isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(sql, values)

    return damage


def mistype(sql: str) -> Damage:
    """What a flipped bit does: a value of a type that its column does not take."""

    def damage(repo: Path) -> None:
        loose = "replace(replace(sql, ' STRICT', ''), 'NOT NULL', '')"
        with closing(sqlite3.connect(find_store(repo))) as connection:
            tables = connection.execute("SELECT sql, name FROM sqlite_master").fetchall()
        execute(f"UPDATE sqlite_master SET sql = {loose}")(repo)  # noqa: S608
        execute(sql)(repo)
        with closing(sqlite3.connect(find_store(repo))) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.executemany("UPDATE sqlite_master SET sql = ? WHERE name = ?", tables)
            connection.commit()

    return damage


def replace(table: str, column: str, text: str, by: str) -> Damage:
    sql = f"UPDATE {table} SET {column} = CAST(replace({column}, ?, ?) AS BLOB)"  # noqa: S608
    return execute(sql, text, by)


def overwrite(start: float, data: bytes, name: str = STORE_NAME) -> Damage:
    """Write `data` into a file, at a part of its length."""

    def damage(repo: Path) -> None:
        path = repo / ".git" / FOLDER_NAME / name
        with path.open("r+b") as file:
            file.seek(int(start * path.stat().st_size))
            file.write(data)

    return damage


def truncate(part: float) -> Damage:
    def damage(repo: Path) -> None:
        path = find_store(repo)
        with path.open("r+b") as file:
            file.truncate(int(part * path.stat().st_size))

    return damage


def write(name: str, data: bytes) -> Damage:
    def damage(repo: Path) -> None:
        (repo / ".git" / FOLDER_NAME / name).write_bytes(data)

    return damage


def make_folder(name: str) -> Damage:
    def damage(repo: Path) -> None:
        path = repo / ".git" / FOLDER_NAME / name
        path.unlink(missing_ok=True)
        path.mkdir()

    return damage


def dump(repo: Path) -> None:
    """What people do with a damaged store: `sqlite3 OLD .dump | sqlite3 NEW`."""
    path = find_store(repo)
    with closing(sqlite3.connect(path)) as old:
        script = "\n".join(old.iterdump())
    path.unlink()
    with closing(sqlite3.connect(path)) as new:
        new.executescript(script)


def delete_folder(repo: Path) -> None:
    shutil.rmtree(repo / ".git" / FOLDER_NAME)


def write_marks(repo: Path) -> None:
    for path in (repo / ".git" / "worktrees").glob("*/gitslices-slice"):
        path.write_bytes(b'{"goal_id": "g", "slice')


def write_notes(repo: Path) -> None:
    for path in (repo / ".git" / "worktrees").iterdir():
        (path / "gitslices-claim.json").write_bytes(b"\xff\xfe")
        (path / "gitslices-token").write_bytes(b"\xff\xfe")


def move_trash(repo: Path) -> None:
    (repo / ".git" / FOLDER_NAME / "trash").rename(repo.parent / "trash")


HALF_INTENT = b'{"type": "apply", "operation": "'
DAMAGES: dict[str, Damage] = {
    "a dump put back": dump,
    "no folder": delete_folder,
    "no store": lambda repo: find_store(repo).unlink(),
    "an empty store": truncate(0),
    **{f"cut off at {part}": truncate(part) for part in (0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)},
    "no database": write(STORE_NAME, b"not a database, but long enough to be looked at" * 20),
    "a folder for the store": make_folder(STORE_NAME),
    **{f"zeros at {at / 10}": overwrite(at / 10, bytes(512)) for at in range(10)},
    **{f"ones at {at / 10}": overwrite(at / 10, b"\xff" * 512) for at in range(10)},
    "the signature": overwrite(0, b"XQLite"),
    "the page size": overwrite(0, b"SQLite format 3\0\0\1"),
    "a newer version": execute("PRAGMA user_version = 999"),
    "version 0": execute("PRAGMA user_version = 0"),
    "version 1": execute("PRAGMA user_version = 1"),
    "a negative version": execute("PRAGMA user_version = -5"),
    "another table": execute("CREATE TABLE other (x)"),
    "a table less": execute("DROP TABLE leases"),
    "a column less": execute("ALTER TABLE slices DROP COLUMN port"),
    "a column more": execute("ALTER TABLE slices ADD COLUMN colour TEXT"),
    "an older trash": execute("ALTER TABLE trash DROP COLUMN aged"),
    "no index": execute("DROP INDEX open_leases"),
    "the schema": execute("UPDATE sqlite_master SET sql = 'CREATE' WHERE name = 'goals'"),
    "no rows of goals": execute("DELETE FROM goals"),
    "no rows of slices": execute("DELETE FROM slices"),
    "no rows of the trash": execute("DELETE FROM trash"),
    "a status": execute("UPDATE slices SET status = 'frozen'"),
    "a path with a zero": execute(
        "UPDATE slices SET worktree_path = ? || slice_id", "/x\0y"
    ),
    "a relative path": execute("UPDATE slices SET worktree_path = 'x' || slice_id"),
    "another path": execute("UPDATE slices SET worktree_path = '/nowhere/' || slice_id"),
    "a branch": execute("UPDATE slices SET branch_name = '--all' || slice_id"),
    "a branch with a zero": execute("UPDATE slices SET branch_name = ? || slice_id", "x\0y"),
    "a commit": execute("UPDATE slices SET base_commit = 'main'"),
    "a commit that is not there": execute("UPDATE slices SET base_commit = ?", "1" * 40),
    "a scope": execute("UPDATE slices SET write_scope = '[\"../x\"]'"),
    "no scope": execute("UPDATE slices SET write_scope = '[]'"),
    "a scope that is none": execute("UPDATE slices SET write_scope = 'src/'"),
    "an id of a slice": execute("UPDATE slices SET slice_id = 'x' || slice_id"),
    "an id of a goal": execute("UPDATE slices SET goal_id = 'x'"),
    "the id of the goal": execute("UPDATE goals SET goal_id = 'x'"),
    "an operation": execute("UPDATE slices SET filler = '../../x'"),
    "an operation with a zero": execute("UPDATE slices SET filler = ?", "x\0y"),
    "a plan": replace("goals", "plan", "slices/g/a", "slices/g/q"),
    "half a plan": execute("UPDATE goals SET plan = CAST(substr(plan, 1, 300) AS BLOB)"),
    "a graph": execute("UPDATE goals SET graph = ?", b"{}"),
    "another graph": replace("goals", "graph", '"id":"a"', '"id":"q"'),
    "bytes for a graph": execute("UPDATE goals SET graph = ?", b"\xff\x00"),
    "bytes for a text": execute("UPDATE events SET detail = CAST(? AS TEXT)", b"\xff\x00\xfe"),
    "nothing for a plan": mistype("UPDATE goals SET plan = NULL"),
    "a number for a graph": mistype("UPDATE goals SET graph = 7"),
    "a text for a plan": mistype("UPDATE goals SET plan = CAST(plan AS TEXT)"),
    "a number for a scope": mistype("UPDATE slices SET write_scope = 7"),
    "a number for a removal": mistype("UPDATE trash SET removal = 0.5"),
    "a number for a detail": mistype("UPDATE events SET detail = 1"),
    "the detail of an event": execute("UPDATE events SET detail = '['"),
    "a deadline": execute("UPDATE leases SET expires_at = 'tomorrow'"),
    "a day that is none": execute("UPDATE leases SET expires_at = '2026-02-31T00:00:00Z'"),
    "a holder": execute("UPDATE leases SET holder = ?", "\x1b[2J\0"),
    "an ending": execute("UPDATE leases SET ending = 'x', ended_at = 'y'"),
    "a large token": execute("UPDATE leases SET token = 9223372036854775807"),
    "the sequence": execute("UPDATE sqlite_sequence SET seq = 9223372036854775806"),
    "the time of a removal": execute("UPDATE trash SET at = 'then'"),
    "a removal": execute("UPDATE trash SET removal = CAST(substr(removal, 1, 50) AS BLOB)"),
    "an age": execute("UPDATE trash SET aged = -9223372036854775808"),
    "the folder of a removal": replace("trash", "removal", "/trash/", "/x/"),
    "an empty intent": write("intent.json", b""),
    "half an intent": write("intent.json", HALF_INTENT),
    "an intent of another kind": write("intent.json", b'{"type": "fly"}'),
    "an intent of zeros": write("intent.json", bytes(4096)),
    "a folder for the intent": make_folder("intent.json"),
    "half an operation": write("operation-abc.json", HALF_INTENT),
    "an empty operation": write("operation-abc.json", b""),
    "a folder for the lock": make_folder("topology.lock"),
    "the holder": write("topology.holder", b"\xff"),
    "the watch": write("watch", b"\xff\x00\n\n"),
    "a folder for the watch": make_folder("watch"),
    "marks": write_marks,
    "notes": write_notes,
    "a stranger": write("stranger", b"x"),
    "the trash moved away": move_trash,
}  # fmt: skip
UNMENDED = {
    "a folder for the intent", "a folder for the lock", "a folder for the watch",
    "a commit that is not there", "the id of the goal",
}  # fmt: skip
"""What `doctor` tells and does not repair, or nobody needs repaired."""


def refuse_bugs(repo: Path, capsys: pytest.CaptureFixture[str], *args: str) -> str:
    code = tell(repo, *args)
    said = capsys.readouterr()
    assert code in SAID, f"{args}: {code}: {said.err}"
    assert "Traceback" not in said.err
    return f"{code}: {said.out}{said.err}"


def expect_work(repo: Path) -> None:
    """The commits of a and c are kept by references, what was loose lies somewhere."""
    told = git(repo, "log", "--all", "--format=%s")
    assert {"Work of a", "Work of c"} <= set(told.splitlines())
    texts = [path.read_text() for path in repo.parent.rglob("docs/new")]
    assert "not committed\n" in texts
    assert git(repo, "fsck", "--no-progress", "--no-dangling") == ""


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_and_mended(
    name: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[name](shop)
    for command in COMMANDS:
        refuse_bugs(shop, capsys, *command)
    expect_work(shop)
    said = {command: refuse_bugs(shop, capsys, *command) for command in AFTERWARDS}
    expect_work(shop)
    if name not in UNMENDED:
        assert [one for one in said.items() if not one[1].startswith(("0", "1"))] == []


@pytest.mark.parametrize("seed", range(24))
def test_flipped_bits_are_told_and_mended(
    seed: int, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    path = find_store(shop)
    data = bytearray(path.read_bytes())
    used = [place for place, byte in enumerate(data) if byte]
    for _ in range(chance.choice((1, 3, 30))):
        data[chance.choice(used)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    for command in (*COMMANDS, *AFTERWARDS):
        refuse_bugs(shop, capsys, *command)
    expect_work(shop)
