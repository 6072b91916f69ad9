"""What two commits have in common, what differs, and what a branch has made of it.

What came from the target is not the slice's change, however it came (merge, rebase, cherry-pick).
So a path counts that differs from every *baseline*: from the best common ancestor with the target,
and from the target's own tip. After criss-cross merges there are several such ancestors; then it is
what git makes of them before it merges, or a slice that takes the target in and keeps its own files
would undo what it took.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gitslices.core.model import BranchName, Change, Oid, RepoPath
from gitslices.git.as_checked_out import find_as_checked_out
from gitslices.git.read import HEADS, name_target_refs
from gitslices.git.repository import Repository
from gitslices.git.set_up_traces import drop_traces
from gitslices.git.submodules import find_behind

# A rename is two paths, each of which must be in scope; and what lies uncommitted in a submodule is
# in no commit of this repository.
_RAW: Final = ("--raw", "-z", "--no-renames", "--ignore-submodules=dirty")
"""How `git diff` and its kin are to answer `_parse_raw`."""
_NOTHING: Final = "000000"
_SUBMODULE: Final = "160000"

_Modes = tuple[str, str]
"""The file modes before and after."""


class Baseline(Struct, frozen=True):
    """A commit that changes are told from.

    Of one that is made of several, `torn` are the paths in which those conflict: what it holds
    there is nobody's.
    """

    commit: Oid
    torn: frozenset[RepoPath] = frozenset()


def find_merge_bases(repo: Repository, commit: Oid, *others: Oid) -> tuple[Oid, ...]:
    """The best common ancestors of `commit` and a merge of `others`, be there such a merge or not.

    One, several after criss-cross merges, or none.
    """
    if not others:
        return ()
    listing = repo.run("merge-base", "--all", commit, *dict.fromkeys(others), ok=(0, 1)).text
    return tuple(Oid(line) for line in listing.split())


def read_tree_changes(repo: Repository, older: Oid, newer: Oid) -> tuple[Change, ...]:
    """The paths that differ between two commits; a rename is two of them."""
    return read_commit_changes(repo, repo.common_dir, newer, (Baseline(older),))


def read_changed_paths(repo: Repository, since: Oid, tip: Oid) -> dict[Oid, tuple[RepoPath, ...]]:
    """What each commit changes, be it no path, that `tip` has and `since` lacks; no merges."""
    # Listed first, because in what diff-tree tells a commit looks like any other name.
    listed = repo.run("rev-list", "--no-merges", tip, f"^{since}").text.split()
    asked = "".join(f"{commit}\n" for commit in listed).encode()
    # Without --root the first commit of all changes nothing.
    told = repo.run("diff-tree", "--stdin", "--root", "-r", "-z", "--name-only", input=asked).text
    changed: dict[Oid, list[RepoPath]] = {Oid(commit): [] for commit in listed}
    paths: list[RepoPath] = []
    for word in told.split("\0")[:-1]:
        if word in changed:
            paths = changed[Oid(word)]
        else:
            paths.append(RepoPath(word))
    return {commit: tuple(found) for commit, found in changed.items()}


def read_mainline(repo: Repository, since: Oid, tip: Oid) -> set[Oid]:
    """The commits that were the tip of a branch, as far as merges tell, and that `since` lacks."""
    return set(map(Oid, repo.run("rev-list", "--first-parent", tip, f"^{since}").text.split()))


def read_commit_changes(
    repo: Repository, git_dir: Path, commit: str, baselines: Sequence[Baseline]
) -> tuple[Change, ...]:
    """What `commit`, or HEAD of the worktree of `git_dir`, holds otherwise than all `baselines`."""
    return _join_baselines(
        baselines,
        lambda one: repo.run("diff-tree", "-r", *_RAW, one, commit, "--", git_dir=git_dir).text,
    )


def _join_baselines(
    baselines: Sequence[Baseline], compare: Callable[[Oid], str]
) -> tuple[Change, ...]:
    """The paths that differ from every one of `baselines`; `compare` asks git about one, by `_RAW`.

    Where one is torn, a path differs from it that differs from any other.
    """
    joined: dict[RepoPath, tuple[_Modes, ...]] | None = None
    for baseline in baselines:
        listing = _parse_raw(compare(baseline.commit))
        found = dict.fromkeys(baseline.torn, ()) | {path: (listing[path],) for path in listing}
        known = dict.fromkeys(found, ()) if joined is None else joined
        joined = {path: (*known[path], *found[path]) for path in known if path in found}
        # No path can come back: the comparisons that are left would be for nothing.
        if not joined:
            break
    return tuple(_make_change(path, modes) for path, modes in (joined or {}).items() if modes)


def _make_change(path: RepoPath, modes: Sequence[_Modes]) -> Change:
    return Change(
        path=path,
        is_new=all(before == _NOTHING for before, _ in modes),
        is_gone=all(after == _NOTHING for _, after in modes),
        is_submodule=any(_SUBMODULE in pair for pair in modes),
        was_submodule=any(before == _SUBMODULE for before, _ in modes),
    )


def _parse_raw(listing: str) -> dict[RepoPath, _Modes]:
    """The modes of each path in what git has answered to `_RAW`."""
    fields = listing.split("\0")
    return {
        RepoPath(path): (head[1:7], head[8:14])
        for head, path in zip(fields[::2], fields[1::2], strict=False)
    }


def mentions_revert(repo: Repository, since: Iterable[Oid], tip: Oid) -> bool:
    """Whether a commit says that it takes something back, that `tip` has and not all of `since`."""
    known = list(dict.fromkeys(since))
    met: list[str] = [*known[:1]]
    if len(known) > 1:
        met = repo.run("merge-base", "--octopus", *known, ok=(0, 1)).text.split()
    return bool(
        repo.run(
            "log", "--first-parent", "--regexp-ignore-case", "--grep=revert", "--max-count=1",
            "--no-show-signature", "--format=%H", tip, *(f"^{one}" for one in met),
        ).stdout
    )  # fmt: skip


def count_all_ahead_behind(
    repo: Repository, commits: Iterable[Oid], target: Oid
) -> Mapping[Oid, tuple[int, int]]:
    """For each of `commits`, how many commits it has that `target` lacks, and the reverse.

    Two git processes however many commits there are, none when all are the target.
    """
    others = sorted(set(commits) - {target})
    if not others:
        return {target: (0, 0)}
    ends = [target, *others]
    sharing = _count_by_sharers(repo, ends)
    counts = {target: (0, 0)}
    for place, commit in enumerate(others, start=1):
        mask = 1 << place
        ahead = sum(n for who, n in sharing.items() if who & mask and not who & 1)
        behind = sum(n for who, n in sharing.items() if who & 1 and not who & mask)
        counts[commit] = (ahead, behind)
    return counts


def _count_by_sharers(repo: Repository, ends: list[Oid]) -> Counter[int]:
    """Numbers of commits by who has them: bit n of a key stands for `ends[n]`.

    What all of them have is left out, so the walk is as long as their histories are apart.
    """
    shared = repo.run("merge-base", "--octopus", *ends, ok=(0, 1)).text.split()
    revisions = [*ends, *(f"^{commit}" for commit in shared)]
    # In this order no commit comes before one of its children: who has it is complete then.
    listing = repo.run(
        "rev-list", "--topo-order", "--parents", "--stdin", input="\n".join(revisions).encode()
    ).text
    sharers = {str(commit): 1 << place for place, commit in enumerate(ends)}
    totals: Counter[int] = Counter()
    for line in listing.splitlines():
        commit, *parents = line.split()
        mask = sharers.pop(commit)
        totals[mask] += 1
        for parent in parents:
            sharers[parent] = sharers.get(parent, 0) | mask
    return totals


_Join = Callable[[Sequence[Oid], Oid], Baseline]
"""Makes one of several common ancestors, by the rules for files of another commit."""


def find_baselines(
    repo: Repository,
    git_dir: Path,
    join: _Join,
    *,
    tips: Sequence[str],
    target: BranchName,
    base: Oid,
    before: Sequence[BranchName] = (),
) -> tuple[Baseline, ...]:
    """The commits that a slice is compared with: where it last met its target, and the target.

    `tips` are its last commit, and what a merge that is not committed yet adds to it. `base`
    stands in for a target that is gone. What comes from the branches `before` is not its own.
    """
    refs = name_target_refs(target)
    names = (*refs, base, *(HEADS + branch for branch in before), *tips)
    found = _resolve(repo, git_dir, names)
    met_by, own = found[len(refs) : -len(tips)], found[-len(tips) :]
    landing = next(filter(None, found[: len(refs)]), None)
    others = [commit for commit in (landing, *met_by) if commit]
    ends = [commit for commit in own if commit]
    met = [one for end in ends for one in find_merge_bases(repo, end, *others)]
    if len(ends) > 1:
        # Each end has brought its own: one that lies behind another is no best one of them all.
        met = _drop_ancestors(repo, met)
    joined = [join(met, others[0])] if len(met) > 1 else map(Baseline, met or others[-1:])
    # Each once: every baseline costs a comparison.
    return tuple(dict.fromkeys((*joined, *map(Baseline, others[:1]))))


def read_merge_heads(git_dir: Path) -> tuple[str, ...]:
    """What the worktree of `git_dir` is merging, until that is committed."""
    # A file in every format of reference storage, with a line for each branch.
    try:
        return tuple((git_dir / "MERGE_HEAD").read_text("ascii").split())
    except FileNotFoundError:
        return ()


def read_index_changes(
    repo: Repository, git_dir: Path, baselines: Sequence[Baseline], index_file: Path | None = None
) -> tuple[Change, ...]:
    """What the index of the worktree of `git_dir`, or `index_file` in its place, would commit."""
    env = {"GIT_INDEX_FILE": str(index_file)} if index_file else {}
    return _join_baselines(
        baselines,
        lambda one: (
            repo.run("diff-index", "--cached", *_RAW, one, "--", env=env, git_dir=git_dir).text
        ),
    )


def read_file_changes(
    repo: Repository, worktree: Path, baselines: Sequence[Baseline]
) -> tuple[Change, ...]:
    """What the files of a worktree hold otherwise than all `baselines`, untracked ones included.

    Left out is what nobody did: what its set-up left there, files that are as git has written them,
    and submodules that are merely behind.
    """
    # The porcelain diff, because the plumbing one reports files whose time alone has changed.
    tracked = _join_baselines(
        baselines,
        lambda one: repo.run_at(
            worktree, "--no-optional-locks", "diff", "--no-ext-diff", "--no-relative", *_RAW,
            one, "--",
        ).text,
    )  # fmt: skip
    found = (*tracked, *_read_untracked(repo, worktree))
    behind = find_behind(repo, worktree, [one.path for one in tracked if one.was_submodule])
    kept = {*drop_traces(worktree, (change.path for change in found))} - behind
    kept -= _find_as_checked_out(repo, worktree, tracked, baselines)
    return tuple(change for change in found if change.path in kept)


def _find_as_checked_out(
    repo: Repository, worktree: Path, changes: Sequence[Change], baselines: Sequence[Baseline]
) -> frozenset[str]:
    """Those of the changes of files whose entry in the index no baseline differs from."""
    if not changes:
        return frozenset()
    listing = repo.run_at(worktree, "diff-files", "--name-only", "-z", "--no-renames").text
    loose = {*listing.split("\0")} & {change.path for change in changes}
    found = find_as_checked_out(repo, worktree, loose)
    if not found:
        return found
    staged = _join_baselines(
        baselines,
        lambda one: repo.run_at(worktree, "diff-index", "--cached", *_RAW, one, "--").text,
    )
    return found - {change.path for change in staged}


def read_entries(
    repo: Repository, commits: Sequence[str], paths: Sequence[RepoPath]
) -> dict[RepoPath, bool]:
    """Those of `paths` that one of `commits` has, and whether that is a submodule.

    The first one that has it counts. A commit that does not exist has none.
    """
    entries: dict[RepoPath, bool] = {}
    for commit in dict.fromkeys(commits):
        left = [path for path in paths if path not in entries]
        if not left:
            break
        listing = repo.run("ls-tree", "-z", "--full-tree", commit, "--", *left, ok=(0, 128)).text
        for entry in filter(None, listing.split("\0")):
            head, _, path = entry.partition("\t")
            entries[RepoPath(path)] = head.startswith(_SUBMODULE)
    return entries


def unite_changes(many: Iterable[Sequence[Change]]) -> tuple[Change, ...]:
    """Each path once, with all that is known of it."""
    united: dict[RepoPath, Change] = {}
    for change in (change for changes in many for change in changes):
        known = united.get(change.path, change)
        united[change.path] = Change(
            path=change.path,
            is_new=known.is_new and change.is_new,
            is_gone=known.is_gone and change.is_gone,
            is_submodule=known.is_submodule or change.is_submodule,
            was_submodule=known.was_submodule or change.was_submodule,
            is_unnamed=known.is_unnamed or change.is_unnamed,
        )
    return tuple(united.values())


def _read_untracked(repo: Repository, worktree: Path) -> tuple[Change, ...]:
    listing = repo.run_at(worktree, "ls-files", "--others", "--exclude-standard", "-z").text
    # A slash at the end: a repository in the worktree, which git would add as a submodule.
    return tuple(
        Change(path=RepoPath(path.rstrip("/")), is_new=True, is_submodule=path.endswith("/"))
        for path in listing.split("\0")
        if path
    )


def _resolve(repo: Repository, git_dir: Path, names: Sequence[str]) -> list[Oid | None]:
    script = "".join(f"{name}^{{commit}}\n" for name in names)
    # One process for all names. A name that leads nowhere gets a line, too, so that none shifts.
    listing = repo.run(
        "cat-file", "--batch-check=%(objecttype) %(objectname)",
        input=script.encode(), git_dir=git_dir,
    )  # fmt: skip
    words = (line.split(" ") for line in listing.lines)
    return [Oid(found[1]) if found[0] == "commit" else None for found in words]


def _drop_ancestors(repo: Repository, commits: Sequence[Oid]) -> list[Oid]:
    if len(set(commits)) < 2:
        return list(commits)
    listing = repo.run("merge-base", "--independent", *commits).text
    return [Oid(line) for line in listing.split()]
