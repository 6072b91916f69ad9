"""What git writes and runs, and which of its commands are for the rules to look at."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.commands.notes import Call
from gitslices.agents.shell.commands.patches import list_patched, read_patch
from gitslices.agents.shell.commands.shell_commands import run_text
from gitslices.agents.shell.programs.operands import PROGRAMS
from gitslices.agents.shell.programs.options import Parsed, parse_command
from gitslices.agents.shell.programs.outputs import find_top
from gitslices.agents.shell.reading.words import Aftermath, State, Word, join_path

# Those that read are listed, not those that write: one that is missing here is only refused.
_READING: Final = frozenset({
    "blame", "cat-file", "check-ignore", "describe", "diff", "diff-tree", "for-each-ref", "grep",
    "help", "log", "ls-files", "ls-remote", "ls-tree", "merge-base", "merge-tree", "name-rev",
    "rev-list", "rev-parse", "shortlog", "show", "show-ref", "status", "version",
})  # fmt: skip
_LISTING: Final = frozenset({
    "branch", "config", "reflog", "remote", "stash", "submodule", "symbolic-ref", "tag", "worktree",
})  # fmt: skip
"""Commands that read as long as they are given nothing to change."""
_LISTING_WORDS: Final = frozenset({"get", "get-url", "list", "show", "status"})
_LISTING_OPTIONS: Final = frozenset({"--get", "--get-all", "--get-regexp", "--list", "-l"})
_ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR")
_WRITTEN: Final = ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_TRACE2_EVENT", "GIT_TRACE2_PERF",
                   "GIT_TRACE2", "GIT_TRACE", "GIT_TRACE_SETUP", "GIT_TRACE_PACKET",
                   "GIT_TRACE_PERFORMANCE", "GIT_TRACE_CURL", "GIT_TRACE_REFS")  # fmt: skip
_RUNS: Final = {
    "rebase": ("-x", "--exec"), "difftool": ("-x", "--extcmd"),
    "grep": ("-O", "--open-files-in-pager"),
    "send-email": ("--smtp-server", "--sendmail-cmd", "--to-cmd", "--cc-cmd"),
    "push": ("--receive-pack", "--exec"), "fetch": ("--upload-pack",), "pull": ("--upload-pack",),
    "clone": ("-u", "--upload-pack"), "ls-remote": ("--upload-pack", "--exec"),
    "archive": ("--exec",),
    "filter-branch": ("--tree-filter", "--index-filter", "--msg-filter", "--env-filter",
                      "--commit-filter", "--parent-filter", "--tag-name-filter", "--setup"),
}  # fmt: skip
"""Options whose value git runs as a command."""
_WITH_OUTPUT: Final = frozenset({"archive", "bugreport", "diagnose", "format-patch"})


def run_git(walker: Invoker, started: Started) -> Aftermath:
    """Note what a call of git writes, runs, and where it changes something."""
    parsed = parse_command("git", started.words, stop=True)
    if parsed.find("--exec-path"):
        walker.unseen.append("--exec-path")  # any program may be git's there
    settings = list(_list_settings(walker, started, parsed))
    if not parsed.operands:
        return started.done()
    command, *rest = parsed.operands
    if command.text == "slices":
        return run_own(walker, structs.replace(started, words=rest))
    state = _enter_folder(started.state, parsed)
    _note_variables(walker, started)
    _note_options(walker, command.text, rest, state)
    if _is_reading(command, *rest):
        return started.done()
    # These take git elsewhere in spite of the folder it is started in.
    named = [value for name, value in parsed.options if name in {"--git-dir", "--work-tree"}]
    named += [word for name in _ELSEWHERE for word in _list_values(started, name)]
    for cwd in state.cwds:
        for word in named:
            _use_folder(walker, join_path(cwd, word.text) if word.plain else None, word)
        _use_folder(walker, cwd, command)
    if command.text in _WRITERS:
        _WRITERS[command.text](walker, structs.replace(started, words=rest, state=state))
    elif command.text in {"mv", "rm"}:
        for cwd in state.cwds:
            targets = PROGRAMS[command.text](parse_command(command.text, rest), cwd)
            walker.write_all(targets, structs.replace(state, cwds=(cwd,)))
    _note_call(walker, "git", parsed.operands, state, tuple(settings))
    return started.done()


def run_own(walker: Invoker, started: Started) -> Aftermath:
    """Note a call of gitslices."""
    state = started.state
    _note_call(walker, "gitslices", started.words, state, ())
    texts = [word.text for word in started.words]
    if texts[:1] == ["run"] and "--" in texts:
        walker.call(started.words[texts.index("--") + 1 :], started.env, state, is_program=True)
    return started.done()


def _list_settings(walker: Invoker, started: Started, parsed: Parsed) -> Iterator[str]:
    """The keys that a call sets for itself; what a value runs is looked at."""
    for name, value in parsed.options:
        key, _, setting = value.text.partition("=")
        if name in {"-c", "--config-env"}:
            yield key
            _run_setting(walker, Word(setting, value.plain), started.state)
    names = [*started.env, *(n for n in started.state.variables if n.startswith("GIT_CONFIG"))]
    for name in names:
        if name.startswith("GIT_CONFIG_KEY_"):
            yield from (word.text for word in _list_values(started, name))
        elif name.startswith("GIT_CONFIG_VALUE_"):
            for word in _list_values(started, name):
                _run_setting(walker, word, started.state)
        elif name in {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG", "GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"}:
            values = [word.text for word in _list_values(started, name)]
            yield from (f"include.{name}" for value in values if value != os.devnull)


def _run_setting(walker: Invoker, value: Word, state: State) -> None:
    """Many settings are commands: to tell which, git's whole manual would have to be here."""
    text = value.text.removeprefix("!").strip()
    if not value.plain or not re.search(r"[\s;&|>(]", text):
        return
    try:
        walker.read_apart(text, state)
    except ValueError:
        return  # no command: a name with an apostrophe, say


def _enter_folder(state: State, parsed: Parsed) -> State:
    cwds = state.cwds
    for option, value in parsed.options:
        if option == "-C":
            cwds = tuple(join_path(cwd, value.text) if value.plain else None for cwd in cwds)
    return structs.replace(state, cwds=cwds)


def _list_values(started: Started, name: str) -> Sequence[Word]:
    """What a variable may be for a call, be it set for it or before."""
    if name in started.env:
        return [started.env[name]]
    return [value[0] for value in started.state.variables.get(name, ()) if value]


def _note_variables(walker: Invoker, started: Started) -> None:
    for name in _WRITTEN:
        for word in _list_values(started, name):
            # A number or a word switches a trace on that goes to standard error.
            if "/" in word.text or not word.plain:
                walker.write(word, started.state)


def _use_folder(walker: Invoker, folder: str | None, word: Word) -> None:
    if folder is None:
        walker.unseen.append(word.text)
    else:
        walker.folders.append(folder)


def _note_call(
    walker: Invoker,
    program: str,
    words: Sequence[Word],
    state: State,
    settings: tuple[str, ...],
) -> None:
    for cwd in state.cwds:
        walker.calls.append(
            Call(
                program=program,
                words=tuple(word.text for word in words),
                folder=cwd or "/",
                settings=settings,
                plain=cwd is not None
                and all(w.plain and w.is_certain and not w.pattern for w in words),
            )
        )


def _note_options(walker: Invoker, command: str, rest: Sequence[Word], state: State) -> None:
    """Options by which git writes a file or runs a command, whichever command it is."""
    runs = _RUNS.get(command, ())
    words = list(rest)
    for number, word in enumerate(words):
        option, equals, value = word.text.partition("=")
        following = words[number + 1] if number + 1 < len(words) else Word("")
        given = Word(value, word.plain) if equals else following
        if word.text == "--":
            break
        if (
            (len(option) > 4 and "--output".startswith(option))
            or option == "--output-directory"
            or (option == "-o" and command in _WITH_OUTPUT)
        ):
            walker.write(given, state)
        elif option.startswith("-o") and command in _WITH_OUTPUT:
            walker.write(Word(word.text[2:], word.plain), state)
        elif option in runs:
            run_text(walker, [given], state, apart=True)
        elif len(option) > 2 and option[:2] in runs and not option.startswith("--"):
            run_text(walker, [Word(word.text[2:], word.plain)], state, apart=True)
    texts = [word.text for word in words]
    if (command, texts[:1]) == ("bisect", ["run"]):
        walker.call(words[1:], {}, state, is_program=True)
    elif command == "submodule" and "foreach" in texts:
        further = words[texts.index("foreach") + 1 :]
        further = [word for word in further if word.text not in {"--recursive", "--quiet"}]
        run_text(walker, further, structs.replace(state, cwds=(*state.cwds, None)), apart=True)


def _is_reading(command: Word, *rest: Word) -> bool:
    """Whether a git command changes nothing."""
    if command.text not in _LISTING:
        return command.text in _READING
    parsed = parse_command(command.text, rest)
    words = [word.text for word in parsed.operands]
    if not words:
        # Alone, the others list; `git stash` takes the changes away, an editor changes settings.
        edits = command.text == "config" and parsed.has("-e", "--edit")
        return command.text != "stash" and not edits
    lists = command.text not in {"branch", "tag"} and words[0] in _LISTING_WORDS
    if words == ["edit"]:
        return False
    asks = command.text in {"config", "symbolic-ref"} and len(words) == 1 and not parsed.options
    return lists or asks or any(option in _LISTING_OPTIONS for option, _ in parsed.options)


def _write_operand(place: int, *, skip: str = "") -> Handler:
    """The rule for a command that makes the file or folder that one of its operands names."""

    def write_operand(walker: Invoker, started: Started) -> Aftermath:
        parsed = parse_command("git-clone", started.words)
        operands = [word for word in parsed.operands if word.text != skip]
        if len(operands) > place:
            walker.write(operands[place], started.state)
            walker.make_folder(operands[place], started.state)
        return started.done()

    return write_operand


def _name_clone(source: Word) -> Word:
    """The folder that git makes for a copy of `source`."""
    name = re.split(r"[/:]", source.text.rstrip("/").removesuffix("/.git"))[-1]
    return Word(name.removesuffix(".git"), source.plain)


def _run_clone(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("git-clone", started.words)
    operands = list(parsed.operands)
    if len(operands) == 1:
        operands.append(_name_clone(operands[0]))
    for place in operands[1:2]:
        walker.write(place, started.state)
        walker.make_folder(place, started.state)
    for option, value in parsed.options:
        if option == "-c":
            _run_setting(walker, Word(value.text.partition("=")[2], value.plain), started.state)
    return started.done()


def _run_worktree(walker: Invoker, started: Started) -> Aftermath:
    if [word.text for word in started.words[:1]] == ["add"]:
        _write_operand(0)(walker, structs.replace(started, words=started.words[1:]))
    return started.done()


def _run_bundle(walker: Invoker, started: Started) -> Aftermath:
    if [word.text for word in started.words[:1]] == ["create"]:
        _write_operand(0)(walker, structs.replace(started, words=started.words[1:]))
    return started.done()


def _run_checkout(walker: Invoker, started: Started) -> Aftermath:
    """`git checkout REV -- PATH`: files as they are elsewhere; those of HEAD and index are back."""
    texts = [word.text for word in started.words]
    if {"-b", "-B", "--orphan"}.intersection(texts):
        return started.done()
    at = texts.index("--") if "--" in texts else len(texts)
    named = [word for word in started.words[:at] if not word.text.startswith("-")]
    # Without `--` a path may stand first; to have it back is no harm.
    if named and named[0].text not in {"HEAD", "@"}:
        walker.write_all([*named[1:], *started.words[at + 1 :]], started.state)
    return started.done()


def _run_restore(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("git-restore", started.words)
    source = parsed.find("-s", "--source")
    if source and source.text not in {"HEAD", "@"}:
        walker.write_all(parsed.operands, started.state)
    return started.done()


def _run_checkout_index(walker: Invoker, started: Started) -> Aftermath:
    for word in started.words:
        option, _, value = word.text.partition("=")
        if option == "--prefix":
            walker.write(Word(value, word.plain), started.state)
    return started.done()


def _run_submodule(walker: Invoker, started: Started) -> Aftermath:
    """`git submodule add`: the folder, and `.gitmodules`."""
    action, *rest = started.words or [Word("")]
    if action.text != "add":
        return started.done()
    parsed = parse_command("git-clone", rest)
    operands = list(parsed.operands)
    if len(operands) == 1:
        operands.append(_name_clone(operands[0]))
    tops = tuple(str(find_top(cwd) or cwd) if cwd else None for cwd in started.state.cwds)
    walker.write_all(operands[1:2], started.state)
    walker.write(Word(".gitmodules"), structs.replace(started.state, cwds=tops))
    return started.done()


def _run_apply(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("git-apply", started.words)
    if parsed.has("--check", "--stat", "--numstat", "--summary") and not parsed.has("--apply"):
        return started.done()
    text = read_patch(walker, parsed.operands, started)
    if text is None:
        # In the worktree commits and merges are checked; beyond it nothing is.
        walker.unseen += ["the patch"] if parsed.has("--unsafe-paths") else []
        return started.done()
    strip, folder = parsed.find("-p"), parsed.find("--directory")
    level = int(strip.text) if strip and strip.text.isdigit() else 1
    tops = tuple(str(find_top(cwd) or cwd) if cwd else None for cwd in started.state.cwds)
    for name in list_patched(text, level):
        place = os.path.join(folder.text, name) if folder else name  # noqa: PTH118
        walker.write(
            Word(place, not folder or folder.plain), structs.replace(started.state, cwds=tops)
        )
    return started.done()


def _run_init(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("git-clone", started.words)
    if folder := parsed.find("--separate-git-dir"):
        walker.write(folder, started.state)
    return _write_operand(0)(walker, started)


def _run_config(walker: Invoker, started: Started) -> Aftermath:
    parsed = parse_command("git-config", started.words)
    if file := parsed.find("-f", "--file"):
        walker.write(file, started.state)
    for word in started.words[1:]:
        _run_setting(walker, word, started.state)
    return started.done()


_WRITERS: Final[dict[str, Handler]] = {
    "am": _run_apply,
    "apply": _run_apply,
    "bundle": _run_bundle,
    "checkout": _run_checkout,
    "checkout-index": _run_checkout_index,
    "clone": _run_clone,
    "config": _run_config,
    "init": _run_init,
    "read-tree": _run_checkout_index,
    "restore": _run_restore,
    "submodule": _run_submodule,
    "worktree": _run_worktree,
}
