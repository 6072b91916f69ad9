"""`.gitslices/config.toml`: what the repository wants run, and how."""

import os
import re
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from gitslices.core.decoding import convert
from gitslices.core.errors import InputError, Problem, ScopeError
from gitslices.core.files import TooLargeError, read_regular
from gitslices.core.model import Requirement, StartAt, TaskGraph, When
from gitslices.core.naming import GRAPH_FILE, OLD_SETTINGS_FILE, SETTINGS_FILE
from gitslices.scopes.language.entries import parse_entries, parse_scope
from gitslices.system.settings_tables import (
    ConflictingRun,
    EmptyRun,
    Fetching,
    ForgeName,
    Gate,
    MergeSettings,
    MergeStyle,
    NotifySettings,
    PlanTable,
    Ports,
    Publishing,
    PublishSettings,
    RemoteSettings,
    RequiredReview,
    RunSettings,
    Seconds,
    Settings,
    Setup,
    StalledRun,
    SuggestSettings,
    SyncStyle,
    Teardown,
    Text,
)

FILE_NAMES: Final = (SETTINGS_FILE, OLD_SETTINGS_FILE)
"""Where the settings may be; the first file that is there counts, and it alone."""

LARGEST: Final = 64 * 1024

_EXPECTED: Final[dict[Any, str]] = {
    Text: "a text that is not blank",
    Text | None: "a text that is not blank",
    tuple[Text, ...]: "a list of texts that are not blank",
    When | None: "a table with risk and paths, each a list of texts",
    bool | tuple[Text, ...]: "true, false or a list of gates",
    Seconds: "a number of seconds above 0, one week at most",
    Ports: "a number from 1 to 100",
    bool: "true or false",
    MergeStyle | None: "one of merge, squash and rebase",
    SyncStyle | None: "one of merge and rebase",
    StartAt | None: "one of merged, done and published",
    EmptyRun | None: "one of fail and ok",
    ConflictingRun | None: "one of begin and report",
    StalledRun | None: "one of tell and end",
    Fetching | None: "one of never and claim",
    ForgeName | None: "one of github, gitlab, gitea and none",
    Publishing | None: "one of never and done",
}


_NAME: Final = re.compile(r"\w[\w.-]{0,63}")
"""What a gate or a review may be called: logs are named after it."""


class SettingsError(InputError):
    """The settings file is wrong; `problems` holds every reason with its place."""

    code = "settings-invalid"


_Section = TypeVar("_Section", bound=Struct)


def add_settings(held: Settings, more: Settings) -> Settings:
    """What `held` asks for, and what `more` asks for besides; where they differ, `held` counts."""
    commands = tuple(dict.fromkeys((*held.setup.commands, *more.setup.commands)))
    timed = held.setup if held.setup.commands else more.setup
    return Settings(
        setup=Setup(
            commands=commands,
            timeout=timed.timeout,
            background=tuple(dict.fromkeys((*held.setup.background, *more.setup.background))),
            ports=max(held.setup.ports, more.setup.ports),
        ),
        teardown=Teardown(
            commands=tuple(dict.fromkeys((*held.teardown.commands, *more.teardown.commands))),
            timeout=(held if held.teardown.commands else more).teardown.timeout,
            after_merge=held.teardown.after_merge or more.teardown.after_merge,
        ),
        # Named twice: the first time for their order, the last time for their values.
        gates={**held.gates, **more.gates, **held.gates},
        merge=MergeSettings(
            style=held.merge.style or more.merge.style,
            sync=held.merge.sync or more.merge.sync,
            rerun_gates=tuple(dict.fromkeys((*held.rerun_gates, *more.rerun_gates))),
            required_reviews=tuple(
                dict.fromkeys((*held.merge.required_reviews, *more.merge.required_reviews))
            ),
        ),
        plan=PlanTable(start=held.plan.start or more.plan.start),
        run=RunSettings(
            empty=held.run.empty or more.run.empty,
            conflict=held.run.conflict or more.run.conflict,
            stall=held.run.stall or more.run.stall,
        ),
        notify=held.notify if held.notify.command else more.notify,
        remote=RemoteSettings(fetch=held.remote.fetch or more.remote.fetch),
        publish=PublishSettings(
            forge=held.publish.forge or more.publish.forge,
            open=held.publish.open or more.publish.open,
            timeout=(held if held.publish.open else more).publish.timeout,
            remote=held.publish.remote or more.publish.remote,
            reviewers=tuple(dict.fromkeys((*held.publish.reviewers, *more.publish.reviewers))),
            on=held.publish.on or more.publish.on,
        ),
        suggest=held.suggest if held.suggest.command else more.suggest,
    )


def find_overruled(held: Settings, more: Settings) -> tuple[str, ...]:
    """What `more` has otherwise than `held`, and what therefore does not count of it."""
    pairs: dict[str, tuple[object, object]] = {
        f"gates.{name}": (gate, more.gates.get(name)) for name, gate in held.gates.items()
    }
    pairs["merge.style"] = held.merge.style, more.merge.style
    pairs["merge.sync"] = held.merge.sync, more.merge.sync
    pairs["plan.start"] = held.plan.start, more.plan.start
    pairs["run.empty"] = held.run.empty, more.run.empty
    pairs["run.conflict"] = held.run.conflict, more.run.conflict
    pairs["run.stall"] = held.run.stall, more.run.stall
    pairs["remote.fetch"] = held.remote.fetch, more.remote.fetch
    for name in ("forge", "open", "remote", "on"):
        pairs[f"publish.{name}"] = getattr(held.publish, name), getattr(more.publish, name)
    pairs["suggest.command"] = held.suggest.command, more.suggest.command
    pairs["notify.command"] = held.notify.command, more.notify.command
    return tuple(
        place for place, (holds, asked) in pairs.items() if holds and asked and asked != holds
    )


def find_files(root: Path) -> tuple[str, ...]:
    """The names of the settings files in the folder `root`, the one that counts first."""
    return tuple(name for name in FILE_NAMES if os.path.lexists(root / name))


def load_settings(root: Path) -> Settings:
    """The settings in the folder `root`; the defaults where it has no file.

    Raises `SettingsError` as `parse_settings` does.
    """
    for name in FILE_NAMES:
        data = _read_file(root / name)
        if data is not None:
            return parse_settings(data, str(root / name))
    return Settings()


def _read_file(path: Path) -> bytes | None:
    """What the file holds, to the first byte too many; None where there is none."""
    try:
        return read_regular(path, limit=LARGEST)
    except TooLargeError:
        # Still too large: `parse_settings` tells of that as of everything else in the file.
        return b" " * (LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{str(path)!r} cannot be read: {error.strerror}") from error


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
    if len(data) > LARGEST:
        problems.append(Problem("", f"the file is larger than {LARGEST // 1024} KiB"))
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
        teardown=_read_section(tree.get("teardown", {}), Teardown, "teardown", problems),
        merge=_read_section(tree.get("merge", {}), MergeSettings, "merge", problems),
        plan=_read_section(tree.get("plan", {}), PlanTable, "plan", problems),
        run=_read_section(tree.get("run", {}), RunSettings, "run", problems),
        notify=_read_section(tree.get("notify", {}), NotifySettings, "notify", problems),
        remote=_read_section(tree.get("remote", {}), RemoteSettings, "remote", problems),
        publish=_read_section(tree.get("publish", {}), PublishSettings, "publish", problems),
        suggest=_read_section(tree.get("suggest", {}), SuggestSettings, "suggest", problems),
    )
    for name in settings.rerun_gates:
        if name not in settings.gates:
            why = f"gate {name!r} has no command to run again"
            problems.append(Problem("merge.rerun_gates", why, "give it one under [gates]"))
    _check_requirements("gates", settings.gate_requirements, problems)
    _check_requirements("merge.required_reviews", settings.review_requirements, problems)
    return settings


def _check_requirements(
    place: str, requirements: Sequence[Requirement], problems: list[Problem]
) -> None:
    for one in requirements:
        if not _NAME.fullmatch(one.name):
            why = f"{one.name[:80]!r} is no name"
            hint = "choose up to 64 letters, digits, '.', '_' and '-'"
            problems.append(Problem(place, why, hint))
        try:
            parse_scope(one.when.paths)
            for entry in one.when.paths:
                parse_entries(entry)
        except ScopeError as error:
            problems.append(Problem(f"{place}.{one.name}.when.paths", error.message, error.hint))


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


def _read_section(
    table: Any, kind: type[_Section], place: str, problems: list[Problem]
) -> _Section:
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
                words = f"expected {_name_expected(known.type, inside=bool(inside))}"
                problems.append(Problem(f"{place}.{known.name}{inside}", words))
        elif known.required:
            problems.append(Problem(place, f"it has no {known.name}"))
        # A stand-in for what is missing: the problems are told together, once all sections are
        # read.
        values.setdefault(known.name, None if known.required else known.default)
    return kind(**values)


def _name_expected(kind: Any, *, inside: bool) -> str:
    if kind == When | None:
        return _EXPECTED[kind]
    if kind == tuple[Text | RequiredReview, ...]:
        return "the name of a review, or a table with review and when" if inside else "a list"
    return _EXPECTED[Text if inside else kind]


def _check_keys(
    table: dict[str, Any], kind: type[Struct], place: str, problems: list[Problem]
) -> None:
    known = [each.name for each in msgspec.structs.fields(kind)]
    for key in table:
        if key not in known:
            where = f"{place}.{key}" if place else key
            problems.append(Problem(where, "this key is not known", _hint_at(where, key, known)))


def _hint_at(where: str, key: str, known: Sequence[str]) -> str:
    if where in {"defaults", *TaskGraph.__struct_fields__}:
        return f"it belongs in the task graph, {GRAPH_FILE}"
    near = get_close_matches(key, known, n=1)
    return f"is {near[0]!r} meant?" if near else f"known here: {', '.join(known)}"
