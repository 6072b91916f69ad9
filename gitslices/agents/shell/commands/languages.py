"""Interpreters whose language nobody reads here: what is plain to see in their texts."""

import re
from collections.abc import Iterator
from typing import Final

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.interpreters import note_script
from gitslices.agents.shell.commands.shell_commands import is_standard_input, run_text
from gitslices.agents.shell.programs.embedded import read_script, read_spawning
from gitslices.agents.shell.programs.options import Parsed, parse_command
from gitslices.agents.shell.reading.words import Aftermath, Word

_TEXTS: Final = frozenset({
    "-C", "-Command", "-E", "-X", "-c", "-command", "-e", "-eval", "-p", "-r", "-x", "--command",
    "--eval", "--evaluate", "--exec", "--execute", "--expr", "--expression", "--print",
})  # fmt: skip
_SHELL_LINE: Final = re.compile(r"(?:^|;)\s*(?:\\!|system\b|!|\.shell\b|\.system\b)\s*(.+)$", re.M)
_OUTPUT_LINE: Final = re.compile(
    r"(?:^|;)\s*(?:\\(?:o|out|g|gx|w)|tee|\.(?:output|once|backup|save|log|excel))\s+'?([^\s';|]+)",
    re.M,
)
_COPIED: Final = re.compile(r"\bcopy\b[^;]*\bto\s+'([^']+)'", re.IGNORECASE)
_COMMANDLETS: Final = re.compile(
    r"\b(?:Set-Content|Add-Content|Out-File|New-Item|Remove-Item|Clear-Content|rm|del|ni)\b"
    r"(?:\s+-\w+)*\s+['\"]?([^\s'\";|]+)"
    r"|\b(?:Copy-Item|Move-Item)\b(?:\s+-\w+)*\s+\S+(?:\s+-\w+)*\s+['\"]?([^\s'\";|]+)"
    r"|\bMove-Item\b(?:\s+-\w+)*\s+['\"]?([^\s'\";|]+)|>{1,2}\s*([^\s'\";|]+)",
    re.IGNORECASE,
)
_POWERSHELL: Final = ("powershell", "pwsh")
_DATABASES: Final = ("duckdb", "mariadb", "mysql", "psql")
_LANGUAGES: Final = (
    "R", "bb", "clj", "clojure", "elixir", "erl", "ghc", "ghci", "gnuplot", "groovy", "guile",
    "iex", "janet", "jshell", "julia", "kotlin", "mongosh", "ocaml", "octave", "racket", "runghc",
    "sbcl", "scala", "swift", "swipl", "tclsh", "wish",
)  # fmt: skip


def _run_interpreter(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command(started.name, started.words)
    walker.hand(started.name, started.words, started.state, started.env)
    texts = list(_list_texts(parsed, started))
    stdin = started.state.stdin
    reads = not texts and all(is_standard_input(word) for word in parsed.operands[:1])
    if reads and stdin.is_typed and not any(name in {"--version", "--help", "-h", "-V", "-v"}
                                            for name, _ in parsed.options):  # fmt: skip
        walker.open_shells.append(" ".join((started.name, *(w.text for w in started.words))))
    if stdin.text is not None:
        texts.append(Word(stdin.text))
    for text in texts:
        if text.plain:
            walker.hand(started.name, [text], started.state)
            _note_text(walker, started, text.text)
    return started.done()


def _list_texts(parsed: Parsed, started: Started) -> Iterator[Word]:
    """What stands behind an option for a text to run, in its own word or in the next one."""
    words = list(started.words)
    for number, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if name in _TEXTS:
            yield Word(value, word.plain) if equals else words[number + 1]


def _note_text(walker: Invoker, started: Started, text: str) -> None:
    state = started.state
    if started.name in _DATABASES:
        for command in _SHELL_LINE.findall(text):
            run_text(walker, [Word(command)], state, apart=True)
        written = [*_OUTPUT_LINE.findall(text), *_COPIED.findall(text)]
    elif started.name in _POWERSHELL:
        written = ["".join(found) for found in _COMMANDLETS.findall(text)]
    else:
        note_script(walker, read_script(text), state)
        note_script(walker, read_spawning(Parsed((), (Word(text),))), state)
        written = []
    walker.write_all([Word(one) for one in written if one], state)


LANGUAGES: Final[dict[str, Handler]] = dict.fromkeys(
    (*_DATABASES, *_LANGUAGES, *_POWERSHELL), _run_interpreter
)
