"""`plan --apply --sparse`: a worktree holds what its slice reads and writes."""

import subprocess
from os.path import relpath
from pathlib import Path

import pytest

from gitslices.core.model import Oid, RepoPath, RepoTree, SliceId
from gitslices.ops.show import show
from gitslices.scopes.language.entries import Access, parse_scope
from gitslices.scopes.tracked.sparse import Checkout, make_checkouts
from tests.support.commands import Cli
from tests.support.graphs import write_graph
from tests.support.repositories import commit_all, git, list_files
from tests.support.slices import apply_tasks, path_beside, read_record
from tests.support.workspaces import open_at

PATHS = ("Makefile", "app/[id]/page.ts", "app/top.ts", "docs/api.md", "docs/b.md", "src/api/a.py",
         "src/api/vendor/v.py", "src/db/s.sql", "src/top.py")  # fmt: skip
ROOT = {"CHANGELOG.md", "Makefile", "README.md"}


def make(
    write: list[str],
    read: list[str] | None = None,
    ignore_case: bool = False,
    besides: list[str] | None = None,
) -> Checkout:
    access = Access(
        read=parse_scope(read or []), write=parse_scope(write), checkout=parse_scope(besides or [])
    )
    paths = tuple(RepoPath(path) for path in PATHS)
    tree = RepoTree(commit=Oid("0"), paths=paths, ignore_case=ignore_case)
    (checkout,) = make_checkouts(tree, [access])
    return checkout


def test_directories_become_a_cone_with_the_files_beside_them() -> None:
    checkout = make(["src/api/"], ["docs"])
    assert checkout.is_cone
    assert checkout.patterns == ("/*", "!/*/", "/docs/", "/src/", "!/src/*/", "/src/api/")
    assert set(checkout.paths) == {
        "Makefile", "docs/api.md", "docs/b.md", "src/api/a.py", "src/api/vendor/v.py", "src/top.py"
    }  # fmt: skip


def test_what_does_not_exist_yet_may_be_in_a_cone() -> None:
    assert make(["src/new"]).is_cone


@pytest.mark.parametrize(
    ("write", "lines", "inside"),
    [
        (["docs/api.md"], ["/docs/api.md"], {"docs/api.md"}),
        (["src/**/*.py"], ["src/**/*.py"], {"src/api/a.py", "src/api/vendor/v.py", "src/top.py"}),
        (
            ["src/api/", "!src/api/vendor"],
            ["/src/api", "!/src/api/vendor", "!/src/api/vendor/**"],
            {"src/api/a.py"},
        ),
        (
            ["src/**/*.py", "!vend*"],
            ["src/**/*.py", "!vend*", "!**/vend*/**"],
            {"src/api/a.py", "src/top.py"},
        ),
        (["app/[id]/"], ["app/[id]/", "/app/\\[id]/"], {"app/[id]/page.ts"}),
        (["#a*"], ["\\#a*"], set()),
        (["odd name "], ["/odd name\\ "], set()),
    ],
)
def test_anything_else_becomes_patterns(
    write: list[str], lines: list[str], inside: set[str]
) -> None:
    checkout = make(write)
    assert not checkout.is_cone
    assert checkout.patterns == ("/*", "!/*/", *lines)
    assert set(checkout.paths) == {"Makefile", *inside}


def test_the_whole_repository_less_an_exclusion() -> None:
    checkout = make(["**", "!docs/"])
    assert checkout.patterns == ("/*", "!/docs", "!/docs/**")
    assert "docs/api.md" not in checkout.paths
    assert "src/db/s.sql" in checkout.paths


def test_what_one_scope_excludes_and_the_other_needs_is_there() -> None:
    checkout = make(["src/api/", "!src/api/vendor"], ["src/api/vendor/v.py"])
    assert "src/api/vendor/v.py" in checkout.paths
    assert "!/src/api/vendor" not in checkout.patterns


def test_what_a_slice_has_besides_is_there_and_keeps_the_cone() -> None:
    checkout = make(["src/api/"], besides=["docs/"])
    assert checkout.is_cone
    assert "docs/api.md" in checkout.paths
    checkout = make(["src/api/", "!src/api/vendor"], besides=["src/**/v.py", "!docs/"])
    assert "src/api/vendor/v.py" in checkout.paths
    assert "docs/api.md" not in checkout.paths


def test_names_that_git_compares_otherwise_are_no_cone() -> None:
    assert not make(["SRC/API"], ignore_case=True).is_cone


def test_a_checkout_has_the_files_that_were_foretold_and_a_clean_status(
    repo: Path, tmp_path: Path
) -> None:
    tasks = [
        {"id": "cone", "write_set": ["src/web"], "read_set": ["docs/"]},
        {"id": "pattern", "write_set": ["src/**/*.py", "!src/db/"], "read_set": ["docs/api.md"]},
        {"id": "all", "write_set": ["project files"]},
    ]
    workspace = open_at(repo)
    apply_tasks(workspace, *tasks, sparse=True)
    assert list_files(path_beside(repo, "cone")) == ROOT | {
        "docs/api.md", "docs/login.md", "src/web/cart.ts", "src/web/login.ts", "src/web/nav.ts"
    }  # fmt: skip
    assert list_files(path_beside(repo, "pattern")) == ROOT | {
        "docs/api.md", "src/api/errors.py", "src/api/orders.py", "src/api/tokens.py"
    }  # fmt: skip
    assert list_files(path_beside(repo, "all")) == list_files(repo) - {
        one for one in list_files(repo) if one.startswith(".git/")
    }
    for id_ in ("cone", "pattern", "all"):
        assert git(path_beside(repo, id_), "status", "--porcelain") == ""
        tags = git(path_beside(repo, id_), "ls-files", "-t")
        git(path_beside(repo, id_), "sparse-checkout", "reapply")
        assert git(path_beside(repo, id_), "ls-files", "-t") == tags, "git has other files in it"
    assert git(repo, "status", "--porcelain") == ""
    assert "src/db/schema.sql" in list_files(repo)


def test_a_widened_scope_widens_the_checkout_and_keeps_changes(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/web"]}, sparse=True)
    before = read_record(workspace, "a").sparse
    path = path_beside(repo, "a")
    (path / "src/web/nav.ts").write_text("changed")
    (path / "src/web/new.ts").write_text("new")
    report = apply_tasks(workspace, {"id": "a", "write_set": ["src/web", "docs/"]})
    assert (report.rescoped, report.warnings) == (("a",), ())
    assert (path / "docs/api.md").is_file()
    assert (path / "src/web/nav.ts").read_text() == "changed"
    assert (path / "src/web/new.ts").read_text() == "new"
    assert before not in ("", read_record(workspace, "a").sparse)


def test_what_slices_have_besides_orders_nobody_and_comes_with_the_next_apply(
    repo: Path, tmp_path: Path
) -> None:
    workspace = open_at(repo)
    a = {"id": "a", "write_set": ["src/web"], "checkout_set": ["docs/"]}
    b = {"id": "b", "write_set": ["docs/"], "checkout_set": ["src/{web,db}/"]}
    apply_tasks(workspace, a, b, sparse=True)
    with workspace.open_store() as store:
        (goal,) = store.read_goals()
    assert goal.plan.waves == (("a", "b"),)
    assert goal.plan.slices[1].checkout_scope == ("src/db/", "src/web/")
    assert (path_beside(repo, "a") / "docs/api.md").is_file()
    assert (path_beside(repo, "b") / "src/web/nav.ts").is_file()
    assert not (path_beside(repo, "a") / "src/db").exists()
    report = apply_tasks(workspace, {**a, "checkout_set": ["src/db/"]}, b)
    assert (report.rescoped, report.kept) == (("a",), ("b",))
    assert (path_beside(repo, "a") / "src/db/schema.sql").is_file()
    assert not (path_beside(repo, "a") / "docs").exists()
    assert show(workspace, SliceId("a"), None).checkout_scope == ("src/db/",)


def test_a_changed_scope_leaves_ignored_and_changed_files_where_they_are(
    repo: Path, tmp_path: Path
) -> None:
    (repo / ".gitignore").write_text("cache/\n")
    commit_all(repo)
    workspace = open_at(repo)
    before = {"id": "a", "write_set": ["src/web", "docs/"]}
    apply_tasks(workspace, before, sparse=True)
    path = path_beside(repo, "a")
    (path / "src/web/cache").mkdir()
    (path / "src/web/cache/kept").write_text("kept")
    (path / "docs/api.md").write_text("changed")
    report = apply_tasks(workspace, {"id": "a", "write_set": ["src/db"]})
    assert report.warnings == ()
    assert (path / "src/web/cache/kept").read_text() == "kept"
    assert (path / "docs/api.md").read_text() == "changed"
    assert (path / "src/db/schema.sql").is_file()
    assert not (path / "src/web/nav.ts").exists()


def test_a_checkout_that_could_not_be_widened_is_widened_by_the_next_apply(
    repo: Path, tmp_path: Path
) -> None:
    workspace = open_at(repo)
    apply_tasks(workspace, {"id": "a", "write_set": ["src/web"]}, sparse=True)
    lock = repo / ".git/worktrees/default--a/index.lock"
    lock.write_text("")
    wider = {"id": "a", "write_set": ["src/web", "docs/"]}
    report = apply_tasks(workspace, wider)
    assert report.warnings[0].startswith("a: its sparse checkout was not changed: git sparse-check")
    lock.unlink()
    assert apply_tasks(workspace, wider).kept == ("a",)
    assert (path_beside(repo, "a") / "docs/api.md").is_file()


def test_a_deleted_sparse_worktree_comes_back_sparse(repo: Path, tmp_path: Path) -> None:
    workspace = open_at(repo)
    task = {"id": "a", "write_set": ["src/web"]}
    apply_tasks(workspace, task, sparse=True)
    before = list_files(path_beside(repo, "a"))
    for one in sorted(path_beside(repo, "a").rglob("*"), reverse=True):
        one.rmdir() if one.is_dir() else one.unlink()
    path_beside(repo, "a").rmdir()
    assert apply_tasks(workspace, task).restored == ("a",)
    assert list_files(path_beside(repo, "a")) == before


def test_a_slice_commits_what_it_writes(repo: Path, tmp_path: Path) -> None:
    apply_tasks(open_at(repo), {"id": "a", "write_set": ["src/web"]}, sparse=True)
    path = path_beside(repo, "a")
    (path / "src/web/new.ts").write_text("new")
    commit_all(path)
    assert git(path, "diff", "--name-status", "main", "HEAD") == "A\tsrc/web/new.ts"


def test_settings_of_a_bare_repository_go_where_git_puts_them(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), "shop.git")
    bare = tmp_path / "shop.git"
    apply_tasks(open_at(bare), {"id": "a", "write_set": ["docs/"]}, sparse=True)
    path = tmp_path / "shop.slices" / "default--a"
    assert list_files(path) == ROOT | {"docs/api.md", "docs/login.md"}
    assert git(bare, "rev-parse", "--is-bare-repository") == "true"
    assert open_at(path).main_worktree is None
    assert git(path, "config", "extensions.worktreeConfig") == "true"


def test_what_holds_for_the_main_worktree_is_seen_from_every_other(
    repo: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "shop" / ".git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), str(bare))
    path = tmp_path / "linked"
    git(bare, "worktree", "add", "--quiet", "-b", "linked", str(path))
    git(path, "sparse-checkout", "set", "--cone", "docs")
    assert git(bare, "config", "--worktree", "core.bare") == "true"
    assert open_at(path).main_worktree is open_at(bare).main_worktree is None


def test_git_takes_the_patterns_of_directories_for_a_cone(repo: Path, tmp_path: Path) -> None:
    task = {"id": "a", "write_set": ["src/web", "docs", "src", "src/new/deep"]}
    apply_tasks(open_at(repo), task, sparse=True)
    done = subprocess.run(
        ["git", "-C", str(path_beside(repo, "a")), "sparse-checkout", "list"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("docs\nsrc\n", "")


def test_status_says_which_worktrees_are_sparse(cli: Cli, repo: Path, tmp_path: Path) -> None:
    one, two = {"id": "a", "write_set": ["docs/"]}, {"id": "b", "write_set": ["src/"]}
    cli("plan", write_graph(tmp_path / "g.json", one), "--apply", "--sparse")
    cli("plan", write_graph(tmp_path / "g.json", one, two), "--apply")
    states = cli("status", "--json").document["slices"]
    assert [(one["slice_id"], one["sparse"]) for one in states] == [("a", True), ("b", False)]
    assert f"{relpath(path_beside(repo, 'a'), repo)} (sparse)" in cli("status", "--paths").out


def test_sparse_needs_apply(cli: Cli, graph_file: Path) -> None:
    done = cli("plan", str(graph_file), "--sparse")
    assert (done.code, "--sparse needs --apply" in done.err) == (2, True)
