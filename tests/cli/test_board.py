"""`gitslices board`, served by a process of its own and asked over HTTP."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.commands import run_cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks
from tests.support.workspaces import open_at

pytest.importorskip("starlette", reason="the extra gitslices[board] is not installed")

HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u202e"


class Board:
    """A running board, and who asks it; by default as its own page does."""

    def __init__(self, repo: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gitslices", "board", "--json", *words],
            cwd=repo, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        lines = iter(self.process.stdout.readline, "")
        said = ""
        while not said.endswith("}\n") or said.count("{") != said.count("}"):
            said += next(lines)
        self.report = json.loads(said)
        self.place = urlsplit(self.report["url"])

    def ask(
        self,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        token: str | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        host = f"127.0.0.1:{self.place.port}"
        given: dict[str, str | None] = {"Host": host}
        if body is not None:
            given |= {"Origin": f"http://{host}", "Content-Type": "application/json"}
        given |= headers or {}
        wire = http.client.HTTPConnection("127.0.0.1", self.place.port or 0, timeout=60)
        top = self.place.path if token is None else f"/{token}/"
        wire.request(
            "GET" if body is None else "POST", top + path,
            None if body is None else json.dumps(body),
            {name: value for name, value in given.items() if value is not None},
        )  # fmt: skip
        answer = wire.getresponse()
        text = answer.read().decode()
        wire.close()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(text) if is_json else text, dict(answer.getheaders())

    def act(self, action: str, id_: str, **fields: str) -> Any:
        wish = {"action": action, "goal": "default", "id": id_, "fields": fields}
        return self.ask("act", wish)[1]

    def read_slice(self, id_: str) -> Any:
        return self.ask(f"slice?{urlencode({'id': id_, 'goal': 'default'})}")[1]

    def listen(self) -> Iterator[Any]:
        """The documents of the stream, as they come."""
        wire = http.client.HTTPConnection("127.0.0.1", self.place.port or 0, timeout=60)
        wire.request("GET", f"{self.place.path}events")
        answer = wire.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def shop(repo: Path) -> Path:
    apply_tasks(
        open_at(repo),
        {"id": "a", "title": HOSTILE, "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"], "dependencies": ["a"]},
    )
    return repo


@pytest.fixture
def board(shop: Path) -> Iterator[Board]:
    one = Board(shop)
    yield one
    if one.process.poll() is None:
        one.end()


def work(repo: Path, *files: str) -> Any:
    """Claim `a`, commit the files in it, and hand it in."""
    claim = run_cli(repo, "claim", "a", "--holder", "one", "--json").document
    place = Path(claim["worktree_path"])
    for file in files:
        (place / file).parent.mkdir(exist_ok=True)
        (place / file).write_text("new <b>line</b>\n")
    commit_all(place, "the work")
    return claim


def test_what_happens_comes_by_itself_until_ctrl_c(shop: Path, board: Board) -> None:
    stream = board.listen()
    goal = next(stream)["goals"][0]
    a, b = goal["slices"]
    assert (a["word"], b["waits"][0]["name"]) == ("provisioned", "a")
    assert goal["path"] == ["a", "b"]
    run_cli(shop, "claim", "a", "--holder", "one")
    while a["state"]["holder"] is None:
        a = next(stream)["goals"][0]["slices"][0]
    assert (a["word"], a["actions"]) == ("claimed", ["sync", "release", "hold", "allow"])
    assert board.end() == 130


def test_no_text_acts_and_the_policy_admits_only_its_own(board: Board) -> None:
    status, page, headers = board.ask("")
    assert status == 200
    assert "<script type" in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "set-cookie" not in headers
    shown = next(board.listen())["goals"][0]["slices"][0]["title"]
    assert shown == "</script><script>alert(1)</script>\\x1b[31m\\u202e"


def test_only_its_own_page_with_the_token_is_answered(shop: Path, board: Board) -> None:
    wish = {"action": "allow", "goal": "default", "id": "a",
            "fields": {"pattern": "x", "reason": "y"}}  # fmt: skip
    foreign: tuple[Mapping[str, str | None], ...] = (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Content-Type": "text/plain"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{board.place.port}"},
    )
    for headers in foreign:
        assert board.ask("act", wish, headers=headers)[0] == 403, headers
    for token in ("", "x", "%C3%A9", board.place.path[1:-2], "%2e%2e"):
        assert board.ask("act", wish, token=token)[0] in {403, 404}, token
        assert board.ask("", token=token)[0] in {403, 404}, token
    assert board.ask("events", headers={"Origin": "http://evil.example"})[0] == 403
    assert board.ask("events", headers={"Host": "evil.example"})[0] == 403
    assert run_cli(shop, "scope", "show", "a", "--json").document["write_scope"] == ["src/"]
    assert board.ask("act", wish)[0] == 200
    assert run_cli(shop, "scope", "show", "a", "--json").document["write_scope"] == ["src/", "x"]


def test_what_is_done_there_is_what_the_commands_do(shop: Path, board: Board) -> None:
    claim = work(shop, "src/new.py")
    name = {"only_name": True, "action": "reject", "goal": "default", "id": "a"}
    named = board.ask("act", {**name, "fields": {"kind": "code_review", "note": "it's bad"}})[1]
    assert named["command"].startswith("gitslices review --kind code_review --by ")
    assert named["command"].endswith("""--verdict reject --note 'it'"'"'s bad' --goal default a""")
    assert not run_cli(shop, "show", "a", "--json").document["reviews"]
    assert board.act("reject", "a", kind="code_review")["error"]["message"] == "'Note' is empty"
    assert board.act("reject", "a", kind="code_review", note="no tests")["ok"]
    run_cli(shop, "done", "a", "--token", str(claim["token"]))
    assert "code_review" in str(board.act("merge", "a"))
    assert board.act("retry", "a")["ok"]
    again = run_cli(shop, "claim", "a", "--holder", "two", "--json").document
    assert "no tests" in again["previous"]["message"]
    assert board.act("release", "a")["command"] == "gitslices release --force --goal default a"
    assert board.act("approve", "a", kind="code_review")["ok"]
    seen = board.read_slice("a")["changes"]["commit"]
    (Path(claim["worktree_path"]) / "src" / "later.py").write_text("")
    commit_all(Path(claim["worktree_path"]), "after it was looked at")
    late = board.act("approve", "a", kind="code_review", commit=seen)
    assert f"{seen[:10]!r} was looked at" in late["error"]["message"]
    assert f"--commit {seen} " in late["error"]["command"]
    again = run_cli(shop, "claim", "a", "--holder", "two", "--json").document
    run_cli(shop, "done", "a", "--token", str(again["token"]))
    before = git(shop, "rev-parse", "main")
    assert board.act("merge", "a")["text"].startswith("merged a")
    assert git(shop, "rev-parse", "main") != before
    assert board.act("merge", "-x")["error"]["message"]
    assert board.ask("act", {"action": "no", "goal": "g", "id": "a", "fields": {}})[0] == 400


def test_a_slice_has_its_changes_with_what_is_outside(shop: Path, board: Board) -> None:
    work(shop, "src/new.py", "Makefile")
    known = board.read_slice("a")
    files = {one["path"]: one for one in known["changes"]["files"]}
    assert files["src/new.py"]["lines"] == ["@@ -0,0 +1 @@", "+new <b>line</b>"]
    assert files["src/new.py"]["outside"] is None
    assert files["Makefile"]["outside"]
    assert known["commits"][0]["subject"] == "the work"
    assert board.read_slice("none")["error"]["message"]
    assert board.ask("output?id=a&goal=default")[1]["error"]


def test_a_read_only_board_does_nothing(shop: Path) -> None:
    board = Board(shop, "--read-only")
    document = next(board.listen())
    assert document["user"] is None
    assert document["goals"][0]["slices"][0]["actions"] == []
    assert (
        board.ask("act", {"action": "sync", "goal": "default", "id": "a", "fields": {}})[0] == 403
    )
    board.end()


def test_what_keeps_it_from_being_served_is_one_line(shop: Path, tmp_path: Path) -> None:
    taken = Board(shop)
    refused = run_cli(shop, "board", "--port", str(taken.place.port))
    taken.end()
    assert refused.code == 2
    assert f"cannot listen on '127.0.0.1' at port {taken.place.port}" in refused.err
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError(name='starlette')\n")
    bare = run_cli(shop, "board", env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"})
    assert bare.code == 2
    assert "pip install 'gitslices[board]'" in bare.err
