"""Numbers on the command line: what no machine has or waits for is a typing error."""

import math
from typing import Any, Final

import click

JOBS: Final = click.IntRange(1, 1000)
"""How much goes on at once: each is a thread of ours."""

WORKERS: Final = click.IntRange(1, 1_000_000)
RETRIES: Final = click.IntRange(0, 1_000_000)
EVENTS: Final = click.IntRange(1, 1_000_000_000)
TOKEN: Final = click.IntRange(1, 1_000_000_000)


class Seconds(click.FloatRange):
    """A span of seconds that is a number: of NaN, click's range lets everything be true."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The seconds; fails as click does."""
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds.", param, ctx)
        return seconds
