"""Kill a command, or fail one of its writes, at a chosen point.

shim.c   counts the calls by which a process group changes the file system, and strikes at one
server   runs gitslices again and again, each time in a process group of its own
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from msgspec import Struct

from tests.support.commands import Finished

HERE = Path(__file__).parent
Action = Literal["count", "kill", "enospc", "eio"]


class Strike(Struct, frozen=True):
    """What happens at call number `at`, counted from 1, or at a named point of gitslices."""

    action: Action = "count"
    at: int | str = 0


class Ended(Finished, frozen=True):
    """How one command ended, and how many calls the shim has counted."""

    calls: int


def why_impossible() -> str | None:
    """Why this machine cannot preload the shim; None where it can."""
    if sys.platform != "linux":
        return "the shim counts calls by LD_PRELOAD, which is Linux's"
    if shutil.which("cc") is None:
        return "there is no C compiler to build the shim with"
    return None


def build_shim(scratch: Path) -> Path:
    """The compiled shim."""
    library = scratch / "shim.so"
    argv = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(HERE / "shim.c"), "-ldl"]
    subprocess.run(argv, check=True)
    return library


class Server:
    """Runs gitslices, with the shim preloaded if `shim` names it; a context manager."""

    def __init__(self, scratch: Path, env: Mapping[str, str], shim: Path | None = None) -> None:
        control = scratch / "control"
        self._env = env
        self._shim = {"SHIM_CONTROL": str(control)}
        if shim is not None:
            self._shim["LD_PRELOAD"] = str(shim)
        control.write_bytes(bytes(64))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.shim.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent.parent,
            env={**env, **self._shim, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def run(
        self,
        cwd: Path,
        argv: Sequence[str],
        strike: Strike | None = None,
        *,
        env: Mapping[str, str] | None = None,
        data: bytes = b"",
    ) -> Ended:
        """Run gitslices in `cwd` with `data` to read, and let `strike` happen."""
        assert self._process.stdin
        assert self._process.stdout
        chosen = strike or Strike()
        request = {
            "cwd": str(cwd), "argv": argv, "data": data.decode("latin-1"),
            "env": {**(self._env if env is None else env), **self._shim},
            "action": chosen.action, "at": chosen.at,
        }  # fmt: skip
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Ended(**json.loads(self._process.stdout.readline()))

    def list_points(self, cwd: Path, argv: Sequence[str], scratch: Path) -> list[str]:
        """Run gitslices and return the named points it comes through."""
        listing = scratch / "points"
        self.run(cwd, argv, Strike("count", f"?{listing}"))
        points = listing.read_text().splitlines()
        listing.unlink()
        return points
