"""Ports of this machine, one a slice, so that servers started in two worktrees do not collide."""

import socket
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Final

FIRST: Final = 20_000
COUNT: Final = 10_000
"""The range ends below the ports that systems hand out by themselves, from 32768 on."""


def choose_ports(names: Sequence[str], taken: Collection[int]) -> tuple[int, ...]:
    """A port for each name that nobody listens on and that is neither another's nor in `taken`.

    A name gets the same one again while it is free; 0 when there is none left.
    """
    chosen: list[int] = []
    for name in names:
        # Not `hash`, which differs from one process to the next.
        start = int.from_bytes(sha256(name.encode()).digest()[:8])
        ports = (FIRST + (start + step) % COUNT for step in range(COUNT))
        own = {*taken, *chosen}
        chosen.append(next((port for port in ports if port not in own and _is_free(port)), 0))
    return tuple(chosen)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it, a port whose server has just ended counts as taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            # All addresses: a server that listens on a single one is in the way, too.
            probe.bind(("", port))
        except OSError:
            return False
    return True
