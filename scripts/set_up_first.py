"""Imported before all else: a script that lacks what it needs goes on in `.venv`, set up for it."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def is_set_up() -> bool:
    # Not any gitslices that this Python happens to have: a bench measures what lies here.
    found = find_spec("gitslices")
    ours = found is not None and found.origin == str(ROOT / "gitslices" / "__init__.py")
    return ours and all(find_spec(name) for name in ("msgspec", "pytest"))


def continue_in_venv() -> None:
    python = str(ROOT / ".venv" / "bin" / "python")
    if sys.executable == python:
        sys.exit("gitslices: .venv is broken; delete it, and run the script again")
    made = subprocess.run([str(ROOT / "scripts" / "setup"), "dev"], check=False)
    if made.returncode:
        sys.exit(made.returncode)
    os.execv(python, [python, *sys.argv])  # noqa: S606


if not is_set_up():
    continue_in_venv()
