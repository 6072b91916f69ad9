"""Kill an operation at its n-th step: a file it is about to touch, a git it is about to start."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen"}


def run_killed(action: Callable[[], object], step: int) -> bool:
    """Run `action` in a forked process that dies before its step number `step`.

    True when it was killed, False when it had fewer steps and came through.
    """
    child = os.fork()
    if not child:
        _run_child(action, step)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the operation failed by itself"
    return False


def _run_child(action: Callable[[], object], step: int) -> None:
    left = step

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
        if event in _STEPS or writes:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)


def is_alive(process: int) -> bool:
    """Whether a process is there that has not ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
