"""However a commit is made, the fence holds; and what came from the target passes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from msgspec import convert

from gitslices.core.model import TaskGraph
from gitslices.ops.hook import InstallRequest, install
from tests.support.commands import Finished
from tests.support.repositories import commit_all, commit_quietly, git, git_without_hooks
from tests.support.slices import apply_graph, check_at, find_owners
from tests.support.workspaces import open_at

GRAPH: Final = {
    "goal_id": "shop",
    "tasks": [
        {"id": "api", "owner_role": "w", "write_set": ["src/api/"]},
        {"id": "web", "owner_role": "w", "write_set": ["src/web/"]},
    ],
}

TRACES: Final = {
    "rebase": "rebase-merge",
    "cherry-pick": "CHERRY_PICK_HEAD",
    "revert": "REVERT_HEAD",
}


def run_git(directory: Path, *args: str, **extra: str) -> Finished:
    """Run git, hooks and all, whatever comes of it."""
    done = subprocess.run(
        ["git", *args], cwd=directory, capture_output=True, check=False, text=True,
        env={**os.environ, "GIT_EDITOR": "true", **extra}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("commits") / "shop"
    for path in ("Makefile", "src/api/a.py", "src/api/sub/b.py", "src/web/w.ts"):
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(f"{path}\n" * 9)
    git(repo, "init", "--quiet")
    commit_all(repo)
    git(repo, "tag", "start")
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    install(open_at(repo), InstallRequest(python=sys.executable))
    return repo


@pytest.fixture
def api(shop: Path) -> Iterator[Path]:
    worktree = shop.parent / "shop.slices" / "shop--api"
    yield worktree
    for verb, trace in TRACES.items():
        if (shop / ".git" / "worktrees" / "shop--api" / trace).exists():
            git(worktree, verb, "--quit")
    git_without_hooks(worktree, "checkout", "--quiet", "-fB", "slices/shop/api", "start")
    git(worktree, "clean", "-fdxq")
    git(shop, "reset", "--quiet", "--hard", "start")


def change(worktree: Path, *names: str, text: str = "more\n") -> None:
    for name in names:
        (worktree / name).parent.mkdir(exist_ok=True)
        with (worktree / name).open("a") as file:
            file.write(text)


Commit = Callable[[Path], Finished]


def commit_index(top: Path) -> Finished:
    git(top, "add", "--all")
    return run_git(top, "commit", "-m", "x")


def commit_amending(top: Path) -> Finished:
    git_without_hooks(top, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(top, "add", "--all")
    return run_git(top, "commit", "--amend", "--no-edit")


def commit_elsewhere(top: Path) -> Finished:
    git(top, "add", "--all")
    env = {"GIT_DIR": git(top, "rev-parse", "--absolute-git-dir"), "GIT_WORK_TREE": str(top)}
    return run_git(top.parent, "commit", "-m", "x", **env)


def commit_own_index(top: Path) -> Finished:
    index = str(top.parent / "own-index")
    git(top, "read-tree", "HEAD", GIT_INDEX_FILE=index)
    git(top, "add", "--all", GIT_INDEX_FILE=index)
    return run_git(top, "commit", "-m", "x", GIT_INDEX_FILE=index)


def commit_from_stash(top: Path) -> Finished:
    git(top, "stash", "--include-untracked")
    git(top, "stash", "pop", "--index", "--quiet")
    return run_git(top, "commit", "-a", "-m", "x")


def cherry_pick(top: Path) -> Finished:
    commit = commit_quietly(top)
    git_without_hooks(top, "reset", "--quiet", "--hard", "start")
    return run_git(top, "cherry-pick", "--no-ff", commit)


def squash_merge(top: Path) -> Finished:
    commit = commit_quietly(top)
    git_without_hooks(top, "reset", "--quiet", "--hard", "start")
    git(top, "merge", "--quiet", "--squash", commit)
    return run_git(top, "commit", "-m", "x")


def merge_branch(top: Path) -> Finished:
    commit = commit_quietly(top)
    git_without_hooks(top, "reset", "--quiet", "--hard", "start")
    git_without_hooks(top, "commit", "--quiet", "--allow-empty", "-m", "own")
    return run_git(top, "merge", "--no-edit", commit)


def revert(top: Path) -> Finished:
    commit_quietly(top)
    git_without_hooks(top, "revert", "--no-edit", "HEAD")
    return run_git(top, "revert", "--no-edit", "HEAD")


def rebase(top: Path) -> Finished:
    commit_quietly(top)
    git_without_hooks(top, "commit", "--quiet", "--allow-empty", "-m", "own")
    return run_git(top, "rebase", "--force-rebase", "--keep-empty", "start")


def commit_detached(top: Path) -> Finished:
    git(top, "switch", "--quiet", "--detach")
    return run_git(top, "commit", "-am", "x")


def commit_on_another_branch(top: Path) -> Finished:
    git(top, "switch", "--quiet", "-C", "elsewhere")
    return run_git(top, "commit", "-am", "x")


WAYS: Final[dict[str, Commit]] = {
    "commit": commit_index,
    "commit -a": lambda top: run_git(top, "commit", "-am", "x"),
    "commit --no-verify": lambda top: run_git(top, "commit", "--no-verify", "-am", "x"),
    "commit PATH": lambda top: run_git(top, "commit", "-m", "x", "Makefile", "src"),
    "commit --only": lambda top: run_git(top, "commit", "-n", "-m", "x", "-o", "Makefile", "src"),
    "commit --include": lambda top: run_git(top, "commit", "-m", "x", "-i", "Makefile", "src"),
    "commit from a subfolder": lambda top: run_git(top / "src" / "api", "commit", "-am", "x"),
    "commit -C": lambda top: run_git(top.parent, "-C", str(top), "commit", "-am", "x"),
    "commit with GIT_DIR": commit_elsewhere,
    "commit with GIT_INDEX_FILE": commit_own_index,
    "commit --amend": commit_amending,
    "commit after a stash": commit_from_stash,
    "commit detached": commit_detached,
    "commit on another branch": commit_on_another_branch,
    "cherry-pick": cherry_pick,
    "revert": revert,
    "rebase": rebase,
    "merge": merge_branch,
    "merge --squash": squash_merge,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_change_outside_the_scope_is_not_committed(api: Path, way: str) -> None:
    change(api, "src/api/a.py", "Makefile")
    done = WAYS[way](api)
    assert done.code != 0
    assert "api: 1 change outside the write scope\n  Makefile   in no slice\n" in done.err
    assert "more" not in git(api, "show", "HEAD:Makefile")


@pytest.mark.parametrize("way", WAYS)
def test_a_change_inside_the_scope_is_committed(api: Path, way: str) -> None:
    change(api, "src/api/a.py")
    done = WAYS[way](api)
    assert done.code == 0, done.err
    assert done.err.count("gitslices") == 0
    assert "more" in git(api, "show", "HEAD:src/api/a.py")


def test_only_the_paths_that_are_committed_count(api: Path) -> None:
    change(api, "src/api/a.py", "Makefile")
    git(api, "add", "--all")
    assert run_git(api, "commit", "-m", "x", "src/api/a.py").code == 0
    assert run_git(api, "commit", "-m", "x").code == 1


def test_taking_a_change_back_is_allowed(api: Path) -> None:
    change(api, "Makefile", "src/web/w.ts")
    commit_quietly(api)
    git(api, "checkout", "start", "--", "Makefile")
    done = run_git(api, "commit", "-m", "half")
    assert "src/web/w.ts   in slice web" in done.err
    git(api, "checkout", "start", "--", "src/web/w.ts")
    assert run_git(api, "commit", "-m", "whole").code == 0
    assert check_at(api).ok


def commit_on_main(shop: Path, *names: str, text: str = "target\n") -> str:
    change(shop, *names, text=text)
    return commit_quietly(shop)


def test_a_merge_of_the_target_passes_with_all_that_it_brings(shop: Path, api: Path) -> None:
    change(api, "src/api/a.py")
    commit_index(api)
    commit_on_main(shop, "Makefile", "src/web/w.ts", "new.txt")
    assert run_git(api, "merge", "--no-edit", "main").code == 0
    assert check_at(api).ok
    change(api, "Makefile")
    assert find_owners(check_at(api)) == {"Makefile": None}


def test_a_merge_of_the_target_brings_nothing_else_along(shop: Path, api: Path) -> None:
    change(api, "src/api/a.py")
    commit_index(api)
    commit_on_main(shop, "Makefile")
    git_without_hooks(api, "merge", "--no-commit", "main")
    change(api, "src/web/w.ts")
    git(api, "add", "--all")
    done = run_git(api, "commit", "--no-edit")
    assert done.code == 1
    assert "src/web/w.ts   in slice web" in done.err
    assert "Makefile" not in done.err


def test_undoing_what_the_target_did_is_a_change(shop: Path, api: Path) -> None:
    commit_on_main(shop, "Makefile")
    git_without_hooks(api, "merge", "--quiet", "main")
    git(api, "checkout", "start", "--", "Makefile")
    done = run_git(api, "commit", "-m", "x")
    assert "Makefile   in no slice" in done.err


def test_a_conflict_with_the_target_may_be_resolved_inside_the_scope(shop: Path, api: Path) -> None:
    change(api, "src/api/a.py", text="ours\n")
    commit_index(api)
    commit_on_main(shop, "src/api/a.py", "Makefile", text="theirs\n")
    assert run_git(api, "merge", "main").code == 1
    assert check_at(api).ok
    (api / "src/api/a.py").write_text("both\n")
    assert commit_index(api).code == 0
    assert check_at(api).ok


def test_a_commit_of_the_target_may_be_picked_and_the_target_rebased_onto(
    shop: Path, api: Path
) -> None:
    change(api, "src/api/a.py")
    commit_index(api)
    commit = commit_on_main(shop, "Makefile")
    commit_on_main(shop, "src/web/w.ts")
    assert run_git(api, "cherry-pick", commit).code == 0
    assert check_at(api).ok
    assert run_git(api, "rebase", "main").code == 0
    assert check_at(api).ok


def test_two_merges_across_each_other_leave_nothing_behind(shop: Path, api: Path) -> None:
    change(api, "src/api/a.py")
    commit_index(api)
    first = commit_on_main(shop, "Makefile")
    git_without_hooks(shop, "merge", "--quiet", "--no-edit", "slices/shop/api")
    git_without_hooks(api, "merge", "--quiet", "--no-edit", first)
    change(api, "src/api/a.py")
    assert commit_index(api).code == 0
    assert check_at(api).ok


def test_a_merged_slice_has_nothing_left_to_judge(shop: Path, api: Path) -> None:
    change(api, "src/api/a.py")
    commit_index(api)
    git_without_hooks(shop, "merge", "--quiet", "--no-edit", "slices/shop/api")
    commit_on_main(shop, "src/api/a.py", "Makefile")
    assert check_at(api).ok


def test_the_branch_of_another_slice_is_not_the_target(shop: Path, api: Path) -> None:
    web = shop.parent / "shop.slices" / "shop--web"
    change(web, "src/web/w.ts")
    commit_quietly(web)
    change(api, "src/api/a.py")
    commit_index(api)
    done = run_git(api, "merge", "--no-edit", "slices/shop/web")
    git_without_hooks(web, "reset", "--quiet", "--hard", "start")
    assert done.code != 0
    assert "src/web/w.ts   in slice web" in done.err


def test_the_branch_of_a_slice_is_fenced_in_any_worktree(shop: Path, api: Path) -> None:
    git(api, "switch", "--quiet", "--detach")
    git_without_hooks(shop, "switch", "--quiet", "slices/shop/api")
    change(shop, "Makefile")
    done = run_git(shop, "commit", "-nam", "x")
    git_without_hooks(shop, "switch", "--quiet", "-f", "main")
    assert done.code == 1
    assert "api: 1 change outside" in done.err


def test_elsewhere_hooks_say_nothing(shop: Path, api: Path, tmp_path: Path) -> None:
    git_without_hooks(
        shop, "worktree", "add", "--quiet", "-f", "-B", "mine", str(tmp_path / "mine")
    )
    change(tmp_path / "mine", "Makefile", "src/web/w.ts")
    done = run_git(tmp_path / "mine", "commit", "-qam", "x")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("refspec", ["slices/shop/api", "HEAD:topic", "HEAD:slices/shop/api"])
def test_a_push_of_a_slice_is_checked(api: Path, tmp_path: Path, refspec: str) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "up.git")
    change(api, "src/api/a.py")
    commit_index(api)
    assert run_git(api, "push", str(tmp_path / "up.git"), refspec.replace("topic", "ok")).code == 0
    change(api, "Makefile")
    commit_quietly(api)
    done = run_git(api, "push", str(tmp_path / "up.git"), refspec)
    assert done.code == 1
    assert "Makefile   in no slice" in done.err


def test_other_pushes_and_deletions_pass(shop: Path, api: Path, tmp_path: Path) -> None:
    up = str(tmp_path / "up.git")
    git(tmp_path, "init", "--quiet", "--bare", "up.git")
    change(api, "Makefile")
    commit_quietly(api)
    git_without_hooks(api, "push", "--quiet", up, "slices/shop/api")
    assert run_git(shop, "push", "--quiet", up, "main", "start") == Finished(0, "", "")
    assert run_git(shop, "push", "--quiet", up, ":slices/shop/api") == Finished(0, "", "")


def test_without_gitslices_a_slice_is_closed_and_the_rest_open(shop: Path, api: Path) -> None:
    hook = shop / ".git" / "hooks" / "prepare-commit-msg"
    text = hook.read_text()
    hook.write_text(text.replace(f"python={sys.executable}", "python=/gone/python"))
    assert hook.read_text() != text
    path = "/usr/bin:/bin"
    change(api, "src/api/a.py")
    change(shop, "Makefile")
    inside = run_git(api, "commit", "-am", "x", PATH=path)
    outside = run_git(shop, "commit", "-qam", "x", PATH=path)
    hook.write_text(text)
    assert inside.code == 1
    assert "neither /gone/python nor gitslices on PATH can be run" in inside.err
    assert outside.code == 0


def test_a_slice_whose_state_is_gone_is_closed(shop: Path, api: Path, tmp_path: Path) -> None:
    change(api, "src/api/a.py")
    (shop / ".git" / "gitslices").rename(tmp_path / "state")
    done = run_git(api, "commit", "-nam", "x")
    shutil.rmtree(shop / ".git" / "gitslices")
    (tmp_path / "state").rename(shop / ".git" / "gitslices")
    assert done.code == 1
    assert "slice 'api' of goal 'shop', which is not in the store" in done.err


def test_modules_of_the_project_do_not_stand_in_for_those_of_gitslices(api: Path) -> None:
    change(api, "src/api/a.py")
    (api / "click.py").write_text("raise SystemExit(0)\n")
    change(api, "Makefile")
    assert run_git(api, "commit", "-am", "x").code == 1


def test_a_hook_imports_nothing_that_takes_long() -> None:
    slow = {"click", "filelock", "git", "rich", "gitslices.scopes.overlap"}
    script = f"import sys, gitslices.cli.git_hook; print({slow!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"set()\n"
