"""The text of a shell command, cut into words and operators.

Not `shlex`, which forgets what was quoted: to it, `grep '>' notes` writes to `notes`.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

DEEPEST: Final = 8
"""How many commands may be nested in each other."""
REDIRECTIONS: Final = frozenset({"<<<", "<>", "<&", "<", "&>>", "&>", ">>", ">|", ">&", ">"})
_OPERATOR: Final = re.compile(
    r"\d*(?P<redirection><<<|<<-|<<|<>|<&|>>|>\||>&|&>>|&>|[<>])"
    r"|(?P<separator>\n|&&|\|\||;;&|;;|;&|\|&|[|&;()])"
)
# In `((a > b))` nothing is written; read as a command, `>` would name a file.
_ARITHMETIC: Final = re.compile(r"\(\([^();\n]*\)\)")
_BLANK: Final = re.compile(r"(?:[ \t]|\\\n)+")
_NAME: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_OTHER_EXPANSION: Final = re.compile(r"\$(?:\{[^}]*\}|[0-9@*#?$!-])")
_ENDS: Final = " \t\n|&;()<>"


class Word(Struct, frozen=True):
    """A word with its quotes gone.

    `plain` unless the shell would put something into it that its text does not say; `pattern`
    where the shell would put the names of files in its place.
    """

    text: str
    plain: bool = True
    pattern: bool = False


class Operator(Struct, frozen=True):
    """`;`, `|`, `(`, `>` and their like."""

    text: str


class Scanner:
    """Reads a command from `at` on; raises `ValueError` where a quote is never closed.

    `inner` gathers the commands in `$(…)` and backquotes; `depth` is how many `$(` are around `at`.
    """

    def __init__(
        self, text: str, variables: Mapping[str, str], *, at: int = 0, depth: int = 0
    ) -> None:
        # Long before Python's own limit, whose RecursionError could come out of any call.
        if depth == DEEPEST:
            raise ValueError("commands are nested too deeply")
        self.inner: list[str] = []
        self._text = text
        self._variables = variables
        self._at = at
        self._depth = depth
        self._documents: list[str] = []

    def read(self) -> Word | Operator | None:
        """The next word or operator, None at the end."""
        self._skip_blank()
        if self._at >= len(self._text):
            return None
        if sum_ := _ARITHMETIC.match(self._text, self._at):
            self._at = sum_.end()
            return Word(sum_[0], plain=False)
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            return self._read_word()
        self._at = found.end()
        operator = found["redirection"] or found["separator"]
        if operator in {"<<", "<<-"}:
            self._skip_blank()
            # Its body begins after this line, which may go on, with a second one even.
            self._documents.append(self._read_word().text)
            return self.read()
        if operator == "\n":
            self._skip_documents()
        return Operator(operator)

    def _skip_blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        if self._text.startswith("#", self._at):
            self._at = self._find("\n", self._at, missing=len(self._text))

    def _skip_documents(self) -> None:
        for end in self._documents:
            while self._at < len(self._text):
                stop = self._find("\n", self._at, missing=len(self._text))
                line = self._text[self._at : stop]
                self._at = stop + 1
                # For `<<` as for `<<-`: an end seen too early has the rest read as commands, and
                # more refused.
                if line.lstrip("\t") == end:
                    break
        self._documents.clear()

    def _read_word(self) -> Word:
        parts: list[str] = []
        plain, pattern = True, False
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            char = self._text[self._at]
            if char == "'":
                end = self._find("'", self._at + 1)
                parts.append(self._text[self._at + 1 : end])
                self._at = end + 1
            elif char == '"':
                plain &= self._read_quoted(parts)
            elif char == "\\":
                parts.append(self._text[self._at + 1 : self._at + 2].replace("\n", ""))
                self._at += 2
            elif char in "$`":
                plain &= self._read_expansion(parts)
            elif char == "~" and self._at == start:
                plain &= self._read_home(parts)
            else:
                pattern |= char in "*?["
                plain &= char != "{" or self._text[self._at + 1 : self._at + 2] in {"", *_ENDS}
                parts.append(char)
                self._at += 1
        return Word("".join(parts), plain, pattern)

    def _read_quoted(self, parts: list[str]) -> bool:
        plain = True
        self._at += 1
        while (char := self._char()) != '"':
            if char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                kept = following if following in {'"', "\\", "$", "`"} else f"\\{following}"
                parts.append(kept if following != "\n" else "")
                self._at += 2
            elif char in "$`":
                plain &= self._read_expansion(parts)
            else:
                parts.append(char)
                self._at += 1
        self._at += 1
        return plain

    def _read_expansion(self, parts: list[str]) -> bool:
        """Read what begins with `$` or a backquote; tell whether its value is known."""
        start = self._at
        if self._text[start] == "`":
            end = self._find("`", start + 1)
            self.inner.append(self._text[start + 1 : end])
            self._at = end + 1
        elif self._text.startswith("$(", start):
            end = self._find_closing(start + 2)
            if not self._text.startswith("$((", start):
                self.inner.append(self._text[start + 2 : end])
            self._at = end + 1
        elif self._text.startswith("$'", start):
            self._at += 2
            while self._char() != "'":
                # Its escapes are not undone: what cannot be told is no plain word, and refused as a
                # target.
                self._at += 2 if self._char() == "\\" else 1
            self._at += 1
        elif found := _NAME.match(self._text, start):
            self._at = found.end()
            value = self._variables.get(found[1] or found[2])
            parts.append(found[0] if value is None else value)
            return value is not None
        elif other := _OTHER_EXPANSION.match(self._text, start):
            self._at = other.end()
        else:
            parts.append("$")
            self._at += 1
            return True
        parts.append(self._text[start : self._at])
        return False

    def _read_home(self, parts: list[str]) -> bool:
        self._at += 1
        if self._text[self._at : self._at + 1] not in {"", "/", *_ENDS}:
            parts.append("~")
            return False
        parts.append(self._variables.get("HOME", "~"))
        return "HOME" in self._variables

    def _find_closing(self, at: int) -> int:
        """Where the parenthesis closes that was opened before `at`.

        What is inside is read as a command is: parentheses that are quoted, or in the body of a
        here-document, neither open nor close.
        """
        inside = Scanner(self._text, self._variables, at=at, depth=self._depth + 1)
        opened = 1
        while opened:
            token = inside.read()
            if token is None:
                raise ValueError("a parenthesis is never closed")
            if isinstance(token, Operator):
                opened += {"(": 1, ")": -1}.get(token.text, 0)
        return inside._at - 1

    def _char(self) -> str:
        if self._at >= len(self._text):
            raise ValueError("a quote is never closed")
        return self._text[self._at]

    def _find(self, text: str, at: int, *, missing: int | None = None) -> int:
        found = self._text.find(text, at)
        if found >= 0:
            return found
        if missing is None:
            raise ValueError("a quote is never closed")
        return missing
