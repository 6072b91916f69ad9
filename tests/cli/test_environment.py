"""Where gitslices is called from, and in what kind of repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Cli, run_cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git, list_branches, make_repository


@pytest.fixture
def graph(tmp_path: Path) -> str:
    return write_graph(
        tmp_path / "g.json",
        {"id": "a", "write_set": ["src/"]},
        {"id": "b", "write_set": ["docs/"]},
    )


def test_outside_a_repository(tmp_path: Path, graph: str) -> None:
    done = run_cli(tmp_path, "plan", graph, "--json")
    assert done.code == 3
    assert done.document["error"]["code"] == "not-a-repository"


def test_a_directory_that_does_not_exist(cli: Cli, graph: str) -> None:
    done = cli("plan", graph, "-C", "nowhere")
    assert done.code == 2
    assert "Directory 'nowhere' does not exist" in done.err


@pytest.mark.parametrize("command", ["status", "claim", "doctor"])
def test_the_same_words_outside_a_repository_for_every_command(
    tmp_path: Path, command: str
) -> None:
    done = run_cli(tmp_path, command)
    assert done.code == 3
    assert done.err.startswith(f"error: {str(tmp_path)!r} is in no Git repository\n")


@pytest.mark.parametrize("command", ["status", "claim"])
def test_a_worktree_whose_repository_has_moved(repo: Path, tmp_path: Path, command: str) -> None:
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    repo.rename(tmp_path / "elsewhere")
    done = run_cli(tmp_path / "linked", command)
    assert done.code == 3
    assert f"git refuses '{tmp_path / 'linked'}': fatal: not a git repository: {repo}" in done.err
    assert done.err.endswith(
        "hint: if the repository was moved, run in it: gitslices doctor --fix\n"
    )


def test_no_commit_yet(tmp_path: Path, graph: str) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    done = run_cli(tmp_path / "empty", "plan", graph, "--json")
    assert done.code == 3
    assert done.document["error"]["code"] == "no-commit"
    assert "git commit --allow-empty" in done.document["error"]["hint"]


def test_a_bare_repository(repo: Path, tmp_path: Path, graph: str) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "shop.git")
    done = run_cli(tmp_path / "shop.git", "plan", graph, "--apply", "--json")
    assert done.code == 0, done.err
    assert (tmp_path / "shop.slices" / "default--a" / "Makefile").is_file()


def test_a_shallow_clone(repo: Path, tmp_path: Path, graph: str) -> None:
    commit_all(repo)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repo}", "shallow")
    assert run_cli(tmp_path / "shallow", "plan", graph, "--apply").code == 0
    assert (tmp_path / "shallow.slices" / "default--a" / "Makefile").is_file()


def test_a_partial_clone(repo: Path, tmp_path: Path, graph: str) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{repo}", "p")
    done = run_cli(tmp_path / "p", "plan", graph, "--apply", "--allow-dirty")
    assert done.code == 0, done.err
    assert (tmp_path / "p.slices" / "default--a" / "Makefile").is_file()


def test_sha256_objects(tmp_path: Path, graph: str) -> None:
    path = make_repository(tmp_path / "webshop", "--object-format=sha256")
    commit = git(path, "rev-parse", "HEAD")
    done = run_cli(path, "plan", graph, "--apply", "--json")
    assert done.code == 0, done.err
    assert done.document["base"]["commit"] == commit
    assert len(commit) == 64


def test_a_repository_that_git_does_not_trust(cli: Cli, graph: str) -> None:
    done = cli("plan", graph, "--json", env={"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    assert done.code == 3
    assert "safe.directory" in done.document["error"]["message"]


def test_git_missing_from_path(cli: Cli, graph: str, tmp_path: Path) -> None:
    done = cli("plan", graph, "--json", env={"PATH": str(tmp_path)})
    assert done.code == 3
    assert "git" in done.document["error"]["message"]
    assert "Traceback" not in done.err


def test_git_too_old(cli: Cli, graph: str, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.30.1\n")
    old.chmod(0o755)
    path = f"{old.parent}{os.pathsep}{os.environ['PATH']}"
    done = cli("plan", graph, "--json", env={"PATH": path})
    assert done.code == 3
    assert done.document["error"]["code"] == "git-too-old"
    assert "2.38" in done.document["error"]["hint"]


@pytest.mark.parametrize(
    "names",
    [["GIT_DIR"], ["GIT_INDEX_FILE"], ["GIT_WORK_TREE"], ["GIT_COMMON_DIR"],
     ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX"]],
    ids="+".join,
)  # fmt: skip
def test_a_hook_of_another_repository_does_not_lead_astray(
    cli: Cli, repo: Path, tmp_path: Path, graph: str, names: list[str]
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", "other")
    (other / "kept.txt").write_text("kept")
    commit_all(other)
    values = {
        "GIT_DIR": str(other / ".git"),
        "GIT_INDEX_FILE": str(other / ".git" / "index"),
        "GIT_WORK_TREE": str(other),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_PREFIX": "sub/",
    }
    env = {name: values[name] for name in names}
    done = run_cli(other, "plan", graph, "--apply", "-C", str(repo), env=env)
    assert done.code == 0, done.err
    assert list_branches(other) == ["main"]
    assert git(other, "status", "--porcelain") == ""
    assert list_branches(repo) == ["main", "slices/default/a", "slices/default/b"]
    for id_ in "ab":
        path = repo.parent / "webshop.slices" / f"default--{id_}"
        assert git(path, "status", "--porcelain") == ""


def test_settings_are_the_repositorys_whatever_file_git_config_names(
    cli: Cli, repo: Path, tmp_path: Path, graph: str
) -> None:
    git(repo, "config", "gitslices.prefix", "ours")
    (tmp_path / "other").write_text("[gitslices]\n\tprefix = theirs\n")
    done = cli("plan", graph, "--json", env={"GIT_CONFIG": str(tmp_path / "other")})
    assert done.document["slices"][0]["branch_name"].startswith("ours/")


@pytest.mark.parametrize("hook", ["pre-commit", "post-commit", "post-checkout", "post-merge"])
def test_called_from_a_git_hook(
    cli: Cli, repo: Path, tmp_path: Path, graph: str, hook: str
) -> None:
    script = repo / ".git" / "hooks" / hook
    script.parent.mkdir(exist_ok=True)
    script.write_text(
        f"#!/bin/sh\n{sys.executable} -m gitslices plan {graph} --apply --allow-dirty"
        f" >{tmp_path}/hook-out\n"
    )
    script.chmod(0o755)
    git(repo, "switch", "--quiet", "-c", "side")
    (repo / "Makefile").write_text("all:\n")
    git(repo, "add", "Makefile")
    git(repo, "commit", "--quiet", "-m", "From a hook's view")
    git(repo, "switch", "--quiet", "main")
    git(repo, "merge", "--quiet", "side")
    assert "default · 2 slices" in (tmp_path / "hook-out").read_text()
    assert list_branches(repo) == ["main", "side", "slices/default/a", "slices/default/b"]
    assert git(repo, "show", "--name-only", "--format=", "HEAD") == "Makefile"
    for id_ in "ab":
        path = repo.parent / "webshop.slices" / f"default--{id_}"
        assert git(path, "status", "--porcelain") == ""


def test_git_dir_names_the_repository_when_no_directory_does(
    repo: Path, tmp_path: Path, graph: str
) -> None:
    done = run_cli(tmp_path, "plan", graph, "--json", env={"GIT_DIR": str(repo / ".git")})
    assert done.code == 0, done.err
    assert done.document["base"]["commit"] == git(repo, "rev-parse", "main")


def test_hooks_elsewhere_do_not_run_for_bookkeeping(
    cli: Cli, repo: Path, tmp_path: Path, graph: str
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-index-change", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n")
        (hooks / name).chmod(0o755)
    git(repo, "config", "core.hooksPath", str(hooks))
    assert cli("plan", graph, "--apply").code == 0
    assert not list(tmp_path.glob("ran-*"))


def test_strange_names_in_the_tree(cli: Cli, repo: Path, tmp_path: Path) -> None:
    names = [b"src/two words.py", b'src/quo"te.py', b"src/new\nline.py", b"src/caf\xe9.py"]
    for name in names:
        (repo / os.fsdecode(name)).write_text("x")
    commit_all(repo)
    graph = write_graph(
        tmp_path / "g.json",
        {"id": "a", "write_set": ["src/*.py"]},
        {"id": "b", "write_set": ["src/caf?.py"]},
    )
    done = cli("plan", graph, "--json", "--order", "id")
    assert done.code == 0, done.err
    assert done.document["slices"][0]["write_files"] == 4
    assert done.document["overlap_serializations"][0]["path"] == "src/caf\\xe9.py"
    shown = cli("plan", graph, "--order", "id").out
    assert "src/caf\\xe9.py" in shown
    assert cli("plan", graph, "--apply").code == 0


@pytest.mark.parametrize(
    ("name", "shown", "flaw"),
    [(b"caf\xe9", "/caf\\xe9", "is not UTF-8"), (b"new\nline", "/new\nline", "line break")],
)
@pytest.mark.parametrize("argv", [("plan", "{graph}", "--apply"), ("status",)])
def test_a_path_that_no_document_holds_is_refused_by_name(
    repo: Path, graph: str, name: bytes, shown: str, flaw: str, argv: tuple[str, ...]
) -> None:
    path = repo.rename(repo.with_name(os.fsdecode(name)))
    done = run_cli(path, *(arg.format(graph=graph) for arg in argv), "--json")
    assert done.code == 3, done
    error = done.document["error"]
    assert error["code"] == "environment"
    assert shown in error["message"]
    assert flaw in error["message"]
    assert "another name" in error["hint"]
    assert not (path / ".git" / "gitslices").exists()


def test_a_path_with_anything_else_in_it_works(repo: Path, graph: str) -> None:
    path = repo.rename(repo.with_name("two\u2028lines, tab\tand\rreturn, é"))
    assert run_cli(path, "plan", graph, "--apply").code == 0
    assert run_cli(path, "status").code == 0
    top = path.with_name(f"{path.name}.slices") / "default--a"
    assert (top / "Makefile").is_file()
    assert run_cli(top, "check").code == 0


def test_a_worktree_of_the_users_may_have_any_path(repo: Path, graph: str) -> None:
    for name in (b"new\nline", b"caf\xe9"):
        path = repo.with_name(os.fsdecode(name))
        git(repo, "worktree", "add", "--quiet", "--detach", str(path))
        assert run_cli(path, "plan", graph, "--target", "main", "--apply").code == 0
        assert run_cli(path, "status", "--json").code == 0


def test_a_folder_for_worktrees_that_no_document_holds_is_refused(
    cli: Cli, repo: Path, graph: str
) -> None:
    git(repo, "config", "gitslices.worktreeRoot", os.fsdecode(b"../caf\xe9"))
    done = cli("plan", graph, "--json")
    assert done.code == 2
    assert "caf\\xe9' is not UTF-8" in done.document["error"]["message"]


def test_a_full_disk_leaves_the_repository_as_it_was(
    repo: Path, tmp_path: Path, graph: str
) -> None:
    full = Path("/dev/shm/gitslices-test-full")
    mount = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "true"], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("this machine does not let a test mount a small file system")
    script = f"""
        set -e
        mkdir -p {full} && mount -t tmpfs -o size=400k none {full}
        git -C {repo} config gitslices.worktreeRoot {full}/trees
        cd {repo}
        status=0
        {sys.executable} -m gitslices plan {graph} --apply --json > {tmp_path}/out || status=$?
        ls -A {full}/trees > {tmp_path}/left || true
        exit $status
    """
    # No size in git tells what a filter makes of a file.
    git(repo, "config", "filter.swell.smudge", "head -c 500000 /dev/zero")
    (repo / ".gitattributes").write_text("Makefile filter=swell\n")
    commit_all(repo)
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "unable to write file" in (tmp_path / "out").read_text()
    assert (tmp_path / "left").read_text() == ""
    assert list_branches(repo) == ["main"]
