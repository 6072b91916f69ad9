"""`.gitslices.toml`: what the repository wants run, and how."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from gitslices.core.decoding import convert
from gitslices.core.errors import InputError, Problem
from gitslices.planning.policy import REVIEWS

FILE_NAME: Final = ".gitslices.toml"
_LARGEST: Final = 64 * 1024

Text = Annotated[str, Meta(pattern=r"^[^\0]*[^\0\s][^\0]*$")]
Seconds = Annotated[float, Meta(gt=0, le=7 * 24 * 3600)]
MergeStyle = Literal["merge", "squash", "rebase"]
SyncStyle = Literal["merge", "rebase"]

_EXPECTED: Final[dict[Any, str]] = {
    Text: "a text that is not blank",
    tuple[Text, ...]: "a list of texts that are not blank",
    bool | tuple[Text, ...]: "true, false or a list of gates",
    Seconds: "a number of seconds above 0, one week at most",
    MergeStyle | None: "one of merge, squash and rebase",
    SyncStyle | None: "one of merge and rebase",
}


class SettingsError(InputError):
    """The settings file is wrong; `problems` holds every reason with its place."""

    code = "settings-invalid"


class Setup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commands that make a new worktree ready, in order, each within `timeout` seconds."""

    commands: tuple[Text, ...] = ()
    timeout: Seconds = 600


class Gate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The command that decides one gate, within `timeout` seconds."""

    command: Text
    timeout: Seconds = 1800


class MergeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How slices are merged and brought up to date; None leaves the choice to the command.

    `rerun_gates` names gates to be run again on the merged files; true means all of them.
    """

    style: MergeStyle | None = None
    sync: SyncStyle | None = None
    rerun_gates: bool | tuple[Text, ...] = False
    required_reviews: tuple[Text, ...] = ()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file; gates by name."""

    setup: Setup = Setup()
    gates: dict[str, Gate] = field(default_factory=dict)
    merge: MergeSettings = MergeSettings()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every command in it, once each: what a user is asked to approve."""
        gates = (gate.command for gate in self.gates.values())
        return tuple(dict.fromkeys((*self.setup.commands, *gates)))

    @property
    def rerun_gates(self) -> tuple[str, ...]:
        """The gates to be run again on the merged files."""
        named = self.merge.rerun_gates
        if isinstance(named, bool):
            return tuple(self.gates) if named else ()
        return tuple(dict.fromkeys(named))


Section = TypeVar("Section", bound=Struct)


def load_settings(root: Path | None) -> Settings:
    """The settings in the folder `root`; the defaults where it has no file, or there is no folder.

    Raises `SettingsError` as `parse_settings` does.
    """
    if root is None:
        return Settings()
    path = root / FILE_NAME
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    return parse_settings(data, str(path))


def parse_settings(data: bytes, name: str) -> Settings:
    """The settings that the file `name` holds.

    Raises `SettingsError` with everything that is wrong in it.
    """
    problems: list[Problem] = []
    settings = _read(_parse(data, problems), problems)
    if problems:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        raise SettingsError(f"{name}: {count}", problems=problems)
    return settings


def _parse(data: bytes, problems: list[Problem]) -> dict[str, Any]:
    if len(data) > _LARGEST:
        problems.append(Problem("", f"the file is larger than {_LARGEST // 1024} KiB"))
        return {}
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        problems.append(Problem("", "its lists and tables are nested too deep"))
    except ValueError as error:  # no UTF-8, no TOML, or a number with thousands of digits
        problems.append(Problem("", f"this is not TOML: {error}"))
    return {}


def _read(tree: dict[str, Any], problems: list[Problem]) -> Settings:
    _check_keys(tree, Settings, "", problems)
    settings = Settings(
        setup=_read_section(tree.get("setup", {}), Setup, "setup", problems),
        gates=_read_gates(tree.get("gates", {}), problems),
        merge=_read_section(tree.get("merge", {}), MergeSettings, "merge", problems),
    )
    for name in settings.rerun_gates:
        if name not in settings.gates:
            why = f"gate {name!r} has no command to run again"
            problems.append(Problem("merge.rerun_gates", why, "give it one under [gates]"))
    for kind in settings.merge.required_reviews:
        if kind not in REVIEWS:
            why = f"there is no review of kind {kind!r}"
            known = f"known are: {', '.join(REVIEWS)}"
            problems.append(Problem("merge.required_reviews", why, known))
    return settings


def _read_gates(table: Any, problems: list[Problem]) -> dict[str, Gate]:
    if not isinstance(table, dict):
        problems.append(Problem("gates", "expected a table of commands by name"))
        return {}
    gates = {}
    for name, value in table.items():
        place = f"gates.{name}"
        if isinstance(value, str | dict):
            record = {"command": value} if isinstance(value, str) else value
            gates[name] = _read_section(record, Gate, place, problems)
        else:
            problems.append(Problem(place, "expected a command, or a table with one"))
    return gates


def _read_section(table: Any, kind: type[Section], place: str, problems: list[Problem]) -> Section:
    """Read one table key by key, so that one mistake does not hide the next."""
    if not isinstance(table, dict):
        problems.append(Problem(place, "expected a table"))
        table = {}
    _check_keys(table, kind, place, problems)
    values: dict[str, Any] = {}
    for known in msgspec.structs.fields(kind):
        if known.name in table:
            try:
                values[known.name] = convert(table[known.name], known.type)
            except msgspec.ValidationError as error:
                # msgspec names the place inside a list: `$[1]`.
                inside = str(error).partition(" - at `$")[2].rstrip("`")
                words = f"expected {_EXPECTED[Text if inside else known.type]}"
                problems.append(Problem(f"{place}.{known.name}{inside}", words))
        elif known.required:
            problems.append(Problem(place, f"it has no {known.name}"))
        values.setdefault(known.name, None if known.required else known.default)
    return kind(**values)


def _check_keys(
    table: dict[str, Any], kind: type[Struct], place: str, problems: list[Problem]
) -> None:
    known = [each.name for each in msgspec.structs.fields(kind)]
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"is {near[0]!r} meant?" if near else f"known here: {', '.join(known)}"
            where = f"{place}.{key}" if place else key
            problems.append(Problem(where, "this key is not known", hint))
