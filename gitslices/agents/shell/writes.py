"""Which paths a shell command writes, as far as its text tells.

Seen are redirections and the operands of known programs, through `cd`, `sh -c`,
`xargs`, `find -exec` and command substitution. What a program writes by itself is not.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from gitslices.agents.shell.globs import TooManyError, find_matches
from gitslices.agents.shell.programs import PROGRAMS, is_reading_git, join_path, parse_command
from gitslices.agents.shell.words import DEEPEST, REDIRECTIONS, Scanner, Word

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
_OWN: Final = frozenset({"gitslices", "git-slices"})
_UNKNOWN: Final = Word("the words that xargs reads", plain=False)


class Call(Struct, frozen=True, kw_only=True):
    """A call of git that may change something, or of gitslices: its subcommand and further words.

    `settings` are the keys that `git -c` sets. Not all words are known unless it is `plain`.
    """

    program: str
    words: tuple[str, ...]
    folder: str
    settings: tuple[str, ...] = ()
    plain: bool = True


class Writes(Struct, frozen=True, kw_only=True):
    """Absolute paths that are written, folders in which git is to change something.

    `unseen` are targets, as they are spelled, that nobody can know without running the command.
    """

    paths: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()


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
        calls=tuple(reader.calls),
    )


class _Reader(Struct, kw_only=True):
    """Goes through commands in their order and gathers what they write.

    A `cwd` of None is a folder that nobody knows.
    """

    variables: dict[str, str]
    paths: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    depth: int = 0

    def read(self, text: str, cwd: str | None) -> None:
        if self.depth == DEEPEST:
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
            compares = _is_open_test(words)
            if token is not None and (compares or token.text in REDIRECTIONS):
                pending = "" if compares else token.text
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
        for target in targets:
            self._write(target, cwd)
        assigned: dict[str, Word] = {}
        words = self._skip_wrappers(list(words), assigned)
        if not words:
            for variable, value in assigned.items():
                self._assign(variable, value)
            return cwd
        name = os.path.basename(words[0].text)  # noqa: PTH119
        # They set variables while they run: from here on the values are not known.
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
            elif text in _KEYWORDS or text == "-":  # `env -` empties the environment
                words = words[1:]
            elif name in _WRAPPERS:
                inner = parse_command(name, words[1:], stop=True).operands
                words = list(inner[_WRAPPERS[name] :])
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
        joined = join_path(cwd, operands[0].text)
        folder = joined and os.path.normpath(joined)
        return folder if folder and os.path.isdir(folder) else None  # noqa: PTH112

    def _read_program(
        self, name: str, words: list[Word], assigned: Mapping[str, Word], cwd: str | None
    ) -> None:
        if name in _SHELLS:
            self._read_shell(name, words, cwd)
        elif name == "eval":
            self._read_text(words, cwd)
        elif name == "git":
            self._read_git(words, assigned, cwd)
        elif name in _OWN:
            self._note_call("gitslices", words, cwd)
        elif name == "xargs":
            inner = parse_command("xargs", words, stop=True).operands
            self._read_command([*inner, _UNKNOWN], (), cwd)
        elif name == "find":
            self._read_find(words, cwd)
        elif name in PROGRAMS:
            for target in PROGRAMS[name](parse_command(name, words), cwd):
                self._write(target, cwd)

    def _read_shell(self, name: str, words: Sequence[Word], cwd: str | None) -> None:
        parsed = parse_command(name, words, stop=True)
        if parsed.has("-c"):
            self._read_text(parsed.operands[:1], cwd)

    def _read_text(self, words: Sequence[Word], cwd: str | None) -> None:
        if all(word.plain for word in words):
            self.read(" ".join(word.text for word in words), cwd)
        else:
            self.unseen += [word.text for word in words if not word.plain]

    def _read_git(
        self, words: Sequence[Word], assigned: Mapping[str, Word], cwd: str | None
    ) -> None:
        parsed = parse_command("git", words, stop=True)
        if not parsed.operands or is_reading_git(*parsed.operands):
            return
        command, *rest = parsed.operands
        if command.text == "slices":
            self._note_call("gitslices", rest, cwd)
            return
        folder = cwd
        for option, value in parsed.options:
            if option == "-C":
                folder = join_path(folder, value.text) if value.plain else None
        # These take git elsewhere in spite of the folder it is started in.
        named = [value for name, value in parsed.options if name in {"--git-dir", "--work-tree"}]
        named += [assigned[name] for name in ("GIT_DIR", "GIT_WORK_TREE") if name in assigned]
        for word in named:
            self._use_folder(join_path(folder, word.text) if word.plain else None, word)
        self._use_folder(folder, command)
        keys = [value.text.partition("=")[0] for name, value in parsed.options if name == "-c"]
        self._note_call("git", parsed.operands, folder, tuple(keys))
        if command.text in {"mv", "rm"}:
            for target in PROGRAMS[command.text](parse_command(command.text, rest), folder):
                self._write(target, folder)

    def _note_call(
        self,
        program: str,
        words: Sequence[Word],
        folder: str | None,
        settings: tuple[str, ...] = (),
    ) -> None:
        self.calls.append(
            Call(
                program=program,
                words=tuple(word.text for word in words),
                folder=folder or "/",
                settings=settings,
                plain=folder is not None and all(word.plain for word in words),
            )
        )

    def _use_folder(self, folder: str | None, word: Word) -> None:
        if folder is None:
            self.unseen.append(word.text)
        else:
            self.folders.append(folder)

    def _read_find(self, words: Sequence[Word], cwd: str | None) -> None:
        texts = [word.text for word in words]
        starts = words[: _count_until(texts, "-", "(", "!")]
        # The starting points stand for all beneath them, which nobody walks for a hook.
        if "-delete" in texts:
            for start in starts or [Word(".")]:
                self._write(start, cwd)
        for number, text in enumerate(texts):
            if text in {"-exec", "-execdir", "-ok", "-okdir"}:
                end = _count_until(texts[number:], ";", "+") + number
                self._read_command(words[number + 1 : end], (), cwd)
                return

    def _write(self, word: Word, cwd: str | None) -> None:
        path = join_path(cwd, word.text) if word.plain and word.text else None
        if path is None:
            self.unseen += [word.text] if word.text else []
            return
        try:
            self.paths += (find_matches(path) if word.pattern else []) or [path]
        except TooManyError:
            self.unseen.append(word.text)


def _is_open_test(words: Sequence[Word]) -> bool:
    """Whether these words begin a `[[ … ]]`, where `>`, `&&` and their like compare."""
    texts = [word.text for word in words]
    begin = next((at for at, text in enumerate(texts) if text not in _KEYWORDS), len(texts))
    return texts[begin : begin + 1] == ["[["] and "]]" not in texts[begin:]


def _is_target(redirection: str, word: Word) -> bool:
    if redirection in {"<", "<<<", "<&"}:
        return False
    # `2>&1` and `>&-` name a descriptor, `>&file` a file.
    return redirection != ">&" or re.fullmatch(r"\d+-?|-", word.text) is None


def _count_until(texts: Sequence[str], *starts: str) -> int:
    return next((n for n, text in enumerate(texts) if text.startswith(starts)), len(texts))
