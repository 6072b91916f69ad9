"""Hooks beside those of husky, lefthook, simple-git-hooks and pre-commit, the real ones."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from gitslices.core.errors import RefusedError
from gitslices.ops.hook import InstallRequest, install, read_hooks, uninstall
from tests.support.repositories import commit_all, git
from tests.support.slices import Desk, examine

PACKAGES = ("husky@9.1.7", "lefthook@2.1.0", "simple-git-hooks@2.13.1")
PRE_COMMIT = "pre-commit==4.7.0"
REQUEST = InstallRequest(python=sys.executable)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the managers' programs."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not there, from which the hook managers come")
    # Once for all workers of pytest-xdist, whose folders lie side by side.
    folder = tmp_path_factory.getbasetemp().parent / "hook-managers"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "node_modules" / ".bin" / "husky").exists():
            _install(npm, folder)
    return folder / "node_modules" / ".bin"


def _install(npm: str, folder: Path) -> None:
    environ = {**os.environ, "HOME": str(folder), "npm_config_cache": str(folder / "cache")}
    argv = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    done = subprocess.run(
        argv, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        pytest.skip(f"npm cannot install the hook managers: {done.stderr[-200:]}")


@pytest.fixture
def run(tools: Path, repo: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a manager in the main worktree; its own hooks find it, too."""
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")

    def run(*argv: str) -> str:
        return subprocess.run(
            argv, cwd=repo, check=True, capture_output=True, text=True
        ).stdout  # fmt: skip

    return run


def try_commit(top: Path, name: str) -> bool:
    """Whether a commit of a new file goes through in a worktree."""
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    with (top / name).open("a") as file:
        file.write("x\n")
    git(top, "add", name)
    done = subprocess.run(["git", "commit", "-qm", "x"], cwd=top, check=False, capture_output=True)
    if done.returncode:
        assert b"outside the write scope" in done.stdout + done.stderr, done.stderr.decode()
        git(top, "rm", "-qf", name)
    return done.returncode == 0


def expect_fence(desk: Desk) -> None:
    report = read_hooks(desk.workspace)
    assert (report.ok, report.unguarded) == (True, ())
    top = desk.worktree("a")
    assert try_commit(top, "src/mine")
    assert not try_commit(top, "elsewhere")
    assert examine(desk.repo) == ()


def test_husky_calls_ours_and_is_in_new_slices(run: Callable[..., str], repo: Path) -> None:
    run("husky")
    (repo / ".husky" / "pre-push").write_text("#!/bin/sh\ncat > pushed\n")
    desk = Desk(repo)
    desk.apply({"id": "early", "write_set": ["docs/"]})
    report = install(desk.workspace, REQUEST)
    assert [one.slice_id for one in report.unguarded] == ["early"]
    (told,) = examine(repo)
    assert (told.hint or "").startswith("commit what makes husky call ours")
    assert ".husky/prepare-commit-msg" in report.changed
    commit_all(repo, "Hooks")
    desk.apply({"id": "early", "write_set": ["docs/"]}, {"id": "a", "write_set": ["src/"]})
    git(desk.worktree("early"), "merge", "--quiet", "--ff-only", "main")
    assert read_hooks(desk.workspace).manager == "husky"
    assert (desk.worktree("a") / ".husky" / "_" / "h").is_file()
    assert git(desk.worktree("a"), "status", "--porcelain") == ""
    expect_fence(desk)
    run("husky")
    assert install(desk.workspace, REQUEST).changed == ()
    expect_fence(desk)
    origin = repo.parent / "origin.git"
    git(repo.parent, "init", "-q", "--bare", str(origin))
    git(repo, "push", "-q", str(origin), "HEAD:refs/heads/main")
    assert (repo / "pushed").read_text().startswith("HEAD ")
    uninstall(desk.workspace)
    assert (repo / ".husky" / "pre-push").read_text() == "#!/bin/sh\ncat > pushed\n"
    assert not (repo / ".husky" / "prepare-commit-msg").exists()


def test_lefthook_runs_ours_among_its_commands_however_often_it_syncs(
    run: Callable[..., str], repo: Path
) -> None:
    config = repo / "lefthook.yml"
    before = "prepare-commit-msg:\n  commands:\n    theirs:\n      run: touch ran\n"
    config.write_text(before)
    run("lefthook", "install")
    desk = Desk(repo)
    report = install(desk.workspace, REQUEST)
    assert (report.manager, report.changed) == ("lefthook", ("lefthook.yml",))
    commit_all(repo, "Hooks")
    desk.apply({"id": "a", "write_set": ["src/"]})
    (desk.worktree("a") / "ran").unlink(missing_ok=True)
    for _ in range(2):
        expect_fence(desk)
        config.write_text(config.read_text() + "# a change\n")
        run("lefthook", "install")
        assert install(desk.workspace, REQUEST).ok
    assert (desk.worktree("a") / "ran").is_file()
    uninstall(desk.workspace)
    assert config.read_text().startswith(before)


TOML = """\
# theirs
[prepare-commit-msg.commands.theirs]
run = "touch ran"
"""
JSON = """\
{
  "prepare-commit-msg": {
    "jobs": [
      {
        "name": "theirs",
        "run": "touch ran"
      }
    ]
  }
}
"""


@pytest.mark.parametrize(("file", "before"), [("lefthook.toml", TOML), (".lefthook.json", JSON)])
def test_lefthook_runs_ours_from_its_other_notations(
    run: Callable[..., str], repo: Path, file: str, before: str
) -> None:
    config = repo / file
    config.write_text(before)
    run("lefthook", "install")
    desk = Desk(repo)
    report = install(desk.workspace, REQUEST)
    assert (report.manager, report.changed) == ("lefthook", (file,))
    assert install(desk.workspace, REQUEST).changed == ()
    commit_all(repo, "Hooks")
    desk.apply({"id": "a", "write_set": ["src/"]})
    (desk.worktree("a") / "ran").unlink(missing_ok=True)
    expect_fence(desk)
    assert (desk.worktree("a") / "ran").is_file()
    uninstall(desk.workspace)
    assert config.read_text() == before


def test_comments_in_json_are_left_to_a_person(repo: Path) -> None:
    config = repo / "lefthook.jsonc"
    config.write_text('{ // ours\n"pre-push": {"commands": {"a": {"run": "true"}}}}\n')
    with pytest.raises(RefusedError) as refused:
        install(Desk(repo).workspace, REQUEST)
    assert "JSON with comments" in str(refused.value.problems)
    assert "// ours" in config.read_text()


def test_hooks_that_lefthook_has_put_aside_are_installed_again_and_again(
    run: Callable[..., str], repo: Path
) -> None:
    desk = Desk(repo)
    install(desk.workspace, REQUEST)
    config = repo / "lefthook.yml"
    for number in range(3):
        config.write_text(f"post-merge:\n  commands:\n    n{number}:\n      run: 'true'\n")
        run("lefthook", "install")
        assert install(desk.workspace, REQUEST).ok


def test_simple_git_hooks_leaves_ours_and_calls_them(run: Callable[..., str], repo: Path) -> None:
    package = repo / "package.json"
    before = (
        '{\n  "name": "shop",\n  "simple-git-hooks": {\n    "pre-push": "cat > pushed"\n  }\n}\n'
    )
    package.write_text(before)
    run("simple-git-hooks")
    desk = Desk(repo)
    report = install(desk.workspace, REQUEST)
    assert (report.manager, report.changed) == ("simple-git-hooks", ("package.json",))
    run("simple-git-hooks")
    commit_all(repo, "Hooks")
    desk.apply({"id": "a", "write_set": ["src/"]})
    expect_fence(desk)
    origin = repo.parent / "origin.git"
    git(repo.parent, "init", "-q", "--bare", str(origin))
    git(repo, "push", "-q", str(origin), "HEAD:refs/heads/main")
    assert (repo / "pushed").read_text().startswith("HEAD ")
    uninstall(desk.workspace)
    assert package.read_text() == before


@pytest.fixture(scope="session")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the Python modules of pre-commit."""
    folder = tmp_path_factory.getbasetemp().parent / "pre-commit"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "pre_commit").is_dir():
            pip = [sys.executable, "-m", "pip", "install", "--quiet"]
            argv = [*pip, "--target", str(folder), PRE_COMMIT]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)
            if done.returncode:
                pytest.skip(f"pip cannot install pre-commit: {done.stderr[-200:]}")
    return folder


@pytest.mark.parametrize("ours_first", [True, False])
def test_pre_commit_runs_its_hooks_and_ours(
    framework: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, ours_first: bool
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(framework))
    monkeypatch.setenv("PRE_COMMIT_HOME", str(repo.parent / "cache"))
    types = ("pre-commit", "prepare-commit-msg", "pre-push")
    hook = {"id": "theirs", "name": "theirs", "language": "system", "stages": list(types),
            "entry": "sh -c 'echo x >> ../theirs'", "always_run": True,
            "pass_filenames": False}  # fmt: skip
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    (repo / ".pre-commit-config.yaml").write_text(json.dumps(config))
    commit_all(repo, "Configure")
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})

    def install_theirs() -> None:
        kinds = (word for one in types for word in ("-t", one))
        argv = [sys.executable, "-m", "pre_commit", "install", *kinds]
        subprocess.run(argv, cwd=repo, check=True, capture_output=True)

    steps = [lambda: install(desk.workspace, REQUEST), install_theirs]
    for step in steps if ours_first else steps[::-1]:
        step()
    expect_fence(desk)
    ran = desk.worktree("a").parent / "theirs"
    assert ran.read_text().count("x") >= 2  # at pre-commit and at prepare-commit-msg
    install_theirs()
    install(desk.workspace, REQUEST)
    expect_fence(desk)
    uninstall(desk.workspace)
    ran.unlink()
    assert try_commit(desk.worktree("a"), "elsewhere")
    assert ran.exists()


def test_a_folder_of_one_worktree_alone_gets_hooks_of_its_own(repo: Path) -> None:
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    own = repo.parent / "own-hooks"
    own.mkdir()
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(desk.worktree("a"), "config", "--worktree", "core.hooksPath", str(own))
    install(desk.workspace, REQUEST)
    expect_fence(desk)
    uninstall(desk.workspace)
    assert list(own.iterdir()) == []


def test_a_folder_for_all_repositories_is_used(repo: Path) -> None:
    shared = repo.parent / "shared-hooks"
    git(repo, "config", "--global", "core.hooksPath", str(shared))
    try:
        desk = Desk(repo)
        desk.apply({"id": "a", "write_set": ["src/"]})
        assert install(desk.workspace, REQUEST).folder == str(shared)
        expect_fence(desk)
    finally:
        git(repo, "config", "--global", "--unset", "core.hooksPath")
