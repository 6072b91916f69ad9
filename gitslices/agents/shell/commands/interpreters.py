"""Interpreters of other languages: a text after an option, on standard input, in a new file."""

import re
from collections.abc import Sequence
from typing import Final

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.shell_commands import is_standard_input, run_text
from gitslices.agents.shell.programs.embedded import Script, list_edited, read_script
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.reading.words import Aftermath, State, Word

_INTERPRETERS: Final = {
    "python": ("-c",), "perl": ("-e", "-E"), "ruby": ("-e",), "php": ("-r",), "lua": ("-e",),
    "deno": ("eval",), "Rscript": ("-e",),
    "node": ("-e", "-p", "--eval", "--print"), "bun": ("-e",),
}  # fmt: skip


_ACTING: Final = re.compile(
    r"\b(chdir|cwd|connect|download\w*|extract\w*|getattr|make_archive|save\w*|urlretrieve"
    r"|to_(csv|excel|json|parquet))\b|\]\s*\("
)
"""Calls that may write wherever a text has a path: which of them it goes to, nobody tells."""


def _run_interpreter(walker: Invoker, started: Started) -> Aftermath:
    """Python and its like: a text after `-c` or on standard input."""
    name = re.sub(r"[\d.]+$", "", started.name)
    name = "node" if name == "nodejs" else name
    name = "python" if name == "pypy" else name
    parsed = parse_command(name, started.words, stop=True)
    if name == "python" and (module := _find_module(started.words)):
        return _run_module(walker, started, *module)
    if name in {"perl", "ruby"}:
        whole = parse_command(name, started.words)
        walker.write_all([*list_edited(whole)], started.state)
    texts = [value for option, value in parsed.options if option in _INTERPRETERS.get(name, ())]
    if name == "deno":
        texts = list(parsed.operands[1:2]) if parsed.operands[:1] == [Word("eval")] else [Word("")]
    if not texts:
        runs_file = parsed.operands and not is_standard_input(parsed.operands[0])
        texts = [] if runs_file else _list_input(walker, started, parsed.has("--version", "-V"))
        file = parsed.operands[0] if parsed.operands else None
        if runs_file and file and (text := walker.read_file(file, started.state)) is not None:
            texts = [Word(text)]
        elif runs_file:
            walker.hand(started.name, parsed.operands[1:], started.state, started.env)
    for word in texts:
        if word.plain:
            if _ACTING.search(word.text):
                walker.hand(started.name, [word], started.state)
            note_script(
                walker, _read_language(name, word.text, _list_args(parsed.operands)), started.state
            )
    return started.done()


def _find_module(words: Sequence[Word]) -> tuple[str, Sequence[Word]] | None:
    """The module after `-m`, and all words behind it, which are its own."""
    for number, word in enumerate(words):
        if word.text == "-m":
            rest = words[number + 1 :]
            return (rest[0].text, rest[1:]) if rest else None
        if re.fullmatch(r"-[A-Za-z]*m\w.*", word.text):
            return word.text.partition("m")[2], words[number + 1 :]
        # Behind a text, a file or `-` all words are the script's.
        if word.text in {"-c", "-"} or not word.text.startswith("-"):
            previous = words[number - 1].text if number else ""
            if previous not in {"-W", "-X"}:
                return None
    return None


def _run_module(walker: Invoker, started: Started, module: str, words: Sequence[Word]) -> Aftermath:
    """`python -m`: modules that write what their words name, run code, or are commands, too."""
    state = started.state
    if module.partition(".")[0] == "gitslices":
        return walker.call([Word("gitslices"), *words], started.env, state)
    if module in {"pip", "black", "isort", "ruff", "pytest", "mypy", "virtualenv", "coverage"}:
        return walker.call([Word(module), *words], started.env, state, is_program=True)
    parsed = parse_command(f"python-{module}", words)
    given = [*parsed.operands]
    if module in {"tarfile", "zipfile"}:
        makes, takes = parsed.find("-c", "--create"), parsed.find("-e", "--extract")
        walker.write_all([makes] if makes else [], state)
        walker.write_all([given[0] if given else Word(".")] if takes else [], state)
    elif module == "json.tool":
        walker.write_all(given[1:2], state)
        given = given[1:]
    elif module == "timeit":
        for text in (
            *given,
            *(value for name, value in parsed.options if name in {"-s", "--setup"}),
        ):
            if text.plain:
                note_script(walker, _read_language("python", text.text, ()), state)
    elif output := parsed.find("-o", "--output", "--outfile"):
        walker.write(output, state)
    if module not in {"json.tool", "timeit"}:
        walker.hand(f"python -m {module}", words, state, started.env)
    return started.done()


def _list_input(walker: Invoker, started: Started, shows_version: bool) -> list[Word]:
    stdin = started.state.stdin
    if shows_version or any(word.text in {"--help", "-h", "-v"} for word in started.words):
        return []
    if stdin.is_typed:
        spelled = " ".join((started.name, *(word.text for word in started.words)))
        walker.open_shells.append(spelled)
    return [Word(stdin.text)] if stdin.text is not None else []


def _list_args(operands: Sequence[Word]) -> tuple[str, ...]:
    """What a script finds in `sys.argv` after its own name."""
    rest = operands[1:] if operands[:1] and is_standard_input(operands[0]) else operands
    return tuple(word.text for word in rest if word.plain)


def _read_language(name: str, text: str, args: tuple[str, ...]) -> Script:
    if name == "python":
        # Imported here: Python's grammar takes its time, and few commands have any.
        from gitslices.agents.shell.programs.python_code import read_python

        return read_python(text, args)
    return read_script(text)


def note_script(walker: Invoker, script: Script, state: State) -> None:
    """Note what a script writes and runs."""
    walker.write_all(script.files, state)
    for text in script.texts:
        run_text(walker, [text], state, apart=True)


def _run_make(walker: Invoker, started: Started) -> Aftermath:
    """`make -f -`: recipes that stand in the command itself."""
    parsed = parse_command("make", started.words)
    walker.hand("make", started.words, started.state, started.env)
    file, given = parsed.find("-f", "--file", "--makefile"), parsed.find("--eval")
    text = given.text if given else ""
    if file and (file.content or is_standard_input(file)):
        text += (file.content or started.state.stdin).text or ""
    elif file:
        text += walker.read_file(file, started.state) or ""
    for recipe in re.findall(r"(?:^\t|;)[ \t]*[@+-]*(.*)", text, re.MULTILINE):
        walker.read_apart(recipe.replace("$$", "$"), started.state)
    return started.done()


INTERPRETERS: Final[dict[str, Handler]] = {
    **dict.fromkeys(_INTERPRETERS, _run_interpreter),
    "nodejs": _run_interpreter,
    "make": _run_make,
}
