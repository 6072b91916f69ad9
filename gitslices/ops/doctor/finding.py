"""What a check says."""

from collections.abc import Callable

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """Something wrong with `thing`, and why it matters.

    `fix` is what `--fix` does about it, None where that is nothing; `hint` what a person can do.
    """

    check: str
    thing: str
    problem: str
    why: str
    fix: str | None = None
    hint: str | None = None
    fixed: bool = False


class Trouble(Struct, frozen=True, kw_only=True):
    """A finding, and what repairs it; a text that `mend` returns says what was done."""

    finding: Finding
    mend: Callable[[], object] | None = None
