"""While a branch and its files move, no git of the user can write the index that goes with them."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gitslices.git.index import COPY
from gitslices.recovery.recovery import recover
from gitslices.state.journal import find_intent
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, read_status, slice_path, work
from tests.support.workspaces import open_at

MOMENTS = [
    "before read-tree -m -u",
    "after read-tree -m -u",
    "before update-ref --create-reflog",
    "after update-ref --create-reflog",
]


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a has changed the Makefile and made a document."""
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["Makefile", "docs/"]})
    work(workspace, "a", {"Makefile": "all: a\n", "docs/new.md": "new\n"})
    return workspace


def wrap_git(folder: Path, moment: str, *commands: str) -> dict[str, str]:
    """An environment whose git runs `commands` once, right before or after it is called so."""
    place, _, call = moment.partition(" ")
    git_path = shutil.which("git")
    lines = (f"env -u GIT_INDEX_FILE {command}" for command in commands)
    once = f"mkdir {shlex.quote(str(folder / 'once'))} 2>/dev/null && {{ {'; '.join(lines)}; }}"
    script = [
        "#!/bin/sh",
        f'case " $* " in *--dry-run*) exec {git_path} "$@";; *" {call} "*) ;;',
        f'*) exec {git_path} "$@";; esac',
        *([once] if place == "before" else []),
        f'{git_path} "$@"',
        "code=$?",
        *([once] if place == "after" else []),
        "exit $code",
    ]
    wrapper = folder / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text("\n".join(script))
    wrapper.chmod(0o755)
    return {"PATH": f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"}


def commit_by(repo: Path) -> str:
    real = str(shutil.which("git"))
    return shlex.join([real, "-C", str(repo), "commit", "--quiet", "-a", "-m", "Mine"]) + " || :"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_commit_beside_a_merge_reverts_nothing(
    cli: Cli, repo: Path, tmp_path: Path, workspace: Workspace, moment: str
) -> None:
    edit = f"sh -c 'echo mine >{shlex.quote(str(repo / 'README.md'))}'"
    done = cli("merge", "a", env=wrap_git(tmp_path, moment, edit, commit_by(repo)))
    assert done.code == 0, done.err
    assert git(repo, "show", "main:Makefile") == "all: a"
    git(repo, "commit", "--quiet", "-a", "--allow-empty", "-m", "Rest")
    assert git(repo, "show", "HEAD:README.md") == "mine"
    assert git(repo, "diff", "--name-only", "slices/default/a", "HEAD") == "README.md"
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_commit_beside_a_sync_reverts_nothing(
    cli: Cli, repo: Path, tmp_path: Path, workspace: Workspace, moment: str
) -> None:
    (repo / "README.md").write_text("later\n")
    commit_all(repo)
    top = slice_path(workspace, "a")
    edit = f"sh -c 'echo mine >{shlex.quote(str(top / 'docs/api.md'))}'"
    done = cli("sync", "a", env=wrap_git(tmp_path, moment, edit, commit_by(top)))
    assert done.code == 0, done.err
    git(top, "commit", "--quiet", "-a", "--allow-empty", "-m", "Rest")
    assert git(top, "show", "HEAD:docs/api.md") == "mine"
    assert git(top, "diff", "--name-only", "main", "HEAD").split() == [
        "Makefile", "docs/api.md", "docs/new.md"
    ]  # fmt: skip
    assert git(top, "status", "--porcelain") == ""


def test_the_lock_of_a_git_whose_editor_is_open_stays(
    cli: Cli, repo: Path, tmp_path: Path, workspace: Workspace
) -> None:
    said, go = tmp_path / "said", tmp_path / "go"
    os.mkfifo(said)
    os.mkfifo(go)
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho open >"{said}"\ncat "{go}" >"$1"\n')
    editor.chmod(0o755)
    (repo / "README.md").write_text("mine\n")
    before = git(repo, "rev-parse", "main")
    with subprocess.Popen(
        ["git", "-C", str(repo), "commit", "--quiet", "-a"],
        env={**os.environ, "GIT_EDITOR": str(editor)},
    ) as committing:
        assert said.read_text() == "open\n"
        busy = cli("merge", "a")
        after = git(repo, "rev-parse", "main")
        go.write_text("Mine\n")
    assert (busy.code, busy.out) == (4, "")
    assert str(repo / ".git/index.lock") in busy.err
    assert (after, find_intent(workspace.state_folder)) == (before, None)
    assert committing.returncode == 0
    assert cli("merge", "a").code == 0
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "show", "main:README.md", "main:Makefile") == "mine\nall: a"


def test_a_worktree_in_use_lets_no_branch_of_a_sync_move(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "b", "write_set": ["src/"]}, goal_id="other")
    work(workspace, "a", {"docs/more.md": "more\n"})
    (repo / "README.md").write_text("later\n")
    commit_all(repo)
    tips = git(repo, "for-each-ref")
    lock = repo / ".git/worktrees/default--a/index.lock"
    lock.touch()
    busy = cli("sync", "a", "--goal", "default")
    assert (busy.code, str(lock) in busy.err) == (4, True)
    assert git(repo, "for-each-ref") == tips
    assert lock.exists()
    lock.unlink()
    assert cli("sync", "a", "--goal", "default").code == 0


def test_a_slice_in_use_is_not_brought_forward_and_hinders_nobody(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    apply_tasks(workspace, {"id": "a", "write_set": ["docs/", "Makefile"]},
               {"id": "b", "write_set": ["src/"], "dependencies": ["a"]},
               {"id": "c", "write_set": ["web/"], "dependencies": ["a"]})  # fmt: skip
    lock = repo / ".git/worktrees/default--b/index.lock"
    lock.touch()
    done = cli("merge", "a")
    assert (done.code, done.out.splitlines()[1:]) == (0, ["brought forward: c"])
    assert cli("claim", "b", "--holder", "one").code == 0
    assert lock.exists()


def test_a_killed_merge_leaves_the_index_locked_until_it_is_completed(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    killed = cli("merge", "a", env={"GITSLICES_FAULT": "rename:index-copy"})
    assert killed.code == -9
    assert (repo / ".git/index.lock").exists()
    with pytest.raises(AssertionError, match=r"index\.lock"):
        git(repo, "commit", "-a", "-m", "Mine")
    recover(workspace)
    assert not (repo / ".git/index.lock").exists()
    assert not (repo / ".git" / COPY).exists()
    assert git(repo, "status", "--porcelain") == ""
    assert read_status(workspace, "a") == "merged"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="who has a lock open, /proc tells")
def test_a_git_that_outlives_a_killed_merge_is_waited_for(
    cli: Cli, repo: Path, tmp_path: Path, workspace: Workspace
) -> None:
    said, go = tmp_path / "said", tmp_path / "go"
    os.mkfifo(said)
    os.mkfifo(go)
    smudge = f"sh -c 'echo open >{said}; cat {go}; cat'"
    (repo / ".git/info/attributes").write_text("docs/new.md filter=slow\n")
    git(repo, "config", "filter.slow.smudge", smudge)
    with subprocess.Popen([sys.executable, "-m", "gitslices", "merge", "a"], cwd=repo) as merging:
        assert said.read_text() == "open\n"
        merging.kill()
    inner = repo / ".git" / f"{COPY}.lock"
    busy = cli("merge", "a")
    assert (busy.code, str(inner) in busy.err) == (4, True)
    assert inner.exists()
    go.write_text("")
    while inner.exists():
        os.sched_yield()
    git(repo, "config", "--unset", "filter.slow.smudge")
    recover(workspace)
    assert git(repo, "status", "--porcelain") == ""
    assert read_status(workspace, "a") == "merged"


@pytest.mark.parametrize("point", ["link:index-lock", "link:index-copy"])
def test_no_hard_links_are_needed(cli: Cli, repo: Path, workspace: Workspace, point: str) -> None:
    done = cli("merge", "a", env={"GITSLICES_FAULT": f"{point}:eio"})
    assert done.code == 0, done.err
    assert git(repo, "status", "--porcelain") == ""
    assert not (repo / ".git/index.lock").exists()


@pytest.mark.parametrize("kind", ["split", "monitored", "sparse"])
def test_an_index_of_any_kind_follows(
    cli: Cli, repo: Path, workspace: Workspace, kind: str
) -> None:
    if kind == "split":
        git(repo, "update-index", "--split-index")
    elif kind == "monitored":
        hook = repo / ".git/monitor"
        hook.write_text("#!/bin/sh\nprintf 'token\\0/\\0'\n")
        hook.chmod(0o755)
        git(repo, "config", "core.fsmonitor", str(hook))
        git(repo, "update-index", "--fsmonitor", "--untracked-cache")
    else:
        git(repo, "sparse-checkout", "set", "--sparse-index", "src")
    assert cli("merge", "a").code == 0
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / "docs/new.md").exists() == (kind != "sparse")
    git(repo, "fsck", "--no-progress")
