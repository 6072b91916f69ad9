"""What programs write that are called in a shell, as far as their words tell."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from gitslices.agents.shell.words import Word

_SHELL: Final = {"-O", "-o", "--init-file", "--rcfile"}
_WITH_VALUE: Final[dict[str, set[str]]] = {
    **dict.fromkeys(("bash", "dash", "ksh", "sh", "zsh"), _SHELL),
    "chmod": {"--reference"},
    "cp": {"-S", "-t", "--suffix", "--target-directory"},
    "curl": {
        *(f"-{letter}" for letter in "ACDEFHKPQTUXYbcdehmortuwxyz"),
        "--cookie-jar", "--dump-header", "--output",
    },
    "env": {"-C", "-S", "-u", "--chdir", "--split-string", "--unset"},
    "exec": {"-a"},
    "git": {"-C", "-c", "--git-dir", "--namespace", "--work-tree"},
    "install": {"-S", "-g", "-m", "-o", "-t", "--group", "--mode", "--owner", "--target-directory"},
    "ln": {"-S", "-t", "--suffix", "--target-directory"},
    "mv": {"-S", "-t", "--suffix", "--target-directory"},
    "nice": {"-n", "--adjustment"},
    "perl": {"-E", "-e"},
    "rsync": {"-B", "-M", "-T", "-e", "-f", "--exclude", "--filter", "--include", "--rsh"},
    "sed": {"-e", "-f", "-l", "--expression", "--file"},
    "shred": {"-n", "-s", "--iterations", "--size"},
    "sort": {"-S", "-T", "-k", "-o", "-t", "--key", "--output"},
    "stdbuf": {"-e", "-i", "-o"},
    "sudo": {"-C", "-D", "-R", "-T", "-g", "-h", "-p", "-r", "-t", "-u", "--group", "--user"},
    "time": {"-f", "-o"},
    "timeout": {"-k", "-s", "--kill-after", "--signal"},
    "touch": {"-d", "-r", "-t", "--date", "--reference"},
    "truncate": {"-r", "-s", "--reference", "--size"},
    "wget": {
        *(f"-{letter}" for letter in "ABDIOPQRTUXaeilotw"),
        "--append-output", "--output-document", "--output-file",
    },
    "xargs": {"-E", "-I", "-L", "-P", "-a", "-d", "-n", "-s"},
}  # fmt: skip
"""Options that have a value: the rest of their word, or else the word that follows."""
_WITH_REST: Final[dict[str, set[str]]] = {
    "perl": {"-D", "-F", "-I", "-M", "-V", "-i", "-m", "-x"},
    "sed": {"-i"},
    "xargs": {"-e", "-i", "-l"},
}
"""Options that have a value only where it is the rest of their word."""
# Those that read are listed, not those that write: one that is missing here is only refused.
_READING_GIT: Final = frozenset({
    "blame", "cat-file", "check-ignore", "describe", "diff", "diff-tree", "for-each-ref", "grep",
    "help", "log", "ls-files", "ls-remote", "ls-tree", "merge-base", "merge-tree", "name-rev",
    "rev-list", "rev-parse", "shortlog", "show", "show-ref", "status", "version",
})  # fmt: skip
_LISTING_GIT: Final = frozenset({
    "branch", "config", "reflog", "remote", "stash", "submodule", "symbolic-ref", "tag", "worktree",
})  # fmt: skip
"""Commands that read as long as they are given nothing to change."""
_LISTING_WORDS: Final = frozenset({"get", "get-url", "list", "show", "status"})
_LISTING_OPTIONS: Final = frozenset({"--get", "--get-all", "--get-regexp", "--list", "-l"})


class Parsed(Struct, frozen=True):
    """A simple command: its options with their values, and its operands."""

    options: Sequence[tuple[str, Word]]
    operands: Sequence[Word]

    def find(self, *names: str) -> Word | None:
        """The value of an option by any of its names."""
        return next((value for name, value in self.options if name in names and value.text), None)

    def has(self, *names: str) -> bool:
        """Whether an option is given by any of its names."""
        return any(name in names for name, _ in self.options)


def is_reading_git(command: Word, *rest: Word) -> bool:
    """Whether a git command changes nothing."""
    if command.text not in _LISTING_GIT:
        return command.text in _READING_GIT
    parsed = parse_command(command.text, rest)
    words = [word.text for word in parsed.operands]
    if not words:
        # Alone, the others list; `git stash` takes the changes away.
        return command.text != "stash"
    lists = command.text not in {"branch", "tag"} and words[0] in _LISTING_WORDS
    asks = command.text in {"config", "symbolic-ref"} and len(words) == 1 and not parsed.options
    return lists or asks or any(option in _LISTING_OPTIONS for option, _ in parsed.options)


def join_path(cwd: str | None, text: str) -> str | None:
    """A path as a program in `cwd` would open it; None in a folder that nobody knows.

    As the kernel does it: `a/../b` leads elsewhere where `a` is a link, so `..` stays.
    """
    if text.startswith("/"):
        return text
    return None if cwd is None else os.path.join(cwd, text)  # noqa: PTH118


def parse_command(name: str, words: Sequence[Word], *, stop: bool = False) -> Parsed:
    """Options and operands; with `stop` all from the first operand on are operands."""
    options: list[tuple[str, Word]] = []
    operands: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.text == "--":
            operands += rest
            break
        if not word.text.startswith("-") or word.text == "-":
            operands.append(word)
            if stop:
                operands += rest
                break
        elif word.text.startswith("--") or name not in _WITH_VALUE:
            option, equals, value = word.text.partition("=")
            follows = rest and not equals and option in _WITH_VALUE.get(name, ())
            options.append((option, rest.pop(0) if follows else Word(value, word.plain)))
        else:
            options += _split_letters(name, word, rest)
    return Parsed(options, operands)


def _split_letters(name: str, word: Word, rest: list[Word]) -> Iterator[tuple[str, Word]]:
    """The options in a word like `-rt`; one that has a value ends it, and may take it of `rest`."""
    for at, letter in enumerate(word.text[1:], 2):
        option, value = f"-{letter}", Word(word.text[at:], word.plain, word.pattern)
        if option in _WITH_VALUE[name]:
            yield option, value if value.text or not rest else rest.pop(0)
            return
        if option in _WITH_REST.get(name, ()):
            yield option, value
            return
        yield option, Word("")


def _list_operands(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [word for word in parsed.operands if word.text != "-"]


def _list_after_mode(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    # `chmod -x f`: what looks like an option is the mode.
    has_mode = any(re.fullmatch("-[rwxXstugo]|--reference", name) for name, _ in parsed.options)
    return parsed.operands[0 if has_mode else 1 :]


def _list_destinations(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """Where a copy goes: a file, or a name in a folder for each source."""
    folder = parsed.find("-t", "--target-directory")
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if folder:
        return [_put_into(folder, source) for source in parsed.operands]
    if not sources:
        return [] if not last.text else [Word(os.path.basename(last.text), last.plain)]  # noqa: PTH119
    if parsed.has("-T", "--no-target-directory"):
        return [last]
    place = join_path(cwd, last.text)
    if last.text.endswith("/") or len(sources) > 1 or (place and os.path.isdir(place)):  # noqa: PTH112
        return [_put_into(last, source) for source in sources]
    return [last]


def _list_installed(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    if parsed.has("-d", "--directory"):
        return parsed.operands
    return _list_destinations(parsed, cwd)


def _list_synced(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if not sources or re.match("[^/]+:", last.text):
        return []  # it only lists, or copies to another machine
    # Unlike `cp`, it copies what is in `a/`, and not the folder itself.
    if any(source.text.endswith("/") for source in sources):
        return [last]
    return _list_destinations(parsed, cwd)


def _put_into(folder: Word, source: Word) -> Word:
    name = os.path.basename(source.text.rstrip("/"))  # noqa: PTH119
    if source.pattern or not source.plain or name in {"", ".", ".."}:
        return folder
    return Word(os.path.join(folder.text, name), folder.plain)  # noqa: PTH118


def _list_moved(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    folder = parsed.find("-t", "--target-directory")
    sources = parsed.operands if folder else parsed.operands[:-1]
    return [*sources, *_list_destinations(parsed, cwd)]


def _list_edited(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """The files of `sed -i` and `perl -i`; without `-i` none is written."""
    if not parsed.has("-i", "--in-place"):
        return []
    # Where no option has brought the script it is the first operand, be it after `-pe`.
    scripted = parsed.find("-e", "-f", "-E", "--expression", "--file")
    # On macOS `sed -i ''` spells that there is no backup.
    operands = [word for word in parsed.operands if word.text]
    return operands[0 if scripted else 1 :]


def _list_outputs(*names: str) -> Callable[[Parsed, str | None], Sequence[Word]]:
    """The rule for a program that writes the values of these options."""

    def list_outputs(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
        return [value for name, value in parsed.options if name in names and value.text != "-"]

    return list_outputs


def _list_dd(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [
        Word(word.text.removeprefix("of="), word.plain)
        for word in parsed.operands
        if word.text.startswith("of=")
    ]


# What each program writes, of a command and the folder that it runs in.
PROGRAMS: Final[dict[str, Callable[[Parsed, str | None], Sequence[Word]]]] = {
    **dict.fromkeys(("rm", "rmdir", "shred", "tee", "touch", "truncate", "unlink"), _list_operands),
    "chmod": _list_after_mode,
    **dict.fromkeys(("cp", "ln"), _list_destinations),
    "curl": _list_outputs("-D", "-c", "-o", "--cookie-jar", "--dump-header", "--output"),
    "install": _list_installed,
    "mv": _list_moved,
    **dict.fromkeys(("perl", "sed"), _list_edited),
    "dd": _list_dd,
    "rsync": _list_synced,
    "sort": _list_outputs("-o", "--output"),
    "wget": _list_outputs(
        "-O", "-a", "-o", "--append-output", "--output-document", "--output-file"
    ),
}
