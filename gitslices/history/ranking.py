"""Files ranked by what a text and known files say of them, each with a percentage and reasons."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Final, NamedTuple

from msgspec import Struct

from gitslices.core.model import RepoPath
from gitslices.history.coupling import Bond, find_bonds
from gitslices.history.names import NameMatch, PathNames, is_test
from gitslices.history.past import Past, weigh_age
from gitslices.history.similar import Votes, find_votes
from gitslices.history.words import find_words

_RECENT: Final = 600
_RECENT_HALF_LIFE: Final = 200
_OFTEN: Final = 0.03
"""A file that so much of the recent changes touched is ranked without any other reason."""

_MOST_KNOWN: Final = 12
"""How many known files are asked for what changes with them; more say little that is new."""


_NAMED: Final = 3
"""How many of its files the reason for a directory names."""


class Query(Struct, frozen=True, kw_only=True):
    """What a task says: its text, and the files that it names already."""

    text: str = ""
    known: tuple[RepoPath, ...] = ()


class Suggestion(Struct, frozen=True, kw_only=True):
    """A file or, with a slash at its end, a directory that a task will perhaps write.

    Of 100 suggestions of that `percent`, about as many come true.
    """

    path: RepoPath
    percent: int | None
    reasons: tuple[str, ...]


class Clues(NamedTuple):
    """What speaks for a file, each from 0 to 1."""

    share: float = 0.0
    near: float = 0.0
    in_name: float = 0.0
    in_folder: float = 0.0
    covered: float = 0.0
    mentioned: float = 0.0
    recent: float = 0.0
    likeness: float = 0.0
    bond: float = 0.0
    alike: float = 0.0
    beside: float = 0.0


class Evidence(Struct, frozen=True, kw_only=True):
    """All that was found for one query; the reasons are told from it."""

    votes: Votes
    names: Mapping[RepoPath, NameMatch]
    mentioned: Mapping[RepoPath, float]
    recent: Mapping[RepoPath, float]
    bonds: Mapping[RepoPath, tuple[RepoPath, Bond]]
    alike: Mapping[RepoPath, tuple[RepoPath, float]]
    known: tuple[RepoPath, ...]


def rank_files(past: Past, names: PathNames, query: Query) -> list[Suggestion]:
    """The files of the tree that the query points to, the likeliest first, the known ones left out.

    A percentage holds for what is asked without looking ahead: see `scripts/bench suggest`.
    """
    evidence = find_evidence(past, names, query)
    table = _choose_table(query)
    scored = [
        (_score(table, clues), path)
        for path, clues in list_clues(evidence).items()
        if path in names and path not in query.known
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [
        Suggestion(
            path=path,
            percent=table.scale.find_percent(score),
            reasons=tuple(_give_reasons(evidence, path)),
        )
        for score, path in scored
    ]


def rank_directories(files: Sequence[Suggestion]) -> list[Suggestion]:
    """The directories of ranked files, by how sure it is that any file in them is written.

    A new file has no name to be suggested by; a directory may stand for it.
    """
    missing: dict[str, float] = {}
    best: dict[str, list[RepoPath]] = {}
    for one in files:
        directory, slash, _ = one.path.rpartition("/")
        if slash:
            missing[directory] = missing.get(directory, 1.0) * (1 - (one.percent or 0) / 100)
            best.setdefault(directory, []).append(one.path)
    found = [
        Suggestion(
            path=RepoPath(f"{directory}/"),
            percent=_DIRECTORIES.find_percent(1 - none),
            reasons=(f"it holds {', '.join(best[directory][:_NAMED])}",),
        )
        for directory, none in missing.items()
    ]
    return sorted(found, key=lambda one: (-(one.percent or 0), one.path))


def find_evidence(past: Past, names: PathNames, query: Query) -> Evidence:
    """Ask the history and the names of files."""
    words = find_words(query.text)
    known = query.known[:_MOST_KNOWN]
    bonds: dict[RepoPath, tuple[RepoPath, Bond]] = {}
    alike: dict[RepoPath, tuple[RepoPath, float]] = {}
    for path in known:
        for other, bond in find_bonds(past, path).items():
            if other not in bonds or bonds[other][1].confidence < bond.confidence:
                bonds[other] = path, bond
        for other, degree in names.find_alike(path):
            if other not in alike or alike[other][1] < degree:
                alike[other] = path, degree
    return Evidence(
        votes=find_votes(past, words),
        names=names.match(words),
        mentioned=dict(names.find_mentioned(query.text)),
        recent=_find_recent(past),
        bonds=bonds,
        alike=alike,
        known=known,
    )


def _find_recent(past: Past) -> dict[RepoPath, float]:
    """What part of the latest changes touched each file."""
    numbers = range(max(0, past.count - _RECENT), past.count)
    weights: dict[RepoPath, float] = {}
    total = 0.0
    for number, paths in past.read_files(numbers).items():
        weight = weigh_age(past, number, _RECENT_HALF_LIFE)
        total += weight
        for path in paths:
            weights[path] = weights.get(path, 0.0) + weight
    return {path: weight / total for path, weight in weights.items()}


def list_clues(evidence: Evidence) -> dict[RepoPath, Clues]:
    """What speaks for each file for which anything does."""
    often = {path for path, part in evidence.recent.items() if part > _OFTEN}
    votes, nothing = evidence.votes, NameMatch(in_name=0.0, in_folder=0.0, covered=0.0, words=())
    folders = {path.rpartition("/")[0] for path in evidence.known}
    others = (evidence.names, evidence.mentioned, evidence.bonds, evidence.alike, often)
    found = {*votes.shares}.union(*others)
    clues = {}
    for path in found:
        name = evidence.names.get(path, nothing)
        bond = evidence.bonds.get(path)
        alike = evidence.alike.get(path)
        clues[path] = Clues(
            share=votes.shares.get(path, 0.0),
            near=votes.near.get(path, 0.0),
            in_name=name.in_name,
            in_folder=name.in_folder,
            covered=name.covered,
            mentioned=evidence.mentioned.get(path, 0.0),
            recent=evidence.recent.get(path, 0.0),
            likeness=votes.likeness,
            bond=bond[1].confidence if bond else 0.0,
            alike=alike[1] if alike else 0.0,
            beside=float(path.rpartition("/")[0] in folders),
        )
    return clues


class _Scale(Struct, frozen=True, kw_only=True):
    """Which scores have come true how often, in percent."""

    scores: tuple[float, ...]
    percents: tuple[float, ...]

    def find_percent(self, score: float) -> int:
        """Between two scores in a straight line, beyond the ends what the end has."""
        place = bisect_right(self.scores, score)
        if place == 0:
            return round(self.percents[0])
        if place == len(self.scores):
            return round(self.percents[-1])
        below, above = self.scores[place - 1 : place + 1]
        low, high = self.percents[place - 1 : place + 1]
        return round(low + (score - below) / (above - below) * (high - low))


class _Table(Struct, frozen=True, kw_only=True):
    """Weights of the clues, and what their sum comes to in percent."""

    weights: Mapping[str, float]
    scale: _Scale


def find_terms(clues: Clues) -> dict[str, float]:
    """The clues as they are weighed: logarithms of what is a part of something."""
    share = log(clues.share + 0.01)
    return {
        "one": 1.0,
        "share": share,
        "near": log(min(1.0, clues.near) + 0.01),
        "in_name": clues.in_name,
        "in_folder": clues.in_folder,
        "covered": clues.covered,
        "mentioned": clues.mentioned,
        "recent": log(clues.recent + 0.01),
        "likeness": clues.likeness,
        "likeness_share": clues.likeness * share,
        "bond": log(clues.bond + 0.01),
        "alike": clues.alike,
        "beside": clues.beside,
        "alike_beside": clues.alike * clues.beside,
    }


def _score(table: _Table, clues: Clues) -> float:
    terms = find_terms(clues)
    return sum(weight * terms[name] for name, weight in table.weights.items())


# Fitted by logistic regression on thirteen public histories, each percentage on the twelve others.
_BY_TEXT: Final = _Table(
    weights={
        "one": 1.54, "share": 0.59, "near": 0.35, "in_name": 4.06, "in_folder": 2.69,
        "covered": 0.38, "mentioned": 2.52, "recent": 0.45, "likeness": 1.91,
        "likeness_share": 0.74,
    },
    scale=_Scale(
        scores=(-4.16, -2.98, -2.29, -1.66, -0.97, -0.3, 0.39, 1.14, 1.91, 3.62),
        percents=(2.3, 5.5, 9.0, 14.5, 25.5, 41.1, 56.3, 78.1, 90.8, 90.9),
    ),
)  # fmt: skip
_BY_FILES: Final = _Table(
    weights={
        "one": 2.16, "bond": 1.14, "alike": 0.85, "beside": 0.5, "recent": 0.52,
        "alike_beside": 0.23,
    },
    scale=_Scale(
        scores=(-3.84, -2.81, -2.23, -1.72, -1.18, -0.54, 0.07, 0.66, 1.21, 1.81),
        percents=(3.3, 6.3, 10.0, 13.9, 21.4, 32.3, 49.6, 68.7, 85.6, 85.7),
    ),
)  # fmt: skip
_BY_BOTH: Final = _Table(
    weights={
        "one": 2.22, "bond": 0.77, "alike": 0.81, "beside": 0.61, "recent": 0.17, "share": 0.32,
        "near": 0.34, "in_name": 3.21, "in_folder": 2.47, "covered": 0.48, "mentioned": 1.15,
        "likeness": 2.03, "likeness_share": 0.65,
    },
    scale=_Scale(
        scores=(-4.07, -2.93, -2.27, -1.59, -0.76, 0.1, 0.93, 1.85, 2.92, 4.43),
        percents=(2.9, 7.2, 11.6, 16.6, 29.3, 41.5, 56.4, 68.0, 83.1, 83.5),
    ),
)  # fmt: skip
_DIRECTORIES: Final = _Scale(
    scores=(0.0, 0.15, 0.35, 0.55, 0.75, 0.9, 1.0),
    percents=(0.0, 10.0, 28.0, 50.0, 72.0, 85.0, 86.0),
)
"""Files of one directory come true together, so their percentages do not add up to the whole."""


def _choose_table(query: Query) -> _Table:
    if not query.known:
        return _BY_TEXT
    return _BY_BOTH if find_words(query.text) else _BY_FILES


def _give_reasons(evidence: Evidence, path: RepoPath) -> Iterator[str]:
    """Why a file is suggested, the strongest reason first."""
    if path in evidence.mentioned:
        yield "named in the task"
    bond = evidence.bonds.get(path)
    if bond is not None:
        known, counts = bond
        yield (
            f"changed with {known} in {counts.together} of {counts.changes} changes, weighted"
            f" {counts.confidence:.0%}"
        )
    alike = evidence.alike.get(path)
    if alike is not None:
        kind = "tests of" if is_test(path) and not is_test(alike[0]) else "named like"
        yield f"{kind} {alike[0]}"
    touched = evidence.votes.counts.get(path, 0)
    if touched:
        yield f"touched by {touched} of the {evidence.votes.voters} changes with titles most alike"
    name = evidence.names.get(path)
    if name is not None and name.words:
        yield f"its name has {', '.join(sorted(name.words))}"
    elif name is not None:
        yield "its folder's name is in the task"
    if evidence.recent.get(path, 0.0) > _OFTEN:
        yield f"touched by {evidence.recent[path]:.0%} of the latest changes"
