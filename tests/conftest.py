"""Fixtures: a sealed environment, a repository, the command line in a process and in this one."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gitslices.cli.main import run
from tests.support.commands import READ_AT_START, Cli, Finished, run_cli
from tests.support.environment import seal_environment
from tests.support.examples import choose_profile
from tests.support.guarded import Guarded, make_guarded
from tests.support.repositories import FIXTURES, copy_repository, make_repository
from tests.support.shim import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="more examples of each property, every named kill point"
    )


def pytest_configure(config: pytest.Config) -> None:
    choose_profile(full=config.getoption("full"))


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether time does not matter."""
    return bool(pytestconfig.getoption("full"))


@pytest.fixture(autouse=True, scope="session")
def sealed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = dict(os.environ)
    seal_environment(tmp_path_factory.mktemp("home"))
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for a test that leaves something there, which others would meet."""
    home = tmp_path_factory.mktemp("home")
    shutil.copy(Path.home() / ".gitconfig", home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    return home


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every `repo` is a copy of; nobody changes it."""
    return make_repository(tmp_path_factory.mktemp("template") / "webshop")


@pytest.fixture
def repo(tmp_path: Path, template: Path) -> Path:
    """A repository with the web shop's files in one commit on main."""
    return copy_repository(template, tmp_path / "webshop")


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    """The web shop's task graph, outside the repository."""
    return Path(shutil.copy(FIXTURES / "graphs" / "webshop.toml", tmp_path / "graph.toml"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Makes processes of gitslices without the time that Python takes to start."""
    with Server(tmp_path_factory.mktemp("server"), os.environ) as server:
        yield server


@pytest.fixture
def cli(repo: Path, server: Server) -> Cli:
    """Run gitslices in the repository, in a process of its own."""

    def run_there(
        *args: str,
        directory: Path = repo,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Finished:
        if any(name.startswith(READ_AT_START) for name in env or ()):
            return run_cli(directory, *args, env=env, stdin=stdin)
        return server.run(directory, args, env={**os.environ, **(env or {})}, data=stdin)

    return run_there


@pytest.fixture
def call(repo: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run gitslices on the repository, in this process."""

    def run_here(*args: str) -> Finished:
        code = run([*args, "-C", str(repo)])
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run_here


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A repository whose agents are guarded."""
    made = make_guarded(tmp_path_factory.mktemp("guard").resolve())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", made.places["home"])
        patch.setenv("TMPDIR", made.places["tmp"])
        patch.setattr("gitslices.agents.guard._TEMPORARY", ())
        yield made
