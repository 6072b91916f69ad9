"""Programs that work on another machine or in a container, as far as they reach this one."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.shell_commands import run_text
from gitslices.agents.shell.programs.handed import Handed
from gitslices.agents.shell.programs.operands import is_this_machine
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.reading.words import Aftermath, State, Word, join_path

_RUN_SETTINGS: Final = re.compile(
    r"(?:ProxyCommand|LocalCommand|KnownHostsCommand)\s*[= ]\s*(.*)", re.IGNORECASE
)
_MOUNTS: Final = frozenset({"-v", "--volume", "--mount", "--tmpfs"})
_WRITTEN: Final = frozenset({
    "--cidfile", "--iidfile", "--metadata-file", "--pidfile",
})  # fmt: skip
_SAVING: Final = frozenset({"save", "export"})


def _run_ssh(walker: Invoker, started: Started) -> Aftermath:
    """`ssh`: commands for this very machine, and those that it runs here on its way elsewhere."""
    parsed = parse_command("ssh", started.words, stop=True)
    state = _go_home(started.state)
    for name, value in parsed.options:
        if name == "-E":
            walker.write(value, started.state)
        elif name == "-o" and (found := _RUN_SETTINGS.match(value.text)):
            run_text(walker, [Word(found[1], value.plain)], state, apart=True)
    host, *command = parsed.operands or [Word("-")]
    if not is_this_machine(host):
        return started.done()
    if command:
        run_text(walker, command, state, apart=True)
    elif not parsed.has("-N", "-O", "-Q", "-V"):
        walker.call([Word("sh")], {}, state, is_program=True)
    return started.done()


def _go_home(state: State) -> State:
    homes = [value[0] for value in state.variables.get("HOME", ()) if value]
    cwds = tuple(home.text if home.plain else None for home in homes) or (None,)
    return structs.replace(state, cwds=cwds)


def _run_container(walker: Invoker, started: Started) -> Aftermath:
    """`docker` and its like: what they copy out, and which folders of this machine they mount."""
    words, state = list(started.words), started.state
    walker.hand(started.name, words, state, started.env)
    texts = [word.text for word in words]
    at = texts.index("cp") if "cp" in texts else 0
    if (at and not {"exec", "run"}.intersection(texts[:at])) or texts[:1] == ["cp"]:
        operands = [word for word in words[at + 1 :] if word.text[:1] != "-"]
        if len(operands) == 2 and not re.match("[^/]+:", operands[1].text):
            walker.write(operands[1], state)
    for option, value in _list_values(words):
        if option in _MOUNTS:
            _mount(walker, started.name, option, value, state)
        elif option in _WRITTEN or (option in {"-o", "--output"} and _SAVING.intersection(texts)):
            walker.write(value, state)
    return started.done()


def _list_values(words: Sequence[Word]) -> Iterator[tuple[str, Word]]:
    """Each option with what follows it, in its own word or in the next one."""
    for number, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if name.startswith("-") and equals:
            yield name, Word(value, word.plain)
        elif word.text.startswith("-v") and len(word.text) > 2:
            yield "-v", Word(word.text[2:], word.plain)
        elif number + 1 < len(words):
            yield word.text, words[number + 1]


def _mount(walker: Invoker, program: str, option: str, value: Word, state: State) -> None:
    source = value.text.partition(":")[0]
    if option == "--mount":
        fields = dict(one.partition("=")[::2] for one in value.text.split(","))
        source = fields.get("source") or fields.get("src") or ""
        if "readonly" in fields or "ro" in fields:
            return
    elif re.search(r":ro(,|$)", value.text) or "/" not in source:
        return
    for cwd in state.cwds:
        path = join_path(cwd, os.path.expanduser(source)) if value.plain else None  # noqa: PTH111
        if path is None:
            walker.unseen.append(value.text)
        else:
            walker.handed.append(Handed(program=program, path=path, whole=True))


REMOTE: Final[dict[str, Handler]] = {
    **dict.fromkeys(("autossh", "mosh", "ssh"), _run_ssh),
    **dict.fromkeys(("docker", "docker-compose", "nerdctl", "podman"), _run_container),
}
