"""The forges' own clients, run as their users run them."""

from collections.abc import Mapping
from pathlib import Path

from gitslices.core.errors import RefusedError
from gitslices.system.programs import run_program


def run_client(program: str, *args: str, cwd: Path, environ: Mapping[str, str], login: str) -> str:
    """What `program` prints; raise `RefusedError` where it fails.

    `login` is the command that tells whether somebody is logged in, which is why it mostly fails.
    """
    done = run_program((program, *args), cwd=cwd, environ=environ)
    if done.status:
        raise RefusedError(
            f"{program} {' '.join(args[:2])} has failed: {done.complaint}",
            hint=f"see whether it is logged in: {login}",
        )
    return done.output
