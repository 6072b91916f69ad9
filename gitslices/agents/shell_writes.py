"""Which paths a shell command writes, as far as its text tells.

Seen are redirections and the operands of the commands in the tables below, through `cd`, `sh -c`,
`xargs`, `find -exec` and command substitution. What a program writes by itself is not.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from glob import iglob
from itertools import islice
from typing import Final

from msgspec import Struct, field

from gitslices.agents.shell_words import REDIRECTIONS, Scanner, Word

_DEEPEST: Final = 8
_MOST_MATCHES: Final = 1000
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=")
_KEYWORDS: Final = frozenset({
    "!", "{", "}", "do", "done", "elif", "else", "fi", "if", "then", "until", "while",
})  # fmt: skip
_WRAPPERS: Final = {
    "builtin": 0, "command": 0, "env": 0, "exec": 0, "nice": 0, "nohup": 0, "stdbuf": 0, "sudo": 0,
    "time": 0, "timeout": 1,
}  # fmt: skip
"""Commands that run the command after them, and how many operands of their own come first."""
_SHELLS: Final = frozenset({"bash", "dash", "ksh", "sh", "zsh"})
_WITH_VALUE: Final = {
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
_OUTPUT_OPTIONS: Final = {
    "curl": {"-o", "--output"},
    "sort": {"-o", "--output"},
    "wget": {"-O", "--output-document"},
}
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
_UNKNOWN: Final = Word("the words that xargs reads", plain=False)


class Writes(Struct, frozen=True, kw_only=True):
    """Absolute paths that are written, folders in which git is to change something.

    `unseen` are targets, as they are spelled, that nobody can know without running the command.
    """

    paths: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def find_writes(text: str, cwd: str, environ: Mapping[str, str]) -> Writes:
    """What the command `text`, started in `cwd`, writes.

    Raises `ValueError` for a text that no shell would run.
    """
    known = {name: environ[name] for name in ("HOME", "TMPDIR") if name in environ}
    reader = _Reader(variables={**known, "PWD": cwd})
    reader.read(text, cwd)
    return Writes(
        paths=tuple(dict.fromkeys(reader.paths)),
        folders=tuple(dict.fromkeys(reader.folders)),
        unseen=tuple(dict.fromkeys(reader.unseen)),
    )


class _Parsed(Struct, frozen=True):
    """A simple command: its options with their values, and its operands."""

    options: Sequence[tuple[str, Word]]
    operands: Sequence[Word]

    def find(self, *names: str) -> Word | None:
        """The value of an option by any of its names."""
        return next((value for name, value in self.options if name in names and value.text), None)


class _Reader(Struct, kw_only=True):
    """Goes through commands in their order and gathers what they write.

    A `cwd` of None is a folder that nobody knows.
    """

    variables: dict[str, str]
    paths: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    depth: int = 0

    def read(self, text: str, cwd: str | None) -> None:
        if self.depth == _DEEPEST:
            raise ValueError("commands are nested too deeply")
        self.depth += 1
        scanner = Scanner(text, self.variables)
        words: list[Word] = []
        targets: list[Word] = []
        outer: list[str | None] = []
        pending, before = "", ""
        while True:
            token = scanner.read()
            if isinstance(token, Word):
                if pending:
                    targets += [token] if _is_target(pending, token) else []
                else:
                    words.append(token)
                pending = ""
                continue
            if token is not None and token.text in REDIRECTIONS:
                pending = token.text
                continue
            operator = token.text if token else ""
            for inner in scanner.inner:
                self.read(inner, cwd)
            scanner.inner.clear()
            after = self._read_command(words, targets, cwd)
            # Each part of a pipeline, and what runs in the background, has a shell of its own.
            cwd = cwd if {before, operator} & {"|", "|&"} or operator == "&" else after
            words, targets, pending, before = [], [], "", operator
            if operator == "(":
                outer.append(cwd)
            elif operator == ")" and outer:
                cwd = outer.pop()
            if token is None:
                break
        self.depth -= 1

    def _read_command(
        self, words: Sequence[Word], targets: Sequence[Word], cwd: str | None
    ) -> str | None:
        """Note what one command writes, and return the folder that the next one starts in."""
        if words and words[0].text == "[[":
            return cwd
        for target in targets:
            self._write(target, cwd)
        assigned: dict[str, Word] = {}
        words = self._skip_wrappers(list(words), assigned)
        if not words:
            for variable, value in assigned.items():
                self._assign(variable, value)
            return cwd
        name = os.path.basename(words[0].text)  # noqa: PTH119
        if name in {"for", "read", "select"}:
            for word in words[1:]:
                self.variables.pop(word.text, None)
            return cwd
        if name in {"cd", "pushd", "popd"}:
            return self._change_folder(words[1:], cwd)
        if name in {"declare", "export", "local", "readonly"}:
            self._skip_wrappers(list(words[1:]), assigned)
            for variable, value in assigned.items():
                self._assign(variable, value)
            return cwd
        self._read_program(name, list(words[1:]), assigned, cwd)
        return cwd

    def _skip_wrappers(self, words: list[Word], assigned: dict[str, Word]) -> list[Word]:
        while words:
            text = words[0].text
            name = os.path.basename(text)  # noqa: PTH119
            if found := _ASSIGNMENT.match(text):
                assigned[found[1]] = Word(text[found.end() :], words[0].plain)
                words = words[1:]
            elif text in _KEYWORDS:
                words = words[1:]
            elif name in _WRAPPERS:
                words = words[1:]
                while words and words[0].text.startswith("-"):
                    takes_value = words[0].text in _WITH_VALUE.get(name, ())
                    words = words[2 if takes_value else 1 :]
                words = words[_WRAPPERS[name] :]
            else:
                break
        return words

    def _assign(self, name: str, value: Word) -> None:
        if value.plain and not value.pattern:
            self.variables[name] = value.text
        else:
            self.variables.pop(name, None)

    def _change_folder(self, words: Sequence[Word], cwd: str | None) -> str | None:
        operands = [word for word in words if not word.text.startswith("-") or word.text == "-"]
        if not operands:
            return self.variables.get("HOME")
        if len(operands) > 1 or not operands[0].plain or operands[0].pattern:
            return None
        # Unlike the kernel, `cd` takes `..` for the folder that the text names before it.
        joined = _join(cwd, operands[0].text)
        folder = joined and os.path.normpath(joined)
        return folder if folder and os.path.isdir(folder) else None  # noqa: PTH112

    def _read_program(
        self, name: str, words: list[Word], assigned: Mapping[str, Word], cwd: str | None
    ) -> None:
        if name in _SHELLS:
            self._read_shell(words, cwd)
        elif name == "eval":
            self._read_text(words, cwd)
        elif name == "git":
            self._read_git(words, assigned, cwd)
        elif name == "xargs":
            inner = _parse("xargs", words, stop=True).operands
            self._read_command([*inner, _UNKNOWN], (), cwd)
        elif name == "find":
            self._read_find(words, cwd)
        elif name in _OUTPUT_OPTIONS:
            self._read_outputs(name, words, cwd)
        elif name in _PROGRAMS:
            for target in _PROGRAMS[name](_parse(name, words), cwd):
                self._write(target, cwd)

    def _read_shell(self, words: Sequence[Word], cwd: str | None) -> None:
        for number, word in enumerate(words):
            if not word.text.startswith("-"):
                return
            if re.fullmatch(r"-[a-z]*c[a-z]*", word.text):
                self._read_text(words[number + 1 : number + 2], cwd)
                return

    def _read_text(self, words: Sequence[Word], cwd: str | None) -> None:
        if all(word.plain for word in words):
            self.read(" ".join(word.text for word in words), cwd)
        else:
            self.unseen += [word.text for word in words if not word.plain]

    def _read_git(
        self, words: Sequence[Word], assigned: Mapping[str, Word], cwd: str | None
    ) -> None:
        parsed = _parse("git", words, stop=True)
        if not parsed.operands or _only_reads(*parsed.operands):
            return
        command, *rest = parsed.operands
        folder = cwd
        for option, value in parsed.options:
            if option == "-C":
                folder = _join(folder, value.text) if value.plain else None
        named = [value for name, value in parsed.options if name in {"--git-dir", "--work-tree"}]
        named += [assigned[name] for name in ("GIT_DIR", "GIT_WORK_TREE") if name in assigned]
        for word in named:
            self._use_folder(_join(folder, word.text) if word.plain else None, word)
        self._use_folder(folder, command)
        if command.text in {"mv", "rm"}:
            for target in _PROGRAMS[command.text](_parse(command.text, rest), folder):
                self._write(target, folder)

    def _use_folder(self, folder: str | None, word: Word) -> None:
        if folder is None:
            self.unseen.append(word.text)
        else:
            self.folders.append(folder)

    def _read_find(self, words: Sequence[Word], cwd: str | None) -> None:
        texts = [word.text for word in words]
        starts = words[: _count_until(texts, "-", "(", "!")]
        if "-delete" in texts:
            for start in starts or [Word(".")]:
                self._write(start, cwd)
        for number, text in enumerate(texts):
            if text in {"-exec", "-execdir", "-ok", "-okdir"}:
                end = _count_until(texts[number:], ";", "+") + number
                self._read_command(words[number + 1 : end], (), cwd)
                return

    def _read_outputs(self, name: str, words: Sequence[Word], cwd: str | None) -> None:
        for number, word in enumerate(words):
            option, equals, value = word.text.partition("=")
            if option not in _OUTPUT_OPTIONS[name]:
                continue
            given = [Word(value, word.plain)] if equals else words[number + 1 : number + 2]
            for target in given:
                if target.text != "-":
                    self._write(target, cwd)

    def _write(self, word: Word, cwd: str | None) -> None:
        path = _join(cwd, word.text) if word.plain and word.text else None
        if path is None:
            self.unseen += [word.text] if word.text else []
            return
        matches = _match_files(path) if word.pattern else []
        if len(matches) > _MOST_MATCHES:
            self.unseen.append(word.text)
        else:
            self.paths += matches or [path]


def _only_reads(command: Word, *rest: Word) -> bool:
    """Whether a git command changes nothing."""
    if command.text not in _LISTING_GIT:
        return command.text in _READING_GIT
    parsed = _parse(command.text, rest)
    words = [word.text for word in parsed.operands]
    if not words:
        return command.text != "stash"
    lists = command.text not in {"branch", "tag"} and words[0] in _LISTING_WORDS
    asks = command.text in {"config", "symbolic-ref"} and len(words) == 1 and not parsed.options
    return lists or asks or any(option in _LISTING_OPTIONS for option, _ in parsed.options)


def _match_files(pattern: str) -> list[str]:
    return sorted(islice(iglob(pattern), _MOST_MATCHES + 1))  # noqa: PTH207


def _is_target(redirection: str, word: Word) -> bool:
    if redirection in {"<", "<<<", "<&"}:
        return False
    # `2>&1` and `>&-` name a descriptor, `>&file` a file.
    return redirection != ">&" or re.fullmatch(r"\d+-?|-", word.text) is None


def _join(cwd: str | None, text: str) -> str | None:
    # As the kernel does it: `a/../b` leads elsewhere where `a` is a link, so `..` stays.
    if text.startswith("/"):
        return text
    return None if cwd is None else os.path.join(cwd, text)  # noqa: PTH118


def _parse(name: str, words: Sequence[Word], *, stop: bool = False) -> _Parsed:
    """Options and operands; with `stop` all from the first operand on are operands."""
    with_value = _WITH_VALUE.get(name, set())
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
    return _Parsed(options, operands)


def _list_operands(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    return [word for word in parsed.operands if word.text != "-"]


def _list_after_first(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    return parsed.operands[0 if parsed.find("--reference") else 1 :]


def _list_destinations(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    """Where a copy goes: a file, or a name in a folder for each source."""
    folder = parsed.find("-t", "--target-directory")
    *sources, last = parsed.operands if parsed.operands else [Word("")]
    if folder:
        return [_put_into(folder, source) for source in parsed.operands]
    if not sources:
        return [] if not last.text else [Word(os.path.basename(last.text), last.plain)]  # noqa: PTH119
    place = _join(cwd, last.text)
    if last.text.endswith("/") or len(sources) > 1 or (place and os.path.isdir(place)):  # noqa: PTH112
        return [_put_into(last, source) for source in sources]
    return [last]


def _put_into(folder: Word, source: Word) -> Word:
    name = os.path.basename(source.text.rstrip("/"))  # noqa: PTH119
    if source.pattern or not source.plain or name in {"", ".", ".."}:
        return folder
    return Word(os.path.join(folder.text, name), folder.plain)  # noqa: PTH118


def _list_moved(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    folder = parsed.find("-t", "--target-directory")
    sources = parsed.operands if folder else parsed.operands[:-1]
    return [*sources, *_list_destinations(parsed, cwd)]


def _list_edited(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    """The files of `sed -i` and `perl -i`; without `-i` none is written."""
    if not any(re.match(r"-[a-zA-Z]*i|--in-place", option) for option, _ in parsed.options):
        return []
    # Where no option has brought the script it is the first operand, be it after `-pe`.
    scripted = parsed.find("-e", "-f", "-E", "--expression", "--file")
    return parsed.operands[0 if scripted else 1 :]


def _list_dd(parsed: _Parsed, cwd: str | None) -> Sequence[Word]:
    return [
        Word(word.text.removeprefix("of="), word.plain)
        for word in parsed.operands
        if word.text.startswith("of=")
    ]


_PROGRAMS: Final[dict[str, Callable[[_Parsed, str | None], Sequence[Word]]]] = {
    **dict.fromkeys(("rm", "rmdir", "shred", "tee", "touch", "truncate", "unlink"), _list_operands),
    "chmod": _list_after_first,
    **dict.fromkeys(("cp", "install", "ln", "rsync"), _list_destinations),
    "mv": _list_moved,
    **dict.fromkeys(("perl", "sed"), _list_edited),
    "dd": _list_dd,
}


def _count_until(texts: Sequence[str], *starts: str) -> int:
    return next((n for n, text in enumerate(texts) if text.startswith(starts)), len(texts))
