"""What commits carry is kept when they are made again: messages, trailers, notes, dates, ids."""

from pathlib import Path

import pytest

from gitslices.core.model import SliceId
from gitslices.ops.merge import MergeReport, MergeRequest, merge
from gitslices.ops.sync import SyncRequest, sync
from gitslices.rules.merging import make_squash_message
from gitslices.system.settings_tables import MergeStyle
from gitslices.workspace import Workspace
from tests.support.repositories import commit_all, git
from tests.support.slices import apply_tasks, slice_path, work
from tests.support.workspaces import open_at

A = SliceId("a")
NOTES = "refs/notes/commits"


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/"]}, {"id": "b", "write_set": ["docs/"]})
    return workspace


def land(workspace: Workspace, *ids: SliceId, style: MergeStyle) -> MergeReport:
    return merge(workspace, MergeRequest(slice_ids=ids or (A,), style=style))


def message(repo: Path) -> str:
    return git(repo, "log", "-1", "--format=%B", "main").rstrip()


def test_a_squash_keeps_the_texts_and_the_trailers_of_its_commits(
    repo: Path, workspace: Workspace
) -> None:
    work(
        workspace,
        "a",
        {"src/one.py": "1\n"},
        "One\n\nBecause.\n\nFixes: #12\nCo-authored-by: P <p@x>",
    )
    work(
        workspace,
        "a",
        {"src/two.py": "2\n"},
        "Two\n\nCo-authored-by: P <p@x>\nReviewed-by: R <r@x>",
    )
    land(workspace, style="squash")
    assert message(repo) == (
        "Merge slice a\n\n* One\n\nBecause.\n\n* Two\n\n"
        "Fixes: #12\nCo-authored-by: P <p@x>\nReviewed-by: R <r@x>\n"
        "Gitslices-Slice: default/a"
    )
    trailers = git(repo, "log", "-1", "--format=%(trailers:key=Co-authored-by,valueonly)", "main")
    assert trailers.strip() == "P <p@x>"


def test_a_squash_says_nothing_of_merges_that_took_the_target_in(
    repo: Path, workspace: Workspace
) -> None:
    commit_all(repo, "On main")
    sync(workspace, SyncRequest(slice_ids=(A,)))
    work(workspace, "a", {"src/one.py": "1\n"}, "One")
    commit_all(repo, "On main again")
    sync(workspace, SyncRequest(slice_ids=(A,)))
    land(workspace, style="squash")
    assert message(repo) == "Merge slice a\n\n* One\n\nGitslices-Slice: default/a"


@pytest.mark.parametrize(
    ("texts", "trailers", "authors", "expected"),
    [
        ([], [], ["A <a>"], "S\n"),
        (["One"], [], ["A <a>"], "S\n\n* One\n"),
        (["One", "Two"], [], ["A <a>", "B <b>"], "S\n\n* One\n\n* Two\n\nCo-authored-by: B <b>\n"),
        (["One"], ["Co-Authored-By: B <b>"], ["A <a>", "B <b>"],
         "S\n\n* One\n\nCo-Authored-By: B <b>\n"),
        (["One"], ["Co-authored-by: A <a>"], ["A <a>"], "S\n\n* One\n"),
        ([" \n"], ["Fixes: #1", "fixes: #1", "Fixes: #2"], ["A <a>"],
         "S\n\nFixes: #1\nFixes: #2\n"),
    ],
)  # fmt: skip
def test_each_trailer_stands_in_a_squash_once(
    texts: list[str], trailers: list[str], authors: list[str], expected: str
) -> None:
    assert make_squash_message("S\n", texts, trailers, authors) == expected


@pytest.mark.parametrize("by", ["merge", "sync"])
def test_notes_go_along_where_the_settings_say_so(
    repo: Path, workspace: Workspace, by: str
) -> None:
    git(repo, "config", "notes.rewriteRef", NOTES)
    tip = work(workspace, "a", {"src/one.py": "1\n"}, "One")
    git(repo, "notes", "add", "-m", "measured", tip)
    commit_all(repo, "On main")
    if by == "merge":
        assert land(workspace, style="rebase").warnings == ()
        made = git(repo, "rev-parse", "main")
    else:
        (synced,) = sync(workspace, SyncRequest(slice_ids=(A,), style="rebase")).synced
        made = synced.new
    assert made != tip
    assert git(repo, "notes", "show", made) == "measured"


def test_notes_stay_where_no_setting_names_them(repo: Path, workspace: Workspace) -> None:
    tip = work(workspace, "a", {"src/one.py": "1\n"}, "One")
    git(repo, "notes", "add", "-m", "measured", tip)
    commit_all(repo, "On main")
    land(workspace, style="rebase")
    assert git(repo, "notes", "list", "main", ok=False) == ""


def test_a_note_that_cannot_be_copied_is_told_of_and_the_merge_stands(
    repo: Path, workspace: Workspace
) -> None:
    git(repo, "config", "notes.rewriteRef", NOTES)
    tip = work(workspace, "a", {"src/one.py": "1\n"}, "One")
    git(repo, "notes", "add", "-m", "measured", tip)
    commit_all(repo, "On main")
    (repo / ".git/refs/notes/commits.lock").touch()
    report = land(workspace, style="rebase")
    assert [one.slice_id for one in report.merged] == ["a"]
    (warning,) = report.warnings
    assert warning.startswith("notes of rewritten commits were not copied: git notes")


def test_a_rebase_keeps_author_and_date_and_leaves_alone_what_is_in_place(
    repo: Path, workspace: Workspace
) -> None:
    top = slice_path(workspace, "a")
    (top / "src/one.py").write_text("1\n")
    git(top, "add", ".")
    git(
        top,
        "commit",
        "-qm",
        "One",
        GIT_AUTHOR_NAME="B",
        GIT_AUTHOR_DATE="2020-02-02T02:02:02+02:00",
    )
    tip = git(top, "rev-parse", "HEAD")
    land(workspace, style="rebase")
    assert git(repo, "rev-parse", "main") == tip
    git(repo, "reset", "--quiet", "--hard", "main~1")


def test_a_rebase_onto_more_keeps_author_and_date(repo: Path, workspace: Workspace) -> None:
    top = slice_path(workspace, "a")
    (top / "src/one.py").write_text("1\n")
    git(top, "add", ".")
    git(
        top,
        "commit",
        "-qm",
        "One",
        GIT_AUTHOR_NAME="B",
        GIT_AUTHOR_DATE="2020-02-02T02:02:02+02:00",
    )
    commit_all(repo, "On main")
    land(workspace, style="rebase")
    assert git(repo, "log", "-1", "--format=%an %aI", "main") == "B 2020-02-02T02:02:02+02:00"


def test_commits_are_signed_as_the_settings_say_also_where_they_are_in_place(
    repo: Path, workspace: Workspace, tmp_path: Path
) -> None:
    signer = tmp_path / "signer"
    signer.write_text(
        "#!/bin/sh\ncat >/dev/null; echo '[GNUPG:] SIG_CREATED ' >&2; echo a signature\n"
    )
    signer.chmod(0o755)
    work(workspace, "a", {"src/one.py": "1\n"}, "One")
    git(repo, "config", "gpg.program", str(signer))
    git(repo, "config", "commit.gpgSign", "true")
    land(open_at(repo), style="rebase")
    assert "gpgsig a signature" in git(repo, "cat-file", "commit", "main")


@pytest.mark.parametrize("style", ["squash", "rebase"])
def test_a_commit_that_git_does_not_make_again_keeps_no_other_slice_out(
    repo: Path, workspace: Workspace, style: MergeStyle
) -> None:
    top = slice_path(workspace, "a")
    (top / "src/one.py").write_text("1\n")
    git(top, "add", ".")
    tree = git(top, "write-tree")
    head = git(top, "rev-parse", "HEAD")
    raw = f"tree {tree}\nparent {head}\nauthor  <> 1 +0000\ncommitter C <c@x> 1 +0000\n\nOdd\n"
    (repo.parent / "raw").write_text(raw)
    odd = git(repo, "hash-object", "-t", "commit", "-w", "--literally", str(repo.parent / "raw"))
    git(top, "reset", "--quiet", "--hard", odd)
    work(workspace, "b", {"docs/new.md": "b\n"}, "B")
    commit_all(repo, "On main")
    report = land(workspace, A, SliceId("b"), style=style)
    assert [one.slice_id for one in report.merged] == ["b"]
    assert [one.place for one in report.refused] == ["a"]
    assert "empty ident name" in report.refused[0].message
