"""Imports point down: folder by folder, and inside a folder module by module.

The order is the one that the `__init__.py` of each folder lists for its readers, so that the lists
and the imports cannot disagree.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gitslices"
LISTED = re.compile(r"^([a-z_]+(?:\.[a-z_]+)*)  +\S", re.MULTILINE)
OF_COMMANDS = re.compile(r"commands of their names: ([a-z_, \n]+)\.")
ONLY_IN = {
    "git": {"git"},
    "pathspec": {"scopes.language"},
    "filelock": {"state"},
    "sqlite3": {"state", "quick"},
}


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    """`ops.claim` for gitslices/ops/claim.py, `ops` for gitslices/ops/__init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def list_parts(package: str) -> list[str]:
    """The modules that the docstring of a package lists, from the ground up."""
    text = ast.get_docstring(parse(MODULES[package])) or ""
    commands = OF_COMMANDS.search(text)
    return LISTED.findall(text) + (re.split(r",\s+", commands[1]) if commands else [])


def find_imports(path: Path) -> Iterator[str]:
    """What a module imports at load or later: full names, those of modules where there are such."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            package = node.module or ""
            for alias in node.names:
                full = f"{package}.{alias.name}"
                yield full if full.removeprefix("gitslices.") in MODULES else package


def folder_of(module: str) -> str:
    path = MODULES[module]
    return module if path.name == "__init__.py" else module.rpartition(".")[0] or module


def test_imports_point_down() -> None:
    floors = {folder: floor for floor, folder in enumerate(list_parts(""))}
    places = {
        f"{folder}.{name}": place
        for folder in floors
        if MODULES[folder].name == "__init__.py"
        for place, name in enumerate(list_parts(folder))
    }
    wrong = []
    for module, path in MODULES.items():
        if module in {"", "__main__"}:
            continue
        for imported in find_imports(path):
            other = imported.removeprefix("gitslices.")
            if other == imported or other == "__version__":
                continue
            here, there = folder_of(module), folder_of(other)
            lower = (
                floors[there] < floors[here]
                if here != there
                else places.get(other, -1) < places.get(module, -1)
            )
            if not lower:
                wrong.append(f"{module} imports {other}")
    assert wrong == []


def test_every_module_is_listed_once_and_outside_libraries_have_one_door() -> None:
    for package, path in MODULES.items():
        if path.name != "__init__.py" or package in {"", "schemas"}:
            continue
        there = sorted(part.stem for part in path.parent.glob("*.py") if part != path)
        folders = {part.name for part in path.parent.iterdir() if part.is_dir()}
        assert sorted(set(list_parts(package)) - folders) == there
    for module, path in MODULES.items():
        for imported in find_imports(path):
            door = ONLY_IN.get(imported.partition(".")[0])
            assert door is None or folder_of(module) in door, f"{module} imports {imported}"


SHARED_NAMES = {"Failure"}
"""Class names that still mean two things; the set only shrinks."""


def test_a_class_name_means_one_thing() -> None:
    counts = Counter(
        node.name
        for path in MODULES.values()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in counts.items() if count > 1} == SHARED_NAMES
