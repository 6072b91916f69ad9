"""Kill a command, or fail one of its writes, at the n-th call that changes the file system.

shim.c   counts the calls of a process group, and strikes at one; preloaded into it
server   starts gitslices again and again, each in a process group of its own
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from msgspec import Struct

HERE = Path(__file__).parent
Action = Literal["count", "kill", "enospc", "eio"]


class Ended(Struct, frozen=True):
    """How one command ended, and how many calls it had made."""

    code: int
    calls: int
    out: str
    err: str


def why_impossible() -> str | None:
    """Why this machine cannot preload the shim; None where it can."""
    if sys.platform != "linux":
        return "the shim counts calls by LD_PRELOAD, which is Linux's"
    if shutil.which("cc") is None:
        return "there is no C compiler to build the shim with"
    return None


class Shim:
    """A server that runs gitslices with the shim preloaded; a context manager."""

    def __init__(self, scratch: Path, env: dict[str, str]) -> None:
        scratch.mkdir(exist_ok=True)
        library, control = scratch / "shim.so", scratch / "control"
        argv = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(HERE / "shim.c"), "-ldl"]
        subprocess.run(argv, check=True)
        control.write_bytes(bytes(64))
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.shim.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent.parent,
            env={
                **env,
                "LD_PRELOAD": str(library),
                "SHIM_CONTROL": str(control),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )

    def __enter__(self) -> "Shim":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()

    def run(self, cwd: Path, argv: Sequence[str], action: Action = "count", at: int = 0) -> Ended:
        """Run gitslices in `cwd`; `action` strikes at call `at`, counted from 1."""
        assert self._server.stdin
        assert self._server.stdout
        request = {"cwd": str(cwd), "argv": list(argv), "action": action, "at": at}
        print(json.dumps(request), file=self._server.stdin, flush=True)
        return Ended(**json.loads(self._server.stdout.readline()))
