"""How good suggestions are on real histories, asked before each change and strictly without it."""

import os
import random
import statistics
import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import NamedTuple
from zlib import crc32

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gitslices.core.model import RepoPath  # noqa: E402
from gitslices.git.changes import LoggedChange, read_changes  # noqa: E402
from gitslices.git.discovery import probe_repository  # noqa: E402
from gitslices.git.read import find_commit  # noqa: E402
from gitslices.git.repository import Repository  # noqa: E402
from gitslices.history.coupling import find_certain  # noqa: E402
from gitslices.history.names import PathNames  # noqa: E402
from gitslices.history.past import is_counted  # noqa: E402
from gitslices.history.ranking import Query, Suggestion, rank_files  # noqa: E402
from gitslices.planning.advice import MEETING, is_free_by_name  # noqa: E402
from gitslices.state.history_cache import (  # noqa: E402
    HISTORY_NAME,
    HistoryCache,
    open_history_cache,
    open_passing_cache,
)
from gitslices.state.mining import mine  # noqa: E402

CHANGES = 200
"""How many of the latest changes of each history are asked about."""

SHOWN = 20
"""How many suggestions of each list have their percentages held against what came true."""

LIMIT = 20_000


class Touched(NamedTuple):
    """What a change was thought to touch, with which chance, by its title; and what it did."""

    by_title: dict[RepoPath, float]
    by_file: dict[RepoPath, float]
    files: set[RepoPath]


@dataclass
class Score:
    """What came of the questions about one history."""

    recall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    stated: list[tuple[int, bool]] = field(default_factory=list)
    warned: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """A change that is about to be made: its title, the files it will touch of those there are."""

    past: HistoryCache
    names: PathNames
    change: LoggedChange
    files: tuple[RepoPath, ...]


def bench_suggest(repositories: Sequence[Path]) -> None:
    """A line for each history, then the means beside what is asked of them."""
    if not repositories:
        print("suggest: name repositories with histories")
        return
    scores = []
    for repository in repositories:
        score = measure(repository)
        scores.append(score)
        print(f"{name_repository(repository):<28} {describe(score)}", flush=True)
        print(f"{'':<28} {describe_mining(repository)}", flush=True)
    report(scores)


def name_repository(repository: Path) -> str:
    return repository.parent.name if repository.name == "repo" else repository.name


def measure(repository: Path) -> Score:
    score = Score()
    for case in replay(repository):
        ask(case, score)
    return score


def describe_mining(repository: Path) -> str:
    """What a first look at the whole history costs, beside git's own log of it, and leaves."""
    repo = probe_repository(repository, None)
    tip = find_commit(repo, "HEAD")

    def log() -> None:
        repo.run("log", "--raw", "-z", f"--max-count={LIMIT}", "HEAD")

    def look() -> int:
        with TemporaryDirectory() as folder:
            with open_history_cache(Path(folder), timeout=60) as cache:
                seen = mine(repo, cache, tip, is_partial=False).commits
            sizes.append((Path(folder) / HISTORY_NAME).stat().st_size)
        return seen

    sizes: list[int] = []
    seen = look()  # once for the pages of both
    took, alone = (min(map(count_busy, [work] * 3)) for work in (look, log))
    return (
        f"{seen:,} commits mined in {took:.2f} s busy, {took / alone:.2f} of git log --raw"
        f" [1.5 at 10,000]; cache {sizes[-1] / 2**20:.1f} MiB [5]"
    )


def count_busy(work: Callable[[], object]) -> float:
    """Processor seconds of a call, and of the processes that it has started."""
    before = sum(os.times()[:4])
    work()
    return sum(os.times()[:4]) - before


def replay(repository: Path) -> Iterator[Case]:
    """The latest changes, each while the history ends before it."""
    repo = probe_repository(repository, None)
    tip = find_commit(repo, "HEAD")
    assert tip is not None
    logged = read_changes(repo, tip, None, LIMIT, is_partial=False)
    asked = [number for number, one in enumerate(logged) if is_asked(one)][-CHANGES:]
    past = open_passing_cache()
    begin = 0
    for number in asked:
        past.add(logged[number - 1].commit, logged[begin:number])
        begin = number
        paths = list_paths(repo, logged[number].commit)
        known = set(paths)
        files = tuple(path for path in logged[number].touched if path in known)
        files += tuple(old for old in logged[number].renamed.values() if old in known)
        if files and not is_repeated(logged, number):
            yield Case(past, PathNames(paths), logged[number], files)


def is_asked(change: LoggedChange) -> bool:
    return is_counted(change.author, change.email, len(change.touched))


def is_repeated(logged: Sequence[LoggedChange], number: int) -> bool:
    """Whether the same change stands in the history already, by way of another branch."""
    one = logged[number]
    return any(
        (other.title, other.touched) == (one.title, one.touched)
        for other in logged[max(0, number - 500) : number]
    )


def list_paths(repo: Repository, commit: str) -> list[RepoPath]:
    """The tree before a commit; the first commit has none."""
    listed = repo.run("ls-tree", "-r", "-z", "--name-only", f"{commit}^", ok=(0, 128)).text
    return [RepoPath(path) for path in listed.split("\0")[:-1]]


def ask(case: Case, score: Score) -> None:
    files, title = set(case.files), case.change.title
    begin = process_time()
    ranked = rank_files(case.past, case.names, Query(text=title))
    score.seconds.append(process_time() - begin)
    note(score, "title", ranked, files)
    known = random.Random(crc32(case.change.commit.encode())).choice(sorted(files))
    seeded = rank_files(case.past, case.names, Query(text=title, known=(known,)))
    score.touched.append(Touched(weigh(ranked), {**weigh(seeded), known: 1.0}, files))
    if len(files) > 1:
        missing = files - {known}
        query = Query(known=(known,))
        note(score, "file", rank_files(case.past, case.names, query), missing)
        note(score, "both", seeded, missing)
    warn(case, score)


def note(score: Score, kind: str, ranked: Sequence[Suggestion], files: set[RepoPath]) -> None:
    for number in (1, 5, 10):
        found = files.intersection(one.path for one in ranked[:number])
        score.recall[f"{kind}@{number}"].append(len(found) / len(files))
    score.stated += [(one.percent or 0, one.path in files) for one in ranked[:SHOWN]]


def weigh(ranked: Sequence[Suggestion]) -> dict[RepoPath, float]:
    return {one.path: (one.percent or 0) / 100 for one in ranked[:40]}


def warn(case: Case, score: Score) -> None:
    """What the plan would warn of: for the whole change wrongly, for a part of it rightly."""
    wrong = 0
    for path in case.files:
        if is_free_by_name(path):
            continue
        for other in find_certain(case.past, path):
            if other in case.names:
                is_true = other in case.files
                score.warned["true" if is_true else "wrong"] += 1
                wrong += not is_true
    score.warned["scopes"] += 1
    score.warned["wrong scopes"] += bool(wrong)


def describe(score: Score) -> str:
    means = {name: statistics.mean(values) for name, values in score.recall.items()}
    parts = [
        f"{kind} " + " ".join(f"{means.get(f'{kind}@{number}', 0):4.0%}" for number in (1, 5, 10))
        for kind in ("title", "file", "both")
    ]
    seconds = statistics.median(score.seconds)
    return f"{'   '.join(parts)}   {1000 * seconds:3.0f} ms busy"


def report(scores: Sequence[Score]) -> None:
    names = [f"{kind}@{number}" for kind in ("title", "file", "both") for number in (1, 5, 10)]
    goals = {"title@5": 51, "title@10": 62, "file@5": 50, "both@5": 58}
    for name in names:
        mean = statistics.mean(statistics.mean(score.recall[name]) for score in scores)
        goal = f", target {goals[name]} %" if name in goals else ""
        print(f"  {name:<9} {100 * mean:5.1f} % on the mean of {len(scores)} histories{goal}")
    stated = [one for score in scores for one in score.stated]
    print("  percentages: stated, came true, cases; target within 7 points")
    for tenth in range(10):
        part = [one for one in stated if min(one[0] // 10, 9) == tenth]
        if part:
            said = statistics.mean(percent for percent, _ in part)
            true = 100 * statistics.mean(came for _, came in part)
            print(f"    {said:3.0f} {true:3.0f} {len(part):6}   off by {abs(said - true):.0f}")
    warned: Counter[str] = sum((score.warned for score in scores), Counter())
    given = warned["true"] + warned["wrong"]
    print(
        f"  warnings: {warned['true'] / max(given, 1):.0%} of {given} true, wrong in"
        f" {warned['wrong scopes'] / max(warned['scopes'], 1):.1%} of {warned['scopes']} right"
        " scopes; target 2 %"
    )
    for name in ("by_title", "by_file"):
        report_meetings(name, scores)


def report_meetings(name: str, scores: Sequence[Score]) -> None:
    """How well it was foretold which of two changes near to each other share a file."""
    pairs = [pair for score in scores for pair in list_pairs(name, score.touched)]
    met = [chance for chance, has_met in pairs if has_met]
    apart = [chance for chance, has_met in pairs if not has_met]
    named = [has_met for chance, has_met in pairs if chance >= MEETING]
    print(
        f"  pairs within a dozen, {name}: AUC {find_auc(met, apart):.2f}; at {MEETING:.0%}"
        f" {sum(named) / max(len(met), 1):.0%} of those that share a file are named,"
        f" and {statistics.mean(named):.0%} of the named ones do"
    )


def list_pairs(name: str, touched: Sequence[Touched]) -> Iterator[tuple[float, bool]]:
    for number, one in enumerate(touched):
        for other in touched[number + 1 : number + 12]:
            mine, theirs = getattr(one, name), getattr(other, name)
            free = {path for path in one.files | other.files | mine.keys() if is_free_by_name(path)}
            common = mine.keys() & theirs.keys() - free
            none = prod(1 - mine[path] * theirs[path] for path in sorted(common))
            yield 1 - none, bool(one.files & other.files - free)


def find_auc(met: Sequence[float], apart: Sequence[float]) -> float:
    """How often a pair that met has the higher chance of two (Mann and Whitney, 1947)."""
    ordered = sorted(apart)
    below = sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in met)
    return below / max(1, len(met) * len(apart))
