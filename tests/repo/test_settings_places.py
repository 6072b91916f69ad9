"""Where the settings are read: in the target's last commit, and besides in the main worktree."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.errors import GateFailedError, UntrustedError
from gitslices.core.model import BranchName, SliceId
from gitslices.ops.doctor.doctor import DoctorRequest, doctor
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.log import read_evidence
from gitslices.ops.merge import MergeRequest, merge
from gitslices.repo_commands.gates import load_gates
from gitslices.repo_commands.trust import approve, read_trust
from gitslices.slices.settings import choose_merge_style, choose_sync_style, read_settings
from gitslices.system.settings import SettingsError, load_settings
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import Desk

MAIN = BranchName("main")
WALL = "local_verification_wall"
STRICT = f"""
[setup]
commands = ["echo ready"]
[gates]
{WALL} = "false"
[merge]
style = "squash"
sync = "rebase"
required_reviews = ["code_review"]
rerun_gates = true
"""


@pytest.fixture
def desk(repo: Path) -> Desk:
    """The branch `lax` has no settings, main strict ones; slice a is claimed and has a commit."""
    git(repo, "branch", "lax")
    write_settings(repo, STRICT)
    commit_all(repo, "Settings")
    desk = Desk(repo)
    desk.apply({"id": "a", "write_set": ["src/"]})
    path = Path(desk.claim("a").worktree_path)
    (path / "src" / "new.py").write_text("new")
    commit_all(path, "Work")
    return desk


def check_out_lax(repo: Path) -> None:
    git(repo, "switch", "--quiet", "lax")


def check_out_none(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/src/")


def delete_it(repo: Path) -> None:
    (repo / ".gitslices" / "config.toml").unlink()


def weaken_it(repo: Path) -> None:
    write_settings(repo, f'[gates]\n{WALL} = "true"\n[merge]\nstyle = "merge"\nsync = "merge"\n')


def detach(repo: Path) -> None:
    git(repo, "switch", "--quiet", "--detach", "lax")


LAPSES = [check_out_lax, check_out_none, delete_it, weaken_it, detach]


@pytest.mark.parametrize("lapse", LAPSES)
def test_what_the_target_asks_for_holds_whatever_the_main_worktree_has(
    desk: Desk, lapse: Callable[[Path], None]
) -> None:
    lapse(desk.repo)
    workspace = desk.workspace
    assert choose_sync_style(workspace, None, MAIN) == "rebase"
    assert load_gates(workspace, MAIN)[WALL].command == "false"
    missing = {one.message for one in read_evidence(workspace, "a", None).missing}
    assert len(missing) == 2
    assert {"echo ready", "false"} <= set(read_trust(workspace).missing)
    with pytest.raises(UntrustedError):
        done(workspace, DoneRequest(slice_id=SliceId("a"), token=1))
    approve(workspace, ["echo ready", "false"])
    report = merge(workspace, MergeRequest(slice_ids=(SliceId("a"),)))
    assert (report.merged, report.style) == ((), "squash")


def test_the_main_worktree_only_adds(desk: Desk) -> None:
    write_settings(
        desk.repo,
        '[setup]\ncommands = ["echo more"]\n[gates]\nacceptance_criteria = "true"\n'
        '[merge]\nrequired_reviews = ["test_engineer_review"]\n',
    )
    settings = read_settings(desk.workspace, MAIN)
    assert settings.setup.commands == ("echo ready", "echo more")
    assert {name: gate.command for name, gate in settings.gates.items()} == {
        WALL: "false", "acceptance_criteria": "true",
    }  # fmt: skip
    assert settings.merge.required_reviews == ("code_review", "test_engineer_review")
    assert settings.rerun_gates == (WALL,)


def test_settings_that_nobody_has_committed_count(repo: Path) -> None:
    write_settings(repo, STRICT)
    assert read_settings(Desk(repo).workspace, MAIN) == read_settings(Desk(repo).workspace)
    assert choose_merge_style(Desk(repo).workspace, None, MAIN) == "squash"


@pytest.mark.parametrize("committed", [False, True])
def test_the_old_name_is_read_on_with_a_note(repo: Path, cli: Cli, committed: bool) -> None:
    (repo / ".gitslices.toml").write_text(STRICT)
    if committed:
        commit_all(repo, "Settings")
    assert choose_merge_style(Desk(repo).workspace, None, MAIN) == "squash"
    (repo / "g.json").write_text('{"tasks": [{"id": "a", "write_set": ["src/"]}]}')
    note = (
        ".gitslices.toml is read on, and is called .gitslices/config.toml now; "
        "move it: mkdir -p .gitslices && git mv .gitslices.toml .gitslices/config.toml"
    )
    assert f"note: {note}\n" in cli("trust", "--yes").err
    assert f"warning: {note}\n" in cli("plan", "g.json", "--apply").out


def test_of_both_names_the_new_one_counts_and_doctor_says_so(desk: Desk) -> None:
    (desk.repo / ".gitslices.toml").write_text("[merge]\nstyle = 'rebase'\n")
    assert load_settings(desk.repo).merge.style == "squash"
    (finding,) = find_setting_troubles(desk)
    assert finding[0] == ".gitslices.toml"
    assert "does not count" in finding[1]


def find_setting_troubles(desk: Desk) -> list[tuple[str, str]]:
    request = DoctorRequest(common_dir=desk.workspace.repo.common_dir, python=sys.executable)
    report = doctor(lambda: desk.workspace, request)
    return [(one.thing, one.problem) for one in report.findings if one.check == "setting"]


def test_doctor_says_what_does_not_count_of_an_edit(desk: Desk) -> None:
    assert find_setting_troubles(desk) == []
    weaken_it(desk.repo)
    assert find_setting_troubles(desk) == [
        (
            ".gitslices/config.toml",
            f"it has gates.{WALL}, merge.style, merge.sync otherwise than the last commit of main",
        )
    ]


def test_doctor_says_what_is_wrong_with_the_file(desk: Desk) -> None:
    write_settings(desk.repo, "[setpu]\n")
    ((_, problem),) = find_setting_troubles(desk)
    assert problem.endswith("config.toml: 1 error; setpu: this key is not known")


@pytest.mark.parametrize("kind", ["link", "pipe", "huge", "folder"])
def test_what_is_no_small_regular_file_is_refused(repo: Path, kind: str) -> None:
    path = repo / ".gitslices" / "config.toml"
    path.parent.mkdir()
    match kind:
        case "link":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "huge":
            path.write_bytes(b"#" * 100_000)
        case "folder":
            path.mkdir()
    with pytest.raises(SettingsError):
        read_settings(Desk(repo).workspace)
    if kind in {"link", "huge"}:
        commit_all(repo, "Hostile")
        git(repo, "clone", "--quiet", "--bare", ".", "../bare.git")
        with pytest.raises(SettingsError, match=r"^main:\.gitslices/config\.toml"):
            read_settings(Desk(repo.parent / "bare.git").workspace, MAIN)


def test_gates_of_the_commit_run_whatever_is_checked_out(desk: Desk, cli: Cli) -> None:
    assert cli("trust", "--yes").code == 0
    check_out_lax(desk.repo)
    with pytest.raises(GateFailedError):
        done(desk.workspace, DoneRequest(slice_id=SliceId("a"), token=1))
