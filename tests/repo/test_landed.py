"""What a target has of a slice, with git playing the forge in every way that forges land work."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gitslices.core.model import Oid, SliceId
from gitslices.ops.done import DoneRequest, done
from gitslices.ops.merge import MergeRequest, merge
from gitslices.ops.publish import PublishRequest, publish
from gitslices.ops.ready import ready
from gitslices.ops.removal import PruneRequest, prune
from gitslices.ops.status import SliceState, status
from gitslices.ops.sync import SyncRequest, sync
from gitslices.rules.progress import Landed, Presence
from gitslices.slices.landed import OwnRange, find_presences
from gitslices.workspace import Workspace
from tests.support.commands import Cli
from tests.support.remotes import add_remote, clone
from tests.support.repositories import commit_all, copy_repository, git
from tests.support.slices import apply_tasks, examine, slice_path, take, work
from tests.support.workspaces import open_at

Shop = Path
Do = Callable[[Shop], object]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A main line of numbered lines, and a branch `work` with two commits of its own beyond it."""
    path = tmp_path_factory.mktemp("landed") / "shop"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    for name in ("a.txt", "b.txt", "c.txt"):
        (path / name).write_text("".join(f"{name} {line}\n" for line in range(40)))
    (path / "image.bin").write_bytes(bytes(range(256)))
    commit_all(path, "Start")
    return path


def change(shop: Shop, name: str, line: int, text: str) -> None:
    lines = (shop / name).read_text().splitlines(keepends=True)
    lines[line] = f"{text}\n"
    (shop / name).write_text("".join(lines))


def commit_change(shop: Shop, name: str, line: int, text: str) -> str:
    change(shop, name, line, text)
    return commit_all(shop, text)


def work_twice(shop: Shop) -> None:
    commit_change(shop, "a.txt", 5, "first of the work")
    commit_change(shop, "a.txt", 20, "second of the work")


def move_on(shop: Shop) -> None:
    """Others go on near the work and elsewhere."""
    commit_change(shop, "a.txt", 12, "of others")
    commit_change(shop, "b.txt", 1, "of others")


def land_whole(shop: Shop) -> None:
    git(shop, "merge", "--quiet", "--no-ff", "-m", "Merge pull request", "work")


def squash(shop: Shop, message: str = "All of it (#1)") -> None:
    git(shop, "merge", "--quiet", "--squash", "work")
    commit_all(shop, message)


def rebase(shop: Shop) -> None:
    """Each commit anew, as GitHub does even where the target has not gone on."""
    git(shop, "checkout", "--quiet", "-b", "again", "work")
    git(shop, "rebase", "--quiet", "--no-ff", "main", GIT_COMMITTER_NAME="Forge")
    git(shop, "checkout", "--quiet", "main")
    git(shop, "merge", "--quiet", "--ff-only", "again")


def cherry_pick_part(shop: Shop) -> None:
    git(shop, "cherry-pick", "work~1")


def cherry_pick_all(shop: Shop) -> None:
    git(shop, "cherry-pick", "main..work")


def move_over(shop: Shop) -> None:
    """Others change the lines that the work has changed."""
    commit_change(shop, "a.txt", 5, "first again")
    commit_change(shop, "a.txt", 20, "second again")


def revert(shop: Shop) -> None:
    git(shop, "revert", "--no-edit", *choose_parent(shop, "HEAD"), "HEAD")


def choose_parent(shop: Shop, commit: str) -> list[str]:
    is_merge = " " in git(shop, "show", "--no-patch", "--format=%P", commit)
    return ["-m1"] if is_merge else []


def revert_each(shop: Shop) -> None:
    git(shop, "revert", "--no-edit", "HEAD", "HEAD~1")


def rewrite_target(shop: Shop) -> None:
    """The target is made anew on an older commit, with what it had."""
    commit = git(shop, "rev-parse", "HEAD")
    git(shop, "reset", "--quiet", "--hard", "HEAD~1")
    commit_change(shop, "c.txt", 1, "came in between")
    git(
        shop,
        "cherry-pick",
        *(["-m1"] if " " in git(shop, "show", "-s", "--format=%P", commit) else []),
        commit,
    )


def drop_from_target(shop: Shop) -> None:
    git(shop, "reset", "--quiet", "--hard", "HEAD~1")
    commit_change(shop, "c.txt", 1, "instead")


def move_file(shop: Shop) -> None:
    git(shop, "mv", "a.txt", "d.txt")
    commit_all(shop, "Another name")


def squash_edited(shop: Shop) -> None:
    """The reviewer changes a line of it before it is squashed, and leaves the trailer."""
    git(shop, "merge", "--quiet", "--squash", "work")
    change(shop, "a.txt", 5, "better first")
    commit_all(shop, "All of it (#1)\n\n* first\n\nGitslices-Slice: shop/work\n\n* second")


def squash_two(shop: Shop) -> None:
    git(shop, "checkout", "--quiet", "-b", "other", "main")
    commit_change(shop, "c.txt", 30, "another slice")
    git(shop, "checkout", "--quiet", "main")
    git(shop, "merge", "--quiet", "-m", "both", "other")
    git(shop, "merge", "--quiet", "-m", "both", "work")
    git(shop, "reset", "--quiet", "--soft", "HEAD~2")
    commit_all(shop, "Two at once")


def bring_target_in(shop: Shop) -> None:
    git(shop, "checkout", "--quiet", "work")
    git(shop, "merge", "--quiet", "-m", "Bring main in", "main")
    git(shop, "checkout", "--quiet", "main")


def go_on_in_slice(shop: Shop) -> None:
    git(shop, "checkout", "--quiet", "work")
    commit_change(shop, "a.txt", 35, "more work")
    git(shop, "checkout", "--quiet", "main")


def work_on_mode(shop: Shop) -> None:
    git(shop, "update-index", "--chmod=+x", "a.txt")
    (shop / "a.txt").chmod(0o755)
    git(shop, "commit", "--quiet", "-m", "Executable")


def work_on_name(shop: Shop) -> None:
    git(shop, "mv", "c.txt", "renamed.txt")
    commit_all(shop, "Rename")


def work_on_binary(shop: Shop) -> None:
    (shop / "image.bin").write_bytes(bytes(range(255, -1, -1)) * 2)
    commit_all(shop, "Picture")


def work_on_submodule(shop: Shop) -> None:
    head = git(shop, "rev-parse", "HEAD")
    git(shop, "update-index", "--add", "--cacheinfo", f"160000,{head},vendor")
    git(shop, "commit", "--quiet", "-m", "Submodule")


def work_on_hard_names(shop: Shop) -> None:
    for name in ('new\n"line"', "déjà \\ vu", "0" * 40):
        (shop / name).write_text("text without an end")
    commit_all(shop, "Names")


def work_not(shop: Shop) -> None:
    """Nothing."""


def work_for_nothing(shop: Shop) -> None:
    commit_change(shop, "a.txt", 5, "tried")
    git(shop, "revert", "--no-edit", "HEAD")


# What was worked, what became of it in the target, and how that is called.
WAYS: dict[str, tuple[Do, tuple[Do, ...], str | None]] = {
    "merge": (work_twice, (land_whole,), "merge"),
    "squash": (work_twice, (squash,), "squash"),
    "rebase": (work_twice, (rebase,), "rebase"),
    "fast-forward": (work_twice, (lambda shop: git(shop, "merge", "--ff-only", "work"),), "merge"),
    "cherry-pick of all": (
        work_twice,
        (move_on, lambda s: git(s, "cherry-pick", "main..work")),
        "rebase",
    ),
    "nothing": (work_twice, (), None),
    "nothing, others went on": (work_twice, (move_on,), None),
    "part": (work_twice, (cherry_pick_part,), None),
    "part, others went on": (work_twice, (move_on, cherry_pick_part, move_on), None),
}
for _name, _land in {"merge": land_whole, "squash": squash, "rebase": rebase}.items():
    WAYS |= {
        f"others, {_name}": (work_twice, (move_on, _land), _name),
        f"{_name}, others": (work_twice, (_land, move_on), _name),
        f"others, {_name}, others over it": (work_twice, (move_on, _land, move_over), _name),
        f"{_name}, target rewritten": (
            work_twice, (move_on, _land, rewrite_target),
            # One of the two that were rebased was beneath what was rewritten.
            "rebase" if _name == "rebase" else "squash",
        ),
        f"{_name}, target set back": (work_twice, (move_on, _land, drop_from_target), None),
        f"{_name}, its file moved": (work_twice, (_land, move_file), _name),
    }  # fmt: skip
WAYS |= {
    "merge, reverted": (work_twice, (land_whole, revert), None),
    "squash, reverted": (work_twice, (squash, revert), None),
    "rebase, reverted each": (work_twice, (rebase, revert_each), None),
    "rebase, last reverted": (work_twice, (rebase, revert), None),
    "squash, others, reverted twice": (work_twice, (squash, revert, revert), "squash"),
    "merge, reverted twice": (work_twice, (move_on, land_whole, revert, revert), "squash"),
    "squash, reverted, over it": (work_twice, (squash, revert, move_over), None),
    "edited squash": (work_twice, (move_on, squash_edited), "trailer"),
    "edited squash, others": (work_twice, (squash_edited, move_over), "trailer"),
    "edited squash, reverted": (work_twice, (squash_edited, revert), None),
    "two slices in one": (work_twice, (move_on, squash_two, move_over), "squash"),
    "target brought in, squash": (work_twice, (move_on, bring_target_in, squash), "squash"),
    "squash, target brought in": (work_twice, (squash, move_on, bring_target_in), "squash"),
    "target brought in": (work_twice, (move_on, bring_target_in), None),
    "squash, then more work": (work_twice, (squash, go_on_in_slice), None),
    "no work": (work_not, (move_on,), None),
    "work undone": (work_for_nothing, (move_on,), None),
}
for _do in (work_on_mode, work_on_name, work_on_binary, work_on_submodule, work_on_hard_names):
    for _name, _land in {"merge": land_whole, "squash": squash, "rebase": rebase}.items():
        called = "merge" if _land is land_whole else "squash"  # of one commit the two are alike
        WAYS[f"{_do.__name__}, {_name}"] = (_do, (move_on, _land, move_on), called)
    WAYS[f"{_do.__name__}, not"] = (_do, (move_on,), None)
    WAYS[f"{_do.__name__}, reverted"] = (_do, (squash, revert), None)


@pytest.mark.parametrize("way", WAYS)
def test_way(template: Path, tmp_path: Path, way: str) -> None:
    do, steps, expected = WAYS[way]
    shop = copy_repository(template, tmp_path / "shop")
    base = git(shop, "rev-parse", "main")
    git(shop, "checkout", "--quiet", "-b", "work")
    do(shop)
    git(shop, "checkout", "--quiet", "main")
    for step in steps:
        step(shop)
    presence = judge(shop, base)
    assert (presence.landed.by if presence.landed else None) == expected, presence


def judge(shop: Shop, base: str) -> Presence:
    asked = OwnRange(
        trailer="Gitslices-Slice: shop/work",
        base=Oid(base),
        tip=Oid(git(shop, "rev-parse", "work")),
    )
    target = Oid(git(shop, "rev-parse", "main"))
    (presence,) = find_presences(open_at(shop).repo, target, [asked])
    return presence


TASKS = (
    {"id": "a", "write_set": ["a/"]},
    {"id": "b", "write_set": ["b/"], "dependencies": ["a"]},
)


@pytest.fixture
def workspace(repo: Path) -> Workspace:
    """Slice a with two commits that nobody has merged, and b that waits for it."""
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS)
    work(workspace, "a", {"a/one": "1"})
    work(workspace, "a", {"a/two": "2"})
    return workspace


def state_of(workspace: Workspace, slice_id: str) -> SliceState:
    return next(one for one in status(workspace, None).slices if one.slice_id == slice_id)


def squash_branch(repo: Path, branch: str) -> str:
    git(repo, "merge", "--quiet", "--squash", branch)
    commit = commit_all(repo, "All of a (#1)")
    commit_all(repo, "Others")
    return commit


def test_what_a_forge_has_squashed_is_merged_for_every_command(
    repo: Path, workspace: Workspace
) -> None:
    commit = squash_branch(repo, "slices/default/a")
    a = state_of(workspace, "a")
    assert (a.status, a.landed, a.ahead, a.problem) == (
        "merged", Landed(by="squash", commit=Oid(commit)), 0, None,
    )  # fmt: skip
    assert [one.slice_id for one in ready(workspace, None).ready] == ["b"]
    assert sync(workspace, SyncRequest(slice_ids=None)).refused == ()
    before = git(repo, "rev-parse", "main")
    merge(workspace, MergeRequest(slice_ids=(SliceId("a"),)))
    assert git(repo, "rev-parse", "main") == before
    assert state_of(workspace, "a").landed == a.landed
    assert [one.slice_id for one in prune(workspace, PruneRequest()).removed] == ["a"]


def forge_merge(repo: Path, branch: str) -> None:
    git(repo, "merge", "--quiet", "--no-ff", "-m", "Merge pull request #1", branch)


def forge_rebase(repo: Path, branch: str) -> None:
    git(repo, "cherry-pick", f"HEAD..{branch}", GIT_COMMITTER_NAME="Forge")


@pytest.mark.parametrize(
    ("land", "by", "known_by"),
    [
        (forge_merge, "merge", "done"),
        (squash_branch, "squash", "publish"),
        (forge_rebase, "rebase", "a push"),
    ],
)
@pytest.mark.parametrize("target", ["main", "origin/main"])
def test_one_whose_branch_was_deleted_after_its_merge_has_landed(
    repo: Path,
    land: Callable[[Path, str], object],
    by: str,
    known_by: str,
    target: str,
) -> None:
    branch, hub = "slices/default/a", add_remote(repo)
    workspace = open_at(repo)
    apply_tasks(workspace, *TASKS, target=target)
    work(workspace, "a", {"a/one": "1"})
    work(workspace, "a", {"a/two": "2"})
    if known_by == "done":
        done(workspace, DoneRequest(slice_id=SliceId("a"), token=take(workspace, "a")))
    elif known_by == "publish":
        publish(workspace, PublishRequest(slice_ids=(SliceId("a"),)))
    git(repo, "push", "--quiet", "origin", branch)
    forge = clone(hub)
    commit_all(forge, "Others")
    land(forge, f"origin/{branch}")
    git(forge, "push", "--quiet", "origin", "main")
    git(repo, "pull", "--quiet", "--ff-only", "origin", "main")
    before = state_of(workspace, "a")
    assert before.landed
    assert (before.status, before.landed.by) == ("merged", by)
    git(repo, "worktree", "remove", str(slice_path(workspace, "a")))
    git(repo, "branch", "--quiet", "-D", branch)
    after = state_of(workspace, "a")
    assert after.landed
    assert (after.status, after.landed.by, after.problem) == ("merged", by, None)
    assert [one.slice_id for one in ready(workspace, None).ready] == ["b"]
    apply_tasks(workspace, *TASKS, target=target)
    assert not slice_path(workspace, "a").exists()
    assert examine(repo) == ()
    take(workspace, "b")
    assert (slice_path(workspace, "b") / "a" / "two").read_text() == "2"


def test_one_whose_branch_was_deleted_and_that_landed_nowhere_is_lost(
    cli: Cli, workspace: Workspace
) -> None:
    done(workspace, DoneRequest(slice_id=SliceId("a"), token=take(workspace, "a")))
    git(workspace.repo.common_dir, "worktree", "remove", str(slice_path(workspace, "a")))
    git(workspace.repo.common_dir, "branch", "--quiet", "-D", "slices/default/a")
    a = state_of(workspace, "a")
    assert (a.status, a.problem) == ("done", "no branch, no worktree")
    told = cli("landed", "a")
    assert (told.code, "name the commit that has it" in told.err) == (1, True)
    commit = git(workspace.repo.common_dir, "rev-parse", "main")
    assert cli("landed", "a", "--commit", commit).code == 0
    a = state_of(workspace, "a")
    assert (a.landed, a.problem) == (Landed(by="word", commit=Oid(commit)), None)


def test_commits_made_after_the_squash_are_kept(repo: Path, workspace: Workspace) -> None:
    squash_branch(repo, "slices/default/a")
    work(workspace, "a", {"a/three": "3"})
    assert state_of(workspace, "a").status == "provisioned"
    assert prune(workspace, PruneRequest()).removed == ()
    assert slice_path(workspace, "a").is_dir()


def test_a_part_that_was_picked_is_told(repo: Path, workspace: Workspace) -> None:
    git(repo, "cherry-pick", "slices/default/a~1", GIT_COMMITTER_NAME="Forge")
    commit_all(repo, "Others")
    a = state_of(workspace, "a")
    assert (a.status, a.problem) == ("provisioned", "1 of 2 commits in main")


def test_a_word_makes_it_merged(cli: Cli, repo: Path, workspace: Workspace) -> None:
    commit = commit_all(repo, "The same in another shape")
    commit_all(repo, "Others")
    done = cli("landed", "a", "--commit", commit, "--json")
    assert (done.code, json.loads(done.out)["commit"]) == (0, commit)
    assert state_of(workspace, "a").landed == Landed(by="word", commit=Oid(commit))
    assert [one.slice_id for one in ready(workspace, None).ready] == ["b"]
    assert cli("landed", "a").code == 1  # it is merged already


@pytest.mark.parametrize("commit", ["slices/default/a", "--all", "nothing", "main:README.md"])
def test_a_word_must_name_a_commit_of_the_target(
    cli: Cli, workspace: Workspace, commit: str
) -> None:
    done = cli("landed", "a", f"--commit={commit}")
    assert (done.code, state_of(workspace, "a").status) == (2, "provisioned")


def test_nobody_speaks_for_a_holder(cli: Cli, workspace: Workspace) -> None:
    take(workspace, "a")
    done = cli("landed", "a")
    assert done.code == 1
    assert "worker holds slice 'a'" in done.err
