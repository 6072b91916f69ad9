"""Imports point to a lower layer only; modules side by side do not import each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gitslices"
# From the ground up. A folder is one room: what is inside it may import what is beside it.
LAYERS = (
    ("model", "errors", "faults", "decoding", "suggestion"),
    ("scopes", "naming", "replace", "blocks", "statuses"),
    ("schedule", "policy", "reconcile", "changes", "evidence", "retirement", "fence", "preflight"),
    ("ordering", "admission", "landing", "guard"),
    ("outline",),
    ("bottlenecks", "explanation"),
    ("planner",),
    (
        "git",
        "state",
        "graph",
        "provision",
        "settings",
        "shell",
        "ports",
        "include",
        "survey",
        "trash",
        "hooks",
        "launcher",
    ),
    ("workspace",),
    ("ops",),
    ("output",),
    ("agents",),
    ("cli",),
)
# Within one layer, an import that stands for "is made of": left imports right.
PARTS = {("errors", "model")}
FLOOR = {room: floor for floor, rooms in enumerate(LAYERS) for room in rooms}
ONLY_IN = {"git": {"git"}, "pathspec": {"scopes"}, "filelock": {"state"}, "sqlite3": {"state"}}


def find_modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "schemas" not in path.parts]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", find_modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "__main__"}:
        return
    for name in imported_names(path):
        parts = name.split(".")
        if parts[0] != "gitslices" or len(parts) == 1 or parts[1] in {room, "schemas"}:
            continue
        other = parts[1]
        assert FLOOR[other] < FLOOR[room] or (room, other) in PARTS, f"{room} imports {other}"


@pytest.mark.parametrize("path", find_modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_outside_library_is_used_in_its_own_room_only(path: Path) -> None:
    for name in imported_names(path):
        top = name.split(".")[0]
        if top in ONLY_IN:
            assert room_of(path) in ONLY_IN[top], f"{path.name} imports {top}"
