"""Words after their expansion, and what a shell knows while it runs."""

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, product
from typing import Final

from msgspec import Struct, structs

from gitslices.agents.shell.reading.syntax import Node

_MOST_COMBINATIONS: Final = 64
_MOST_WORLDS: Final = 16
"""How many values a variable may have before nobody tells them apart."""


class Input(Struct, frozen=True):
    """What a command reads: a text, or where that is None something that nobody knows.

    `is_typed` where nothing was put in its place, so that it comes from whoever started the shell;
    `path` is that of a file. If it is not `is_exact`, only some of the lines are there.
    """

    text: str | None = None
    is_typed: bool = False
    is_exact: bool = True
    path: str = ""


TYPED: Final = Input(is_typed=True)
UNKNOWN_INPUT: Final = Input()


class Word(Struct, frozen=True):
    """A word with its quotes gone and its variables filled in.

    `plain` unless something of it is not known: that stands in `text` as it is spelled. `pattern`,
    if any, stands for the names of files that match it. One that is not `is_certain` stands for
    several that may be there in its place. `content` is that of `<(…)`.
    """

    text: str
    plain: bool = True
    pattern: str = ""
    is_certain: bool = True
    content: Input | None = None


class Printed(Struct, frozen=True):
    """What a command prints; if not `is_exact`, some of these lines, or files named like them."""

    text: str
    is_exact: bool = True


class Aftermath(Struct, frozen=True):
    """What is known after a command that succeeded, after one that failed, and what it printed.

    A state of None is a way that does not go on.
    """

    ok: "State | None"
    failed: "State | None"
    printed: Printed | None = None


Value = tuple[Word, ...]
"""What a variable holds: one word, or those of an array."""


class State(Struct, frozen=True, kw_only=True):
    """What a shell knows between two commands, in all the ways that it may have come there.

    `cwds` are the folders it may be in, None for one that nobody knows; a variable has every value
    that it may have, and a function every body, None for no function. `args` is None where nobody
    knows the arguments. What is `exported` is known to the shells that this one starts.
    """

    cwds: tuple[str | None, ...]
    variables: Mapping[str, tuple[Value, ...]]
    functions: Mapping[str, tuple[Node | None, ...]] = {}
    exported: frozenset[str] = frozenset()
    args: Value | None = ()
    stdin: Input = TYPED


def make_unknown(name: str) -> tuple[Value, ...]:
    """The value of a variable that nobody knows."""
    return ((Word(f"${name}", plain=False),),)


def join_states(one: State | None, other: State | None) -> State | None:
    """What is known where a shell may have come by either way; None for a way that ends."""
    if one is None or other is None or one == other:
        return one if other is None else other
    names = one.variables.keys() | other.variables.keys()
    return State(
        cwds=tuple(dict.fromkeys((*one.cwds, *other.cwds))),
        variables={name: _join_values(name, one, other) for name in names},
        functions={
            name: _join((*one.functions.get(name, (None,)), *other.functions.get(name, (None,))))
            for name in one.functions.keys() | other.functions.keys()
        },
        exported=one.exported & other.exported,
        args=one.args if one.args == other.args else None,
        stdin=one.stdin if one.stdin == other.stdin else UNKNOWN_INPUT,
    )


def widen_state(before: State, after: State) -> State:
    """`after` with unknown what has changed, so that a loop that changes it further adds nothing.

    The folders are unknown then, too.
    """
    changed = {
        name for name, values in after.variables.items() if before.variables.get(name) != values
    }
    return State(
        cwds=after.cwds if before.cwds == after.cwds else (*after.cwds, None),
        variables={**after.variables, **{name: make_unknown(name) for name in changed}},
        functions=after.functions,
        exported=after.exported,
        args=after.args if before.args == after.args else None,
        stdin=after.stdin,
    )


def _join(bodies: tuple[Node | None, ...]) -> tuple[Node | None, ...]:
    # Told apart by what they are: to compare them would walk through all of their commands.
    return tuple({id(body): body for body in bodies}.values())


def _join_values(name: str, one: State, other: State) -> tuple[Value, ...]:
    unknown = make_unknown(name)
    values = (*one.variables.get(name, unknown), *other.variables.get(name, unknown))
    different = tuple(dict.fromkeys(values))
    return different if len(different) <= _MOST_WORLDS else unknown


def assign(state: State, name: str, values: tuple[Value, ...]) -> State:
    """The state with a variable set."""
    return structs.replace(state, variables={**state.variables, name: values})


def join_path(cwd: str | None, text: str) -> str | None:
    """A path as a program in `cwd` would open it; None in a folder that nobody knows.

    As the kernel does it: `a/../b` leads elsewhere where `a` is a link, so `..` stays.
    """
    if text.startswith("/"):
        return text
    return None if cwd is None else os.path.join(cwd, text)  # noqa: PTH118


def enter_folder(state: State, folder: Word) -> State:
    """The state in `folder`, as a program in each of the folders would find it."""
    known = folder.plain and not folder.pattern
    cwds = tuple(join_path(cwd, folder.text) if known else None for cwd in state.cwds)
    return structs.replace(state, cwds=cwds)


def add_to_value(before: tuple[Value, ...] | None, values: Value, *, is_array: bool) -> Value:
    """What a variable has after `+=`."""
    if before is None or len(before) != 1:
        return (Word("$X", plain=False),)
    (old,) = before
    if is_array:
        return (*old, *values)
    first = old[0] if old else Word("")
    added = values[0] if values else Word("")
    return (Word(first.text + added.text, first.plain and added.plain), *old[1:])


def add_printed(one: Printed | None, other: Printed | None) -> Printed | None:
    """What two commands print one after the other."""
    if one is None or other is None:
        return None
    return Printed(one.text + other.text, one.is_exact and other.is_exact)


def join_outcomes(one: Aftermath, other: Aftermath) -> Aftermath:
    """What is known where either has run."""
    return Aftermath(join_states(one.ok, other.ok), join_states(one.failed, other.failed))


def list_worlds(names: Iterable[str], state: State) -> Sequence[State]:
    """The states in which each of the variables has one value."""
    several = [name for name in dict.fromkeys(names) if len(state.variables.get(name, ())) > 1]
    if not several:
        return [state]
    combinations = product(*(state.variables[name] for name in several))
    worlds = list(islice(combinations, _MOST_COMBINATIONS + 1))
    if len(worlds) > _MOST_COMBINATIONS:
        unknown = {name: make_unknown(name) for name in several}
        return [structs.replace(state, variables={**state.variables, **unknown})]
    return [
        structs.replace(
            state,
            variables={
                **state.variables,
                **{name: (value,) for name, value in zip(several, world, strict=True)},
            },
        )
        for world in worlds
    ]
