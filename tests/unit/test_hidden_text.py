"""Text that hides: what is not seen, or reorders what is, is shown as an escape."""

import unicodedata

import pytest

from gitslices.output.words import escape

# Format characters that are seen: signs over numbers and verses, and hieroglyphs put together.
SEEN = {
    *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD,
    *range(0x13430, 0x13456),
}  # fmt: skip
# DerivedCoreProperties: Default_Ignorable_Code_Point, without the two of emoji.
IGNORABLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0D), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip


def test_no_character_that_is_not_seen_is_printed() -> None:
    hidden = {code for first, last in IGNORABLE for code in range(first, last + 1)}
    for code in range(0x110000):
        char = chr(code)
        acts = unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} and code not in SEEN
        if acts or code in hidden:
            assert escape(f"a{char}b") != f"a{char}b", hex(code)
        elif unicodedata.category(char) in {"Lu", "Ll", "Nd", "So", "Mn", "Zs"}:
            expected = code in hidden
            assert (escape(f"a{char}b") != f"a{char}b") == expected, hex(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ok\U000e0041\U000e0042", "ok\\U000e0041\\U000e0042"),
        ("pass\xadword", "pass\\xadword"),
        ("a\u2060b\u3164", "a\\u2060b\\u3164"),
        ("x\U000e0100", "x\\U000e0100"),
        ("⚠️ Fix it ✔︎", "⚠️ Fix it ✔︎"),
        ("⚠️\ufe0e\ufe0f", "⚠️\\ufe0e\\ufe0f"),
        ("\ufe0fx", "\\ufe0fx"),
        ("naïve é 漢字 नमस्ते", "naïve é 漢字 नमस्ते"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert escape(text) == shown
