"""`gitslices scope`: what a slice may touch, widened only where nobody else is at work."""

from pathlib import Path

import pytest
from msgspec import convert, structs

from gitslices.core.errors import InputError, RefusedError, ScopeError
from gitslices.core.model import SliceId, TaskGraph
from gitslices.ops.claim import claim
from gitslices.ops.grant import ClaimRequest
from gitslices.ops.scope import AllowRequest, ScopeReport, allow_scope, show_scope
from tests.support.commands import Cli
from tests.support.repositories import commit_quietly, git
from tests.support.slices import apply_graph, check_at
from tests.support.workspaces import open_at

GRAPH = {
    "goal_id": "g",
    "shared": ["CHANGELOG.md"],
    "tasks": [
        {"id": "api", "owner_role": "w", "write_set": ["src/api/", "!src/api/vendor/"]},
        {"id": "web", "owner_role": "w", "write_set": ["src/web/"], "read_set": ["docs/*.md"]},
    ],
}


@pytest.fixture
def web(repo: Path) -> Path:
    """The worktree of slice web; slice api is the one to be widened."""
    apply_graph(open_at(repo), convert(GRAPH, TaskGraph))
    return repo.parent / "webshop.slices" / "g--web"


def allow(repo: Path, pattern: str) -> ScopeReport:
    request = AllowRequest(slice_id=SliceId("api"), pattern=pattern, reason="needed")
    return allow_scope(open_at(repo), request)


def find_in_the_way(repo: Path, pattern: str) -> list[tuple[str, str]]:
    with pytest.raises(RefusedError) as refused:
        allow(repo, pattern)
    return [(problem.place, problem.message) for problem in refused.value.problems]


def test_the_scope_is_wider_at_once_and_says_why(repo: Path, web: Path) -> None:
    api = web.with_name("g--api")
    (api / "Makefile").write_text("changed")
    assert not check_at(api).ok
    report = allow(repo, "Makefile")
    assert check_at(api).ok
    assert report.write_scope == ("!src/api/vendor/", "Makefile", "src/api/")
    (allowance,) = report.allowed
    assert (allowance.pattern, allowance.reason) == ("Makefile", "needed")
    with open_at(repo).open_store() as store:
        event = store.read_events()[-1]
    assert (event.event, event.detail) == (
        "scope-allowed", {"pattern": "Makefile", "reason": "needed"},
    )  # fmt: skip


def test_allowing_twice_is_allowing_once(repo: Path, web: Path) -> None:
    assert allow(repo, "Makefile") == allow(repo, "Makefile")
    assert allow(repo, "src/api/").allowed == allow(repo, "Makefile").allowed


def test_planning_again_keeps_it_until_the_graph_has_it(repo: Path, web: Path) -> None:
    allow(repo, "Makefile")
    graph = convert(GRAPH, TaskGraph)
    apply_graph(open_at(repo), graph)
    before = show_scope(open_at(repo), SliceId("api"), None)
    assert "Makefile" in before.write_scope
    api, *rest = graph.tasks
    wider = structs.replace(api, write_set=(*api.write_set, "Makefile"))
    apply_graph(open_at(repo), structs.replace(graph, tasks=(wider, *rest)))
    after = show_scope(open_at(repo), SliceId("api"), None)
    assert (after.write_scope, after.allowed) == (before.write_scope, ())
    narrower = structs.replace(api, write_set=("src/api/",))
    apply_graph(open_at(repo), structs.replace(graph, tasks=(narrower, *rest)))
    assert show_scope(open_at(repo), SliceId("api"), None).write_scope == ("src/api/",)


def test_a_slice_that_was_not_started_is_not_in_the_way(repo: Path, web: Path) -> None:
    assert allow(repo, "src/web/nav.ts").allowed


@pytest.mark.parametrize("work", ["untracked", "edited", "committed", "claimed", "done"])
def test_a_slice_under_way_is_in_the_way_and_a_path_is_named(
    repo: Path, web: Path, work: str
) -> None:
    if work in {"untracked", "committed"}:
        (web / "src" / "web" / "new.ts").write_text("new")
    if work == "edited":
        (web / "src" / "web" / "nav.ts").write_text("new")
    if work == "committed":
        commit_quietly(web)
    if work == "claimed":
        claim(open_at(repo), ClaimRequest(holder="agent", slice_id=SliceId("web")))
    if work == "done":
        with open_at(repo).open_store() as store:
            record = store.read_slices("g")[1]
            store.write_slices(
                [convert({**structs.asdict(record), "status": "done"}, type(record))]
            )
    message = "it is under way, and may {}"
    nav = message.format("write src/web/cart.ts")
    assert find_in_the_way(repo, "src/web/") == [("web", nav)]
    assert find_in_the_way(repo, "**/*.ts") == [("web", nav)]
    unborn = message.format("write src/web/later.ts")
    assert find_in_the_way(repo, "src/web/later.ts") == [("web", unborn)]
    read = message.format("read docs/api.md")
    assert find_in_the_way(repo, "docs/api.md") == [("web", read)]
    assert show_scope(open_at(repo), SliceId("api"), None).allowed == ()


def test_floating_patterns_are_compared_in_paths_yet_to_come(repo: Path, web: Path) -> None:
    commit_quietly(web)
    ((_, message),) = find_in_the_way(repo, "*.never")
    assert "may write src/web/" in message
    assert message.endswith(".never")


def test_disjoint_and_shared_paths_are_free_beside_a_slice_under_way(repo: Path, web: Path) -> None:
    commit_quietly(web)
    assert allow(repo, "tests/").allowed
    assert allow(repo, "CHANGELOG.md").allowed


def test_a_slice_of_another_goal_is_named_with_its_goal(repo: Path, web: Path) -> None:
    task = {"id": "other", "owner_role": "w", "write_set": ["tests/"]}
    apply_graph(open_at(repo), convert({"goal_id": "h", "tasks": [task]}, TaskGraph))
    commit_quietly(repo.parent / "webshop.slices" / "h--other")
    request = AllowRequest(slice_id=SliceId("api"), pattern="tests/", reason="x", goal_id="g")
    with pytest.raises(RefusedError) as refused:
        allow_scope(open_at(repo), request)
    assert [problem.place for problem in refused.value.problems] == ["other of goal h"]


def test_a_slice_that_has_landed_is_not_in_the_way(repo: Path, web: Path) -> None:
    commit_quietly(web)
    git(repo, "merge", "--quiet", "slices/g/web")
    assert allow(repo, "src/web/").allowed


@pytest.mark.parametrize(
    ("pattern", "error", "says"),
    [
        ("!src/web/", InputError, "excludes, so it would narrow"),
        ("src/api/vendor/v.py", InputError, "the write scope excludes 'src/api/vendor/v.py'"),
        ("../x", ScopeError, "leads out of its directory"),
        ("", ScopeError, "cannot be empty"),
    ],
)
def test_a_pattern_that_widens_nothing_is_refused(
    repo: Path, web: Path, pattern: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        allow(repo, pattern)


def test_the_commands_print_the_scope_and_exit_by_the_answer(
    cli: Cli, repo: Path, web: Path
) -> None:
    done = cli("scope", "allow", "api", "Makefile", "--reason", "a target\x1b[2J")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "api may write\n  !src/api/vendor/\n  Makefile   allowed: a target\\x1b[2J\n  src/api/\n"
    )
    assert cli("scope", "show", "web").out == (
        "web may write\n  src/web/\nweb may read\n  docs/*.md\n"
    )
    commit_quietly(web)
    refused = cli("scope", "allow", "api", "src/web/", "--reason", "x", "--json")
    assert refused.code == 1
    assert refused.document["error"]["problems"][0]["place"] == "web"
    assert cli("scope", "allow", "apj", "x", "--reason", "x").code == 2
    assert cli("scope", "allow", "api", "x").code == 2
    assert cli("scope", "show", "nobody").code == 2


def test_a_slice_that_is_only_planned_is_shown_but_not_widened(cli: Cli, repo: Path) -> None:
    graph = repo.parent / "g.toml"
    graph.write_text(
        '[defaults]\nowner_role = "w"\n[[tasks]]\nid = "a"\nwrite_set = ["src/"]\n'
        '[[tasks]]\nid = "b"\nwrite_set = ["docs/"]\ndependencies = ["a"]\n'
    )
    cli("plan", str(graph), "--apply", "--ready")
    assert cli("scope", "show", "b").out == "b may write\n  docs/\n"
    done = cli("scope", "allow", "b", "x", "--reason", "x")
    assert done.code == 1
    assert "has no worktree to write in" in done.err
