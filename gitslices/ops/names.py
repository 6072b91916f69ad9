"""Names and reasons that are written down for good: somebody must be able to read them."""

from typing import Final

from gitslices.errors import InputError

_LONGEST_NAME: Final = 200


def refuse_odd_name(name: str) -> None:
    """Raise `InputError` unless `name` can stand in a line of the log."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InputError(
            f"{name[:_LONGEST_NAME]!r} names nobody",
            hint=f"choose 1 to {_LONGEST_NAME} printable characters",
        )
