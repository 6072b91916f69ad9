"""The quick answer to an agent's edit: yes where the guard says nothing, and in no other case."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.system.agent_launcher import find_launcher, write_launcher
from tests.support.guarded import Guarded, announce_write, ask
from tests.support.quick import edits_plainly, find_scope_file, refresh
from tests.support.slices import GOAL, Desk

PIECES = (
    "..", ".", "", "src", "api", "web", "nav.ts", "out", ".git", "~", "{main}", "{nav}", "{other}",
    "/", "a b", "*", "$HOME", "\u00e9", "-rf", "{api}", "home", "x.py", "new",
)  # fmt: skip


@pytest.fixture
def api(guarded: Guarded) -> Path:
    """The worktree of slice api, which may write src/api/."""
    top = Path(guarded.places["api"])
    refresh(top)
    return top


def announce(path: str, **more: object) -> dict[str, object]:
    return {**announce_write("claude", path), **more}


def test_a_file_of_the_slice_is_plain_new_or_not(api: Path) -> None:
    present = next(one for one in (api / "src" / "api").iterdir() if one.is_file())
    for path in (str(api / "src/api/new.py"), str(present), "src/api/deep/er/x.py"):
        assert edits_plainly(api, announce(path))
    assert edits_plainly(api / "src", announce("api/x.py"))
    assert edits_plainly(api, announce("x.py", cwd=str(api / "src" / "api")))


@pytest.mark.parametrize(
    "path",
    [
        "Makefile", "src/web/nav.ts", "src/api", "src/api/", "src/api/out", "src/api/out/Makefile",
        "src/api/.git", "src/api/.GIT/x", ".git", "../x", "{main}/src/api/x.py", "/tmp/x",
        "{nav}/x", "src/api/caf\u00e9", "src/api/part/x.py", "src/api/.", " ", "src/api/x\0",
    ],
)  # fmt: skip
def test_what_is_not_plainly_its_own_is_for_the_whole_program(
    guarded: Guarded, api: Path, path: str
) -> None:
    part = api / "src" / "api" / "part"
    part.mkdir(exist_ok=True)
    (part / ".git").write_text("gitdir: /nowhere\n")
    assert not edits_plainly(api, announce(guarded.fill(path)))


def test_a_session_in_two_places_is_for_the_whole_program(guarded: Guarded, api: Path) -> None:
    nav, path = guarded.places["nav"], str(api / "src/api/x.py")
    assert not edits_plainly(api, announce(path), CLAUDE_PROJECT_DIR=nav)
    assert not edits_plainly(api, announce(path, cwd=nav), CLAUDE_PROJECT_DIR=str(api))
    assert edits_plainly(Path(nav), announce(path), CLAUDE_PROJECT_DIR=str(api)) is False
    assert not edits_plainly(Path(guarded.places["main"]), announce(path))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{", b"null", b'{"tool_name": "Bash", "tool_input": {"command": "ls"}}',
        b'{"tool_name": "Write", "tool_input": {"file_path": "src/api/x", "content": NaN}}',
        b'{"tool_name": "Write", "tool_input": {"file_path": "src/api/x", "content": "\\ud800"}}',
        b'{"tool_name": "Write", "tool_input": {"file_path": "src/api/x", "patch": "y"}}',
        b'{"tool_name": "Write", "tool_input": {"file_path": "src/api/x"}} {}',
        b'{"tool_name": "Write", "tool_input": {"file_path": 7}}',
        b'{"tool_name": "Write", "tool_input": "src/api/x"}',
        b'{"tool_name": "Write", "cwd": 7, "tool_input": {"file_path": "src/api/x"}}',
        b'\xff\xfe{',
    ],
)  # fmt: skip
def test_a_payload_that_is_not_plain_is_for_the_whole_program(api: Path, data: bytes) -> None:
    assert not edits_plainly(api, data)


def test_a_yes_is_never_said_alone(
    guarded: Guarded, api: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    chance, said = random.Random(1), 0
    for _ in range(400):
        pieces = chance.choices(PIECES, k=chance.randint(1, 5))
        start = chance.choice(("src/api/", "", "{api}/"))
        path = guarded.fill(start + "/".join(pieces))
        payload = announce(path, cwd=guarded.places[chance.choice(("api", "api", "nav", "main"))])
        if edits_plainly(api, payload, CLAUDE_PROJECT_DIR=str(api)):
            said += 1
            os.environ["CLAUDE_PROJECT_DIR"] = str(api)
            try:
                assert ask("claude", json.dumps(payload).encode(), capfdbinary) == (0, "", "")
            finally:
                del os.environ["CLAUDE_PROJECT_DIR"]
    assert said > 20


def test_a_lease_whose_time_has_come_is_for_the_whole_program(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    top = desk.worktree("a")
    refresh(top)
    assert edits_plainly(top, announce("src/x"))
    # By the clock of the desk it has been over for long.
    desk.claim("a")
    refresh(top)
    assert not edits_plainly(top, announce("src/x"))
    with desk.workspace.open_store() as store:
        store.execute("UPDATE leases SET expires_at = '2999-01-01T00:00:00Z'")
        assert store.find_slice(GOAL, "a") is not None
    assert edits_plainly(top, announce("src/x"))


def launch(api: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    script = find_launcher(Path(os.path.normpath(find_scope_file(api).parent / ".." / "..")))
    return subprocess.run(
        [str(script), "guard", "--tool", "claude"], cwd=api, input=data, capture_output=True,
        check=False,
    )  # fmt: skip


def test_the_launcher_asks_the_whole_program_with_the_same_input(
    guarded: Guarded, api: Path
) -> None:
    common_dir = Path(guarded.places["main"]) / ".git"
    write_launcher(common_dir, sys.executable)
    edit = json.dumps(announce("src/api/x.py")).encode()
    denied = json.dumps(announce("Makefile", tool_response="x" * 200_000)).encode()
    assert launch(api, edit).returncode == 0
    find_scope_file(api).unlink()
    # The whole program says nothing either, and writes the file anew.
    done = launch(api, edit)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert find_scope_file(api).exists()
    assert b"Makefile: in no slice" in launch(api, denied).stdout
    assert launch(api, b"{").returncode == 2
    script = find_launcher(common_dir)
    lines = script.read_text().splitlines(keepends=True)
    gone = ["library=/nowhere\n" if one.startswith("library=") else one for one in lines]
    script.write_text("".join(gone))
    assert (launch(api, edit).returncode, launch(api, denied).returncode) == (0, 0)
    assert b"Makefile: in no slice" in launch(api, denied).stdout
