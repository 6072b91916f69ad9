"""A shell text as commands, in the grammar of bash; what zsh and dash share with it, too.

Not `shlex`, which forgets what was quoted. Where a shell would find an error of grammar this reads
on: what stands before the error has run by then.
"""

import re
from typing import Final

from gitslices.agents.shell.reading.quoting import QuoteReader
from gitslices.agents.shell.reading.syntax import (
    AndOr,
    Apart,
    Assignment,
    Block,
    Case,
    Chars,
    Choice,
    Compared,
    Defined,
    Each,
    Loop,
    Node,
    Pipeline,
    Raw,
    Redirected,
    Redirection,
    Simple,
)

_RESERVED: Final = re.compile(
    r"(?:if|then|elif|else|fi|while|until|do|done|for|select|foreach|repeat|case|esac|function"
    r"|coproc|time|\{|\}|!|\[\[)(?=[\s;&|()<>]|$)"
)
# zsh writes `>!` and `>>|` where bash has `>|`.
_REDIRECTION: Final = re.compile(
    r"(\d+|\{[A-Za-z_]\w*\})?(<<<|<<-|<<|<>|<&|<|&>>[|!]?|&>[|!]?|>>[|!]?|>&[|!]?|>[|!]?)(?!\()"
)
_FUNCTION: Final = re.compile(r"([^\s()<>;&|$'\"\\`=]+)[ \t]*\([ \t]*\)")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?(\+?)=")
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def parse(text: str) -> Block:
    """The commands of `text`; raise `ValueError` where a quote or a parenthesis is never closed."""
    return Parser(text).parse_all()


class Parser(QuoteReader):
    """Reads commands, each from where the one before has ended."""

    def parse_all(self) -> Block:
        """All there is."""
        block = self.parse_list()
        assert self._at >= len(self._text)  # noqa: S101
        return block

    def parse_list(self, *stops: str) -> Block:
        """Commands up to the first of the words or signs `stops`, which is left where it is."""
        self.descend()
        nodes: list[Node] = []
        while self._at < len(self._text):
            self._skip_breaks()
            if self._find_stop(stops):
                break
            start = self._at
            nodes.append(self._parse_and_or(stops))
            if self._at == start:
                self._at += 1  # a sign that nothing stands before
        self.ascend()
        return Block(tuple(nodes))

    def _find_stop(self, stops: tuple[str, ...]) -> str:
        if self._at >= len(self._text):
            return "end"
        found = _RESERVED.match(self._text, self._at)
        if found and found[0] in stops:
            return found[0]
        return next((one for one in stops if one in ");;&" and self._sees(one)), "")

    def _skip_breaks(self) -> None:
        while True:
            self.skip_blank()
            if self._sees("\n"):
                self.read_newline()
            elif self._sees(";") and not self._sees(";;", ";&"):
                self._at += 1
            else:
                return

    def _skip_newlines(self) -> None:
        self.skip_blank()
        while self._sees("\n"):
            self.read_newline()
            self.skip_blank()

    def _parse_and_or(self, stops: tuple[str, ...]) -> Node:
        first = self._parse_pipeline()
        rest: list[tuple[str, Node]] = []
        while True:
            self.skip_blank()
            operator = self._text[self._at : self._at + 2]
            if operator not in {"&&", "||"}:
                break
            self._at += 2
            self._skip_newlines()
            rest.append((operator, self._parse_pipeline()))
        node: Node = AndOr(first, tuple(rest)) if rest else first
        if self._sees("&") and not self._sees("&>") and self._find_stop(stops) != ";&":
            self._at += 2 if self._sees("&!", "&|") else 1
            return Apart(node)
        return node

    def _parse_pipeline(self) -> Node:
        self.skip_blank()
        while (found := _RESERVED.match(self._text, self._at)) and found[0] in {"!", "time"}:
            if found[0] == "time" and re.match(r"[ \t]+-(?!p\s)", self._text[found.end() :]):
                break  # the program of that name, which has more options
            self._at = found.end()
            self.skip_blank()
            if found[0] == "time" and self._sees("-p "):
                self._at += 2
                self.skip_blank()
        nodes = [self._parse_command()]
        while self._sees("|") and not self._sees("||"):
            self._at += 2 if self._sees("|&") else 1
            self._skip_newlines()
            nodes.append(self._parse_command())
        return nodes[0] if len(nodes) == 1 else Pipeline(tuple(nodes))

    def _parse_command(self) -> Node:
        self.skip_blank()
        if self._sees("!("):
            self._at += 1
        if self._sees("("):
            return self._parse_redirected(self._parse_parentheses())
        found = _RESERVED.match(self._text, self._at)
        if found and found[0] != "time":
            return self._parse_redirected(self._parse_reserved(found[0]))
        if found := _FUNCTION.match(self._text, self._at):
            self._at = found.end()
            return self._parse_function(found[1])
        return self._parse_simple()

    def _parse_function(self, name: str) -> Node:
        self._skip_newlines()
        return Defined(name, self._parse_command())

    def _parse_parentheses(self) -> Node:
        if self._sees("((") and (inner := self.try_sum(self._at + 2)):
            return Compared((inner,))
        self._at += 1
        body = self.parse_list(")")
        self.expect(")")
        return Apart(body)

    def _parse_redirected(self, node: Node) -> Node:
        redirections = []
        while found := self._match_redirection():
            redirections += self._read_redirection(found)
        self.skip_blank()
        return Redirected(node, tuple(redirections)) if redirections else node

    def _parse_reserved(self, word: str) -> Node:
        self._at += len(word)
        if word == "{":
            return self._parse_block("}")
        if word == "if":
            return self._parse_if()
        if word in {"while", "until"}:
            condition = self.parse_list("do", "{", "done")
            return Loop(condition, self._parse_do())
        if word in {"for", "select", "foreach"}:
            return self._parse_for()
        if word == "repeat":
            self.skip_blank()
            count = self.read_word()
            return Loop(Block((Compared((count,)),)), self._parse_do())
        if word == "case":
            return self._parse_case()
        if word == "[[":
            return self._parse_test()
        if word == "function":
            return self._parse_named_function()
        if word == "coproc":
            return self._parse_coproc()
        return Block(())  # one that nothing has begun, such as a `fi` alone

    def _parse_block(self, end: str) -> Block:
        body = self.parse_list(end)
        self._take(end)
        return body

    def _take(self, word: str) -> bool:
        found = _RESERVED.match(self._text, self._at)
        if not found or found[0] != word:
            return False
        self._at = found.end()
        return True

    def _parse_do(self) -> Block:
        self._skip_breaks()
        if self._take("do"):
            return self._parse_block("done")
        if self._take("{"):
            return self._parse_block("}")
        return Block((self._parse_command(),))  # zsh's short forms

    def _parse_if(self) -> Node:
        branches, otherwise = [], Block(())
        while True:
            condition = self.parse_list("then", "fi", "elif", "else")
            self._take("then")
            branches.append((condition, self.parse_list("elif", "else", "fi")))
            if not self._take("elif"):
                break
        if self._take("else"):
            otherwise = self.parse_list("fi")
        self._take("fi")
        return Choice(tuple(branches), otherwise)

    def _parse_for(self) -> Node:
        self.skip_blank()
        if self._sees("((") and (inner := self.try_sum(self._at + 2)):
            return Loop(Block((Compared((inner,)),)), self._parse_do())
        found = _NAME.match(self._text, self._at)
        self._at = found.end() if found else self._at
        self._skip_newlines()
        words: tuple[Raw, ...] | None = None
        if re.compile(r"in(?=[\s;])").match(self._text, self._at):
            self._at += 2
            words = self._read_words()
        elif self._sees("("):
            self._at += 1
            words = self._read_words()
            self.expect(")")
        return Each(found[0] if found else "", words, self._parse_do())

    def _read_words(self, *, lines: bool = False) -> tuple[Raw, ...]:
        words: list[Raw] = []
        while True:
            (self._skip_newlines if lines else self.skip_blank)()
            if self.at_end_of_word():
                return tuple(words)
            words.append(self.read_word())

    def _parse_case(self) -> Node:
        self.skip_blank()
        word = self.read_word()
        self._skip_newlines()
        if re.compile(r"in(?=\s)").match(self._text, self._at):
            self._at += 2
        arms = []
        while self._at < len(self._text):
            self._skip_breaks()
            if self._take("esac"):
                break
            self._at += 1 if self._sees("(") else 0
            patterns = [*self._read_words()]
            while self._sees("|"):
                self._at += 1
                patterns += self._read_words()
            self.expect(")")
            arms.append((tuple(patterns), self.parse_list(";;", ";&", "esac")))
            while self._sees(";", "&"):
                self._at += 1
        return Case(word, tuple(arms))

    def _parse_test(self) -> Node:
        words = []
        while self._at < len(self._text):
            self._skip_newlines()
            if self._take_end_of_test():
                break
            # `<`, `>`, `&&`, `(` compare here and join.
            if self.at_end_of_word():
                self._at += 1
            else:
                words.append(self.read_word())
        return Compared(tuple(words))

    def _take_end_of_test(self) -> bool:
        found = re.compile(r"\]\](?=[\s;&|()<>]|$)").match(self._text, self._at)
        self._at = found.end() if found else self._at
        return bool(found)

    def _parse_named_function(self) -> Node:
        self.skip_blank()
        found = re.compile(r"[^\s(){}<>;&|]+").match(self._text, self._at)
        self._at = found.end() if found else self._at
        self.skip_blank()
        if empty := re.compile(r"\([ \t]*\)").match(self._text, self._at):
            self._at = empty.end()
        return self._parse_function(found[0] if found else "")

    def _parse_coproc(self) -> Node:
        self.skip_blank()
        named = re.compile(r"[A-Za-z_]\w*[ \t]+(?=\{|\(|if\b|while\b|for\b)")
        if found := named.match(self._text, self._at):
            self._at = found.end()
        return Apart(self._parse_command())

    def _parse_simple(self) -> Node:
        assignments: list[Assignment] = []
        words: list[Raw] = []
        redirections: list[Redirection] = []
        while True:
            self.skip_blank()
            if found := self._match_redirection():
                redirections += self._read_redirection(found)
            elif self.at_end_of_word():
                break
            elif not words and (found := _ASSIGNMENT.match(self._text, self._at)):
                assignments.append(self._read_assignment(found))
            else:
                words.append(self._read_argument())
        return Simple(
            assignments=tuple(assignments), words=tuple(words), redirections=tuple(redirections)
        )

    def _read_argument(self) -> Raw:
        # `export a=(…)` and `declare -a a=(…)` have words in parentheses, too.
        raw = self.read_word()
        if raw.source.endswith("=") and self._sees("("):
            self._at += 1
            parts = [part for word in self._read_words(lines=True) for part in word.parts]
            self.expect(")")
            return Raw((*raw.parts, *parts), raw.source + "(…)")
        return raw

    def _read_assignment(self, found: re.Match[str]) -> Assignment:
        whole = self.read_word()
        if whole.source.endswith("=") and self._sees("("):
            self._at += 1
            values = self._read_words(lines=True)
            self.expect(")")
            return Assignment(name=found[1], values=values, adds=bool(found[2]), is_array=True)
        value = _drop_start(whole, len(found[0]))
        # One element of an array that is set says nothing of the others.
        return Assignment(name=found[1], values=(value,), adds=bool(found[2]) or "[" in found[0])

    def _match_redirection(self) -> re.Match[str] | None:
        self.skip_blank()
        return _REDIRECTION.match(self._text, self._at)

    def _read_redirection(self, found: re.Match[str]) -> list[Redirection]:
        self._at = found.end()
        operator = found[2]
        self.skip_blank()
        if operator in {"<<", "<<-"}:
            # Its body begins after this line, which may go on, with a second one even.
            return [self.await_document(tabs=operator == "<<-")]
        return [Redirection(operator, self.read_word(), found[1] or "")]


def _drop_start(raw: Raw, count: int) -> Raw:
    """A word without its first characters, which stand in its first part but for a subscript."""
    first, *rest = raw.parts
    if isinstance(first, Chars) and len(first.text) >= count and raw.source.startswith(first.text):
        kept = [Chars(first.text[count:], first.quoted)] if len(first.text) > count else []
        return Raw((*kept, *rest), raw.source[count:])
    return Raw(tuple(rest), raw.source[count:])
