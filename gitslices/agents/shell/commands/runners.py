"""Programs that run others: shells, `env` and its kin, tools with a word for it."""

import re
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.batches import BATCHES
from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.interpreters import INTERPRETERS
from gitslices.agents.shell.commands.languages import LANGUAGES
from gitslices.agents.shell.commands.remote import REMOTE
from gitslices.agents.shell.commands.shell_commands import is_standard_input, run_text
from gitslices.agents.shell.programs.operands import list_outputs
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.programs.outputs import FOUND
from gitslices.agents.shell.reading.words import (
    UNKNOWN_INPUT,
    Aftermath,
    State,
    Word,
    assign,
    enter_folder,
)

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)=")
_WRAPPERS: Final = {
    "builtin": 0, "busybox": 0, "asdf": 1, "caffeinate": 0, "catchsegv": 0, "entr": 0,
    "faketime": 1, "gosu": 1, "linux32": 0, "linux64": 0, "perf": 1, "pkexec": 0, "proot": 0,
    "chroot": 1, "chrt": 1,
    "command": 0, "coproc": 0, "cpulimit": 0, "dbus-run-session": 0, "doas": 0, "fakeroot": 0,
    "firejail": 0, "ionice": 0, "ltrace": 0, "nice": 0, "nocorrect": 0, "noglob": 0, "nohup": 0,
    "nsenter": 0, "numactl": 0, "prlimit": 0, "proxychains": 0, "rlwrap": 0,
    "setarch": 1, "setsid": 0, "ssh-agent": 0, "stdbuf": 0, "strace": 0, "sudo": 0,
    "systemd-run": 0, "taskset": 1, "time": 0, "timeout": 1, "torsocks": 0,
    "toybox": 0, "unbuffer": 0, "unshare": 0, "valgrind": 0, "xvfb-run": 0,
}  # fmt: skip
"""Commands that run the command after them, and how many operands of their own come first."""
_RUNNERS: Final = {
    "bundle": ("exec",), "conda": ("run",), "direnv": ("exec",), "hatch": ("run",),
    "mise": ("exec", "x"),
    "npm": ("exec", "x"), "npx": (), "bunx": (), "pipx": ("run",), "pnpm": ("dlx", "exec"),
    "uvx": (), "yarn": ("dlx", "exec"), "pdm": ("run",), "pipenv": ("run",), "poetry": ("run",),
    "rye": ("run",), "uv": ("run",),
}  # fmt: skip
"""Tools that run the command after one of their own words, or after their name."""
_RUNNER_OPTIONS: Final = frozenset({
    "--directory", "--extra", "--from", "--group", "--name", "--package", "--project", "--python",
    "--spec", "--with", "-n", "-p",
})  # fmt: skip
_SHELLS: Final = (
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "rbash", "sh", "tcsh",
    "xonsh", "zsh",
)  # fmt: skip


def _run_wrapped(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command(started.name, started.words, stop=True)
    if started.name == "command" and parsed.has("-v", "-V"):
        return started.done()
    walker.write_all([v for n, v in parsed.options if n in {"-o", "--output"}
                      and started.name in {"strace", "ltrace", "time"}], started.state)  # fmt: skip
    state = started.state
    if started.name == "sudo" and (folder := parsed.find("-D", "--chdir")):
        state = enter_folder(state, folder)
    rest = list(parsed.operands)[_WRAPPERS[started.name] :]
    env = dict(started.env)
    if started.name in {"sudo", "doas"}:
        rest = _take_assignments(rest, env)
    if started.name == "sudo" and not rest and parsed.has("-s", "-i", "--shell", "--login"):
        rest = [Word("sh")]
    found = walker.call(rest, env, state, is_program=True)
    return Aftermath(started.state, started.state, found.printed)


def _take_assignments(words: list[Word], env: dict[str, Word]) -> list[Word]:
    """The words after those that set variables."""
    while words and (found := _ASSIGNMENT.match(words[0].text)):
        word, *words = words
        env[found[1]] = Word(word.text[found.end() :], word.plain)
    return words


def _run_env(walker: Invoker, started: Started) -> Aftermath:
    state, env = started.state, dict(started.env)
    parsed = parse_command("env", started.words, stop=True)
    words = list(parsed.operands)
    if folder := parsed.find("-C", "--chdir"):
        state = enter_folder(state, folder)
    if text := parsed.find("-S", "--split-string"):
        inner = structs.replace(_begin_shell(started), args=tuple(words), cwds=state.cwds)
        whole = Word(f'env {text.text} "$@"', text.plain, is_certain=text.is_certain)
        found = run_text(walker, [whole], inner, apart=True)
    else:
        # `env -` empties the environment.
        words = _take_assignments(words[1:] if words and words[0].text == "-" else words, env)
        found = walker.call(words, env, state, is_program=True)
    return Aftermath(started.state, started.state, found.printed)


def _run_shell(walker: Invoker, started: Started) -> Aftermath:
    # `+x` takes an option away.
    words = [word for word in started.words if not re.fullmatch(r"\+[A-Za-z]+", word.text)]
    parsed = parse_command(started.name, words, stop=True)
    if parsed.has("--version", "--help"):
        return started.done()
    for name in ("BASH_ENV", "ENV"):
        for value in started.state.variables.get(name, ()) if name not in started.env else ():
            _read_script_file(walker, value[0], started.state)
        if name in started.env:
            _read_script_file(walker, started.env[name], started.state)
    for file in (value for name, value in parsed.options if name in {"--rcfile", "--init-file"}):
        _read_script_file(walker, file, started.state)
    inner = _begin_shell(started)
    operands = parsed.operands
    if parsed.has("-c"):
        inner = structs.replace(inner, args=tuple(operands[2:]))
        inner = assign(inner, "0", (tuple(operands[1:2]) or (Word(started.name),),))
        return run_text(walker, operands[:1], inner, apart=True) if operands else started.done()
    reads = not operands or parsed.has("-s")
    inner = structs.replace(inner, args=tuple(operands if parsed.has("-s") else operands[1:]))
    if not reads and not is_standard_input(operands[0]):
        if walker.read_file(operands[0], inner) is None:
            walker.hand(started.name, operands[1:], started.state, started.env)
        _read_script_file(walker, operands[0], inner)
    else:
        _read_input(walker, started, inner)
    return started.done()


def _begin_shell(started: Started) -> State:
    """What a shell knows that is started: what its parent has exported."""
    state = started.state
    variables = {name: value for name, value in state.variables.items() if name in state.exported}
    functions = {name: value for name, value in state.functions.items()
                 if f"{name}()" in state.exported}  # fmt: skip
    inner = structs.replace(state, variables=variables, functions=functions)
    for name, value in started.env.items():
        inner = assign(inner, name, ((value,),))
    return structs.replace(inner, exported=state.exported | started.env.keys())


def _read_script_file(walker: Invoker, file: Word, state: State) -> None:
    text = walker.read_file(file, state)
    if file.content:
        text = file.content.text if file.content.is_exact else None
        if text is None:
            walker.unseen.append(file.text)
    if text is not None:
        walker.read_apart(text, state)


def _read_input(walker: Invoker, started: Started, state: State) -> None:
    """Look at what a shell runs that comes from its standard input."""
    stdin = started.state.stdin
    spelled = " ".join((started.name, *(word.text for word in started.words)))
    if stdin.is_typed:
        walker.open_shells.append(spelled)
    elif stdin.text is not None and stdin.is_exact and FOUND not in stdin.text:
        walker.read_apart(stdin.text, structs.replace(state, stdin=UNKNOWN_INPUT))
    elif not stdin.path:
        walker.unseen.append(spelled)


def _run_text_option(*options: str) -> Handler:
    """The rule for a program that runs the shell text after one of its options."""

    def run_option(walker: Invoker, started: Started) -> Aftermath:
        parsed = parse_command(started.name, started.words)
        texts = [value for name, value in parsed.options if name in options and value.text]
        for text in texts:
            run_text(walker, [text], started.state, apart=True)
        if len(parsed.operands) > 1 and started.name == "runuser":
            walker.call(parsed.operands, {}, started.state, is_program=True)
        elif not texts and not parsed.has("--version", "--help"):
            _read_input(walker, started, started.state)
        return started.done()

    return run_option


def _run_script(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("script", started.words)
    walker.write_all(
        [value for name, value in parsed.options if name in {"-O", "-B", "--log-out", "--log-io"}]
        or parsed.operands[:1] or [Word("typescript")],
        started.state,
    )  # fmt: skip
    text = parsed.find("-c", "--command")
    if text:
        run_text(walker, [text], started.state, apart=True)
    elif len(parsed.operands) > 1:  # as on macOS
        walker.call(parsed.operands[1:], {}, started.state, is_program=True)
    else:
        _read_input(walker, started, started.state)
    return started.done()


def _run_flock(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("flock", started.words, stop=True)
    lock, *command = parsed.operands or [Word("")]
    if not lock.text.isdigit():
        walker.write(lock, started.state)
    texts = [value for name, value in parsed.options if name in {"-c", "--command"}]
    if command and command[0].text in {"-c", "--command"}:
        texts, command = command[1:2], []
    for text in texts:
        run_text(walker, [text], started.state, apart=True)
    walker.call(command, started.env, started.state, is_program=True)
    return started.done()


def _run_words(walker: Invoker, started: Started) -> Aftermath:
    """`watch`: what follows its options is a shell text."""
    parsed = parse_command(started.name, started.words, stop=True)
    return run_text(walker, parsed.operands, started.state, apart=True)


def _run_tool(walker: Invoker, started: Started) -> Aftermath:
    """`uv run`, `poetry run` and their like."""
    texts = [word.text for word in started.words]
    own = _RUNNERS[started.name]
    at = next((n for n, one in enumerate(texts) if one in own), None if own else -1)
    if at is None:
        walker.hand(started.name, started.words, started.state, started.env)
        walker.write_all(list_outputs(started.name, started.words), started.state)
        return started.done()
    walker.hand(started.name, started.words[: at + 1], started.state, started.env)
    rest = list(started.words[at + 1 :])
    if Word("--") in rest:
        # What stands before it are options, and their values.
        walker.hand(started.name, rest[: rest.index(Word("--"))], started.state)
        rest = rest[rest.index(Word("--")) :]
    if started.name == "direnv":
        rest = rest[1:]
    while rest and rest[0].text.startswith("-"):
        option = rest.pop(0).text
        if option in {"-c", "--call"}:
            return run_text(walker, rest[:1], started.state, apart=True)
        if option in _RUNNER_OPTIONS:
            walker.hand(started.name, rest[:1], started.state)
            rest = rest[1:]
    walker.call(rest, started.env, started.state, is_program=True)
    return started.done()


def _type_keys(walker: Invoker, started: Started) -> Aftermath:
    """`tmux` and `screen`: the keys that are typed into a shell, the commands of new windows."""
    texts = [word.text for word in started.words]
    keys = next((n for n, one in enumerate(texts) if one in {"send-keys", "send", "stuff"}), None)
    rest = started.words[keys + 1 :] if keys is not None else started.words
    typed = [word for word in rest if " " in word.text or "\n" in word.text]
    for word in typed:
        run_text(walker, [word], structs.replace(started.state, cwds=(*started.state.cwds, None)),
                 apart=True)  # fmt: skip
    return started.done()


def _run_crontab(walker: Invoker, started: Started) -> Aftermath:
    if "-l" not in [word.text for word in started.words]:
        walker.unseen.append("crontab")
    return started.done()


RUNNERS: Final[dict[str, Handler]] = {
    **BATCHES,
    **INTERPRETERS,
    **LANGUAGES,
    **REMOTE,
    **dict.fromkeys(_WRAPPERS, _run_wrapped),
    **dict.fromkeys(_SHELLS, _run_shell),
    **dict.fromkeys(_RUNNERS, _run_tool),
    "env": _run_env,
    "crontab": _run_crontab,
    "flock": _run_flock,
    "script": _run_script,
    **dict.fromkeys(
        ("runuser", "su", "sg", "nix-shell"), _run_text_option("-c", "--command", "--run")
    ),
    **dict.fromkeys(("at", "batch"), _run_text_option()),
    **dict.fromkeys(("hyperfine", "watch"), _run_words),
    **dict.fromkeys(("screen", "tmux"), _type_keys),
}
