"""Any text is an entry or refused with a reason, soon."""

import time

from hypothesis import example, given
from hypothesis import strategies as st

from gitslices.core.errors import ScopeError
from gitslices.scopes.language.entries import parse_entries, parse_entry

HOSTILE = st.text(st.sampled_from("ab*?[]!^-\\/.~ :CéßÅ\u0301\u2028\0\n\ud800"), max_size=60)


@given(HOSTILE | st.text(max_size=300))
@example("*" * 5000)
@example("[" * 256)
@example("[!" + "\\]" * 127)
@example("**/" * 80)
def test_parsing_ends_in_an_entry_or_a_reason(text: str) -> None:
    started = time.process_time()
    assert is_read_or_refused(text)
    assert time.process_time() - started < 5


def is_read_or_refused(text: str) -> bool:
    try:
        return parse_entry(text).text == text
    except ScopeError as refusal:
        return bool(refusal.message and refusal.hint)


@given(st.text(st.sampled_from('ab{},[]\\().|:1#L !*/"`'), max_size=60) | HOSTILE)
@example("{a,b}" * 800)
@example("[" * 2000 + "{a,b}" + "\\]" * 200)
@example("{" * 2000 + "a,b" + "}" * 2000)
@example("(" * 2000 + "|" * 2000)
def test_what_people_write_ends_in_entries_or_a_reason(text: str) -> None:
    started = time.process_time()
    assert are_read_or_refused(text)
    assert time.process_time() - started < 5


def are_read_or_refused(text: str) -> bool:
    try:
        entries = parse_entries(text)
    except ScopeError as refusal:
        return bool(refusal.message and refusal.hint)
    return bool(entries) and all(parse_entry(entry.text) == entry for entry in entries)
