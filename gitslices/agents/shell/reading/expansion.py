"""Words as a shell expands them: braces, variables, inserted commands, splitting, patterns."""

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from itertools import islice, pairwise
from typing import Final

from gitslices.agents.shell.reading.syntax import Chars, Inserted, Parameter, Part, Raw, Sum
from gitslices.agents.shell.reading.words import Input, Printed, State, Value, Word

_MOST_WORDS: Final = 1000
_NUMBERS: Final = frozenset({
    "#", "?", "$", "!", "BASHPID", "EPOCHSECONDS", "EUID", "LINENO", "PPID", "RANDOM", "SECONDS",
    "SHLVL", "SRANDOM", "UID",
})  # fmt: skip
_MAGIC: Final = re.compile(r"[*?\[]")
_ALTERNATIVES: Final = frozenset({":-", "-", ":=", "=", ":?", "?", ":+", "+"})


class Expander:
    """Expands the words of one command in `state`, in which each variable has one value.

    `insert` tells what an inserted command prints, None where nobody can know.
    """

    def __init__(self, state: State, insert: Callable[[Inserted], Printed | None]) -> None:
        self._state = state
        self._insert = insert

    def expand_all(self, raws: Sequence[Raw]) -> list[Word]:
        """All words that come of some."""
        return [word for raw in raws for word in self.expand(raw)]

    def expand(self, raw: Raw) -> list[Word]:
        """The words that come of one: none, one or several."""
        words: list[Word] = []
        for parts in islice(_expand_braces(raw.parts), _MOST_WORDS + 1):
            words += _Fields(self, split=True).fill(parts)
        return words if len(words) <= _MOST_WORDS else [Word(raw.source, plain=False)]

    def expand_one(self, raw: Raw) -> Word:
        """The one word that comes of the value of an assignment or the target of a redirection."""
        words = _Fields(self, split=False).fill(raw.parts)
        if len(words) > 1:
            return Word(" ".join(word.text for word in words), all(one.plain for one in words))
        return words[0] if words else Word("")

    def insert(self, part: Inserted) -> Printed | None:
        """What an inserted command prints."""
        return self._insert(part)

    def has_separators(self) -> bool:
        """Whether words may be split by other signs than blanks."""
        return "IFS" in self._state.variables

    def find_value(self, part: Parameter) -> Value | None:
        """The words of `$name` or `${name…}`; None where nobody can know them."""
        name, operator = part.name, part.operator
        if name.startswith("!") and len(name) > 1:
            return self._follow(part)
        if name.startswith("#") and len(name) > 1:
            return (Word("0"),)
        value = self._read(name)
        if not operator and part.argument and part.argument.parts:
            return None  # a subscript that has to be worked out
        if operator in _ALTERNATIVES and part.argument:
            return self._choose(part, value)
        if operator and value is not None:
            changed = [self._change(part, word) for word in value]
            return None if None in changed else tuple(word for word in changed if word)
        return None if operator else value

    def _follow(self, part: Parameter) -> Value | None:
        found = self._read(part.name[1:])
        if part.operator or not found or len(found) != 1 or not found[0].plain:
            return None
        return self._read(found[0].text)

    def _read(self, name: str) -> Value | None:
        base, _, subscript = name.partition("[")
        worlds = self._state.variables.get(base)
        if base in {"@", "*"} or base.isdigit():
            return self._read_args(base)
        if worlds is None and base in _NUMBERS:
            return (Word("0"),)
        if worlds is None and base == "PWD":
            cwds = self._state.cwds
            return (Word(cwds[0]),) if len(cwds) == 1 and cwds[0] else None
        if worlds is None or len(worlds) != 1:
            return None
        (value,) = worlds
        if subscript in {"@]", "*]"}:
            return value
        at = subscript.removesuffix("]")
        if at and not at.isdigit():
            return None
        return value[int(at or 0) : int(at or 0) + 1] or (Word(""),)

    def _read_args(self, name: str) -> Value | None:
        args = self._state.args
        if args is None:
            return None
        if name in {"@", "*"}:
            return args
        if name == "0":
            return self._state.variables.get("0", ((Word("bash"),),))[0]
        # Beyond the arguments there is nothing, unless somebody gives the shell more of them.
        return args[int(name) - 1 : int(name)] or None

    def _choose(self, part: Parameter, value: Value | None) -> Value | None:
        base = part.name.partition("[")[0]
        unset = value is None and (base not in self._state.variables)
        if base.isdigit() and self._state.args is None:
            unset = False
        if value is None and not unset:
            return None
        empty = unset or (part.operator[0] == ":" and not any(w.text for w in value or ()))
        if part.operator[-1] == "+":
            empty = not empty
        if not empty:
            return value
        assert part.argument  # noqa: S101
        return tuple(_Fields(self, split=not part.quoted).fill(part.argument.parts))

    def _change(self, part: Parameter, word: Word) -> Word | None:
        argument = part.argument or Raw((), "")
        if not word.plain or not all(isinstance(one, Chars | Parameter) for one in argument.parts):
            return None
        operator = part.operator
        if operator in {"/", "//"}:
            return _replace(operator, word, argument)
        given = _Fields(self, split=False).fill(argument.parts)
        if not all(one.plain for one in given):
            return None
        pattern = "".join(one.pattern or glob.escape(one.text) for one in given)
        if operator in {"#", "##", "%", "%%"}:
            return _strip(operator, word, pattern)
        if operator in {"^^", ",,"} and not pattern:
            return Word(word.text.upper() if operator == "^^" else word.text.lower())
        if operator == ":" and re.fullmatch(r" *-?\d+ *(: *\d+ *)?", argument.source):
            start, _, count = argument.source.partition(":")
            rest = word.text[int(start) :]
            return Word(rest[: int(count)] if count else rest)
        return None


class _Fields:
    """The words that come of some parts, while they are put together."""

    def __init__(self, expander: Expander, *, split: bool) -> None:
        self._expander = expander
        self._split = split
        self._words: list[Word] = []
        self._begin()

    def _begin(self) -> None:
        self._text, self._glob = "", ""
        self._plain, self._is_pattern, self._is_there = True, False, False
        self._is_certain = True
        self._content: Input | None = None

    def fill(self, parts: Sequence[Part]) -> list[Word]:
        """The words, patterns not yet matched."""
        for number, part in enumerate(parts):
            if isinstance(part, Chars):
                self._add_chars(part, is_first=number == 0)
            elif isinstance(part, Sum):
                self._expander.expand_one(part.inner)
                self._add("0", quoted=True)
            elif isinstance(part, Inserted):
                self._add_inserted(part)
            else:
                self._add_parameter(part)
        self._end()
        return self._words

    def _end(self) -> None:
        if self._is_there:
            pattern = self._glob if self._is_pattern else ""
            self._words.append(
                Word(self._text, self._plain, pattern, self._is_certain, self._content)
            )
        self._begin()

    def _add(self, text: str, *, quoted: bool) -> None:
        self._text += text
        self._glob += glob.escape(text) if quoted else text
        self._is_pattern |= not quoted and bool(_MAGIC.search(text))
        self._is_there |= quoted or bool(text)

    def _add_unknown(self, source: str) -> None:
        self._add(source, quoted=True)
        self._plain = False

    def _add_chars(self, part: Chars, *, is_first: bool) -> None:
        text = part.text
        if is_first and not part.quoted and text.startswith("~"):
            text = self._add_home(text)
        if not part.quoted and re.search(r"[?*+@!]\(|\*\(", text):
            self._add_unknown(text)
        else:
            self._add(text, quoted=part.quoted)

    def _add_home(self, text: str) -> str:
        head, slash, rest = text.partition("/")
        name = {"~": "HOME", "~+": "PWD", "~-": "OLDPWD"}.get(head)
        value = name and self._expander.find_value(Parameter(name=name, source=head))
        if not value or not value[0].plain:
            self._add_unknown(head)
        else:
            self._add(value[0].text, quoted=True)
        return slash + rest

    def _add_inserted(self, part: Inserted) -> None:
        printed = self._expander.insert(part)
        if part.direction:
            self._add("/dev/fd/63", quoted=True)
            # `>(…)` reads what is written to it, which is not known here.
            known = printed if part.direction == "<" else None
            self._content = Input(known.text if known and known.is_exact else None)
        elif printed is None or (not printed.is_exact and "\n" in printed.text.strip("\n")):
            self._add_unknown(part.source)
        else:
            self._is_certain &= printed.is_exact
            self._add_value((Word(printed.text.rstrip("\n")),), quoted=part.quoted)

    def _add_parameter(self, part: Parameter) -> None:
        if part.argument and any(isinstance(one, Inserted) for one in part.argument.parts):
            # It may run, whatever comes of it.
            self._expander.expand_one(part.argument)
        value = self._expander.find_value(part)
        if value is None:
            self._add_unknown(part.source)
            return
        each = part.quoted and part.name.partition("[")[2] != "*]" and part.name != "*"
        if each and len(value) == 0:
            return
        self._add_value(value, quoted=part.quoted)

    def _add_value(self, value: Value, *, quoted: bool) -> None:
        for number, word in enumerate(value):
            if number and self._split:
                self._end()
            elif number:
                self._add(" ", quoted=True)
            if not word.plain:
                self._add_unknown(word.text)
            elif quoted or not self._split:
                self._add(word.text, quoted=quoted)
                self._content = word.content or self._content
                self._is_certain &= word.is_certain
            else:
                self._is_certain &= word.is_certain
                self._add_split(word.text)

    def _add_split(self, text: str) -> None:
        if self._expander.has_separators():
            # Split by other signs than blanks, it could be anything.
            self._add_unknown(text)
            return
        certain = self._is_certain
        for number, one in enumerate(re.split(r"[ \t\n]+", text)):
            if number:
                self._end()
                self._is_certain = certain
            self._add(one, quoted=False)


def _expand_braces(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """`a{b,c}` and `{1..3}` as the words that they stand for."""
    if not any(isinstance(one, Chars) and not one.quoted and "{" in one.text for one in parts):
        yield parts
        return
    atoms: list[Part] = []
    for part in parts:
        loose = isinstance(part, Chars) and not part.quoted
        atoms += [Chars(sign) for sign in part.text] if loose else [part]  # type: ignore[union-attr]
    for one in _expand_atoms(atoms):
        yield _join_chars(one)


def _join_chars(atoms: Sequence[Part]) -> list[Part]:
    joined: list[Part] = []
    for atom in atoms:
        last = joined[-1] if joined else None
        if isinstance(atom, Chars) and isinstance(last, Chars) and atom.quoted == last.quoted:
            joined[-1] = Chars(last.text + atom.text, atom.quoted)
        else:
            joined.append(atom)
    return joined


def _expand_atoms(atoms: Sequence[Part]) -> Iterator[list[Part]]:
    for start, atom in enumerate(atoms):
        if atom != Chars("{"):
            continue
        found = _find_alternatives(atoms, start)
        if not found:
            continue
        alternatives, end = found
        for chosen in alternatives:
            for inner in _expand_atoms(chosen):
                for rest in _expand_atoms(atoms[end + 1 :]):
                    yield [*atoms[:start], *inner, *rest]
        return
    yield list(atoms)


def _find_alternatives(atoms: Sequence[Part], start: int) -> tuple[list[list[Part]], int] | None:
    depth, commas, end = 0, [start], -1
    for at in range(start + 1, len(atoms)):
        if atoms[at] == Chars("{"):
            depth += 1
        elif atoms[at] == Chars("}"):
            if depth == 0:
                end = at
                break
            depth -= 1
        elif atoms[at] == Chars(",") and depth == 0:
            commas.append(at)
    if end < 0:
        return None
    if len(commas) > 1:
        edges = [*commas, end]
        return [list(atoms[a + 1 : b]) for a, b in pairwise(edges)], end
    inside = atoms[start + 1 : end]
    if not all(isinstance(one, Chars) and not one.quoted for one in inside):
        return None
    text = "".join(one.text for one in inside if isinstance(one, Chars))
    counted = _count(text)
    return ([[Chars(one)] for one in counted], end) if counted else None


def _count(text: str) -> list[str]:
    """`1..3` and `a..c`, as far as anybody would count."""
    if found := re.fullmatch(r"(-?\d{1,9})\.\.(-?\d{1,9})(?:\.\.(-?\d{1,9}))?", text):
        first, last, step = int(found[1]), int(found[2]), abs(int(found[3] or 1)) or 1
        width = max(map(len, found.group(1, 2))) if re.search(r"(?<!\d)0\d", text) else 0
        numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
        return [f"{number:0{width}d}" for number in numbers[: _MOST_WORDS + 1]]
    if found := re.fullmatch(r"([A-Za-z])\.\.([A-Za-z])", text):
        first, last = ord(found[1]), ord(found[2])
        step = 1 if first <= last else -1
        return [chr(point) for point in range(first, last + step, step)]
    return []


def _strip(operator: str, word: Word, pattern: str) -> Word:
    matches = re.compile(translate(pattern)).match
    text, longest = word.text, len(operator) == 2
    sizes = range(len(text) + 1)
    for size in reversed(sizes) if longest else sizes:
        if operator[0] == "#" and matches(text[:size]):
            return Word(text[size:])
        if operator[0] == "%" and matches(text[len(text) - size :]):
            return Word(text[: len(text) - size])
    return word


def _replace(operator: str, word: Word, argument: Raw) -> Word | None:
    if not all(isinstance(one, Chars) for one in argument.parts):
        return None
    text = argument.source.replace("\\/", "\0")
    old, _, new = text.partition("/")
    if re.search(r"[*?\[\\'\"#%]", old) or re.search(r"[\\'\"&]", new):
        return None
    old, new = old.replace("\0", "/"), new.replace("\0", "/")
    return Word(word.text.replace(old, new, -1 if operator == "//" else 1) if old else word.text)
