"""Run gitslices for each request on standard input, forked so that Python need not start anew.

A fork has all modules and nothing else: no repository was opened, no command run. What Python
reads from the environment at its start (encodings, the seed of hashes) is the server's own.
"""

import contextlib
import gc
import importlib
import json
import mmap
import os
import pkgutil
import struct
import sys
import tempfile
import traceback
from typing import IO, Any, NoReturn

import gitslices
from gitslices.cli.main import run
from gitslices.core import faults

_CONTROL = struct.Struct("=QQii")
# What is started by itself, and what needs an extra that may not be installed.
_LEFT_OUT = ("gitslices.__main__", "gitslices.mcp.process", "gitslices.mcp.server")
_ACTIONS = ("count", "kill", "enospc", "eio")


def main() -> None:
    for module in pkgutil.walk_packages(gitslices.__path__, "gitslices."):
        if module.name not in _LEFT_OUT:
            importlib.import_module(module.name)
    gc.freeze()  # a collection in a fork would copy every page
    with open(os.environ["SHIM_CONTROL"], "r+b") as file:  # noqa: PTH123
        control = mmap.mmap(file.fileno(), 0)
    for line in sys.stdin:
        print(json.dumps(_serve(control, json.loads(line))), flush=True)


def _serve(control: mmap.mmap, request: dict[str, Any]) -> dict[str, Any]:
    with (
        tempfile.TemporaryFile() as data,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        data.write(request["data"].encode("latin-1"))
        data.seek(0)
        child = os.fork()
        if child == 0:
            _become(control, request, (data.fileno(), out.fileno(), err.fileno()))
        _, status = os.waitpid(child, 0)
        if request["at"]:
            # A git that was started may outlive its parent for a moment.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, 9)
        count, _, _, _ = _CONTROL.unpack_from(control)
        _CONTROL.pack_into(control, 0, 0, 0, 0, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "calls": count,
            "out": _read(out),
            "err": _read(err),
        }


def _become(control: mmap.mmap, request: dict[str, Any], streams: tuple[int, int, int]) -> NoReturn:
    code = 99
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 (the server's has a buffer)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        _arm(control, request["action"], request["at"])
        code = run(request["argv"])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def _arm(control: mmap.mmap, action: str, at: int | str) -> None:
    if isinstance(at, int):
        _CONTROL.pack_into(control, 0, 0, at, _ACTIONS.index(action), os.getpgrp())
    else:
        os.environ["GITSLICES_FAULT"] = at if action == "count" else f"{at}:{action}"
    if "GITSLICES_FAULT" in os.environ:
        importlib.reload(faults)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main()
