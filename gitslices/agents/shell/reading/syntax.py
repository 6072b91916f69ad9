"""What a shell text consists of: commands, and the parts of their words before any expansion."""

from collections.abc import Iterator

from msgspec import Struct


class Chars(Struct, frozen=True):
    """Characters as they stand; those that are not `quoted` may be patterns or braces."""

    text: str
    quoted: bool = False


class Parameter(Struct, frozen=True, kw_only=True):
    """`$name`, or `${name…}` with an operator and its argument; `source` is how it is spelled."""

    name: str
    operator: str = ""
    argument: "Raw | None" = None
    source: str
    quoted: bool = False


class Inserted(Struct, frozen=True, kw_only=True):
    """`$(…)`, backquotes, or with a `direction` the file of `<(…)` and `>(…)`."""

    body: "Block"
    source: str
    quoted: bool = False
    direction: str = ""


class Sum(Struct, frozen=True, kw_only=True):
    """`$((…))`: some number. `inner` is what is expanded on the way to it."""

    inner: "Raw"
    source: str


class Raw(Struct, frozen=True):
    """A word before its expansion."""

    parts: tuple["Part", ...]
    source: str


Part = Chars | Parameter | Inserted | Sum


class Assignment(Struct, frozen=True, kw_only=True):
    """`name=value`, with several values for an array; `adds` for `+=`."""

    name: str
    values: tuple[Raw, ...]
    adds: bool = False
    is_array: bool = False


class Redirection(Struct):
    """`>` and its like with their target; that of `<<` is the body, once it has been read."""

    operator: str
    target: Raw
    descriptor: str = ""


class Simple(Struct, frozen=True, kw_only=True):
    """Assignments, words, redirections; or, with no words, one of the first two."""

    assignments: tuple[Assignment, ...] = ()
    words: tuple[Raw, ...] = ()
    redirections: tuple[Redirection, ...] = ()


class Block(Struct, frozen=True):
    """Commands one after the other."""

    nodes: tuple["Node", ...]


class Redirected(Struct, frozen=True):
    """A command of commands, with redirections for all of them."""

    node: "Node"
    redirections: tuple[Redirection, ...]


class Pipeline(Struct, frozen=True):
    """Commands each of which reads what the one before has printed."""

    nodes: tuple["Node", ...]


class AndOr(Struct, frozen=True):
    """A command, and further ones that `&&` or `||` lets run."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


class Apart(Struct, frozen=True):
    """What runs in a shell of its own: `( … )`, `… &`, `coproc`."""

    node: "Node"


class Choice(Struct, frozen=True):
    """`if`: conditions with what each lets run, and what runs otherwise."""

    branches: tuple[tuple[Block, Block], ...]
    otherwise: Block


class Loop(Struct, frozen=True):
    """`while` and `until`, and `for ((…))`, whose condition is empty."""

    condition: Block
    body: Block


class Each(Struct, frozen=True):
    """`for` and `select` over words; None are the shell's own arguments."""

    name: str
    words: tuple[Raw, ...] | None
    body: Block


class Case(Struct, frozen=True):
    """`case`: the word, and the arms with their patterns."""

    word: Raw
    arms: tuple[tuple[tuple[Raw, ...], Block], ...]


class Defined(Struct, frozen=True):
    """A function."""

    name: str
    body: "Node"


class Compared(Struct, frozen=True):
    """`[[ … ]]` and `(( … ))`: nothing runs but what their words insert."""

    words: tuple[Raw, ...]


Node = (
    Simple | Block | Redirected | Pipeline | AndOr | Apart | Choice | Loop | Each | Case | Defined
    | Compared
)  # fmt: skip


def list_names(raw: Raw) -> Iterator[str]:
    """The parameters that a word mentions, on any level."""
    for part in raw.parts:
        if isinstance(part, Parameter):
            yield part.name
            if part.argument:
                yield from list_names(part.argument)
        elif isinstance(part, Sum):
            yield from list_names(part.inner)
