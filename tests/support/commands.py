"""Gitslices as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct


class Finished(Struct, frozen=True):
    """How one run of gitslices ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Finished]

READ_AT_START = ("PYTHON", "LANG", "LC_", "TZ")
"""Variables that Python reads when it starts, and never again."""


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
