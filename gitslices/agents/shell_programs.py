"""What programs write that are called in a shell, as far as their words tell."""

import os
import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from gitslices.agents.shell_words import Word

WITH_VALUE: Final = {
    "chmod": {"--reference"},
    "cp": {"-S", "--suffix", "-t", "--target-directory"},
    "env": {"-u", "-C", "-S"},
    "git": {"-c", "-C", "--git-dir", "--work-tree", "--namespace"},
    "install": {"-g", "-m", "-o", "-S", "-t", "--group", "--mode", "--owner", "--target-directory"},
    "ln": {"-S", "--suffix", "-t", "--target-directory"},
    "mv": {"-S", "--suffix", "-t", "--target-directory"},
    "nice": {"-n"},
    "perl": {"-e", "-E"},
    "rsync": {"-e", "--exclude", "--include", "--rsh"},
    "sed": {"-e", "-f", "-l", "--expression", "--file"},
    "shred": {"-n", "-s"},
    "sudo": {"-u", "-g"},
    "timeout": {"-k", "-s"},
    "touch": {"-d", "-r", "-t", "--date", "--reference"},
    "truncate": {"-r", "-s", "--reference", "--size"},
    "xargs": {"-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"},
}  # fmt: skip
"""Options whose value is the word that follows."""
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


def is_reading_git(command: Word, *rest: Word) -> bool:
    """Whether a git command changes nothing."""
    if command.text not in _LISTING_GIT:
        return command.text in _READING_GIT
    parsed = parse_command(command.text, rest)
    words = [word.text for word in parsed.operands]
    if not words:
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
    with_value = WITH_VALUE.get(name, set())
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
            continue
        option, equals, value = word.text.partition("=")
        if option in with_value and not equals and rest:
            options.append((option, rest.pop(0)))
        else:
            options.append((option, Word(value, word.plain)))
    return Parsed(options, operands)


def _list_operands(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [word for word in parsed.operands if word.text != "-"]


def _list_after_first(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return parsed.operands[0 if parsed.find("--reference") else 1 :]


def _list_destinations(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    """Where a copy goes: a file, or a name in a folder for each source."""
    folder = parsed.find("-t", "--target-directory")
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if folder:
        return [_put_into(folder, source) for source in parsed.operands]
    if not sources:
        return [] if not last.text else [Word(os.path.basename(last.text), last.plain)]  # noqa: PTH119
    place = join_path(cwd, last.text)
    if last.text.endswith("/") or len(sources) > 1 or (place and os.path.isdir(place)):  # noqa: PTH112
        return [_put_into(last, source) for source in sources]
    return [last]


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
    if not any(re.match(r"-[a-zA-Z]*i|--in-place", option) for option, _ in parsed.options):
        return []
    # Where no option has brought the script it is the first operand, be it after `-pe`.
    scripted = parsed.find("-e", "-f", "-E", "--expression", "--file")
    return parsed.operands[0 if scripted else 1 :]


def _list_dd(parsed: Parsed, cwd: str | None) -> Sequence[Word]:
    return [
        Word(word.text.removeprefix("of="), word.plain)
        for word in parsed.operands
        if word.text.startswith("of=")
    ]


# What each program writes, of a command and the folder that it runs in.
PROGRAMS: Final[dict[str, Callable[[Parsed, str | None], Sequence[Word]]]] = {
    **dict.fromkeys(("rm", "rmdir", "shred", "tee", "touch", "truncate", "unlink"), _list_operands),
    "chmod": _list_after_first,
    **dict.fromkeys(("cp", "install", "ln", "rsync"), _list_destinations),
    "mv": _list_moved,
    **dict.fromkeys(("perl", "sed"), _list_edited),
    "dd": _list_dd,
}
