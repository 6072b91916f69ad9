"""Slices published: branches pushed, pull requests opened by the real `gh` and other clients."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitslices.core.errors import RemoteError, UntrustedError
from gitslices.core.model import Oid, SliceId
from gitslices.graph.scopes import parse_scopes
from gitslices.ops.fetch import FetchRequest, fetch
from gitslices.ops.plan import PlanRequest, add_addresses, plan
from gitslices.ops.publish import PublishReport, PublishRequest, publish
from gitslices.ops.pulls import queue_pulls, read_pulls
from gitslices.ops.status import status
from gitslices.repo_commands.trust import approve
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.forge import FakeHub, serve
from tests.support.graphs import make_graph
from tests.support.remotes import add_remote, clone
from tests.support.repositories import commit_all, git, write_settings
from tests.support.slices import apply_tasks, read_record, set_status, slice_path, take, work
from tests.support.workspaces import open_at

TASKS: tuple[dict[str, Any], ...] = (
    {
        "id": "a", "write_set": ["a/"], "title": "The first thing", "description": "All of it.",
        "acceptance": ["it works"], "metadata": {"closes": [12, "team/other#3", "--x"]},
    },
    {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
    {"id": "c", "write_set": ["c/"]},
)  # fmt: skip
needs_gh = pytest.mark.skipif(shutil.which("gh") is None, reason="gh is not installed")


@pytest.fixture
def remote(repo: Path) -> Path:
    return add_remote(repo)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[FakeHub, dict[str, str]]]:
    made = FakeHub()
    folder = tmp_path / "forge"
    folder.mkdir()
    with serve(made, folder) as env:
        yield made, env


@pytest.fixture
def shop(repo: Path, remote: Path, hub: tuple[FakeHub, dict[str, str]]) -> Workspace:
    """Slice a with a commit; its remote is called as if it were on the forge."""
    place = f"https://{hub[0].host}/team/shop.git"
    git(repo, "config", "remote.origin.url", place)
    git(repo, "config", f"url.{remote}.insteadOf", place)
    (repo / "CODEOWNERS").write_text("* @ann\n/a/ @ben @team/core mail@example.com\n")
    write_settings(repo, "[publish]\nforge = 'github'\nreviewers = ['cleo']\n")
    commit_all(repo, "Settings")
    git(repo, "push", "--quiet", "origin", "main")
    workspace = open_at(repo, environ=hub[1])
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1"})
    return workspace


def publish_all(workspace: Workspace, *ids: str) -> PublishReport:
    return publish(workspace, PublishRequest(slice_ids=tuple(map(SliceId, ids)) or None))


@needs_gh
def test_a_slice_is_a_draft_until_it_is_done(
    repo: Path, remote: Path, shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    forge = hub[0]
    (one,) = publish_all(shop).published
    tip = git(repo, "rev-parse", "slices/default/a")
    assert (one.slice_id, one.number, one.draft, one.base, one.commit) == (
        "a",
        1,
        True,
        "main",
        tip,
    )
    assert git(remote, "rev-parse", "slices/default/a") == tip
    (pull,) = forge.pulls
    assert (pull["title"], pull["head"], forge.reviews) == (
        "The first thing", "slices/default/a", {},
    )  # fmt: skip
    for part in (
        "All of it.", "- [ ] it works", "- `a/`", "Closes #12\nCloses team/other#3\n",
        "**Waited for by**\n\n- `b`", "Gitslices-Slice: default/a",
    ):  # fmt: skip
        assert part in pull["body"]
    assert "--x" not in pull["body"]
    # The address is told wherever the slice is.
    assert status(shop, None).slices[0].pr_url == one.pr_url
    made = plan(shop, PlanRequest(scoped=parse_scopes(make_graph(*TASKS))))
    assert [slice_.pr_url for slice_ in add_addresses(shop, made).slices] == [
        one.pr_url, None, None,
    ]  # fmt: skip
    # What people write around our part of the body stays, and so does their title.
    pull |= {"title": "Better words", "body": "Mine above\n" + pull["body"] + "Mine below"}
    set_status(shop, "a", "done")
    (again,) = publish_all(shop).published
    assert (again.number, again.draft, again.pushed, len(forge.pulls)) == (1, False, False, 1)
    assert (pull["draft"], pull["title"]) == (False, "Better words")
    assert pull["body"].startswith("Mine above\n<!--")
    assert pull["body"].endswith("-->\nMine below")
    assert forge.reviews == {1: {"reviewers": ["cleo", "ben"], "team_reviewers": ["core"]}}


@needs_gh
def test_one_that_waits_is_stacked_and_later_put_onto_the_target(
    repo: Path, shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    top = slice_path(shop, "b")
    git(top, "merge", "--quiet", "--ff-only", "slices/default/a")
    record = read_record(shop, "b")
    with shop.open_store() as store:  # as an early start leaves it
        start = Oid(git(repo, "rev-parse", "slices/default/a"))
        store.write_slices([msgspec.structs.replace(record, base_commit=start)])
    work(shop, "b", {"b/one": "1"})
    report = publish_all(shop)
    assert report.refused == ()
    assert [(one.slice_id, one.base) for one in report.published] == [
        ("a", "main"), ("b", "slices/default/a"),
    ]  # fmt: skip
    assert f"- `a`: {report.published[0].pr_url}" in hub[0].pulls[1]["body"]
    git(repo, "merge", "--quiet", "--squash", "slices/default/a")
    commit_all(repo, "The first thing (#1)")
    # By a fetch, once the forge has landed the first; or by a publish of the other.
    git(repo, "push", "--quiet", "origin", "main")
    told = fetch(shop, FetchRequest()).goals[0]
    assert (told.retargeted, told.warnings) == (("b",), ())
    assert [one["base"] for one in hub[0].pulls] == ["main", "main"]
    assert fetch(shop, FetchRequest()).goals[0].retargeted == ()
    hub[0].pulls[1]["base"] = "slices/default/a"
    (one,) = publish_all(shop, "b").published
    assert (one.number, one.base, hub[0].pulls[1]["base"]) == (2, "main", "main")
    # Of a forge that is away a fetch tells, and goes on.
    hub[0].status = 502
    (warning,) = fetch(shop, FetchRequest()).goals[0].warnings
    assert "no pull request was put onto the target: GitHub cannot be reached" in warning


@needs_gh
def test_what_others_push_is_never_lost(
    repo: Path, remote: Path, shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    publish_all(shop, "a")
    # Made anew here: what is there is ours, and gives way.
    git(slice_path(shop, "a"), "commit", "--quiet", "--amend", "-m", "Better words")
    assert publish_all(shop, "a").published[0].pushed
    colleague = clone(remote)
    git(colleague, "checkout", "--quiet", "slices/default/a")
    (colleague / "a" / "two").write_text("2")
    theirs = commit_all(colleague, "From the review")
    git(colleague, "push", "--quiet", "origin", "slices/default/a")
    git(slice_path(shop, "a"), "commit", "--quiet", "--amend", "-m", "Even better words")
    (problem,) = publish_all(shop, "a").refused
    assert "somebody has pushed to origin/slices/default/a" in problem.message
    assert git(remote, "rev-parse", "slices/default/a") == theirs


@needs_gh
def test_pull_requests_are_told_by_one_question_and_merged_when_asked(
    cli: Cli, shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    forge = hub[0]
    work(shop, "c", {"c/one": "1"})
    publish_all(shop)
    forge.asked.clear()
    pulls = read_pulls(shop, PublishRequest(slice_ids=None)).pulls
    assert [(one.slice_id, one.number, one.state, one.checks, one.review) for one in pulls] == [
        ("a", 1, "draft", "passed", "wanted"), ("c", 2, "draft", "passed", "wanted"),
    ]  # fmt: skip
    assert len(forge.asked) == 1
    told = json.loads(cli("status", "--full", "--json", env=hub[1]).out)["slices"]
    assert [one["pull"] and one["pull"]["number"] for one in told] == [1, None, 2]
    assert len(forge.asked) == 2
    assert "a: #1 draft into main, checks passed" in cli("status", "--full", env=hub[1]).out
    set_status(shop, "c", "done")
    publish_all(shop, "c")
    report = queue_pulls(shop, PublishRequest(slice_ids=None))
    assert report.queued == ("c",)
    assert [(one.place, one.message) for one in report.refused] == [
        ("a", "it is provisioned, and not done")
    ]
    assert forge.queued == [("slices/default/c", "MERGE")]


@needs_gh
def test_a_forge_that_fails_leaves_the_branch_and_says_so(
    shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    forge = hub[0]
    forge.has_drafts = False
    report = publish_all(shop, "a")
    assert report.published[0].number == 1
    assert "is no draft" in report.warnings[0]
    for code in (502, 503):
        forge.status = code
        with pytest.raises(RemoteError, match="GitHub cannot be reached"):
            publish_all(shop, "a")
    forge.status = 403
    with pytest.raises(Exception, match="GitHub does not answer: Not today"):
        publish_all(shop, "a")


@needs_gh
def test_done_publishes_where_the_settings_say_so(
    cli: Cli, repo: Path, shop: Workspace, hub: tuple[FakeHub, dict[str, str]]
) -> None:
    write_settings(repo, "[publish]\nforge = 'github'\non = 'done'\n")
    token = take(shop, "a")
    ended = cli("done", "a", "--token", str(token), env=hub[1])
    assert ended.code == 0, ended.err
    assert f"/team/shop/pull/{1}" in ended.err
    assert [one["draft"] for one in hub[0].pulls] == [False]
    shown = cli("publish", "--all", "--status", env=hub[1])
    assert shown.out.startswith("a: #1 open into main, checks passed, review wanted, https://")


@needs_gh
@pytest.mark.parametrize("point", ["git:push:after", "store:begin", "store:commit"])
def test_a_kill_between_push_and_record_is_made_good_by_the_next_publish(
    cli: Cli,
    repo: Path,
    remote: Path,
    shop: Workspace,
    hub: tuple[FakeHub, dict[str, str]],
    point: str,
) -> None:
    struck = cli("publish", "a", env={**hub[1], "GITSLICES_FAULT": point})
    assert struck.code == -signal.SIGKILL
    tip = git(repo, "rev-parse", "slices/default/a")
    assert git(remote, "rev-parse", "slices/default/a") == tip
    assert status(shop, None).slices[0].pr_url is None
    # Made anew here meanwhile, what is there is still known for ours where it is in the branch.
    work(shop, "a", {"a/two": "2"})
    (one,) = publish_all(shop, "a").published
    assert (one.number, one.pushed, len(hub[0].pulls)) == (1, True, 1)
    assert status(shop, None).slices[0].pr_url == one.pr_url


def make_client(folder: Path, name: str, script: str) -> dict[str, str]:
    """A program of that name, which notes how it is called before it answers."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    note = 'import json, sys; open(sys.argv[1], "a").write(json.dumps(sys.argv[2:]) + "\\n")'
    path.write_text(f"#!/bin/sh\npython3 -c '{note}' {folder}/calls \"$@\"\n{script}")
    path.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def read_calls(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def use_forge(repo: Path, remote: Path, host: str, env: dict[str, str]) -> Workspace:
    place = f"git@{host}:team/shop.git"
    git(repo, "config", "remote.origin.url", place)
    git(repo, "config", f"url.{remote}.insteadOf", place)
    workspace = open_at(repo, environ=env)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1"})
    set_status(workspace, "a", "done")
    return workspace


GLAB = """
case "$1 $2" in
"api graphql") echo '{"data":{"project":{"mergeRequests":{"nodes":NODES}}}}' ;;
"mr create") echo "!7 The first thing" https://gitlab.example/team/shop/-/merge_requests/7 ;;
*) echo ok ;;
esac
"""


def test_gitlab_is_told_through_glab(repo: Path, remote: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    env = make_client(folder, "glab", GLAB.replace("NODES", "[]"))
    workspace = use_forge(repo, remote, "gitlab.example", env)
    (one,) = publish_all(workspace).published
    assert one.number == 7
    assert one.pr_url == "https://gitlab.example/team/shop/-/merge_requests/7"
    (call,) = read_calls(folder)
    assert [word.partition("\n")[0] for word in call] == [
        "mr", "create", "--repo=https://gitlab.example/team/shop",
        "--source-branch=slices/default/a", "--target-branch=main", "--title=The first thing",
        "--description=<!-- gitslices: begin -->", "--yes",
    ]  # fmt: skip
    node = {
        "iid": "7", "webUrl": one.pr_url, "title": "Draft: Mine", "description": "", "draft": True,
        "state": "opened", "sourceBranch": "slices/default/a", "targetBranch": "old",
        "approved": True, "headPipeline": {"status": "RUNNING"},
    }  # fmt: skip
    make_client(folder, "glab", GLAB.replace("NODES", json.dumps([node])))
    publish_all(workspace)
    (told,) = read_pulls(workspace, PublishRequest(slice_ids=None)).pulls
    assert (told.state, told.checks, told.review) == ("draft", "pending", "approved")
    queue_pulls(workspace, PublishRequest(slice_ids=None))
    words = [[word.partition("\n")[0] for word in call] for call in read_calls(folder)]
    repository = "--repo=https://gitlab.example/team/shop"
    update = ["mr", "update", "7", repository, "--description=<!-- gitslices: begin -->"]
    assert [*update, "--target-branch=main", "--ready", "--yes"] in words
    assert ["mr", "merge", "7", repository, "--auto-merge", "--yes"] in words


def test_gitea_is_told_through_tea(repo: Path, remote: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    url = "https://codeberg.org/team/shop/pulls/3"
    script = f'case "$2" in create) echo "# #3\n{url}" ;; *) echo ROWS ;; esac\n'
    env = make_client(folder, "tea", script.replace("ROWS", "'[]'"))
    workspace = use_forge(repo, remote, "codeberg.org", env)
    (one,) = publish_all(workspace).published
    assert (one.number, one.pr_url) == (3, url)
    assert [word.partition("\n")[0] for word in read_calls(folder)[0]] == [
        "pulls", "create", "--repo=team/shop", "--head=slices/default/a", "--base=main",
        "--title=The first thing", "--description=<!-- gitslices: begin -->",
    ]  # fmt: skip
    row = {
        "index": "3", "state": "open", "title": "WIP: Mine", "body": "", "url": url,
        "head": "slices/default/a", "base": "old",
    }  # fmt: skip
    make_client(folder, "tea", script.replace("ROWS", f"'{json.dumps([row])}'"))
    assert publish_all(workspace).warnings == (
        "a: #3 is to be changed by hand, tea cannot: its base, that it is a draft",
    )
    (problem,) = queue_pulls(workspace, PublishRequest(slice_ids=None)).refused
    assert "no way to merge #3 later" in problem.message


def test_any_other_forge_by_a_command_that_was_approved(
    repo: Path, remote: Path, tmp_path: Path
) -> None:
    command = "cat {title_file}; echo {branch} {target} {draft}; echo see https://forge.example/1"
    write_settings(repo, f"[publish]\nopen = '{command}'\n")
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1"})
    with pytest.raises(UntrustedError):
        publish_all(workspace)
    approve(workspace, [command])
    (one,) = publish_all(workspace).published
    assert (one.pr_url, one.number) == ("https://forge.example/1", None)
    log = workspace.state_folder / "logs" / "default--a" / "publish.log"
    assert log.read_text().startswith("The first thing\nslices/default/a main draft\n")


def test_without_a_forge_the_branch_is_pushed_and_the_remote_says_where(
    cli: Cli, repo: Path, remote: Path
) -> None:
    hook = remote / "hooks" / "post-receive"
    hook.write_text("#!/bin/sh\necho 'Create one: https://forge.example/new?x=1' >&2\n")
    hook.chmod(0o755)
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1", "Makefile": "not mine"})
    done = cli("publish", "a")
    assert done.code == 1
    assert done.out.startswith("not published a: 1 change outside the write scope: Makefile ")
    assert git(remote, "branch", "--list", "slices/*") == ""
    git(slice_path(workspace, "a"), "rm", "--quiet", "--cached", "Makefile")
    git(slice_path(workspace, "a"), "checkout", "--quiet", "HEAD~1", "--", "Makefile")
    commit_all(slice_path(workspace, "a"), "Not mine")
    done = cli("publish", "a")
    assert done.out == "a: pushed to origin, https://forge.example/new?x=1\n"
    assert json.loads(cli("publish", "a", "--json").out)["published"][0]["pushed"] is False
    assert cli("publish", "b").code == 1
    assert read_record(workspace, "a").status == "provisioned"
    assert msgspec.json.encode(status(workspace, None)).count(b"forge.example") == 1
