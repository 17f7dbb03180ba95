"""Text: what others wrote, as our people may see it. Every sink for people's eyes asks `clean`; JSON data stays as it came."""

from __future__ import annotations

_KEPT = {ord("\n"), ord("\t")}
_TURNING = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Marks that make text read as other than it is."""
_UNSEEN = (0x180E, 0x200B, 0x2060, 0xFEFF, *range(0xE0000, 0xE0080))
"""Nothing to see, so that two different names look alike. Joiners stay: scripts are written with them."""
_BREAKING = (0x2028, 0x2029, *range(0xD800, 0xE000))
"""Line ends of their own, and halves of characters, which no terminal takes."""
_UNPRINTABLE = {
    code: "\ufffd"
    for code in (*range(0x20), *range(0x7F, 0xA0), *_TURNING, *_UNSEEN, *_BREAKING)
    if code not in _KEPT
}


def clean(text: str) -> str:
    """Control characters (C0, C1), marks that turn the direction of writing and those that nobody sees become a
    replacement character. Line ends and tabs stay."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNPRINTABLE)


def clean_line(text: str) -> str:
    """The same where a line end would begin a line of somebody else's."""
    return clean(text).replace("\n", "\ufffd").replace("\t", " ")
