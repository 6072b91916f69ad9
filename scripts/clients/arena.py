"""Repositories, a home and folders for a client, and what has changed in them."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clients.cases import list_victims
from clients.model import Model, Script, serve
from clients.programs import Client, CodexServer, make_path, prepare

GRAPH = """\
version = 1
goal_id = "g"
[[tasks]]
id = "api"
write_set = ["src/api/", "tests/api/**/*.py"]
[[tasks]]
id = "web"
write_set = ["src/web/"]
[[tasks]]
id = "docs"
write_set = ["docs/"]
"""
FILES = {
    "src/api/core.py": "def answer(): return 42\n",
    "src/api/note.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
    "src/web/page.ts": "export const answer = 42\n",
    "tests/api/test_core.py": "def test(): pass\n",
    "docs/index.md": "# shop\n",
    "Makefile": "all:\n",
    "gitslices.toml": GRAPH,
}
NOTEBOOK = json.dumps({
    "cells": [{"cell_type": "code", "id": "one", "source": ["intact"], "metadata": {},
               "outputs": [], "execution_count": None}],
    "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
})  # fmt: skip
_REFUSED = re.compile(
    r"may not write this|[Pp]reToolUse|gitslices( cannot look| did not answer|: |-agent: )"
)
_LONGEST_LOOK = 4096
_SKIPPED = frozenset({"objects", "logs", "gitslices"})


@dataclass(frozen=True)
class Session:
    """How a session of a client ended: what each turn led to, and what the client itself said.

    Where it says no by itself, that matches `own_no`.
    """

    results: Mapping[tuple[str, int], str]
    code: int
    said: str
    own_no: str = "(?!)"

    def get(self, turn: int, conversation: str = "main") -> str:
        """What a turn's call was answered."""
        return self.results.get((conversation, turn), "(no result came back)")

    def refused(self, turn: int, conversation: str = "main") -> bool:
        """Whether gitslices said no to it, or the client by itself."""
        return is_refusal(self.get(turn, conversation)) or self.refused_alone(turn, conversation)

    def refused_alone(self, turn: int, conversation: str = "main") -> bool:
        """Whether the client said no by itself."""
        return re.search(self.own_no, self.get(turn, conversation)) is not None


def is_refusal(text: str) -> bool:
    """Whether an answer is a no of gitslices, and not a failure of the command itself."""
    return _REFUSED.search(text) is not None


@dataclass(frozen=True)
class Arena:
    """A folder that no guard leaves free: a repository with slices, another one, and a home."""

    top: Path
    client: Client
    environment: Mapping[str, str]
    free: Path

    @property
    def main(self) -> Path:
        """The main worktree of the repository that is planned."""
        return self.top / "shop"

    @property
    def other(self) -> Path:
        """A repository that has nothing to do with it."""
        return self.top / "other"

    @property
    def home(self) -> Path:
        """Where the user's settings are."""
        return self.top / "home"

    def worktree(self, slice_id: str) -> Path:
        """That of a slice."""
        return self.top / "shop.slices" / f"g--{slice_id}"

    def run(
        self, *command: str, at: Path | None = None, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """A command in the main worktree, or `at` another place, with the arena's environment."""
        return subprocess.run(
            command, cwd=at or self.main, env=dict(self.environment), capture_output=True,
            text=True, check=check, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def play(
        self, script: Script, *options: str, at: Path | None = None, limit: float = 900,
        variables: Mapping[str, str] | None = None,
    ) -> Session:  # fmt: skip
        """A session of the client in which the model says what the script does."""
        model = Model(script)
        with serve(model) as url:
            try:
                done = subprocess.run(
                    self.client.start(url, options), cwd=at or self.worktree("api"),
                    env={**self.environment, **(variables or {})}, capture_output=True, text=True,
                    stdin=subprocess.DEVNULL, timeout=limit, check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                last = ((error.stdout or b"") + (error.stderr or b"")).decode()[-2000:]
                said = f"it ran for more than {limit:g} seconds\n{last}"
                return Session(model.results, 124, said, self.client.own_no)
        said = done.stdout[-2000:] + done.stderr[-2000:]
        return Session(model.results, done.returncode, said, self.client.own_no)

    def trust_hooks(self, folder: Path) -> None:
        """Let Codex take the hooks of a session in `folder` as reviewed."""
        if self.client.name == "codex":
            os.environ["PATH"] = self.environment["PATH"]  # where Popen looks for the command
            with CodexServer(self.environment) as server:
                server.trust(server.list_hooks(folder))


@contextmanager
def make_arena(base: Path, client: Client, programs: Sequence[Path]) -> Iterator[Arena]:
    """A fresh one below `base`, which must lie outside the folders for temporary files."""
    base.mkdir(parents=True, exist_ok=True)
    top = Path(tempfile.mkdtemp(prefix=f"{client.name}-", dir=base)).resolve()
    free = Path(tempfile.mkdtemp(prefix="battery-", dir="/tmp"))
    environment = {
        "HOME": str(top / "home"), "PATH": make_path(*programs), "LANG": "C.UTF-8",
        "TERM": "xterm", "CODEX_HOME": str(top / "home" / ".codex"), **client.variables,
    }  # fmt: skip
    arena = Arena(top=top, client=client, environment=environment, free=free)
    try:
        _fill(arena)
        yield arena
    finally:
        shutil.rmtree(free, ignore_errors=True)
        shutil.rmtree(top, ignore_errors=True)


def _fill(arena: Arena) -> None:
    (arena.top / "out").mkdir()
    arena.home.mkdir()
    trusted = [arena.main, *(arena.worktree(one) for one in ("api", "web", "docs"))]
    prepare(arena.client, arena.home, trusted)
    for repository in (arena.main, arena.other):
        arena.run("git", "init", "--quiet", "-b", "main", str(repository), at=arena.top)
        # Not the user's own: some clients start commands without a home.
        for name, value in (("user.name", "Tester"), ("user.email", "tester@example.org")):
            arena.run("git", "config", name, value, at=repository)
    for name, text in FILES.items():
        (arena.main / name).parent.mkdir(parents=True, exist_ok=True)
        (arena.main / name).write_text(text)
    for name in list_victims():
        for folder in ("api", "web"):
            (arena.main / "src" / folder / name).write_text(
                NOTEBOOK if name.endswith(".ipynb") else "intact\n"
            )
    (arena.main / "src" / "api" / "to_web").symlink_to("../web")
    (arena.other / "file").write_text("hello\n")
    for repository in (arena.main, arena.other):
        arena.run("git", "add", "--all", at=repository)
        arena.run("git", "commit", "--quiet", "-m", "Start", at=repository)
    arena.run("gitslices", "plan", "--apply")


State = Mapping[str, tuple[int, bytes | None]]


def look(roots: Sequence[Path]) -> State:
    """Every file below `roots`, by its path: its mode, and what it begins with."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for root in roots:
        for folder, names, files in os.walk(root):
            if "objects" in names and "refs" in names:
                names[:] = [name for name in names if name not in _SKIPPED]
            for name in (*files, *names):
                path = Path(folder, name)
                info = path.lstat()
                data = None
                if path.is_file() and not path.is_symlink():
                    with path.open("rb") as stream:
                        data = stream.read(_LONGEST_LOOK)
                found[str(path)] = (info.st_mode, data)
    return found


def read_subjects(repositories: Sequence[Path]) -> str:
    """The subjects of all commits, and the names of all branches."""
    text = ""
    for repository in repositories:
        for command in (("log", "--all", "--format=%s"), ("branch", "--all", "--format=%(refname)"),
                        ("config", "--list", "--local"), ("worktree", "list")):  # fmt: skip
            text += subprocess.run(
                ["git", "-C", str(repository), *command],
                capture_output=True,
                text=True,
                check=False,
            ).stdout
    return text


def dump(results: Mapping[tuple[str, int], str]) -> str:
    """The results of a session as JSON, for whoever looks into what went wrong."""
    return json.dumps({f"{name} {turn}": text for (name, turn), text in sorted(results.items())},
                      indent=1, ensure_ascii=False)  # fmt: skip
