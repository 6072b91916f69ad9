"""What git knows: settings, commits, trees, branches. Nothing here changes anything."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from msgspec import Struct

from gitslices.core.errors import InputError, NoCommitError
from gitslices.core.model import BranchName, Oid, RepoPath, RepoTree
from gitslices.git.repository import Repository

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
_FILES, _SYMLINK, _SUBMODULE = "100", "120000", "160000"


class LogEntry(Struct, frozen=True, kw_only=True):
    """A commit as a log shows it."""

    commit: Oid
    author: str
    authored_at: str
    subject: str


def read_config(repo: Repository) -> Mapping[str, str]:
    """The settings gitslices looks at, by lower-case key; the last value of a key wins."""
    core = "core\\.(bare|worktree|ignorecase|precomposeunicode|hookspath)$"
    extensions = "extensions\\.(worktreeconfig|partialclone)$"
    remotes = "remote\\..*\\.(promisor|url)$"
    filters = "filter\\..*\\.(clean|process)$"
    upstreams = "branch\\..*\\.merge$"
    wanted = rf"^(gitslices\.|commit\.gpgsign$|{core}|{extensions}|{remotes}|{upstreams}|{filters})"
    # With hooks, or the answer would be the core.hooksPath that bookkeeping calls are given. Of the
    # common directory: with extensions.worktreeConfig git tells only there what holds for the main
    # worktree, core.bare and core.worktree among it.
    result = repo.run("config", "--null", "--get-regexp", wanted, ok=(0, 1), hooks=True)
    pairs = (entry.partition("\n") for entry in result.text.split("\0") if entry)
    # A key without `=` is git's shorthand for true.
    return {key: value if equals else "true" for key, equals, value in pairs}


def read_version(repo: Repository) -> str:
    """What git calls its version: `2.39.5`, on some systems with words of the vendor behind it."""
    return repo.run("version").text.removeprefix("git version ").partition(" ")[0].rstrip("\n")


def read_values(repo: Repository, key: str) -> tuple[str, ...]:
    """All values of a setting that may be given several times, the nearest file's last."""
    text = repo.run("config", "--null", "--get-all", key, ok=(0, 1)).text
    return tuple(text.split("\0")[:-1])


def read_expiry(repo: Repository, key: str) -> int | None:
    """Until when something is too old by a setting, in seconds since 1970; None where it is unset.

    For `now` git answers with a date that never comes.
    """
    result = repo.run("config", "--type=expiry-date", "--get", key, ok=(0, 1))
    return int(result.text) if result.status == 0 else None


def read_head_branch(repo: Repository, git_dir: Path) -> BranchName | None:
    """The branch checked out where `git_dir` belongs, born or not; None when HEAD is detached."""
    result = repo.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1), git_dir=git_dir)
    name = result.text.strip()
    return BranchName(name.removeprefix(HEADS)) if name.startswith(HEADS) else None


def find_commit(repo: Repository, revision: str, git_dir: Path | None = None) -> Oid | None:
    """The commit that `revision` names, for the worktree of `git_dir` if given; or None."""
    result = repo.run(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}",
        ok=(0, 1, 128), git_dir=git_dir,
    )  # fmt: skip
    return Oid(result.text.strip()) if result.status == 0 else None


def find_tip(repo: Repository, branch: BranchName) -> Oid | None:
    """The last commit of the branch of exactly this name; None where there is none."""
    # Not by rev-parse: without refs/heads/main it finds refs/heads/refs/heads/main.
    result = repo.run("show-ref", "--verify", "--hash", "--", HEADS + branch, ok=(0, 1, 128))
    return Oid(result.text.strip()) if result.status == 0 else None


def find_target_tip(repo: Repository, target: BranchName) -> Oid | None:
    """The last commit of the branch that slices are merged into; None where there is none.

    It is a local one, or one of a remote as it was last fetched, called `origin/main` say. Where
    somebody has made a local branch of that very name, the remote's is meant.
    """
    # Mostly there is no choice, and git need not look through the remotes.
    if len(name_target_refs(target)) == 1:
        return find_tip(repo, target)
    return read_target_tips(repo, [target]).get(target)


def read_target_tips(repo: Repository, targets: Iterable[BranchName]) -> dict[BranchName, Oid]:
    """The same for several, in one call, without those that do not exist."""
    names = {target: name_target_refs(target) for target in targets}
    asked = [name for several in names.values() for name in several]
    found = read_refs(repo, asked) if asked else {}
    tips = {
        target: next((found[name] for name in several if name in found), None)
        for target, several in names.items()
    }
    return {target: tip for target, tip in tips.items() if tip}


def name_target_refs(target: BranchName) -> tuple[str, ...]:
    """The references that `target` may mean, by their full names; the first that exists counts."""
    return (REMOTES + target, HEADS + target) if "/" in target else (HEADS + target,)


def find_tip_and_target(
    repo: Repository, branch: BranchName, target: BranchName
) -> tuple[Oid | None, Oid | None]:
    """Where a branch and the target are, by one call where the target is plainly a local branch."""
    names = (HEADS + branch, *name_target_refs(target))
    result = repo.run("show-ref", "--verify", "--hash", "--", *names, ok=(0, 1, 128))
    if result.status == 0:
        tip, found, *_ = map(Oid, result.text.split())
        return tip, found
    return find_tip(repo, branch), find_target_tip(repo, target)


def read_tips_and_target(
    repo: Repository, branches: Iterable[BranchName], target: BranchName
) -> tuple[dict[BranchName, Oid], Oid | None]:
    """The tips of those of `branches` that exist, and where the target is, by one call."""
    wanted = frozenset(branches)
    names = name_target_refs(target)
    tops = sorted({HEADS + branch.partition("/")[0] for branch in wanted})
    found = read_refs(repo, [*tops, *names])
    tips = {branch: found[HEADS + branch] for branch in wanted if HEADS + branch in found}
    return tips, next((found[name] for name in names if name in found), None)


def read_base(repo: Repository, name: str) -> Oid:
    """The commit of the branch `name`, else of the revision `name`; a tag never hides a branch."""
    commit = find_target_tip(repo, BranchName(name)) or find_commit(repo, name)
    if commit is not None:
        return commit
    if not repo.run("for-each-ref", "--count=1", "--format=%(refname)", HEADS).stdout:
        raise NoCommitError(
            "the repository has no commit to start slices from",
            hint="make one first: git commit --allow-empty -m 'Start'",
        )
    raise InputError(f"{name!r} names no commit", hint="see: git branch --all")


def read_tree(repo: Repository, commit: Oid, config: Mapping[str, str]) -> RepoTree:
    """Every tracked path of `commit`, in one call."""
    # Not --format: git 2.39 quotes its paths even under -z.
    listing = repo.run("ls-tree", "-r", "-z", "--full-tree", commit).text
    entries = listing.split("\0")[:-1]
    special = [one for one in entries if not one.startswith(_FILES)]
    return RepoTree(
        commit=commit,
        # Again, for git sorts bytes: a directory is found as a span in the order of these texts.
        paths=tuple(sorted(_read_paths(entries))),
        symlinks=frozenset(_read_paths(one for one in special if one.startswith(_SYMLINK))),
        submodules=frozenset(_read_paths(one for one in special if one.startswith(_SUBMODULE))),
        ignore_case=is_true(config.get("core.ignorecase")),
        precompose_unicode=is_true(config.get("core.precomposeunicode")),
    )


def _read_paths(entries: Iterable[str]) -> list[RepoPath]:
    # A cast, because even a NewType is a call for each of many paths.
    return cast("list[RepoPath]", [entry.partition("\t")[2] for entry in entries])


def read_tracked(repo: Repository, worktree: Path, paths: Sequence[RepoPath]) -> set[RepoPath]:
    """Those of `paths` that are in the index of a worktree."""
    # Literal, because `*` and a colon in front are letters like any other in a file's name.
    listing = repo.run_at(
        worktree, "--literal-pathspecs", "ls-files", "-z", "--full-name", "--", *paths
    ).text
    return {RepoPath(path) for path in listing.split("\0") if path}


def read_sizes(repo: Repository, commit: Oid) -> dict[RepoPath, int]:
    """The size in bytes of every file of `commit`, as git stores it; 0 for a submodule."""
    listing = repo.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit).text
    entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
    return {RepoPath(path): _parse_size(facts) for facts, _, path in entries}


def _parse_size(facts: str) -> int:
    size = facts.rsplit(" ", 1)[1]
    return int(size) if size != "-" else 0


def read_branches(repo: Repository, prefixes: Sequence[str] = ()) -> dict[BranchName, Oid]:
    """The tips of all local branches, or of those at and beneath `prefixes`."""
    found = read_refs(repo, [HEADS + prefix for prefix in prefixes] or [HEADS])
    return {BranchName(ref.removeprefix(HEADS)): oid for ref, oid in found.items()}


def read_tips(repo: Repository, branches: Iterable[BranchName]) -> dict[BranchName, Oid]:
    """The tips of those of `branches` that exist, in one call."""
    wanted = frozenset(branches)
    # Not by their names: a command line has an end.
    tops = sorted({branch.partition("/")[0] for branch in wanted})
    found = read_branches(repo, tops) if tops else {}
    return {branch: tip for branch, tip in found.items() if branch in wanted}


def read_refs(repo: Repository, prefixes: Sequence[str]) -> dict[str, Oid]:
    """The values of all references at and beneath `prefixes`, by their full names."""
    listing = repo.run("for-each-ref", "--format=%(objectname) %(refname)", *prefixes)
    lines = (line.partition(" ") for line in listing.lines)
    return {ref: Oid(oid) for oid, _, ref in lines}


def read_head(repo: Repository, worktree: Path) -> tuple[Oid, Oid]:
    """The commit that is checked out in a worktree, and its tree."""
    commit, tree = repo.run_at(worktree, "rev-parse", "HEAD", "HEAD^{tree}").text.split()
    return Oid(commit), Oid(tree)


def is_sparse(repo: Repository, worktree: Path) -> bool:
    """Whether a worktree is meant to have a part of its commit's files only, whoever chose it."""
    asked = repo.run_at(
        worktree, "config", "--type=bool", "--get", "core.sparseCheckout", ok=(0, 1, 128)
    )
    return asked.text.strip() == "true"


def read_log_entries(
    repo: Repository,
    since: Oid,
    tip: Oid,
    *,
    exclude: Oid | None = None,
    path: RepoPath | None = None,
) -> tuple[LogEntry, ...]:
    """The commits that `tip` has and `since` lacks, and `exclude`, parents first.

    With `path` only those that changed it.
    """
    listing = repo.run(
        "--literal-pathspecs",
        # Said against settings of the user's: log.showSignature puts lines of GPG's in between.
        "log", "-z", "--reverse", "--topo-order", "--no-show-signature", "--encoding=UTF-8",
        "--format=%H%n%an <%ae>%n%aI%n%s",
        f"{since}..{tip}", *([f"^{exclude}"] if exclude else []), "--", *([path] if path else []),
    ).text  # fmt: skip
    lines = (entry.split("\n", 3) for entry in listing.split("\0") if entry)
    return tuple(
        LogEntry(commit=Oid(oid), author=author, authored_at=at, subject=subject)
        for oid, author, at, subject in lines
    )


def read_merged(repo: Repository, target: Oid, branches: Sequence[BranchName]) -> set[BranchName]:
    """Those of `branches` whose every commit is in `target`, in one call."""
    if not branches:
        return set()
    refs = [HEADS + branch for branch in branches]
    listing = repo.run("for-each-ref", f"--merged={target}", "--format=%(refname)", "--", *refs)
    return {BranchName(ref.removeprefix(HEADS)) for ref in listing.lines}


def read_missing(repo: Repository, target: Oid, commits: Iterable[Oid]) -> set[Oid]:
    """Those of `commits` that are not in `target`, in one call."""
    wanted = set(commits)
    if not wanted:
        return set()
    asked = "".join(f"{commit}\n" for commit in (f"^{target}", *wanted))
    listing = repo.run("rev-list", "--ignore-missing", "--stdin", input=asked.encode())
    return wanted.intersection(map(Oid, listing.text.split()))


def read_present(repo: Repository, commits: Iterable[Oid]) -> set[Oid]:
    """Those of `commits` that git has here."""
    asked = "".join(f"{one}\n" for one in commits).encode()
    lines = repo.run("cat-file", "--batch-check=%(objectname) %(objecttype)", input=asked).lines
    return {Oid(line.partition(" ")[0]) for line in lines if line.endswith(" commit")}


def is_ancestor(repo: Repository, commit: Oid, descendant: Oid) -> bool:
    """Whether everything in `commit` is in `descendant` already."""
    return repo.run("merge-base", "--is-ancestor", commit, descendant, ok=(0, 1)).status == 0


def count_beyond(repo: Repository, commit: Oid, others: Iterable[Oid]) -> int:
    """How many commits `commit` has that no other has; of those that git lacks, nothing counts."""
    ends = tuple(others)
    # Mostly nothing has been done yet, and a process is not needed to say so.
    if commit in ends:
        return 0
    without = (f"^{one}" for one in ends)
    return int(repo.run("rev-list", "--count", "--ignore-missing", commit, *without).text)


def count_unreferenced(repo: Repository, commit: Oid) -> int:
    """How many commits `commit` has that no branch, tag or remote-tracking branch has."""
    counted = repo.run("rev-list", "--count", commit, "--not", "--branches", "--tags", "--remotes")
    return int(counted.text)


def is_shallow(repo: Repository) -> bool:
    """Whether the history is cut off somewhere, as `git clone --depth` leaves it."""
    # The file itself (gitrepository-layout), because to ask git is a process more.
    return (repo.common_dir / "shallow").exists()


def is_true(value: str | None) -> bool:
    """Whether a setting of git says yes."""
    return (value or "").lower() in {"true", "yes", "on", "1"}


def has_entry(repo: Repository, commit: Oid, path: RepoPath) -> bool:
    """Whether `commit` has a file or a directory at `path`."""
    return bool(find_entries(repo, commit, [path]))


class TreeEntry(Struct, frozen=True):
    """What a commit has at a path; `size` counts bytes, and is 0 for what is no file."""

    mode: str
    oid: Oid
    size: int

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and no link, directory or submodule."""
        return self.mode.startswith(_FILES)


def find_entries(
    repo: Repository, commit: Oid, paths: Sequence[RepoPath]
) -> dict[RepoPath, TreeEntry]:
    """What `commit` has at `paths`, in one call; those where it has nothing are left out."""
    listing = repo.run(
        "--literal-pathspecs", "ls-tree", "-l", "-z", "--full-tree", commit, "--", *paths
    ).text
    entries = (entry.partition("\t") for entry in listing.split("\0") if entry)
    return {RepoPath(path): _parse_entry(facts) for facts, _, path in entries}


def _parse_entry(facts: str) -> TreeEntry:
    mode, _, oid, _ = facts.split(maxsplit=3)
    return TreeEntry(mode, Oid(oid), _parse_size(facts))


def read_blob(repo: Repository, oid: Oid) -> bytes:
    """What a file of some commit holds."""
    return repo.run("cat-file", "blob", oid).stdout
