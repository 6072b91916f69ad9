"""Any text of a shell is read to its end or refused."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gitslices.agents.shell.writes import Writes, find_writes

ENVIRON = {"HOME": "/home/ann"}


@given(st.text(alphabet="ab '\"\\$`(){}<>|&;\n#*~-=", max_size=40))
def test_every_text_is_read_to_its_end_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(find_writes(text, "/w", ENVIRON), Writes)
