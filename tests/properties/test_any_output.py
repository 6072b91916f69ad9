"""Any text, as a terminal gets it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gitslices.output.words import escape


@given(st.text())
def test_an_escaped_text_is_one_line_without_controls(text: str) -> None:
    shown = escape(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert len(shown.splitlines()) <= 1
