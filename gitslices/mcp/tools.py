"""Which commands are tools, and the words that a call of one comes to."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from gitslices.core.errors import InputError

_Kind = Literal["text", "number", "texts", "flag", "file"]
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "text": {"type": "string"},
    "file": {"type": "string"},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
}


class ToolArgument(Struct, frozen=True):
    """One argument of a tool: an option of its command, or a word without one."""

    name: str
    text: str
    kind: _Kind = "text"
    option: str | None = None
    required: bool = False


class Tool(Struct, frozen=True, kw_only=True):
    """A command as a tool; `words` is what it is called by, `schema` what it prints."""

    name: str
    words: tuple[str, ...]
    text: str
    schema: str
    parameters: tuple[ToolArgument, ...] = ()
    reads_only: bool = False
    moves_branches: bool = False


_FAILURE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["ok", "error"],
    "properties": {
        "ok": {"const": False},
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}

REPOSITORY: Final = ToolArgument(
    "repository", "The repository, a folder below the roots; by default the first root."
)
_GOAL = ToolArgument("goal", "The goal, where several are under way.", option="--goal")
_SLICE = ToolArgument("slice", "The id of the slice.", required=True)
_TOKEN = ToolArgument(
    "token", "The token of the claim.", kind="number", option="--token", required=True
)
_TTL = ToolArgument("ttl", "How long from now: 90s, 30m, 2h.", option="--ttl")
_FILE = ToolArgument("file", "The task graph; by default that at the root.", kind="file")
_SLICES = ToolArgument("slices", "The ids of the slices; none means all.", kind="texts")

TOOLS: Final = (
    Tool(
        name="status",
        words=("status",),
        text="Where every slice stands: who has it, what it waits for, what is left.",
        schema="status",
        parameters=(_GOAL,),
        reads_only=True,
    ),
    Tool(
        name="ready",
        words=("ready",),
        text="Which slices could be claimed now, and what the rest waits for.",
        schema="ready",
        parameters=(_GOAL,),
        reads_only=True,
    ),
    Tool(
        name="show",
        words=("show",),
        text="Everything about one slice: its task, scope, state and attempts.",
        schema="show",
        parameters=(_SLICE, _GOAL),
        reads_only=True,
    ),
    Tool(
        name="claim",
        words=("claim",),
        text=(
            "Take a slice, the most urgent ready one unless it is named. Work only in the worktree "
            "that is answered, change only its write scope, and keep the token for later calls."
        ),
        schema="claim",
        parameters=(
            ToolArgument("slice", "The id of the slice."),
            ToolArgument("holder", "Who takes it.", option="--holder", required=True),
            _TTL,
            _GOAL,
        ),
    ),
    Tool(
        name="heartbeat",
        words=("heartbeat",),
        text="Move the deadline of a claim: the worker is alive.",
        schema="heartbeat",
        parameters=(_SLICE, _TOKEN, _TTL, _GOAL),
    ),
    Tool(
        name="check",
        words=("check",),
        text="Compare the changes of a slice with its write scope.",
        schema="check",
        parameters=(
            ToolArgument("slice", "The id of the slice.", option="--slice", required=True),
            _GOAL,
        ),
        reads_only=True,
    ),
    Tool(
        name="done",
        words=("done",),
        text="Hand in the committed work of a slice: its gates are run, and the claim ends.",
        schema="done",
        parameters=(_SLICE, _TOKEN, _GOAL),
    ),
    Tool(
        name="release",
        words=("release",),
        text="Give a slice back unfinished; the work in it is kept.",
        schema="release",
        parameters=(_SLICE, _TOKEN, _GOAL),
    ),
    Tool(
        name="scope_show",
        words=("scope", "show"),
        text="What a slice may write and read.",
        schema="scope",
        parameters=(_SLICE, _GOAL),
        reads_only=True,
    ),
    Tool(
        name="scope_allow",
        words=("scope", "allow"),
        text="Let a slice write one more path, where no other slice under way could touch it.",
        schema="scope",
        parameters=(
            _SLICE,
            ToolArgument("pattern", "The path, or a pattern.", required=True),
            ToolArgument("reason", "Why; the log shows it.", option="--reason", required=True),
            _GOAL,
        ),
    ),
    Tool(
        name="plan",
        words=("plan",),
        text="The plan of a task graph: its slices, their order and what holds it back.",
        schema="plan",
        parameters=(_FILE, ToolArgument("target", "The branch to merge into.", option="--target")),
        reads_only=True,
    ),
    Tool(
        name="validate",
        words=("validate",),
        text="Everything that is wrong in a task graph, with its place and remedy.",
        schema="validate",
        parameters=(_FILE,),
        reads_only=True,
    ),
    Tool(
        name="task_add",
        words=("task", "add"),
        text="Write one more task into the task graph.",
        schema="task",
        parameters=(
            ToolArgument("id", "The id of the task.", required=True),
            ToolArgument("write", "What it may change.", kind="texts", option="--write"),
            ToolArgument(
                "read", "What must not change while it runs.", kind="texts", option="--read"
            ),
            ToolArgument("after", "Tasks that come first.", kind="texts", option="--after"),
            ToolArgument("title", "The task in one line.", option="--title"),
            ToolArgument("description", "What is to be done.", option="--description"),
            ToolArgument(
                "acceptance", "What must be true then.", kind="texts", option="--acceptance"
            ),
            ToolArgument("risk", "low, medium, high, or any text.", option="--risk"),
        ),
    ),
    Tool(
        name="merge",
        words=("merge",),
        text="Merge finished slices into their target, in the order of the plan.",
        schema="merge",
        parameters=(_SLICES, _GOAL),
        moves_branches=True,
    ),
    Tool(
        name="sync",
        words=("sync",),
        text="Bring slices onto the current target.",
        schema="sync",
        parameters=(_SLICES, _GOAL),
        moves_branches=True,
    ),
)


def list_tools(*, moves_branches: bool) -> tuple[Tool, ...]:
    """The tools that there are, with those that move branches or without."""
    return tuple(tool for tool in TOOLS if moves_branches or not tool.moves_branches)


class ToolOffer(Struct, frozen=True, kw_only=True):
    """A tool as it is offered."""

    name: str
    text: str
    reads_only: bool
    input_schema: dict[str, Any]


class OfferReport(Struct, frozen=True, kw_only=True):
    """What `gitslices mcp --json` prints."""

    roots: tuple[str, ...]
    tools: tuple[ToolOffer, ...]


def offer_tools(roots: Sequence[Path], *, moves_branches: bool) -> OfferReport:
    """What a server for `roots` offers."""
    offers = (
        ToolOffer(
            name=tool.name,
            text=tool.text,
            reads_only=tool.reads_only,
            input_schema=make_input_schema(tool),
        )
        for tool in list_tools(moves_branches=moves_branches)
    )
    return OfferReport(roots=tuple(map(str, roots)), tools=tuple(offers))


def make_input_schema(tool: Tool) -> dict[str, Any]:
    """The JSON Schema of what a tool is called with."""
    parameters = (*tool.parameters, REPOSITORY)
    return {
        "type": "object",
        "properties": {
            one.name: {**_TYPES[one.kind], "description": one.text} for one in parameters
        },
        "required": [one.name for one in parameters if one.required],
        "additionalProperties": False,
    }


def load_output_schema(tool: Tool) -> dict[str, Any]:
    """The JSON Schema of what its command prints: its report, or why there is none."""
    text = files("gitslices.schemas").joinpath(f"{tool.schema}.schema.json").read_bytes()
    schema = msgspec.json.decode(text, type=dict[str, Any])
    report = {"$ref": schema.pop("$ref")}
    # Clients compare what is structured with it in failures, too, and some ask for the kind of the
    # whole, which stands behind a reference in ours.
    return {"type": "object", **schema, "anyOf": [report, _FAILURE]}


def find_repository(given: Mapping[str, Any], roots: Sequence[Path]) -> Path:
    """The folder that a call is about, which has to lie below one of `roots`."""
    named = given.get(REPOSITORY.name)
    if named is None:
        return roots[0]
    if not isinstance(named, str) or "\0" in named:
        raise InputError("'repository' is no text")
    place = (roots[0] / named).resolve()
    if not any(place.is_relative_to(root) for root in roots):
        known = ", ".join(map(str, roots))
        raise InputError(f"{named!r} lies below no root", hint=f"the roots are: {known}")
    if not place.is_dir():
        raise InputError(f"{named!r} is no folder")
    return place


def make_words(tool: Tool, given: Mapping[str, Any], repository: Path) -> tuple[str, ...]:
    """The words of a command line without the program; no value can become an option.

    Raises `InputError` for an argument that is missing, unknown or of another kind.
    """
    known = {one.name: one for one in (*tool.parameters, REPOSITORY)}
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"is {near[0]!r} meant?" if near else f"known are: {', '.join(known)}"
            raise InputError(f"{tool.name}: there is no argument {name!r}", hint=hint)
    options: list[str] = []
    plain: list[str] = []
    for one in tool.parameters:
        texts = tuple(_read(tool, one, given.get(one.name), repository))
        if one.option is None:
            plain += texts
        else:
            options += (f"{one.option}={text}" for text in texts)
    if _SLICES in tool.parameters and not plain:
        options.append("--all")
    return (*tool.words, "--json", *options, "--", *plain)


def _read(tool: Tool, parameter: ToolArgument, value: Any, repository: Path) -> Iterator[str]:
    if value is None:
        if parameter.required:
            raise InputError(f"{tool.name}: the argument {parameter.name!r} is missing")
        return
    values = value if parameter.kind == "texts" and isinstance(value, list) else [value]
    wanted = int if parameter.kind == "number" else str
    for one in values:
        if not isinstance(one, wanted) or isinstance(one, bool) or "\0" in str(one):
            kind = _TYPES[parameter.kind]["type"]
            raise InputError(f"{tool.name}: the argument {parameter.name!r} is no {kind}")
        if parameter.kind == "file":
            place = (repository / str(one)).resolve()
            if not place.is_relative_to(repository):
                raise InputError(f"{tool.name}: {one!r} lies outside the repository")
            yield str(place)
        else:
            yield str(one)
