"""Numbers on the command line: what no machine has or waits for is a typing error."""

import math
from typing import Any, Final

import click


class Whole(click.IntRange):
    """A whole number from `least` on; what is more than `most` is refused, and not in any help."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least)
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; fails as click does."""
        number = int(super().convert(value, param, ctx))
        if number > self._most:
            self.fail(f"{number} is more than {self._most}.", param, ctx)
        return number


class Seconds(click.FloatRange):
    """A span of at most `most` seconds; not NaN, which click lets pass any range."""

    def __init__(self, most: float = math.inf) -> None:
        super().__init__(0)
        self._most = most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds; fails as click does."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        if seconds > self._most:
            self.fail(f"{value} is more than {self._most:g} seconds.", param, ctx)
        return seconds


JOBS: Final = Whole(1, 1000)
"""How much goes on at once: each is a thread of ours."""

WORKERS: Final = Whole(1, 1_000_000)
RETRIES: Final = Whole(0, 1_000_000)
EVENTS: Final = Whole(1, 1_000_000_000)
TOKEN: Final = Whole(1, 1_000_000_000)
