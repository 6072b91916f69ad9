"""YAML, less what makes it a risk: references, tags, merge keys and a second document."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from gitslices.graph.findings import (
    BAD_NUMBER,
    LONE_SURROGATE,
    MAX_DEPTH,
    TOO_DEEP,
    TOP_LEVEL,
    Findings,
    describe,
    find_position,
    has_surrogate,
    is_exact,
    name_position,
    quote,
)

if TYPE_CHECKING:
    from yaml import CollectionStartEvent, Event, MarkedYAMLError, ScalarEvent

QUOTE_HINT: Final = "quote it; YAML reads bare words like no, 012 and 1:30 as something else"

_TAG: Final = "tag:yaml.org,2002:"
_TAG_DIRECTIVE: Final = re.compile(r"^%TAG", re.MULTILINE)
_LONGEST_NUMBER: Final = 64
# PyYAML 6.0.4's scanner runs ahead of the events by so much that its own limit comes first.
_INNER_LIMIT: Final = "while increasing flow level"
_REFERENCE_HINT: Final = "write the value out where it is wanted"
_TAG_HINT: Final = "leave it out; quotes make a text, no quotes a number"


class _StopError(Exception):
    """What has been found leaves no sense in reading on."""


def parse_yaml(text: str, findings: Findings) -> object:
    """What the text holds; once something is found wrong, the result means nothing.

    The tree is made straight from the parser's events. Composing nodes first, as PyYAML's own
    loaders do, takes four times as long and recurses in C until the process dies.
    """
    import yaml

    # libyaml compares each of these directives with all before it.
    if directive := _TAG_DIRECTIVE.search(text):
        findings.add(find_position(text, directive.start()), "tags are not read", _TAG_HINT)
        return None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _build_tree(yaml.parse(text, Loader=loader), findings)
    except yaml.reader.ReaderError as error:
        odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
        place = find_position(text, odd.start() if odd else 0)
        findings.add(place, f"the control character U+{error.character:04X}", "leave it out")
    except yaml.MarkedYAMLError as error:
        _add_syntax_error(text, error, findings)
    except _StopError:
        pass
    return None


def _add_syntax_error(text: str, error: "MarkedYAMLError", findings: Findings) -> None:
    mark = error.problem_mark or error.context_mark
    place = name_position(mark.line, mark.column) if mark else TOP_LEVEL
    if error.context == _INNER_LIMIT:
        findings.add(place, TOO_DEEP)
        return
    words = ": ".join(part for part in (error.context, error.problem) if part)
    at_tab = mark and text[mark.index : mark.index + 1] == "\t"
    hint = "indent with spaces, not with tabs" if at_tab else None
    findings.add(place, words, hint)


def _build_tree(events: "Iterable[Event]", findings: Findings) -> object:
    import yaml

    tree = _Tree(findings)
    documents = 0
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            tree.add(tree.read_scalar(event), event)
        elif isinstance(event, yaml.MappingStartEvent):
            tree.open({}, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            tree.open([], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            tree.close()
        # Nine levels of nine references to the level above unfold to hundreds of millions of
        # values.
        elif isinstance(event, yaml.AliasEvent):
            tree.note(event, "references (*name) are not read", _REFERENCE_HINT)
            tree.add(None, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                tree.note(event, "a second document begins", "keep one task graph to a file")
                raise _StopError
    return tree.root[0] if tree.root else None


class _Tree:
    """The tree as far as the events have come: the innermost open list or object last."""

    def __init__(self, findings: Findings) -> None:
        import yaml

        self.root: list[object] = []
        self._findings = findings
        self._open: list[list[object] | dict[str, object]] = [self.root]
        # For each open object the key that waits for its value; lists have a place in it that is
        # unused.
        self._keys: list[str | None] = [None]
        self._resolvers = yaml.SafeLoader.yaml_implicit_resolvers
        self._constructor = yaml.constructor.SafeConstructor()

    def note(self, event: "Event", message: str, hint: str | None = None) -> None:
        """Note a problem at the place where the event begins."""
        mark = event.start_mark
        place = name_position(mark.line, mark.column) if mark else TOP_LEVEL
        self._findings.add(place, message, hint)

    def add(self, value: object, event: "Event") -> None:
        """Put a value where the next one belongs; in an object it may be a key."""
        innermost = self._open[-1]
        if isinstance(innermost, list):
            innermost.append(value)
        elif (key := self._keys[-1]) is not None:
            innermost[key] = value
            self._keys[-1] = None
        else:
            self._keys[-1] = self._read_key(value, innermost, event)

    def open(
        self, container: list[object] | dict[str, object], event: "CollectionStartEvent"
    ) -> None:
        """Put a list or object where the next value belongs, and what follows into it."""
        self._refuse_properties(event)
        if isinstance(self._open[-1], dict) and self._keys[-1] is None:
            self.note(event, f"expected a key, got {describe(container)}")
            raise _StopError
        if len(self._open) > MAX_DEPTH:
            self.note(event, TOO_DEEP)
            raise _StopError
        self.add(container, event)
        self._open.append(container)
        self._keys.append(None)

    def close(self) -> None:
        """Leave the innermost list or object."""
        self._open.pop()
        self._keys.pop()

    def read_scalar(self, event: "ScalarEvent") -> object:
        """What a bare or quoted word stands for, dates as they are written."""
        text: str = event.value
        self._refuse_properties(event)
        if event.implicit[0]:
            for tag, pattern in self._resolvers.get(text[:1], ()):
                if pattern.match(text):
                    return self._read_bare(text, tag.removeprefix(_TAG), event)
        elif has_surrogate(text):
            self.note(event, LONE_SURROGATE)
        return text

    def _read_bare(self, text: str, tag: str, event: "Event") -> object:
        match tag:
            case "null":
                return None
            case "bool":
                return text.lower() in ("yes", "true", "on")
            case "int" | "float":
                return self._read_number(text, tag, event)
            case "merge":
                self.note(event, "merge keys (<<) are not read", _REFERENCE_HINT)
        return text

    def _read_number(self, text: str, tag: str, event: "Event") -> int | float | str:
        from yaml import ScalarNode

        number = float("inf")
        if len(text) <= _LONGEST_NUMBER:
            construct = getattr(self._constructor, f"construct_yaml_{tag}")
            try:
                number = construct(ScalarNode(_TAG + tag, text))
            except ValueError:  # PyYAML takes 0x_ for a number, until it looks closer
                return text
        if not is_exact(number):
            self.note(event, BAD_NUMBER, "quote it if it is a text")
        return number

    def _read_key(self, value: object, siblings: dict[str, object], event: "Event") -> str:
        if not isinstance(value, str):
            self.note(event, f"expected a key that is a string, got {describe(value)}", QUOTE_HINT)
            return str(value)
        # PyYAML's own loaders keep the last of equal keys, in silence.
        if value in siblings:
            self.note(event, f"the key {quote(value)} is given twice")
        return value

    def _refuse_properties(self, event: "CollectionStartEvent | ScalarEvent") -> None:
        if event.anchor is not None:
            self.note(event, "anchors (&name) are not read", _REFERENCE_HINT)
        if event.tag is not None:
            self.note(event, "tags are not read", _TAG_HINT)
