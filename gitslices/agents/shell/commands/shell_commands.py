"""What the commands do that a shell has itself: they change what the shell knows."""

import os
import re
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from gitslices.agents.shell.commands.calls import Handler, Invoker, Started
from gitslices.agents.shell.programs.options import parse_command
from gitslices.agents.shell.programs.outputs import FOUND
from gitslices.agents.shell.reading.words import (
    Aftermath,
    Printed,
    State,
    Value,
    Word,
    assign,
    join_path,
    make_unknown,
)

_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=")
_STACK: Final = "DIRSTACK"
_MOST_LINES: Final = 16


def _change_folder(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    words = started.words
    operands = [word for word in words if not re.match(r"-[^-]|--$|\+\d", word.text)]
    physical = any(re.fullmatch(r"-\w*P\w*", word.text) for word in words)
    if len(operands) > 1 or any(re.fullmatch(r"[-+]\d+", word.text) for word in words):
        return Aftermath(_go(state, (None,)), state)
    home = state.variables.get("HOME", make_unknown("HOME"))
    targets = [operands[0]] if operands else [value[0] for value in home]
    if operands and operands[0].text == "-":
        targets = [value[0] for value in state.variables.get("OLDPWD", make_unknown("OLDPWD"))]
    ok: list[str | None] = []
    failed: list[str | None] = []
    for target in targets:
        for cwd in state.cwds:
            folder = _find_folder(walker, state, cwd, target, physical=physical)
            ok += folder[:1]
            failed += [cwd] if folder[1:] else []
    after = _go(state, tuple(dict.fromkeys(ok))) if ok else None
    stayed = structs.replace(state, cwds=tuple(dict.fromkeys(failed))) if failed else None
    return Aftermath(after, stayed, Printed(""))


def _find_folder(
    walker: Invoker, state: State, cwd: str | None, target: Word, *, physical: bool
) -> list[str | None]:
    """The folder; two of them if it may not be there, none where it is not."""
    matched = walker.match(target, state)
    searched = "CDPATH" in state.variables and not target.text.startswith(("/", "."))
    joined = join_path(cwd, matched[0].text) if len(matched) == 1 else None
    found_only = FOUND in target.text and joined not in walker.made
    if joined is None or not matched[0].plain or found_only or searched:
        return [None, None]
    # Unlike the kernel, `cd` takes `..` for the folder that the text names before it.
    folder = os.path.realpath(joined) if physical else os.path.normpath(joined)
    if not walker.is_folder(folder) and target.text != _find_home(state):
        return [None, None]
    exists = os.path.isdir(folder) or folder not in walker.made  # noqa: PTH112
    return [folder] if exists else [folder, None]


def _find_home(state: State) -> str | None:
    homes = state.variables.get("HOME", make_unknown("HOME"))
    return homes[0][0].text if len(homes) == 1 and homes[0][0].plain else None


def _go(state: State, cwds: tuple[str | None, ...]) -> State:
    before = tuple((Word(cwd) if cwd else Word("$OLDPWD", plain=False),) for cwd in state.cwds)
    return assign(structs.replace(state, cwds=cwds), "OLDPWD", before)


def _push_folder(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    if not [word for word in started.words if not word.text.startswith("-")]:
        return Aftermath(_go(state, (None,)), state)
    top = state.cwds[0] if len(state.cwds) == 1 else None
    below = state.variables.get(_STACK, ((),))[0]
    here = Word(top) if top else Word("$PWD", plain=False)
    found = _change_folder(walker, started)
    ok = found.ok and assign(found.ok, _STACK, ((here, *below),))
    return Aftermath(ok, found.failed)


def _pop_folder(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    stack = state.variables.get(_STACK, ((),))
    if started.words or len(stack) != 1 or not stack[0] or not stack[0][0].plain:
        return Aftermath(_go(state, (None,)), state)
    folder = assign(_go(state, (stack[0][0].text,)), _STACK, (stack[0][1:],))
    return Aftermath(folder, None)


def _declare(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    options = "".join(word.text for word in started.words if word.text.startswith("-"))
    exports = started.name == "export" or "x" in options
    names: set[str] = set()
    for word in started.words:
        found = _ASSIGNMENT.match(word.text)
        if found:
            name = found[1]
            value = Word(word.text[found.end() :], word.plain, is_certain=word.is_certain)
            is_list = "(…)" in word.text or "+=" in found[0] or "n" in options
            state = assign(state, name, make_unknown(name) if is_list else ((value,),))
            if exports:
                walker.note_variable(name, value, state)
        name = found[1] if found else word.text
        names |= {name} if exports else set()
        if (
            started.name in {"local", "declare", "typeset"}
            and not found
            and word.text.isidentifier()
        ):
            state = assign(state, name, ((Word(""),),))
    if "f" in options and exports:
        names = {f"{name}()" for name in names}
    state = structs.replace(state, exported=state.exported | names)
    return Aftermath(state, state, Printed(""))


def _read_line(walker: Invoker, started: Started) -> Aftermath:
    """`read` and `mapfile`: variables get what the shell reads."""
    state = started.state
    parsed = parse_command("read", started.words)
    names = [word.text for word in parsed.operands if word.text.isidentifier()] or ["REPLY"]
    names += [word.text for word in started.words if word.text.isidentifier()]
    _complete(walker, started)
    text = state.stdin.text
    lines = text.splitlines() if text is not None else None
    single = started.name == "read" and len(set(names)) == 1
    for name in names:
        values: tuple[Value, ...] = make_unknown(name)
        if single and lines and len(lines) <= _MOST_LINES:
            is_exact = state.stdin.is_exact
            values = tuple((Word(line, is_certain=is_exact),) for line in dict.fromkeys(lines))
        state = assign(state, name, values)
    return Aftermath(state, state, Printed(""))


def _forget(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    for word in started.words:
        functions = {**state.functions, word.text: (None,)}
        variables = {name: one for name, one in state.variables.items() if name != word.text}
        state = structs.replace(state, functions=functions, variables=variables)
    return Aftermath(state, state, Printed(""))


def _let(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    for word in started.words:
        for name in re.findall(r"[A-Za-z_]\w*", word.text):
            state = assign(state, name, make_unknown(name))
    return Aftermath(state, state, Printed(""))


def _set(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    words = list(started.words)
    while words and words[0].text[:1] in {"-", "+"}:
        word = words.pop(0)
        if word.text == "--":
            return _set_args(state, words)
        if word.text[1:] == "o" and words:
            words.pop(0)
        if "a" in word.text and word.text.startswith("-"):
            # From here on all are; those known so far may be, too.
            state = structs.replace(state, exported=state.exported | state.variables.keys())
    return _set_args(state, words) if words else Aftermath(state, state, Printed(""))


def _set_args(state: State, words: Sequence[Word]) -> Aftermath:
    state = structs.replace(state, args=tuple(words))
    return Aftermath(state, state, Printed(""))


def _shift(walker: Invoker, started: Started) -> Aftermath:
    state = started.state
    count = started.words[0].text if started.words else "1"
    args = state.args[int(count) :] if state.args is not None and count.isdigit() else None
    state = structs.replace(state, args=args)
    return Aftermath(state, state)


def _exit(walker: Invoker, started: Started) -> Aftermath:
    ends = len(started.words) <= 1 and all(word.text.isdigit() for word in started.words)
    return Aftermath(None, None) if ends else started.done()


def _trap(walker: Invoker, started: Started) -> Aftermath:
    words = [word for word in started.words if not word.text.startswith("-")]
    if len(words) > 1:
        walker.traps.append(words[0].text)
        run_text(walker, words[:1], started.state)
    return started.done(Printed(""))


def run_text(
    walker: Invoker, words: Sequence[Word], state: State, *, apart: bool = False
) -> Aftermath:
    """Go through the text that some words make up."""
    # A name that the run will find may stand in it, but not for a command.
    uncertain = [w.text for w in words if not w.plain or not (w.is_certain or FOUND in w.text)]
    if uncertain:
        walker.unseen += uncertain
        return Aftermath(state, state)
    text = " ".join(word.text for word in words)
    return walker.read_apart(text, state) if apart else walker.read(text, state)


def _evaluate(walker: Invoker, started: Started) -> Aftermath:
    words = started.words[1:] if [w.text for w in started.words[:1]] == ["--"] else started.words
    return run_text(walker, words, started.state)


def _complete(walker: Invoker, started: Started) -> Aftermath:
    """`compgen -C` and `complete -C` run a command."""
    texts = [word.text for word in started.words]
    if "-C" in texts:
        at = texts.index("-C") + 1
        run_text(walker, started.words[at : at + 1], started.state, apart=True)
    return started.done()


def _source(walker: Invoker, started: Started) -> Aftermath:
    if not started.words:
        return started.done()
    state = started.state
    file = started.words[0]
    text = walker.read_file(file, state)
    if file.content or is_standard_input(file):
        content = file.content or state.stdin
        text = content.text if content.is_exact else None
        if text is None:
            walker.unseen.append(file.text)
    if text is None:
        return started.done()
    found = walker.read(text, structs.replace(state, args=tuple(started.words[1:]) or state.args))
    ok, failed = (one and structs.replace(one, args=state.args) for one in (found.ok, found.failed))
    return Aftermath(ok, failed)


def is_standard_input(word: Word) -> bool:
    """Whether a word names what a program reads anyway."""
    return word.text in {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}


def _alias(walker: Invoker, started: Started) -> Aftermath:
    for word in started.words:
        name, equals, text = word.text.partition("=")
        if equals:
            walker.aliases[name] = text if word.plain else "$unknown"
    return started.done(Printed(""))


def _bind(walker: Invoker, started: Started) -> Aftermath:
    """`bind -x` has a key run a command."""
    texts = [word.text for word in started.words]
    if "-x" in texts:
        walker.unseen.append(" ".join(("bind", *texts)))
    return started.done(Printed(""))


def _hash(walker: Invoker, started: Started) -> Aftermath:
    texts = [word.text for word in started.words]
    if texts[:1] == ["-p"] and len(texts) > 2:
        walker.aliases[texts[2]] = texts[1]
    return started.done(Printed(""))


def _print_into(walker: Invoker, started: Started) -> Aftermath:
    """`printf -v name` sets a variable instead of printing."""
    texts = [word.text for word in started.words]
    if texts[:1] != ["-v"] or len(texts) < 2:
        return started.done()
    inner = structs.replace(started, words=started.words[2:])
    printed = walker.find_printed(inner)
    value = Word(printed.text, is_certain=printed.is_exact) if printed else None
    name = texts[1].partition("[")[0]
    state = assign(started.state, name, ((value,),) if value else make_unknown(name))
    return Aftermath(state, state, Printed(""))


def _exec(walker: Invoker, started: Started) -> Aftermath:
    words = parse_command("exec", started.words, stop=True).operands
    if not words:
        return started.done(Printed(""))
    walker.call(words, started.env, started.state, is_program=True)
    return Aftermath(None, started.state)


def _enable(walker: Invoker, started: Started) -> Aftermath:
    # It takes code of a library into the shell.
    if any(word.text.startswith("-") and "f" in word.text for word in started.words):
        walker.unseen.append("enable -f")
    return started.done(Printed(""))


BUILTINS: Final[dict[str, Handler]] = {
    "cd": _change_folder,
    "chdir": _change_folder,
    "pushd": _push_folder,
    "popd": _pop_folder,
    **dict.fromkeys(("declare", "export", "local", "readonly", "typeset"), _declare),
    **dict.fromkeys(("getopts", "mapfile", "read", "readarray"), _read_line),
    "unset": _forget,
    "let": _let,
    "set": _set,
    "shift": _shift,
    **dict.fromkeys(("exit", "return", "logout"), _exit),
    "trap": _trap,
    "eval": _evaluate,
    **dict.fromkeys(("compgen", "complete"), _complete),
    **dict.fromkeys((".", "source"), _source),
    "alias": _alias,
    "bind": _bind,
    "hash": _hash,
    "enable": _enable,
    "printf": _print_into,
    "exec": _exec,
}
