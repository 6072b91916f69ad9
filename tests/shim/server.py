"""Run gitslices for each request on standard input, forked so that Python need not start anew."""

import contextlib
import importlib
import json
import mmap
import os
import pkgutil
import struct
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, NoReturn

import gitslices
from gitslices.cli.main import run

_CONTROL = struct.Struct("=QQii")
_ACTIONS = ("count", "kill", "enospc", "eio")


def main() -> None:
    for module in pkgutil.walk_packages(gitslices.__path__, "gitslices."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with open(os.environ["SHIM_CONTROL"], "r+b") as file:  # noqa: PTH123
        control = mmap.mmap(file.fileno(), 0)
    for line in sys.stdin:
        print(json.dumps(_serve(control, json.loads(line))), flush=True)


def _serve(control: mmap.mmap, request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _become(control, request, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        # What the command started may outlive it for a moment; nobody is counted from here on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, 9)
        count, _, _, _ = _CONTROL.unpack_from(control)
        _CONTROL.pack_into(control, 0, 0, 0, 0, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "calls": count,
            "out": _read(out.fileno()),
            "err": _read(err.fileno()),
        }


def _become(control: mmap.mmap, request: dict[str, Any], out: int, err: int) -> NoReturn:
    code = 99
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(request["cwd"])
        action = _ACTIONS.index(request["action"])
        _CONTROL.pack_into(control, 0, 0, request["at"], action, os.getpgrp())
        code = run(request["argv"])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def _read(descriptor: int) -> str:
    return Path(f"/proc/self/fd/{descriptor}").read_bytes().decode("utf-8", "replace")


if __name__ == "__main__":
    main()
