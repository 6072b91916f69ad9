"""Shell commands in a slice: what everybody runs passes, and no way around the fence does.

Each is read as the guard reads it, and judged by the paths and calls that are found.
"""

import os
from collections.abc import Mapping
from pathlib import Path, PurePath

import pytest
from msgspec.structs import asdict

from gitslices.agents.shell.programs.handed import Handed
from gitslices.agents.shell.writes import find_writes
from gitslices.core.model import BranchName, SliceId
from gitslices.rules.agent_commands import Command, Shared, find_command_denials
from gitslices.rules.scope_check import (
    OtherWorktree,
    Surroundings,
    Target,
    find_handed_reason,
)
from tests.support.repositories import FIXTURES

AGENTS = FIXTURES / "agents"
TREE = ("Makefile", "src/api/tokens.py", "src/api/core.py", "src/web/nav.ts", "tests/api/test_a.py")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Slice `api`, beside it the main worktree and slice `nav`, and a folder that is free."""
    base = tmp_path_factory.mktemp("battery").resolve()
    slices = base / "shop.slices"
    tops = {"main": base / "shop", "api": slices / "auth-rework--api"}
    tops |= {"nav": slices / "auth-rework--nav", "other": base / "other", "tmp": base / "free"}
    for name, top in tops.items():
        for path in TREE if name != "tmp" else ("x",):
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text("x\n")
    admin = tops["main"] / ".git" / "worktrees" / "auth-rework--api"
    admin.mkdir(parents=True)
    (admin / "HEAD").write_text("ref: refs/heads/slices/auth-rework/api\n")
    (tops["api"] / ".git").write_text(f"gitdir: {admin}\n")
    (tops["api"] / "src" / "api" / "to_web").symlink_to(tops["nav"] / "src" / "web")
    return {name: str(top) for name, top in tops.items()}


def judge(places: Mapping[str, str], text: str) -> list[str]:
    """What of a command, in which places stand as {name}, is not for slice `api` to do."""
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", place)
    home = f"{places['other']}/home"
    try:
        found = find_writes(text, places["api"], {"HOME": home, "TMPDIR": places["tmp"]})
    except ValueError as error:
        return [str(error)]
    shared = Shared(
        goal_id="auth-rework",
        slice_id=SliceId("api"),
        branch=BranchName("slices/auth-rework/api"),
        owners={
            BranchName("slices/auth-rework/nav"): "the branch of slice nav",
            BranchName("main"): "the branch that slices are merged into",
        },
        worktrees={places["api"]: "this slice's own worktree", places["nav"]: "slice nav's"},
    )
    calls = [Command(**asdict(call)) for call in found.calls]
    return [
        *(path for path in found.paths if not may_write(places, path)),
        *(one for one in (*found.folders, *found.new_folders) if not is_inside(places, one)),
        *found.unseen,
        *found.open_shells,
        *(one.path for one in found.handed if is_anothers(places, one)),
        *(denial.reason for denial in find_command_denials(shared, calls)),
    ]


def may_write(places: Mapping[str, str], path: str) -> bool:
    if path.startswith("/dev/"):
        return True
    scopes = [f"{places['api']}/src/api/", f"{places['api']}/tests/api/", f"{places['tmp']}/"]
    real = {os.path.realpath(path), str(Path(path).parent.resolve() / Path(path).name)}
    return all(f"{one}/".startswith(tuple(scopes)) and "/.git/" not in one for one in real)


def is_inside(places: Mapping[str, str], folder: str) -> bool:
    real = f"{os.path.realpath(folder)}/"
    return real.startswith((f"{places['api']}/", f"{places['tmp']}/")) and "/.git/" not in real


def is_anothers(places: Mapping[str, str], one: Handed) -> bool:
    """As the rule for what a program is handed has it."""
    surroundings = Surroundings(
        worktree=PurePath(places["api"]),
        common_dir=PurePath(places["main"], ".git"),
        others=[OtherWorktree(path=PurePath(places[name]), name=name) for name in ("main", "nav")],
    )
    target = Target(asked=one.path, path=PurePath(os.path.realpath(one.path)))
    return find_handed_reason(surroundings, target, whole=one.whole) is not None


def list_texts(name: str) -> list[str]:
    """The commands of a file, between lines of `%%`."""
    return (AGENTS / name).read_text().removesuffix("\n").split("\n%%\n")


def test_no_everyday_command_is_refused(places: Mapping[str, str]) -> None:
    texts = list_texts("everyday-commands.txt")
    assert len(texts) >= 220
    assert {text: why for text in texts if (why := judge(places, text))} == {}


def test_no_way_around_the_fence_passes(places: Mapping[str, str]) -> None:
    texts = list_texts("ways-around.txt")
    assert len(texts) >= 1240
    assert [text for text in texts if not judge(places, text)] == []
