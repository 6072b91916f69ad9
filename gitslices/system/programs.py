"""Other programs, asked something: never a shell, never a question back, never for ever."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.errors import RefusedError, RemoteError

_LONGEST: Final = 120.0


class ProgramAnswer(Struct, frozen=True, kw_only=True):
    """How a program has ended, and what it said."""

    status: int
    output: str
    errors: str

    @property
    def complaint(self) -> str:
        """What it said of its failure, on one line."""
        said = self.errors.strip() or self.output.strip() or f"exit status {self.status}"
        return "; ".join(filter(None, (line.strip() for line in said.splitlines())))[:500]


def run_program(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    input: bytes = b"",  # noqa: A002
) -> ProgramAnswer:
    """Run `argv` with `input` on its standard input.

    Raises `RefusedError` where there is no such program, `RemoteError` where it does not end.
    """
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=environ, input=input, capture_output=True, check=False,
            timeout=_LONGEST, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise RefusedError(f"there is no program {argv[0]!r} on PATH") from error
    except OSError as error:
        raise RefusedError(f"cannot run {argv[0]!r}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise RemoteError(f"{argv[0]} has not answered within {_LONGEST:g} seconds") from error
    return ProgramAnswer(
        status=done.returncode,
        output=done.stdout.decode("utf-8", "replace"),
        errors=done.stderr.decode("utf-8", "replace"),
    )
