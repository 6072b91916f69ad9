"""What tasks are read from: a file, a folder or a stream, within bounds."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from gitslices.core.errors import GraphError, InputError
from gitslices.core.files import NotRegularError, TooLargeError, read_regular
from gitslices.core.naming import natural_key
from gitslices.graph.findings import Findings, TooManyFindingsError
from gitslices.graph.parse_json import parse_json

_MIB: Final = 1024 * 1024
_LARGEST: Final = 64 * _MIB
_MOST_FILES: Final = 10_000
_LINE_ENDS: Final = re.compile(r"\r\n?")


class SourceText(Struct, frozen=True, kw_only=True):
    """A text, what messages call it, and the path that it was read from, if any."""

    name: str
    text: str
    path: Path | None = None


def read_source(path: Path, name: str) -> SourceText:
    """The text of one file; raises `InputError` where there is none that can be read."""
    try:
        data = read_regular(path, limit=_LARGEST)
    except TooLargeError as error:
        raise InputError(f"{name}: {error.strerror}", hint="split it") from error
    except FileNotFoundError as error:
        raise InputError(f"there is no file {name!r}", hint="name what to import") from error
    except NotRegularError as error:
        raise InputError(
            f"{name!r} is no regular file", hint=f"hand it over on standard input: - < {name}"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{name!r} cannot be read: {reason}") from error
    return SourceText(name=name, text=decode(data, name), path=path)


def read_stream(stream: BinaryIO, name: str) -> SourceText:
    """The text of a stream, standard input say."""
    try:
        data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise InputError(f"{name} is larger than {_LARGEST // _MIB} MiB", hint="split it")
    return SourceText(name=name, text=decode(data, name))


def list_files(folder: Path, suffix: str) -> Iterator[Path]:
    """The files of a folder that end so, `2` before `10`; raises `InputError`."""
    try:
        found = [one for one in folder.iterdir() if one.suffix == suffix]
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be read: {error.strerror}") from error
    if len(found) > _MOST_FILES:
        raise InputError(f"{str(folder)!r} has more than {_MOST_FILES:,} files")
    yield from sorted(found, key=lambda path: natural_key(path.name))


def decode(data: bytes, name: str) -> str:
    """UTF-8 with line feeds at the ends of lines; raises `InputError` for anything else."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: this is not UTF-8 text, at byte {error.start}") from error
    if "\0" in text:
        raise InputError(f"{name}: it holds a NUL byte, so it is no text")
    return _LINE_ENDS.sub("\n", text)


def parse_source(source: SourceText, text: str | None = None, line: int | None = None) -> object:
    """The JSON in a source, or in one line of it; raises `GraphError` with all that is wrong."""
    findings, result = Findings(), None
    try:
        result = parse_json(source.text if text is None else text, findings)
    except TooManyFindingsError:
        pass
    except RecursionError:
        findings.add("top level", "it is nested too deep")
    if findings.problems:
        name = source.name if line is None else f"{source.name}: line {line}"
        raise GraphError(f"{name}: this JSON cannot be read", problems=findings.problems)
    return result
