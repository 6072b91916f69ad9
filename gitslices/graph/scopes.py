"""The scopes of a graph, read once: for finding what is refused, and for all that compares them."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from gitslices.core.errors import ScopeError
from gitslices.core.model import TaskGraph
from gitslices.graph.findings import Findings
from gitslices.graph.lines import GraphText
from gitslices.graph.shape import UNREADABLE, Reading
from gitslices.scopes.language.entries import (
    Access,
    Entry,
    Scope,
    make_scope,
    parse_entries,
    parse_scope,
)

SCOPE_FIELDS: Final = ("read_set", "write_set", "checkout_set")
"""The fields of a task that hold entries of scopes."""


class ScopedGraph(Struct, frozen=True, kw_only=True):
    """A task graph, and what its scopes mean; their texts in `graph` are for JSON and for people.

    `accesses` stand in the order of the tasks; `unordered` is what puts none of them in an order,
    the graph's shared and relaxed files; `source` is what it was read from.
    """

    graph: TaskGraph
    accesses: tuple[Access, ...]
    unordered: Scope = Scope()
    source: GraphText = GraphText()


def parse_scopes(graph: TaskGraph) -> ScopedGraph:
    """A graph that was not read from a file, with its scopes; raises ScopeError."""
    return ScopedGraph(
        graph=graph,
        accesses=tuple(
            Access(
                read=parse_scope(task.read_set),
                write=parse_scope(task.write_set),
                checkout=parse_scope(task.checkout_set),
            )
            for task in graph.tasks
        ),
        unordered=parse_scope(graph.unordered),
    )


def read_scopes(reading: Reading, places: Sequence[str], findings: Findings) -> ScopedGraph:
    """The graph of a file with its scopes, as far as they could be read; the rest is noted."""
    reader = _ScopeReader(findings)
    shared = reader.read("shared", reading.graph.shared)
    relaxed = reader.read("relaxed", reading.graph.relaxed or ())
    given = {name: reading.defaults.get(name, ()) for name in SCOPE_FIELDS}
    defaults = {name: reader.read(f"defaults.{name}", texts) for name, texts in given.items()}

    def read(place: str, name: str, texts: Sequence[str]) -> Scope:
        # What is wrong with the defaults is noted there once, not again at each task that has them.
        return defaults[name] if texts == given[name] else reader.read(f"{place}.{name}", texts)

    accesses = tuple(
        Access(
            read=read(place, "read_set", task.read_set),
            write=read(place, "write_set", task.write_set),
            checkout=read(place, "checkout_set", task.checkout_set),
        )
        for task, place in zip(reading.graph.tasks, places, strict=True)
    )
    return ScopedGraph(
        graph=reading.graph,
        accesses=accesses,
        unordered=make_scope((*shared.entries, *relaxed.entries)),
    )


class _ScopeReader:
    """Reads scopes, and each entry once however often it is used."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._entries: dict[str, tuple[Entry, ...] | ScopeError] = {}

    def read(self, place: str, texts: Sequence[str]) -> Scope:
        """What of a scope is not refused; notes the entries that are, or that nothing is left."""
        entries: list[Entry] = []
        is_whole = True
        for index, text in enumerate(texts):
            read = () if text is UNREADABLE else self._read_entries(text)
            if isinstance(read, ScopeError):
                self._findings.add(f"{place}[{index}]", read.message, read.hint)
                read = ()
            is_whole = is_whole and bool(read)
            entries.extend(read)
        try:
            return make_scope(entries)
        except ScopeError as error:
            if is_whole:
                self._findings.add(place, error.message, error.hint)
            return Scope()

    def _read_entries(self, text: str) -> tuple[Entry, ...] | ScopeError:
        read = self._entries.get(text)
        if read is None:
            try:
                read = parse_entries(text)
            except ScopeError as error:
                # Kept for the next use of the text: with its traceback it would keep every frame
                # alive.
                read = error.with_traceback(None)
            self._entries[text] = read
        return read
