"""Text: what others wrote, as our people may see it. Every sink for people's eyes asks `clean`; JSON data stays as it came."""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t\u200c\u200d"
"""Joiners stay: scripts are written with them."""
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Control characters, marks that turn the direction of writing or that nobody sees, halves of characters and those of
nobody, line ends of their own."""
_EMPTY = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2065, 0x2800, 0x3164, 0xFFA0)
_BLANK = frozenset(map(chr, (*_EMPTY, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000))))
"""Of other categories, and nothing to see either, so that two different names look alike."""
_VARIANTS = frozenset(
    map(chr, (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""They choose a form of the character before, such as the coloured one: it is the same without."""


def clean(text: str) -> str:
    """What nobody sees, or what makes text read as other than it is, becomes a replacement character. Line ends and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if _is_hidden(c) else c for c in text if c not in _VARIANTS)


def _is_hidden(character: str) -> bool:
    if character in _KEPT:
        return False
    return character in _BLANK or unicodedata.category(character) in _UNSEEN


def clean_line(text: str) -> str:
    """The same where a line end would begin a line of somebody else's."""
    return clean(text).replace("\n", "\ufffd").replace("\t", " ")
