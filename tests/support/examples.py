"""How many examples a property is tried on: two profiles of hypothesis."""

from hypothesis import settings

_QUICK = 100

# A busy machine must not fail a test: time is for scripts/bench.
settings.register_profile("quick", deadline=None, max_examples=_QUICK)
settings.register_profile("full", deadline=None, max_examples=10 * _QUICK)


def choose_profile(*, full: bool) -> None:
    settings.load_profile("full" if full else "quick")


def scale(count: int) -> int:
    """`count` examples in a quick run, and as many times more in a full one as any property has."""
    assert settings.default is not None
    return count * settings.default.max_examples // _QUICK
