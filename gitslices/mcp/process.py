"""One command as a process of its own: followed while it runs, ended when nobody waits for it."""

import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import msgspec
from anyio.abc import Process

OnBeat = Callable[[float, str], Awaitable[None]]
_BEAT: Final = 1.0
_GRACE: Final = 20.0


async def run_command(words: Sequence[str], place: Path, on_beat: OnBeat) -> dict[str, Any]:
    """The document that the command prints; `on_beat` hears each second how long it has run.

    Cancelled, the command is interrupted as by Ctrl-C: what it was changing it completes or takes
    back.
    """
    # `-P`: whatever lies in the repository, it is this gitslices that answers.
    command = [sys.executable, "-P", "-m", "gitslices", *words]
    process = await anyio.open_process(
        command, cwd=place, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        async with anyio.create_task_group() as tasks:
            said: list[bytes] = []
            tasks.start_soon(_read_errors, process, said)
            tasks.start_soon(_beat, said, on_beat)
            output = await _read_output(process)
            await process.wait()
            tasks.cancel_scope.cancel()
    except BaseException:
        await _end(process)
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await process.aclose()
    return _decode(output, b"".join(said))


async def _read_output(process: Process) -> bytes:
    assert process.stdout is not None  # noqa: S101
    return b"".join([chunk async for chunk in process.stdout])


async def _read_errors(process: Process, said: list[bytes]) -> None:
    assert process.stderr is not None  # noqa: S101
    # Not in one comprehension: what has been said is looked at while the command runs.
    async for chunk in process.stderr:
        said.append(chunk)  # noqa: PERF401


async def _beat(said: Sequence[bytes], on_beat: OnBeat) -> None:
    seconds = 0.0
    while True:
        await anyio.sleep(_BEAT)
        seconds += _BEAT
        lines = b"".join(said).decode("utf-8", "replace").splitlines()
        await on_beat(seconds, lines[-1] if lines else "running")


async def _end(process: Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            with anyio.move_on_after(_GRACE):
                await process.wait()
        if process.returncode is None:
            process.kill()


def _decode(output: bytes, said: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(output, type=dict[str, Any])
    except msgspec.MsgspecError:
        text = said.decode("utf-8", "replace").strip() or "it ended without an answer"
        error = {"code": "internal", "message": text, "hint": None}
        return {"schema_version": 1, "ok": False, "error": error}
