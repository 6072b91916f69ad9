"""Real coding agents stay in their slices: the short form of `scripts/agents`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[2] / "scripts" / "agents"
_MISSING = 3


@pytest.mark.skipif(not shutil.which("npm"), reason="the clients come from npm, which is not there")
@pytest.mark.parametrize("client", ["claude", "codex"])
def test_an_agent_stays_in_its_slice_and_is_asked_wherever_it_is_started(client: str) -> None:
    done = subprocess.run(
        [sys.executable, AGENTS, client, "--short", "--verbose"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == _MISSING:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{client:10}all" in done.stdout
