"""What a repository can put where a file should be: nothing of it hangs or fills the memory."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import DiskError, GitslicesError, InputError, StateError
from gitslices.core.files import NotRegularError, TooLargeError, read_regular
from gitslices.git.ignored import list_placed, read_include_rules
from gitslices.git.links import find_admin_folder
from gitslices.graph.load import load_graph
from gitslices.quick.git_calls import MARK_NAME
from gitslices.slices.claims import CLAIM_NAME, find_claim
from gitslices.slices.marks import find_mark
from gitslices.system.hook_scripts import find_hooks
from gitslices.system.settings import SettingsError, load_settings


def link_zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def link_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    socket.socket(socket.AF_UNIX).bind(path.name)
    os.chdir(here)


def make_huge(path: Path) -> None:
    """Of holes: it takes no room on the disk, and 1 TiB of memory."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


TRAPS = [link_zero, link_terminal, make_pipe, link_pipe, make_socket, make_huge]


@pytest.mark.parametrize("trap", TRAPS)
def test_it_is_refused(tmp_path: Path, trap: Callable[[Path], None]) -> None:
    trap(tmp_path / "file")
    with pytest.raises(TooLargeError if trap is make_huge else NotRegularError):
        read_regular(tmp_path / "file", limit=100)


def test_a_file_is_read_through_a_link_and_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", limit=100) == b"x" * 100
    with pytest.raises(TooLargeError):
        read_regular(tmp_path / "link", limit=99)
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, limit=1)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", limit=1)


READERS: list[tuple[str, Callable[[Path], object], type[Exception] | None]] = [
    (".worktreeinclude", lambda path: read_include_rules(path.parent), OSError),
    (".gitslices.toml", lambda path: load_settings(path.parent), SettingsError),
    ("graph.toml", load_graph, InputError),
    ("graph.json", load_graph, InputError),
    ("graph.yaml", load_graph, InputError),
    (MARK_NAME, lambda path: find_mark(path.parent), StateError),
    (CLAIM_NAME, lambda path: find_claim(path.parent), StateError),
    (".git", lambda path: find_admin_folder(path.parent), None),
    ("prepare-commit-msg", lambda path: find_hooks(path.parent), None),
]


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize(("name", "read", "error"), READERS, ids=[one[0] for one in READERS])
def test_no_reader_falls_for_it(
    tmp_path: Path,
    trap: Callable[[Path], None],
    name: str,
    read: Callable[[Path], object],
    error: type[Exception] | None,
) -> None:
    trap(tmp_path / name)
    if error is None:
        read(tmp_path / name)
    else:
        with pytest.raises((error, GitslicesError)):
            read(tmp_path / name)


def test_git_s_list_of_ignored_files_is_none_either(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    make_pipe(tmp_path / "info" / "exclude")
    with pytest.raises(DiskError):
        list_placed(tmp_path)


def test_a_graph_that_links_to_standard_input_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "gitslices.toml").symlink_to("/dev/stdin")
    process = subprocess.Popen(
        [sys.executable, "-m", "gitslices", "validate", "gitslices.toml"], cwd=tmp_path,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.wait(timeout=30) == 2
    process.communicate()
