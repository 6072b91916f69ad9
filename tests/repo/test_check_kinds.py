"""Every kind of change, in files, index and commits, is judged by both its old and its new path."""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from msgspec import convert

from gitslices.core.model import TaskGraph
from tests.support.quick import commits_plainly, refresh
from tests.support.repositories import commit_all, commit_quietly, git
from tests.support.slices import apply_graph, check_at, find_owners
from tests.support.workspaces import open_at

Act = Callable[[Path], object]
Owners = Mapping[str, str | None]

GRAPH: Final = {
    "goal_id": "shop",
    "tasks": [
        {"id": "api", "owner_role": "w",
         "write_set": ["src/api/", "!src/api/vendor/", "assets/*.png", "lib/part/x.c", "Ünï/",
                       "tools/[slug]/page.py"]},
        {"id": "web", "owner_role": "w", "write_set": ["src/web/"]},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worktree of slice api, in a repository with one of everything."""
    repo = tmp_path_factory.mktemp("kinds") / "shop"
    for path in ("Makefile", "src/api/a.py", "src/api/b.py", "src/web/w.ts", "src/web/x/y.ts",
                 "docs/a.md", "src/api/vendor/v.py", "assets/a.png"):  # fmt: skip
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(f"{path}\n" * 5)
    (repo / "link").symlink_to("Makefile")
    (repo / ".gitignore").write_text("*.log\n")
    git(repo, "init", "--quiet")
    commit = commit_all(repo)
    for path in ("lib/part", "other/part"):
        (repo / path).mkdir(parents=True)
        git(repo, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    git(repo, "commit", "--quiet", "-m", "Submodules")
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return repo.parent / "shop.slices" / "shop--api"


@pytest.fixture
def api(base: Path) -> Iterator[Path]:
    yield base
    git(base, "reset", "--quiet", "--hard", "main")
    git(base, "clean", "-ffdxq")


def write(name: str | bytes) -> Act:
    def act(top: Path) -> None:
        path = top / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("new\n")

    return act


def modify(name: str) -> Act:
    return lambda top: (top / name).open("a").write("more\n")


def delete(name: str) -> Act:
    return lambda top: (top / name).unlink()


def move(old: str, new: str) -> Act:
    def act(top: Path) -> None:
        (top / new).parent.mkdir(parents=True, exist_ok=True)
        (top / old).rename(top / new)

    return act


def copy(old: str, new: str) -> Act:
    return lambda top: shutil.copy(top / old, top / new)


def make_executable(name: str) -> Act:
    return lambda top: (top / name).chmod(0o755)


def link(name: str, to: str) -> Act:
    def act(top: Path) -> None:
        (top / name).unlink(missing_ok=True)
        (top / name).symlink_to(to)

    return act


def make_folder_of(name: str) -> Act:
    def act(top: Path) -> None:
        (top / name).unlink()
        (top / name).mkdir()
        (top / name / "x").write_text("new\n")

    return act


def make_file_of(name: str) -> Act:
    def act(top: Path) -> None:
        shutil.rmtree(top / name)
        (top / name).write_text("new\n")

    return act


def add_repository(name: str) -> Act:
    def act(top: Path) -> None:
        git(top, "init", "--quiet", name)
        git(top / name, "commit", "--quiet", "--allow-empty", "-m", "Part")

    return act


def add_submodule(name: str) -> Act:
    def act(top: Path) -> None:
        add_repository(name)(top)
        git(top, "config", "--file", ".gitmodules", f"submodule.{name}.path", name)

    return act


def bump_submodule(name: str) -> Act:
    def act(top: Path) -> None:
        git(top, "update-index", "--cacheinfo", f"160000,{git(top, 'rev-parse', 'main')},{name}")

    return act


KINDS: Final[dict[str, tuple[Act, Owners]]] = {
    "nothing": (lambda top: None, {}),
    "touch": (lambda top: os.utime(top / "Makefile", (1, 1)), {}),
    "add inside": (write("src/api/new.py"), {}),
    "add outside": (write("notes.txt"), {"notes.txt": None}),
    "add in a new folder": (write("deep/er/x"), {"deep/er/x": None}),
    "add in another slice": (write("src/web/new.ts"), {"src/web/new.ts": "web"}),
    "add in an excluded folder": (write("src/api/vendor/n"), {"src/api/vendor/n": None}),
    "add what a pattern covers": (write("assets/b.png"), {}),
    "add below a pattern": (write("assets/x/b.png"), {"assets/x/b.png": None}),
    "add beside a pattern": (write("assets/b.jpg"), {"assets/b.jpg": None}),
    "add a path spelled like a pattern": (write("tools/[slug]/page.py"), {}),
    "add a path that begins like the scope": (write("src/apiary"), {"src/apiary": None}),
    "modify inside": (modify("src/api/a.py"), {}),
    "modify outside": (modify("Makefile"), {"Makefile": None}),
    "modify in another slice": (modify("src/web/w.ts"), {"src/web/w.ts": "web"}),
    "delete inside": (delete("src/api/a.py"), {}),
    "delete outside": (delete("docs/a.md"), {"docs/a.md": None}),
    "rename within": (move("src/api/a.py", "src/api/c.py"), {}),
    "rename out": (move("src/api/a.py", "docs/b.md"), {"docs/b.md": None}),
    "rename in": (move("docs/a.md", "src/api/c.md"), {"docs/a.md": None}),
    "rename elsewhere": (
        move("Makefile", "src/web/Makefile"),
        {"Makefile": None, "src/web/Makefile": "web"},
    ),
    "rename a folder out": (
        move("src/web/x", "docs/x"),
        {"src/web/x/y.ts": "web", "docs/x/y.ts": None},
    ),
    "copy in": (copy("Makefile", "src/api/Makefile"), {}),
    "copy out": (copy("src/api/a.py", "docs/a.py"), {"docs/a.py": None}),
    "mode inside": (make_executable("src/api/a.py"), {}),
    "mode outside": (make_executable("Makefile"), {"Makefile": None}),
    "link inside, to the outside": (link("src/api/out", "../../Makefile"), {}),
    "link outside": (link("new-link", "src/api/a.py"), {"new-link": None}),
    "retarget a link": (link("link", "docs/a.md"), {"link": None}),
    "file to link": (link("docs/a.md", "../Makefile"), {"docs/a.md": None}),
    "file to folder": (make_folder_of("Makefile"), {"Makefile": None, "Makefile/x": None}),
    "folder to file": (
        make_file_of("src/web"),
        {"src/web": "web", "src/web/w.ts": "web", "src/web/x/y.ts": "web"},
    ),
    "repository inside": (add_repository("src/api/part"), {"src/api/part": None}),
    "submodule inside": (add_submodule("src/api/part"), {".gitmodules": None}),
    "submodule outside": (add_submodule("part"), {".gitmodules": None, "part": None}),
    "submodule moved inside": (bump_submodule("lib/part"), {}),
    "submodule moved outside": (bump_submodule("other/part"), {"other/part": None}),
    "case of a name inside": (move("src/api/a.py", "src/api/A.py"), {}),
    "case of a name outside": (move("Makefile", "makefile"), {"Makefile": None, "makefile": None}),
    "spaces": (write("two  words "), {"two  words ": None}),
    "newline": (write("new\nline"), {"new\nline": None}),
    "newline inside": (write("src/api/new\nline"), {}),
    "tab and quotes": (write('a\t"b"'), {'a\t"b"': None}),
    "no UTF-8": (write(b"caf\xe9"), {"caf\udce9": None}),
    "no UTF-8 inside": (write(b"src/api/caf\xe9"), {}),
    "other scripts": (write("Ünï/ж"), {}),
    "a name like an option": (write("--help"), {"--help": None}),
    "a name like a pattern": (write("*"), {"*": None}),
    "ignored": (write("debug.log"), {}),
    "empty folder": (lambda top: (top / "empty").mkdir(), {}),
    "git's own settings": (
        write(".gitattributes"), {".gitattributes": None},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_judged_before_anything_is_staged(api: Path, kind: str) -> None:
    act, owners = KINDS[kind]
    act(api)
    assert find_owners(check_at(api)) == owners


@pytest.mark.parametrize("kind", KINDS)
def test_the_index_is_judged_as_the_commit_it_will_be(api: Path, kind: str) -> None:
    act, owners = KINDS[kind]
    act(api)
    git(api, "add", "--all")
    assert find_owners(check_at(api, staged=True)) == owners


@pytest.mark.parametrize("kind", KINDS)
def test_commits_are_judged_whoever_made_them(api: Path, kind: str) -> None:
    act, owners = KINDS[kind]
    act(api)
    commit_quietly(api)
    assert find_owners(check_at(api)) == owners
    assert find_owners(check_at(api, commits="main..HEAD")) == owners


UNUSUAL: Final = frozenset({
    "submodule moved inside", "submodule inside", "no UTF-8 inside", "other scripts",
})  # fmt: skip
"""What may be committed, and yet is for the whole program to say."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_answer_is_yes_where_all_is_plain_and_nowhere_else(api: Path, kind: str) -> None:
    refresh(api)
    act, owners = KINDS[kind]
    act(api)
    git(api, "add", "--all")
    assert commits_plainly(api) == (owners == {} and kind not in UNUSUAL)


@pytest.mark.parametrize("seed", range(12))
def test_the_quick_answer_to_several_changes_is_never_yes_alone(api: Path, seed: int) -> None:
    chance = random.Random(seed)
    refresh(api)
    harmless = [kind for kind, (_, owners) in KINDS.items() if owners == {}]
    some = chance.sample(sorted(KINDS), 1) if seed % 2 else []
    for kind in (*some, *chance.sample(harmless, 3)):
        # One change may have taken away what another needs.
        with suppress(OSError):
            KINDS[kind][0](api)
    git(api, "add", "--all")
    if commits_plainly(api):
        assert find_owners(check_at(api, staged=True)) == {}
