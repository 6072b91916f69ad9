"""Programs that run a command for each of many names: `xargs`, `parallel`, `find`, `fd`."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.programs.embedded import SCRIPTS
from gitslices.agents.shell.programs.handed import READERS, Handed
from gitslices.agents.shell.programs.operands import PROGRAMS
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.programs.outputs import FOUND
from gitslices.agents.shell.reading.words import UNKNOWN_INPUT, Aftermath, Input, Word, enter_folder

_UNKNOWN: Final = Word("the words that xargs reads", plain=False)


def _run_xargs(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("xargs", started.words, stop=True)
    stdin = started.state.stdin
    if file := parsed.find("-a", "--arg-file"):
        text = walker.read_file(file, started.state)
        stdin = file.content or Input(text)
    command = list(parsed.operands) or [Word("echo")]
    sign = parsed.find("-I")
    replaces = sign.text if sign else "{}" if parsed.has("-i") else ""
    ends = "\0" if parsed.has("-0", "--null") else "\n" if parsed.has("-d", "--delimiter") else ""
    return _run_with(walker, started, command, stdin, replaces, ends)


def _run_with(
    walker: Invoker,
    started: Started,
    command: Sequence[Word],
    stdin: Input,
    sign: str,
    ends: str,
) -> Aftermath:
    """Run a command with words from standard input behind it, or in the place of `sign`.

    A word ends with the sign `ends`, or else with any blank.
    """
    inner = structs.replace(started.state, stdin=UNKNOWN_INPUT)
    if sign:
        lines: list[str | None] = [None] if stdin.text is None else [*stdin.text.split("\n")]
        for line in dict.fromkeys(one for one in lines if one != ""):
            words = [_put_line(word, sign, line, is_exact=stdin.is_exact) for word in command]
            walker.call(words, started.env, inner, is_program=True)
        return started.done()
    if stdin.text is None:
        further = [_UNKNOWN]
    else:
        # What `find -print0` prints stands here as lines, too.
        text = stdin.text if stdin.is_exact else stdin.text.replace("\n", ends or " ")
        names = text.split(ends) if ends else [one.strip("'\"") for one in text.split()]
        further = [Word(name, is_certain=stdin.is_exact) for name in names if name]
    walker.call([*command, *further], started.env, inner, is_program=True)
    return started.done()


def _put_line(word: Word, sign: str, line: str | None, *, is_exact: bool) -> Word:
    if sign not in word.text:
        return word
    if line is None:
        return Word(word.text, plain=False)
    return Word(word.text.replace(sign, line), word.plain, is_certain=is_exact)


def _run_parallel(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("parallel", started.words, stop=True)
    words = list(parsed.operands)
    at = next((n for n, word in enumerate(words) if re.fullmatch(r":::+\+?", word.text)), None)
    given = None if at is None else words[at + 1 :]
    command = words if at is None else words[:at]
    stdin = started.state.stdin
    if given is not None:
        known = all(word.plain for word in given)
        stdin = Input("\n".join(word.text for word in given)) if known else UNKNOWN_INPUT
    text = " ".join(word.text for word in command)
    for one in stdin.text.split("\n") if stdin.text is not None else ["$unknown"]:
        filled = text.replace("{}", one) if "{}" in text else f"{text} {one}"
        walker.read_apart(filled, structs.replace(started.state, stdin=UNKNOWN_INPUT))
    return started.done()


def _run_find(walker: Invoker, started: Started) -> Aftermath:
    words, state = started.words, started.state
    texts = [word.text for word in words]
    count = next((n for n, one in enumerate(texts) if one.startswith(("-", "(", "!"))), len(texts))
    starts = list(words[:count]) or [Word(".")]
    # The starting points stand for all beneath them, which nobody walks for a hook.
    if "-delete" in texts:
        walker.write_all(starts, state)
    for number, text in enumerate(texts):
        if text in {"-fprint", "-fprint0", "-fprintf", "-fls"}:
            walker.write_all(words[number + 1 : number + 2], state)
        if text in {"-exec", "-execdir", "-ok", "-okdir"}:
            command = list(_list_until_end(words[number + 1 :]))
            is_known = not command or command[0].text in READERS | PROGRAMS.keys() | SCRIPTS.keys()
            for start in starts:
                if not is_known and start.plain and state.cwds[0]:
                    path = os.path.join(state.cwds[0], start.text)  # noqa: PTH118
                    walker.handed.append(Handed(program=command[0].text, path=path, whole=True))
                inner = enter_folder(state, start) if text.endswith("dir") else state
                walker.call([_put_found(one, start) for one in command], {}, inner, is_program=True)
    return started.done()


def _run_fd(walker: Invoker, started: Started) -> Aftermath:
    """`fd PATTERN FOLDER… -x COMMAND`."""
    texts = [word.text for word in started.words]
    at = next((n for n, one in enumerate(texts)
               if one in {"-x", "-X", "--exec", "--exec-batch"}), None)  # fmt: skip
    if at is None:
        return started.done()
    operands = [word for word in started.words[:at] if not word.text.startswith("-")]
    command = list(started.words[at + 1 :])
    if not any("{" in word.text for word in command):
        command.append(Word("{}"))
    for start in operands[1:] or [Word(".")]:
        filled = [_put_found(one, start) for one in command]
        walker.call(filled, {}, started.state, is_program=True)
    return started.done()


def _list_until_end(words: Sequence[Word]) -> Iterator[Word]:
    for number, word in enumerate(words):
        if word.text == ";" or (word.text == "+" and number and words[number - 1].text == "{}"):
            return
        yield word


def _put_found(word: Word, start: Word) -> Word:
    if "{}" not in word.text:
        return word
    if word.text == "{}":
        return structs.replace(start, is_certain=False)
    # `{}/..` and the like lead nobody knows where.
    known = start.plain and not start.pattern and "{}/" not in word.text and ".." not in word.text
    if not known:
        return Word(word.text, plain=False)
    found = f"{start.text.rstrip('/')}/{FOUND}"
    return Word(word.text.replace("{}", found), word.plain, is_certain=False)


BATCHES: Final[dict[str, Handler]] = {
    **dict.fromkeys(("fd", "fdfind"), _run_fd),
    "find": _run_find,
    "parallel": _run_parallel,
    "xargs": _run_xargs,
}
