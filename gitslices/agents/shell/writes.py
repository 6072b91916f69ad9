"""Which paths a shell command writes, as far as its text tells.

Seen are redirections, the operands of known programs, and the files that short scripts name, in
all the ways in which a shell may come to run them. What a program writes by itself is not.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.gits import run_git, run_own
from gitslices.agents.shell.commands.interpreters import note_script
from gitslices.agents.shell.commands.notes import Call
from gitslices.agents.shell.commands.patches import run_apply_patch, run_patch
from gitslices.agents.shell.commands.runners import RUNNERS
from gitslices.agents.shell.commands.shell_commands import BUILTINS, run_text
from gitslices.agents.shell.programs.embedded import SCRIPTS
from gitslices.agents.shell.programs.handed import READERS, Handed
from gitslices.agents.shell.programs.operands import PROGRAMS, TEXT_OPTIONS, list_outputs
from gitslices.agents.shell.programs.options import Parsed, parse_command
from gitslices.agents.shell.reading.words import Aftermath, State, Word, join_path
from gitslices.agents.shell.walker import Walker

_MOST_ENTRIES: Final = 2000
_WRITING: Final = frozenset({
    "chmod", "chown", "cp", "dd", "ln", "mv", "rm", "rmdir", "rsync", "shred", "tee", "truncate",
    "unlink",
})  # fmt: skip
_NO_WRAPPERS: Final = frozenset({
    "ack", "adb", "ag", "apropos", "apt", "apt-get", "aws", "az", "brew", "cargo", "cat",
    "composer", "conda", "dnf", "docker", "docker-compose", "echo", "egrep", "fgrep", "flatpak",
    "gcloud", "gem", "git", "go", "grep", "gsutil", "hdfs", "heroku", "hg", "info", "jj",
    "kubectl", "less", "ls", "man", "mc", "nerdctl", "npm", "oc", "pacman", "pip", "pip3", "pnpm",
    "podman", "printf", "pytest", "rclone", "rg", "snap", "ssh", "svn", "tldr", "type", "vagrant",
    "whatis", "whereis", "which", "yarn", "yum",
})  # fmt: skip
"""Programs behind which a name like `rm` is no command, or none that runs here."""
_NOT_INHERITED: Final = frozenset({"OLDPWD", "PWD", "_"})


class Writes(Struct, frozen=True, kw_only=True):
    """Absolute paths that are written, folders in which git is to change something.

    `new_folders` are made, and nothing is put into them by that. `unseen` are targets, as they are
    spelled, that nobody can know without running the command;
    `open_shells` are commands that run what they are told later; what is `handed` to a program may
    be written by it.
    """

    paths: tuple[str, ...] = ()
    new_folders: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    open_shells: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    handed: tuple[Handed, ...] = ()


def find_writes(text: str, cwd: str, environ: Mapping[str, str]) -> Writes:
    """What the command `text`, started in `cwd`, writes.

    Raises `ValueError` for a text that no shell would run.
    """
    known = {name: value for name, value in environ.items() if name not in _NOT_INHERITED}
    state = State(
        cwds=(cwd,),
        variables={name: ((Word(value),),) for name, value in known.items()},
        exported=frozenset(known),
    )
    walker = Walker(_HANDLERS, _run_program)
    outcome = walker.read(text, state)
    _read_later(walker, outcome, state)
    return Writes(
        paths=tuple(dict.fromkeys(walker.paths)),
        new_folders=tuple(dict.fromkeys(walker.new_folders)),
        folders=tuple(dict.fromkeys(walker.folders)),
        unseen=tuple(dict.fromkeys(walker.unseen)),
        open_shells=tuple(dict.fromkeys(walker.open_shells)),
        calls=tuple(dict.fromkeys(walker.calls)),
        handed=tuple(dict.fromkeys(walker.handed)),
    )


def _read_later(walker: Walker, outcome: Aftermath, state: State) -> None:
    """What runs at the end: traps; and functions that nobody seems to call."""
    last = outcome.ok or outcome.failed or state
    for text in list(walker.traps):
        walker.read_apart(text, last)
    unknown = structs.replace(last, args=None)
    for name, bodies in last.functions.items():
        for body in bodies:
            if body is not None and name not in walker.called:
                walker.run(body, unknown)


def _run_program(walker: Invoker, started: Started) -> Aftermath:
    """A program that only writes."""
    name = started.name
    if name in SCRIPTS:
        note_script(walker, SCRIPTS[name](_parse_script(started)), started.state)
    bare = name.rstrip("0123456789.-")
    if name not in PROGRAMS and bare in RUNNERS and bare != name:
        return RUNNERS[bare](walker, started)
    parsed = parse_command(name, started.words)
    for option, value in parsed.options:
        if option in TEXT_OPTIONS.get(name, ()) and value.text:
            text = value.text.removeprefix("exec=")
            run_text(walker, [structs.replace(value, text=text)], started.state, apart=True)
    if name == "tar" and parsed.has("-P", "--absolute-names") and parsed.has("-x", "--extract"):
        walker.unseen.append("the archive")
    walker.write_all(list_outputs(name, started.words), started.state)
    if "/" in started.path:
        _run_new_file(walker, started)
    if name not in PROGRAMS:
        if name not in READERS and name not in SCRIPTS:
            walker.hand(name, started.words, started.state, started.env)
        _run_hidden(walker, started)
        return started.done()
    for cwd in started.state.cwds:
        here = structs.replace(started.state, cwds=(cwd,))
        walker.write_all(PROGRAMS[name](parsed, cwd), here)
    return started.done()


def _parse_script(started: Started) -> Parsed:
    parsed = parse_command(started.name, started.words)
    text = started.state.stdin.text
    if started.name != "sqlite3" or text is None:
        return parsed
    # What it reads counts as what stands behind the name of the database.
    return Parsed(parsed.options, [*(parsed.operands or [Word("")]), Word(text)])


def _run_new_file(walker: Invoker, started: Started) -> None:
    """A script that the same commands have written before."""
    text = walker.read_file(Word(started.path), started.state)
    if text is not None:
        first = text.partition("\n")[0]
        program = os.path.basename(first.split()[-1]) if first.startswith("#!") else "sh"  # noqa: PTH119
        words = [Word(program), Word(started.path), *started.words]
        walker.call(words, started.env, started.state, is_program=True)


def _run_hidden(walker: Invoker, started: Started) -> None:
    """A command that nobody knows may run one that stands behind it, as `sudo` does."""
    if started.name in _NO_WRAPPERS:
        return
    for number, word in enumerate(started.words):
        is_shell = word.text in {"bash", "sh"} and [
            one.text for one in started.words[number + 1 : number + 2]
        ] == ["-c"]
        if os.path.basename(word.text) in _WRITING or is_shell:  # noqa: PTH119
            walker.call(started.words[number:], {}, started.state, is_program=True)
            return


def _run_mkdir(walker: Invoker, started: Started) -> Aftermath:
    before = len(walker.paths)
    found = _run_program(walker, started)
    walker.new_folders += walker.paths[before:]
    del walker.paths[before:]
    for word in parse_command("mkdir", started.words).operands:
        walker.make_folder(word, started.state)
    return found


def _run_mktemp(walker: Invoker, started: Started) -> Aftermath:
    found = _run_program(walker, started)
    printed = walker.find_printed(started)
    if printed and parse_command("mktemp", started.words).has("-d", "--directory"):
        walker.make_folder(Word(printed.text.strip()), started.state)
    return found


def _run_link(walker: Invoker, started: Started) -> Aftermath:
    """`ln`: whatever is written by way of the link is written where it leads."""
    found = _run_program(walker, started)
    parsed = parse_command("ln", started.words)
    for link, source in _pair(walker, parsed, "ln", started):
        target = os.path.join(os.path.dirname(link), source)  # noqa: PTH118, PTH120
        if not parsed.has("-s", "--symbolic"):
            target = source
        walker.links[os.path.normpath(link)] = target
    return found


def _run_copy(walker: Invoker, started: Started) -> Aftermath:
    """`cp` and `mv`: links among the files lead from where they then are."""
    found = _run_program(walker, started)
    parsed = parse_command(started.name, started.words)
    follows = parsed.has("-L", "--dereference") and started.name == "cp"
    for place, source in _pair(walker, parsed, started.name, started):
        origin = join_path(started.state.cwds[0], source)
        if follows or origin is None:
            continue
        if parsed.has("-s", "--symbolic-link") and started.name == "cp":
            walker.links[os.path.normpath(place)] = origin
        for inner, target in _list_links(walker, origin):
            link = os.path.normpath(os.path.join(place, inner) if inner else place)  # noqa: PTH118
            walker.links[link] = os.path.join(os.path.dirname(link), target)  # noqa: PTH118, PTH120
        if walker.is_folder(origin):
            walker.make_folder(Word(place), started.state)
    return found


def _pair(
    walker: Invoker, parsed: Parsed, name: str, started: Started
) -> Sequence[tuple[str, str]]:
    """Each new place with what comes there, where both are known."""
    cwd = started.state.cwds[0]
    if len(started.state.cwds) != 1 or cwd is None:
        return []
    sources = [word for word in parsed.operands if word.plain]
    folder = parsed.find("-t", "--target-directory")
    last = folder or (sources.pop() if len(sources) > 1 else Word("."))
    matched = [one for source in sources for one in walker.match(source, started.state)]
    top = join_path(cwd, last.text)
    if top is None or not last.plain:
        return []
    contents = name == "rsync" and any(word.text.endswith("/") for word in sources)
    exact = (
        contents or parsed.has("-T", "--no-target-directory") or (name == "ln" and parsed.has("-n"))
    )
    into = not exact and walker.is_folder(os.path.normpath(top))
    into = into or last.text.endswith("/")
    return [
        (os.path.join(top, os.path.basename(one.text.rstrip("/"))) if into else top, one.text)  # noqa: PTH118, PTH119
        for one in matched
    ]


def _list_links(walker: Invoker, origin: str) -> Sequence[tuple[str, str]]:
    """The links at and below a path, those made before by the same commands, too."""
    found: list[tuple[str, str]] = []
    base = os.path.normpath(origin)
    for link, target in walker.links.items():
        if link == base or link.startswith(base + "/"):
            found.append((link[len(base) + 1 :], target))
    if os.path.islink(base):  # noqa: PTH114
        return [*found, ("", os.readlink(base))]  # noqa: PTH115
    seen = 0
    for folder, folders, files in os.walk(base):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118
            if os.path.islink(path):  # noqa: PTH114
                found.append((os.path.relpath(path, base), os.readlink(path)))  # noqa: PTH115
        seen += len(folders) + len(files)
        if seen > _MOST_ENTRIES:
            break
    return found


_HANDLERS: Final[dict[str, Handler]] = {
    **RUNNERS,
    **BUILTINS,
    **dict.fromkeys(("apply_patch", "applypatch"), run_apply_patch),
    "cp": _run_copy,
    "rsync": _run_copy,
    "git": run_git,
    "git-slices": run_own,
    "gitslices": run_own,
    "ln": _run_link,
    "mkdir": _run_mkdir,
    "mktemp": _run_mktemp,
    "mv": _run_copy,
    "patch": run_patch,
}
