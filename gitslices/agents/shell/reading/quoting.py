"""The words of a shell text with their quotes, expansions and here-documents."""

import re
from typing import Final

from gitslices.agents.shell.reading.syntax import (
    Block,
    Chars,
    Inserted,
    Parameter,
    Part,
    Raw,
    Redirection,
    Sum,
)

_DEEPEST: Final = 16
"""How many commands may be nested in each other."""
_ENDS: Final = " \t\n|&;()<>"
_BLANK: Final = re.compile(r"(?:[ \t]|\\\n)+")
_SIMPLE_NAME: Final = re.compile(r"\$([A-Za-z_]\w*|[0-9@*#?$!-])")
_BRACED_NAME: Final = re.compile(r"([!#]?(?:[A-Za-z_]\w*|[0-9]+|[@*#?$!-])(?:\[[^\]$`]*\])?)")
_OPERATOR: Final = re.compile(r":?[-=?+]|##?|%%?|//?|\^\^?|,,?|@|:")
_ANSI: Final = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|[uU]([0-9A-Fa-f]{1,8})|c(.)|(.))", re.DOTALL
)
_ANSI_LETTERS: Final = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n",
                        "r": "\r", "t": "\t", "v": "\v"}  # fmt: skip


class _Document:
    """A here-document whose body is still to come."""

    def __init__(self, place: Redirection, end: str, *, quoted: bool) -> None:
        self.place, self.end, self.quoted = place, end, quoted


class QuoteReader:
    """A place in a text. Raises `ValueError` where something is never closed or too deep."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self._text = text
        self._at = 0
        self._depth = depth
        self._documents: list[_Document] = []

    def parse_list(self, *stops: str) -> Block:
        """Commands up to one of `stops`; it is the grammar's to know what commands are."""
        raise NotImplementedError

    def descend(self) -> None:
        """Begin something inside something else."""
        # Long before Python's own limit, whose RecursionError could come out of any call.
        if self._depth == _DEEPEST:
            raise ValueError("commands are nested too deeply")
        self._depth += 1

    def ascend(self) -> None:
        """End it."""
        self._depth -= 1

    def skip_blank(self) -> None:
        """Go on to what is neither blank nor comment, on this line."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        if self._sees("#"):
            stop = self._text.find("\n", self._at)
            self._at = stop if stop >= 0 else len(self._text)

    def at_end_of_word(self) -> bool:
        """Whether no word begins or goes on here."""
        if self._at >= len(self._text):
            return True
        return self._text[self._at] in _ENDS and not self._sees("<(", ">(")

    def expect(self, sign: str) -> None:
        """Go past `sign`, which has to be here."""
        if not self._sees(sign):
            raise ValueError("a parenthesis is never closed")
        self._at += len(sign)

    def read_newline(self) -> None:
        """Go past the end of a line, and past the here-documents that begin there."""
        self._at += 1
        documents, self._documents = self._documents, []
        for document in documents:
            document.place.target = self._read_document(document)

    def await_document(self, *, tabs: bool) -> Redirection:
        """Read the end that a here-document will have; its body follows the line."""
        start = self._at
        raw = self.read_word()
        end = "".join(part.text for part in raw.parts if isinstance(part, Chars))
        quoted = any(sign in self._text[start : self._at] for sign in "'\"\\")
        place = Redirection("<<-" if tabs else "<<", Raw((), ""))
        self._documents.append(_Document(place, end, quoted=quoted))
        return place

    def _read_document(self, document: _Document) -> Raw:
        lines = []
        while self._at < len(self._text):
            stop = self._text.find("\n", self._at)
            stop = len(self._text) if stop < 0 else stop
            line = self._text[self._at : stop]
            self._at = stop + 1
            # To the letter: an end that is seen too early or too late turns text into commands.
            line = line.lstrip("\t") if document.place.operator == "<<-" else line
            if line == document.end:
                break
            lines.append(line + "\n")
        self._at = min(self._at, len(self._text))
        body = "".join(lines)
        if document.quoted:
            return Raw((Chars(body, quoted=True),), body)
        return type(self)(body, self._depth).read_until("")

    def read_word(self) -> Raw:
        """The word that begins here."""
        parts: list[Part] = []
        start = self._at
        while not self.at_end_of_word():
            char = self._text[self._at]
            if char == "'":
                end = self._find("'", self._at + 1)
                parts.append(Chars(self._text[self._at + 1 : end], quoted=True))
                self._at = end + 1
            elif char == '"':
                self._at += 1
                parts += self._read_quoted('"')
                self._at += 1
            elif char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                parts.append(Chars(following.replace("\n", ""), quoted=True))
                self._at += 2
            elif char in "$`<>":
                parts.append(self._read_expansion(quoted=False))
            else:
                parts.append(self._read_chars())
        return Raw(tuple(parts), self._text[start : self._at])

    def _read_chars(self) -> Chars:
        found = re.compile(r"""[^\s'"\\$`|&;()<>]+|.""").match(self._text, self._at)
        assert found  # noqa: S101
        self._at = found.end()
        # `@(a|b)` is a pattern of bash, `*(.)` one of zsh.
        if self._sees("(") and found[0][-1] in "?*+@!":
            end = self._find(")", self._at) + 1
            text = found[0] + self._text[self._at : end]
            self._at = end
            return Chars(text)
        return Chars(found[0])

    def read_until(self, end: str) -> Raw:
        """The rest as in double quotes, up to `end`."""
        start = self._at
        parts = self._read_quoted(end)
        return Raw(tuple(parts), self._text[start : self._at])

    def _read_quoted(self, end: str) -> list[Part]:
        """What stands in double quotes, or with no `end` in a here-document."""
        parts: list[Part] = [Chars("", quoted=True)]
        while not (end and self._sees(end)):
            if self._at >= len(self._text):
                if end:
                    raise ValueError("a quote is never closed")
                break
            char = self._text[self._at]
            if char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                kept = following if following in set(f"\\$`{end}") else f"\\{following}"
                parts.append(Chars(kept if following != "\n" else "", quoted=True))
                self._at += 2
            elif char in "$`":
                parts.append(self._read_expansion(quoted=True))
            else:
                found = re.compile(r"[^\\$`\"]+|.").match(self._text, self._at)
                assert found  # noqa: S101
                self._at = found.end()
                parts.append(Chars(found[0], quoted=True))
        return parts

    def _read_expansion(self, *, quoted: bool) -> Part:
        """Read what begins with `$`, a backquote, `<(` or `>(`."""
        start = self._at
        part = self._read_inserted(quoted=quoted) or self._read_parameter(quoted=quoted)
        if part is not None:
            return part
        if not quoted and self._sees("$'"):
            return self._read_ansi()
        self._at = start + 1
        # `$"…"` is translated, which nobody does.
        return Chars("" if not quoted and self._sees('"') else "$", quoted=True)

    def _read_inserted(self, *, quoted: bool) -> Part | None:
        start = self._at
        if self._sees("`"):
            end = start + 1
            while end < len(self._text) and self._text[end] != "`":
                end += 2 if self._text[end] == "\\" else 1
            if end >= len(self._text):
                raise ValueError("a quote is never closed")
            self._at = end + 1
            return self._read_backquoted(start, quoted=quoted)
        if self._sees("$(("):
            inner = self.try_sum(start + 3)
            if inner:
                return Sum(inner=inner, source=self._text[start : self._at])
        if self._sees("$["):
            return Sum(inner=self._read_sum("]", start + 2), source=self._text[start : self._at])
        if self._sees("$(", "<(", ">("):
            return self._read_parentheses(quoted=quoted)
        if self._sees("${ ", "${\n", "${\t", "${|"):
            self._at += 2
            return self._read_body("}", start, quoted=quoted)
        return None

    def _read_backquoted(self, start: int, *, quoted: bool) -> Inserted:
        source = self._text[start : self._at]
        signs = r'[\\`$"]' if quoted else r"[\\`$]"
        text = re.sub(rf"\\({signs})", r"\1", source[1:-1])
        self.descend()
        body = type(self)(text, self._depth).parse_list()
        self.ascend()
        return Inserted(body=body, source=source, quoted=quoted)

    def _read_parentheses(self, *, quoted: bool) -> Inserted:
        start = self._at
        direction = self._text[start] if self._text[start] != "$" else ""
        self._at += 2
        return self._read_body(")", start, quoted=quoted, direction=direction)

    def _read_body(self, end: str, start: int, *, quoted: bool, direction: str = "") -> Inserted:
        # Here-documents that began outside have their bodies outside.
        documents, self._documents = self._documents, []
        body = self.parse_list(end)
        self._documents = documents
        self.expect(end)
        source = self._text[start : self._at]
        return Inserted(body=body, source=source, quoted=quoted, direction=direction)

    def try_sum(self, at: int) -> Raw | None:
        """What is expanded up to `))`; None, at the old place, if commands stand there instead."""
        start = self._at
        try:
            inner = self._read_sum(")", at)
        except ValueError:
            inner = None
        if inner is None or not self._sees(")"):
            self._at = start
            return None
        self._at += 1
        return inner

    def _read_sum(self, end: str, at: int) -> Raw:
        self._at = at
        parts: list[Part] = []
        opened = 0
        begin = {")": "(", "]": "["}[end]
        while opened or not self._sees(end):
            if self._at >= len(self._text):
                raise ValueError("a parenthesis is never closed")
            if self._text[self._at] in "$`":
                parts.append(self._read_expansion(quoted=True))
                continue
            opened += {begin: 1, end: -1}.get(self._text[self._at], 0)
            self._at += 1
        self._at += 1
        return Raw(tuple(parts), self._text[at : self._at - 1])

    def _read_parameter(self, *, quoted: bool) -> Parameter | None:
        start = self._at
        if self._sees("${"):
            return self._read_braced(quoted=quoted)
        found = _SIMPLE_NAME.match(self._text, start)
        if not found:
            return None
        self._at = found.end()
        return Parameter(name=found[1], source=found[0], quoted=quoted)

    def _read_braced(self, *, quoted: bool) -> Parameter:
        start = self._at
        found = _BRACED_NAME.match(self._text, start + 2)
        name = found[1] if found else ""
        self._at = found.end() if found else start + 2
        operator = _OPERATOR.match(self._text, self._at)
        self._at = operator.end() if operator else self._at
        argument = self._read_argument_of_braces(quoted=quoted)
        self._at += 1
        return Parameter(
            name=name,
            operator=operator[0] if operator else "",
            argument=argument,
            source=self._text[start : self._at],
            quoted=quoted,
        )

    def _read_argument_of_braces(self, *, quoted: bool) -> Raw:
        self.descend()
        parts: list[Part] = []
        start = self._at
        while not self._sees("}"):
            char = self._text[self._at : self._at + 1]
            if not char:
                raise ValueError("a quote is never closed")
            if char == '"':
                self._at += 1
                parts += self._read_quoted('"')
                self._at += 1
            elif char == "'" and not quoted:
                end = self._find("'", self._at + 1)
                parts.append(Chars(self._text[self._at + 1 : end], quoted=True))
                self._at = end + 1
            elif char == "\\":
                parts.append(Chars(self._text[self._at + 1 : self._at + 2], quoted=True))
                self._at += 2
            elif char in "$`" or self._sees("<(", ">("):
                parts.append(self._read_expansion(quoted=quoted))
            else:
                parts.append(Chars(char, quoted=quoted))
                self._at += 1
        self.ascend()
        return Raw(tuple(parts), self._text[start : self._at])

    def _read_ansi(self) -> Chars:
        start = self._at + 2
        self._at = start
        while not self._sees("'"):
            if self._at >= len(self._text):
                raise ValueError("a quote is never closed")
            self._at += 2 if self._sees("\\") else 1
        text = _ANSI.sub(_undo_escape, self._text[start : self._at])
        self._at += 1
        return Chars(text, quoted=True)

    def _sees(self, *signs: str) -> bool:
        return self._text.startswith(signs, self._at)

    def _find(self, sign: str, at: int) -> int:
        found = self._text.find(sign, at)
        if found < 0:
            raise ValueError("a quote is never closed")
        return found


def _undo_escape(found: re.Match[str]) -> str:
    octal, hexadecimal, point, control, letter = found.groups()
    if octal or hexadecimal:
        return chr(int(octal, 8) & 0xFF if octal else int(hexadecimal, 16))
    if point:
        return chr(int(point, 16)) if int(point, 16) < 0x110000 else "\ufffd"
    return chr(ord(control) & 0x1F) if control else _ANSI_LETTERS.get(letter, letter)
