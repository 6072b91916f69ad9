"""The guard, asked for any path and given any bytes."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitslices.agents.adapters.table import ADAPTERS
from gitslices.agents.guard import BLOCK
from tests.support.examples import scale
from tests.support.guarded import Guarded, announce_write, ask, read_reason

PIECES = st.sampled_from(
    ["..", ".", "", "src", "api", "web", "nav.ts", "out", ".git", "~", "{main}", "{nav}", "{other}",
     "/", "a b", "\x1b[31m", "*", "$HOME", "é", "-rf", "'", '"', "{api}", "home"]
)  # fmt: skip
PATHS = st.lists(PIECES, min_size=1, max_size=7).map("/".join)


@settings(
    max_examples=scale(120),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=PATHS, tool=st.sampled_from(ADAPTERS))
@example(path="src/api/out/../api/x", tool="claude")
def test_no_path_outside_is_ever_allowed(
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes], path: str, tool: str
) -> None:
    path = guarded.fill(path)
    payload = {"cwd": guarded.places["api"], **announce_write(tool, path)}
    if tool == "codex":
        path = path.strip()
    code, out, err = ask(tool, json.dumps(payload).encode(), capfdbinary)
    allowed = code == 0 and read_reason(tool, out) is None
    real = os.path.realpath(Path(guarded.places["api"]) / path)
    scope = guarded.places["api"] + "/src/api"
    inside = real == scope or (real.startswith(scope + "/") and "/.git" not in real)
    assert code in {0, BLOCK}
    assert "Traceback" not in err
    assert not allowed or inside, real


@settings(
    max_examples=scale(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    data=st.binary(max_size=60)
    | st.text(max_size=60).map(
        lambda text: json.dumps(
            {"tool_name": "Bash", "tool_input": {"command": text + ">README.md\n" + text}}
        ).encode()
    )
)
def test_no_input_makes_it_crash(
    guarded: Guarded, capfdbinary: pytest.CaptureFixture[bytes], data: bytes
) -> None:
    code, out, err = ask("claude", data, capfdbinary)
    assert code in {0, BLOCK}
    assert "Traceback" not in err
    assert out == "" or read_reason("claude", out)
