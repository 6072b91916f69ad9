"""`gitslices merge`: in memory first, and nothing moves unless everything can."""

import os
from pathlib import Path

import pytest

from gitslices.core.errors import InputError, UnknownSliceError
from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.status import status
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import apply_tasks, read_status, set_status, slice_path, take, work
from tests.support.workspaces import open_at


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    return open_at(repo)


def two_slices(workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "api", "title": "Token endpoint", "write_set": ["src/api/"]},
        {"id": "docs", "write_set": ["docs/"]},
    )


def land(
    workspace: Workspace, *ids: str, style: MergeStyle | None = None, goal_id: str | None = None
) -> MergeReport:
    wanted = tuple(SliceId(id_) for id_ in ids) or None
    return merge(workspace, MergeRequest(slice_ids=wanted, style=style, goal_id=goal_id))


def merged_ids(report: MergeReport) -> list[str]:
    return [one.slice_id for one in report.merged]


def test_a_named_slice_with_commits_lands_in_the_checked_out_target(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    tip = work(workspace, "api", {"src/api/tokens.py": "x = 1\n", "src/api/new.py": "y\n"})
    before = git(repo, "rev-parse", "main")
    done = cli("merge", "api")
    assert done.code == 0, done.err
    commit = git(repo, "rev-parse", "main")
    assert done.out == f"merged api into main as {commit[:10]}\n"
    assert git(repo, "log", "-1", "--format=%s|%P", "main") == (
        f"Merge slice api: Token endpoint|{before} {tip}"
    )
    assert (repo / "src/api/new.py").read_text() == "y\n"
    assert git(repo, "status", "--porcelain") == ""
    assert read_status(workspace, "api") == "merged"
    # It waits for nobody, and follows when it is claimed.
    assert git(slice_path(workspace, "docs"), "rev-parse", "HEAD") == before


def test_all_merges_what_is_done_in_the_order_of_the_plan(repo: Path, workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "b", "write_set": ["b/"]},
        {"id": "a", "write_set": ["a/"], "dependencies": ["b"]},
        {"id": "c", "write_set": ["c/"]},
    )
    for id_ in "abc":
        work(workspace, id_, {f"{id_}/file": id_})
    set_status(workspace, "a", "done")
    set_status(workspace, "b", "done")
    report = land(workspace)
    assert merged_ids(report) == ["b", "a"]
    subjects = git(repo, "log", "--first-parent", "-2", "--format=%s", "main").splitlines()
    assert subjects == ["Merge slice a", "Merge slice b"]
    assert read_status(workspace, "c") == "provisioned"
    assert land(workspace).merged == ()


def test_a_conflict_moves_nothing_and_is_shown_until_it_is_mended(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    tip = work(workspace, "api", {"src/api/tokens.py": "ours\n"})
    (repo / "src/api/tokens.py").write_text("theirs\n")
    before = commit_all(repo)
    done = cli("merge", "api", "--json")
    assert done.code == 1
    files = ["src/api/tokens.py"]
    assert done.document["conflicted"] == [
        {"goal_id": "default", "slice_id": "api", "files": files}
    ]
    assert git(repo, "rev-parse", "main") == before
    assert git(repo, "status", "--porcelain") == ""
    path = slice_path(workspace, "api")
    assert git(path, "rev-parse", "HEAD") == tip
    assert git(path, "status", "--porcelain") == ""
    (state, _) = cli("status", "--json").document["slices"]
    assert (state["status"], state["conflicts"]) == ("conflicted", files)

    git(path, "merge", "--quiet", "main", ok=False)
    work(workspace, "api", {"src/api/tokens.py": "both\n"})
    assert merged_ids(land(workspace)) == ["api"]
    assert (repo / "src/api/tokens.py").read_text() == "both\n"
    (state, _) = cli("status", "--json").document["slices"]
    assert (state["status"], state["conflicts"]) == ("merged", [])


def test_a_conflict_stops_no_other_slice(repo: Path, workspace: Workspace) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/tokens.py": "ours\n"})
    work(workspace, "docs", {"docs/new.md": "new\n"})
    (repo / "src/api/tokens.py").write_text("theirs\n")
    commit_all(repo)
    for id_ in ("api", "docs"):
        set_status(workspace, id_, "done")
    report = land(workspace)
    assert merged_ids(report) == ["docs"]
    assert [one.slice_id for one in report.conflicted] == ["api"]


@pytest.mark.parametrize("style", ["squash", "rebase"])
def test_squash_and_rebase_leave_a_straight_line(
    repo: Path, workspace: Workspace, style: MergeStyle
) -> None:
    two_slices(workspace)
    top = slice_path(workspace, "api")
    work(workspace, "api", {"src/api/one.py": "1\n"}, "One\n\nBecause.")
    (top / "src/api/two.py").write_text("2\n")
    git(top, "add", ".")
    git(top, "commit", "-qm", "Two", GIT_AUTHOR_NAME="B Other", GIT_AUTHOR_EMAIL="b@example.com")
    (repo / "Makefile").write_text("all:\n")
    before = commit_all(repo, "On main")
    land(workspace, "api", style=style)
    log = git(repo, "log", "--format=%an|%s", f"{before}..main").splitlines()
    if style == "rebase":
        assert log == ["B Other|Two", "A U Thor|One"]
        assert git(repo, "log", "-1", "--format=%b", "main~1") == "Because."
    else:
        assert log == ["A U Thor|Merge slice api: Token endpoint"]
        body = git(repo, "log", "-1", "--format=%b", "main")
        assert body == (
            "* One\n\nBecause.\n\n* Two\n\n"
            "Gitslices-Slice: default/api\nCo-authored-by: B Other <b@example.com>"
        )
    assert git(repo, "rev-list", "--merges", "main") == ""
    assert (repo / "src/api/two.py").read_text() == "2\n"
    assert read_status(workspace, "api") == "merged"


def test_a_squashed_slice_is_pruned_unless_it_went_on(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    for id_ in ("api", "docs"):
        work(workspace, id_, {f"{'src/api' if id_ == 'api' else 'docs'}/new.md": "1\n"})
    land(workspace, "api", "docs", style="squash")
    work(workspace, "docs", {"docs/later.md": "1\n"})
    done = cli("prune")
    assert "removed api: merged into main\n" in done.out
    assert git(repo, "branch", "--list", "slices/*", "--format=%(refname:short)") == (
        "slices/default/docs"
    )


def test_the_style_is_a_setting_and_a_wrong_one_is_refused(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "config", "gitslices.mergeStyle", "fast")
    with pytest.raises(InputError, match=r"gitslices\.mergeStyle is 'fast'"):
        land(open_at(repo), "api")
    git(repo, "config", "--unset", "gitslices.mergeStyle")
    write_settings(repo, '[merge]\nstyle = "squash"\n')
    assert land(open_at(repo), "api").style == "squash"


def test_rebase_refuses_what_only_a_merge_commit_holds(repo: Path, workspace: Workspace) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/tokens.py": "ours\n"})
    (repo / "src/api/tokens.py").write_text("theirs\n")
    commit_all(repo)
    git(slice_path(workspace, "api"), "merge", "--quiet", "main", ok=False)
    work(workspace, "api", {"src/api/tokens.py": "both\n"})
    report = land(workspace, "api", style="rebase")
    assert "cannot be put onto the target one by one" in report.refused[0].message
    assert merged_ids(land(workspace, "api")) == ["api"]


def test_a_change_outside_the_scope_is_not_merged_and_names_the_owner(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n", "docs/api.md": "mine\n", "Makefile": None})
    before = git(repo, "rev-parse", "main")
    report = land(workspace, "api")
    assert report.refused[0].message == (
        "2 changes outside the write scope: Makefile (in no slice), docs/api.md (in slice docs)"
    )
    assert git(repo, "rev-parse", "main") == before


def test_what_the_target_brought_in_is_not_the_slices_change(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    (repo / "Makefile").write_text("all:\n")
    commit_all(repo)
    git(slice_path(workspace, "api"), "merge", "--quiet", "--no-edit", "main")
    assert merged_ids(land(workspace, "api")) == ["api"]


def test_a_new_path_of_two_slices_belongs_to_the_first_in_the_plan(workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["**/*.note"]},
        {"id": "b", "write_set": ["src/web/"]},
    )
    work(workspace, "a", {"docs/x.note": "a\n"})
    work(workspace, "b", {"src/web/y.note": "b\n"})
    report = land(workspace, "b")
    assert "src/web/y.note (new, and slice a comes first)" in report.refused[0].message
    assert merged_ids(land(workspace, "a")) == ["a"]
    assert merged_ids(land(workspace, "b")) == ["b"]


def test_shared_files_take_the_lines_of_both(repo: Path, workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["a/", "CHANGELOG.md"]},
        {"id": "b", "write_set": ["b/", "CHANGELOG.md"]},
        shared=["CHANGELOG.md"],
    )
    text = (repo / "CHANGELOG.md").read_text()
    for id_ in "ab":
        work(workspace, id_, {"CHANGELOG.md": f"{text}- {id_}\n"})
    assert merged_ids(land(workspace, "a", "b")) == ["a", "b"]
    assert (repo / "CHANGELOG.md").read_text() == f"{text}- a\n- b\n"


def test_the_repositorys_own_merge_drivers_count_wherever_the_command_stands(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    (repo / "docs/.gitattributes").write_text("*.md merge=union\n")
    commit_all(repo)
    two_slices(workspace)
    text = (repo / "docs/api.md").read_text()
    work(workspace, "docs", {"docs/api.md": f"{text}slice\n"})
    (repo / "docs/api.md").write_text(f"{text}main\n")
    commit_all(repo)
    assert cli("merge", "docs", directory=repo / "src").code == 0
    assert (repo / "docs/api.md").read_text() == f"{text}main\nslice\n"


def test_edits_in_the_targets_worktree_stay_and_only_overlapping_ones_refuse(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/tokens.py": "new\n"})
    work(workspace, "docs", {"docs/new.md": "new\n"})
    (repo / "Makefile").write_text("edited")
    (repo / "src/api/tokens.py").write_text("precious")
    report = land(workspace, "api", "docs")
    assert merged_ids(report) == ["docs"]
    assert report.refused[0].message == (
        f"it would overwrite uncommitted work in '{repo}': src/api/tokens.py"
    )
    assert (repo / "Makefile").read_text() == "edited"
    assert (repo / "src/api/tokens.py").read_text() == "precious"
    assert (repo / "docs/new.md").read_text() == "new\n"


def test_a_file_that_was_only_touched_is_no_edit(repo: Path, workspace: Workspace) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/tokens.py": "new\n"})
    os.utime(repo / "src/api/tokens.py", (1, 1))
    assert merged_ids(land(workspace, "api")) == ["api"]
    assert git(repo, "status", "--porcelain") == ""


def test_a_file_that_git_was_told_to_leave_alone_refuses_its_slice_only(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    apply_tasks(
        workspace,
        {"id": "api", "write_set": ["src/api/"]},
        {"id": "docs", "write_set": ["docs/"]},
        {"id": "web", "write_set": ["src/web/", "docs/"], "dependencies": ["api"]},
    )
    work(workspace, "api", {"src/api/tokens.py": "new\n"})
    work(workspace, "docs", {"docs/new.md": "docs\n"})
    work(workspace, "web", {"docs/new.md": "web\n"})
    for id_ in ("api", "docs", "web"):
        set_status(workspace, id_, "done")
    git(repo, "update-index", "--assume-unchanged", "src/api/tokens.py")
    (repo / "src/api/tokens.py").write_text("precious")
    report = land(workspace)
    assert merged_ids(report) == ["docs"]
    assert [one.message for one in report.refused] == [
        f"'{repo}' cannot follow: error: Entry 'src/api/tokens.py' not uptodate. Cannot merge.",
        "it waits for api",
    ]
    assert (repo / "src/api/tokens.py").read_text() == "precious"
    assert (repo / "docs/new.md").read_text() == "docs\n"
    events = [one["event"] for one in cli("log", "--json").document["events"]]
    assert "conflicted" not in events


def test_files_in_conflict_in_the_targets_worktree_are_named_with_each_slice(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    """git itself merges nothing there then."""
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    work(workspace, "docs", {"docs/new.md": "new\n"})
    (repo / "Makefile").write_text("all: stashed\n")
    git(repo, "stash", "--quiet")
    (repo / "Makefile").write_text("all: main\n")
    before = commit_all(repo)
    git(repo, "stash", "pop", "--quiet", ok=False)
    report = land(workspace, "api", "docs")
    assert [one.place for one in report.refused] == ["api", "docs"]
    assert all("resolve your current index" in one.message for one in report.refused)
    assert git(repo, "rev-parse", "main") == before
    git(repo, "checkout", "--quiet", "HEAD", "--", "Makefile")
    assert merged_ids(land(workspace, "api", "docs")) == ["api", "docs"]


def test_an_ignored_file_is_never_overwritten(repo: Path, workspace: Workspace) -> None:
    (repo / ".git/info/exclude").write_text("secret\n")
    apply_tasks(workspace, {"id": "a", "write_set": ["secret"]})
    top = slice_path(workspace, "a")
    (top / "secret").write_text("tracked\n")
    git(top, "add", "--force", "secret")
    commit_all(top)
    (repo / "secret").write_text("precious")
    assert "overwrite" in land(workspace, "a").refused[0].message
    assert (repo / "secret").read_text() == "precious"


def test_a_target_that_nobody_has_checked_out_moves_alone(repo: Path, workspace: Workspace) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "switch", "--quiet", "-c", "elsewhere")
    assert merged_ids(land(workspace, "api")) == ["api"]
    assert git(repo, "show", "main:src/api/one.py") == "1"
    assert not (repo / "src/api/one.py").exists()


def test_what_is_not_ready_says_why(repo: Path, workspace: Workspace) -> None:
    apply_tasks(
        workspace,
        {"id": "a", "write_set": ["a/"]},
        {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
        {"id": "c", "write_set": ["c/"]},
        {"id": "d", "write_set": ["d/"]},
    )
    work(workspace, "b", {"b/x": "1"})
    work(workspace, "c", {"c/x": "1"})
    (slice_path(workspace, "c") / "loose").write_text("precious")
    take(workspace, "d")
    report = land(workspace, "a", "b", "c", "d")
    assert [problem.message for problem in report.refused] == [
        "it has no commits to merge",
        "it waits for a",
        "uncommitted: loose",
        "worker still has it",
    ]
    with pytest.raises(UnknownSliceError):
        land(workspace, "e")


def test_gates_and_reviews_that_the_settings_ask_for_come_first(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    settings = '[gates]\nlocal_verification_wall = "true"\n'
    settings += '[merge]\nrequired_reviews = ["code_review"]\n'
    write_settings(repo, settings)
    messages = [one.message for one in land(workspace, "api").refused]
    assert [message.split()[:2] for message in messages] == [
        ["gate", "local_verification_wall"], ["code_review", "of"],
    ]  # fmt: skip


def test_a_slice_merged_by_hand_is_recorded_without_a_new_commit(
    repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "merge", "--quiet", "--no-edit", "slices/default/api")
    before = git(repo, "rev-parse", "main")
    assert merged_ids(land(workspace, "api")) == ["api"]
    assert git(repo, "rev-parse", "main") == before


def test_a_renamed_folder_takes_no_new_file_of_another_slice_along(
    repo: Path, workspace: Workspace
) -> None:
    apply_tasks(
        workspace,
        {"id": "move", "write_set": ["src/db/schema.sql", "src/db/migrate.py", "store/"]},
        {"id": "new", "write_set": ["src/db/fresh.sql"]},
    )
    top = slice_path(workspace, "move")
    (top / "store").mkdir()
    for name in ("schema.sql", "migrate.py"):
        (top / "src/db" / name).rename(top / "store" / name)
    commit_all(top)
    work(workspace, "new", {"src/db/fresh.sql": "new\n"})
    assert merged_ids(land(workspace, "move", "new")) == ["move", "new"]
    assert (repo / "src/db/fresh.sql").read_text() == "new\n"


def test_the_post_merge_hook_runs_and_its_failure_is_a_warning(
    cli: Cli, repo: Path, workspace: Workspace
) -> None:
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    hook = repo / ".git/hooks/post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "$1 $(git rev-parse HEAD)" > .git/ran\nexit 3\n')
    hook.chmod(0o755)
    done = cli("merge", "api")
    assert done.code == 0
    assert "warning: the post-merge hook failed: exit status 3\n" in done.out
    assert (repo / ".git/ran").read_text() == f"0 {git(repo, 'rev-parse', 'main')}\n"


def test_a_signing_user_gets_signed_merges(
    repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    signer = tmp_path / "signer"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho 'a signature'\n"
    )
    signer.chmod(0o755)
    git(repo, "config", "gpg.program", str(signer))
    two_slices(workspace)
    work(workspace, "api", {"src/api/one.py": "1\n"})
    git(repo, "config", "commit.gpgSign", "true")
    land(open_at(repo), "api")
    assert "gpgsig a signature" in git(repo, "cat-file", "commit", "main")


def test_wrong_usage_exits_2(cli: Cli, workspace: Workspace) -> None:
    two_slices(workspace)
    for args in ((), ("api", "--all"), ("nothing",), ("api", "--style", "fast")):
        assert cli("merge", *args).code == 2
    assert status(workspace, None).slices[0].status == "provisioned"
