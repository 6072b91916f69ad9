"""What has been found of what commands write, and where their paths lead."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from gitslices.agents.shell.programs.handed import Handed, find_handed
from gitslices.agents.shell.programs.outputs import FOUND
from gitslices.agents.shell.reading.globs import TooManyError, find_matches
from gitslices.agents.shell.reading.words import State, Word, join_path

_MOST_LINKS: Final = 16


class Call(Struct, frozen=True, kw_only=True):
    """A call of git that may change something, or of gitslices: its subcommand and further words.

    `settings` are the keys that `git -c` sets. Not all words are known unless it is `plain`.
    """

    program: str
    words: tuple[str, ...]
    folder: str
    settings: tuple[str, ...] = ()
    plain: bool = True


class Notes:
    """What the commands write, as far as it has been found, and what they have made so far."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.folders: list[str] = []
        self.unseen: list[str] = []
        self.open_shells: list[str] = []
        self.calls: list[Call] = []
        self.handed: list[Handed] = []
        self.links: dict[str, str] = {}
        self.made: set[str] = set()
        self.new_folders: list[str] = []
        self.files: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self.traps: list[str] = []
        self.called: set[str] = set()

    def _place(self, word: Word, state: State) -> str | None:
        if len(state.cwds) != 1 or not word.plain:
            return None
        path = join_path(state.cwds[0], word.text)
        return path and os.path.normpath(path)

    def read_file(self, word: Word, state: State) -> str | None:
        """What a file has in it that was written by these commands; None for any other."""
        path = self._place(word, state)
        return self.files.get(path) if path else None

    def write(self, word: Word, state: State) -> None:
        """Note that a path is written."""
        if not word.text:
            return
        is_found = FOUND in word.text and ".." in word.text.partition(FOUND)[2]
        for cwd in state.cwds:
            path = join_path(cwd, word.text) if word.plain and not is_found else None
            if path is None:
                self.unseen.append(word.text)
                continue
            matches = self._match_files(word, cwd) if word.pattern else []
            if matches is None or (word.pattern and self.links):
                self.unseen.append(word.text)
                continue
            for one in matches or [path]:
                self.paths += [one, *self._follow(one)]

    def write_all(self, words: Sequence[Word], state: State) -> None:
        """Note that several are."""
        for word in words:
            self.write(word, state)

    def hand(
        self,
        program: str,
        words: Iterable[Word],
        state: State,
        env: Mapping[str, Word] | None = None,
    ) -> None:
        """Note what a program is given of which nobody knows what it writes."""
        for one in find_handed(program, words, state, env or {}):
            followed = [structs.replace(one, path=path) for path in self._follow(one.path)]
            self.handed += [one, *followed]

    def match(self, word: Word, state: State) -> Sequence[Word]:
        """The files that a pattern matches, or else the word itself."""
        if not word.pattern or len(state.cwds) != 1:
            return [word]
        matches = self._match_files(word, state.cwds[0])
        if not matches:
            return [word if matches == [] else Word(word.text, plain=False)]
        top = state.cwds[0] or ""
        is_relative = not word.text.startswith("/")
        return [Word(os.path.relpath(one, top) if is_relative else one) for one in matches]

    def _match_files(self, word: Word, cwd: str | None) -> list[str] | None:
        """None where they are too many, or too long to look for."""
        pattern = join_path(cwd, word.pattern)
        try:
            return find_matches(pattern) if pattern else None
        except TooManyError:
            return None

    def make_folder(self, word: Word, state: State) -> None:
        """Note that there will be a folder, and those above it."""
        for cwd in state.cwds:
            path = join_path(cwd, word.text) if word.plain and not word.pattern else None
            path = path and os.path.normpath(path)
            while path and path != "/" and not os.path.isdir(path):  # noqa: PTH112
                self.made.add(path)
                path = os.path.dirname(path)  # noqa: PTH120

    def is_folder(self, path: str) -> bool:
        """Whether it is a folder, or will be after these commands."""
        followed = [path, *self._follow(path)]
        return any(os.path.isdir(one) or one in self.made for one in followed)  # noqa: PTH112

    def _follow(self, path: str) -> list[str]:
        """Where a path leads by links that these commands have made themselves."""
        found: list[str] = []
        current: str | None = path
        for _ in range(_MOST_LINKS if self.links else 0):
            current = _replace_link(current, self.links) if current else None
            found += [current] if current else []
        return found


def _replace_link(path: str, links: Mapping[str, str]) -> str | None:
    whole, rest = os.path.normpath(path), ""
    while whole not in {"/", ""}:
        if whole in links:
            return os.path.join(links[whole], rest) if rest else links[whole]  # noqa: PTH118
        whole, name = os.path.split(whole)
        rest = os.path.join(name, rest) if rest else name  # noqa: PTH118
    return None
