"""A sealed environment, real repositories made from fixtures, and the command line."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from msgspec import Struct

from gitslices.cli.main import run

# A busy machine must not fail a test: time is for scripts/bench.
settings.register_profile("gitslices", deadline=None)
settings.load_profile("gitslices")

FIXTURES = Path(__file__).parent.parent / "fixtures"


class Finished(Struct, frozen=True):
    """A finished gitslices process."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Finished]


@pytest.fixture(autouse=True, scope="session")
def sealed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Own HOME and XDG folders, fixed dates and identity, no system git config.

    Output is buffered, as it is for users.
    """
    home = tmp_path_factory.mktemp("home")
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITSLICES_", "XDG_")) or name == "PYTHONUNBUFFERED":
            del os.environ[name]
    os.environ.update(
        HOME=str(home),
        XDG_CONFIG_HOME=str(home / "config"),
        XDG_STATE_HOME=str(home / "state"),
        GIT_CONFIG_NOSYSTEM="1",
        GIT_AUTHOR_NAME="A U Thor",
        GIT_AUTHOR_EMAIL="author@example.com",
        GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
        GIT_COMMITTER_NAME="C O Mitter",
        GIT_COMMITTER_EMAIL="committer@example.com",
        GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
        LC_ALL="C.UTF-8",
        NO_COLOR="1",
    )
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
    yield
    os.environ.clear()
    os.environ.update(before)


def git(directory: Path, *args: str, ok: bool = True, **extra: str) -> str:
    """Run git as a user would and return its output without the last newline."""
    done = subprocess.run(
        ["git", "-C", str(directory), *args],
        capture_output=True,
        check=False,
        env={**os.environ, **extra},
        stdin=subprocess.DEVNULL,
    )
    if ok and done.returncode:
        raise AssertionError(f"git {args}: {done.stderr.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def commit_all(directory: Path, message: str = "Change") -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def write_settings(directory: Path, text: str | bytes) -> None:
    """Put down the settings of a repository, not committed."""
    path = directory / ".gitslices" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with the web shop's files in one commit on main."""
    path = tmp_path / "webshop"
    shutil.copytree(FIXTURES / "trees" / "webshop", path)
    git(path, "init", "--quiet")
    commit_all(path, "Start")
    return path


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    """The web shop's task graph, outside the repository."""
    return Path(shutil.copy(FIXTURES / "graphs" / "webshop.toml", tmp_path / "graph.toml"))


def run_cli(
    directory: Path, *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Finished:
    """Run gitslices in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gitslices", *args],
        cwd=directory,
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return Finished(
        done.returncode,
        done.stdout.decode("utf-8", "surrogateescape"),
        done.stderr.decode("utf-8", "surrogateescape"),
    )


def run_cli_nowhere(
    directory: Path, *args: str, stdin: bytes = b"", module: str = "gitslices"
) -> Finished:
    """The same in a directory that is made, and gone before gitslices starts."""
    directory.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, "-P", "-m", module, *args],
        cwd=directory,
        input=stdin,
        capture_output=True,
        check=False,
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def cli(repo: Path) -> Cli:
    """Run gitslices in the repository."""

    def run(*args: str, **kwargs: Any) -> Finished:
        return run_cli(kwargs.pop("directory", repo), *args, **kwargs)

    return run


@pytest.fixture
def call(repo: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run gitslices on the repository, in this process."""

    def run_here(*args: str) -> Finished:
        code = run([*args, "-C", str(repo)])
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run_here
