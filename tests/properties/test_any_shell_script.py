"""Whatever a shell does outside a slice, in however odd a script, has been found before it runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitslices.agents.shell.writes import find_writes
from tests.support.examples import scale

VICTIMS = ("src/web/v", "../other/src/web/v", "$PWD/../other/src/web/v")
PLAIN = (
    "cd src/api", "cd ..", "cd -", "touch v", "echo y >> v", "D=src/api", "D=src", "D+=/web",
    "touch $D/v", 'rm "$F"', "rm $F", "true", "false", "shift", 'rm "$1"', 'touch "$@"',
    'rm "${A[1]}"', "touch src/api/l/v", "mkdir -p src/api/n", "cd src/api/n", "touch ../../web/n",
    "unset D", "rm ${D:-src/web}/v", "rm ${F%/*}/v", "bash -c 'touch $D/v'", "f", "g", "exit",
    "bash -c 'rm ${D:-src/web}/v'", "X=rm", "$X $F", "pushd src/web", "popd", 'eval "rm $F"',
    "sh src/api/s", ". src/api/s", "exec > /dev/null", "IFS=:", "rm ${F/api/web}", "F=src/api/v",
    "ln -s .. src/api/l", "ls | cat",
)  # fmt: skip
ABOUT = (
    "rm {}", "echo x > {}", "cp src/api/core {}", "cd $(dirname {})", "D=$(dirname {})", "F={}",
    "set -- {} src/api/z", "A=(src/api/z {})", "read F <<< {}", "F=$(echo {})",
    "tee {} < /dev/null", "printf -v F %s {}", "export D=$(dirname {})", "echo {} | xargs rm",
    "echo rm {} > src/api/s",
    "trap 'rm {}' EXIT", "mv {} src/api/m", "exec > {}", "sed -i s/i/j/ {}", "F=a:{}",
)  # fmt: skip
JOINED = (
    "{}; {}", "{} && {}", "{} || {}", "({}); {}", "{{ {}; }}; {}", "{} | {}", "{} & wait; {}",
    "if {}; then {}; fi", "for F in src/api/q src/web/v; do {}; done; {}", "f() {{ {}; }}; {}",
    "g() {{ {}; }}; {}", "case $F in src*) {};; *) {};; esac", 'echo "$({})"; {}', "! {}; {}",
    "while {}; do {}; break; done", "cat <<E\n$({})\nE\n{}", "[[ -n $({}) ]]; {}",
    "{{ {}; }} > src/api/o; {}", "function h {{ {}; }}; h; {}",
)  # fmt: skip

leaves = st.one_of(
    st.sampled_from(PLAIN), st.builds(str.format, st.sampled_from(ABOUT), st.sampled_from(VICTIMS))
)
scripts = st.recursive(
    leaves,
    lambda inner: st.builds(str.format, st.sampled_from(JOINED), inner, inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("bash") is None:
        pytest.skip("bash is not there, which runs the scripts")
    return tmp_path_factory.mktemp("scripts").resolve()


def build(base: Path) -> Path:
    """Two worktrees, as they are before each script."""
    shutil.rmtree(base)
    for top in ("mine", "other"):
        for folder in ("api", "web"):
            (base / top / "src" / folder).mkdir(parents=True)
        (base / top / "src" / "web" / "v").write_text("intact")
        (base / top / "src" / "api" / "core").write_text("x")
    return base / "mine"


def read_outside(base: Path, scope: Path) -> dict[str, bytes]:
    files = (Path(folder) / name for folder, _, names in os.walk(base) for name in names)
    return {str(one): one.read_bytes() for one in files if not one.is_relative_to(scope)}


@settings(max_examples=scale(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=scripts)
def test_a_script_that_changes_something_outside_is_known_to(base: Path, script: str) -> None:
    top = build(base)
    scope = top / "src" / "api"
    try:
        found = find_writes(script, str(top), {})
    except ValueError:
        return  # it is refused as a whole
    inside = all(Path(os.path.realpath(path)).is_relative_to(scope) for path in found.paths)
    if found.unseen or found.open_shells or not inside:
        return
    before = read_outside(base, scope)
    subprocess.run(
        ["bash", "-c", script], cwd=top, check=False, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=30, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert read_outside(base, scope) == before
