"""Chance: dice. The only place that throws them."""

from __future__ import annotations

import random
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_ID_CHARS = 26


def _base32(number: int, chars: int) -> str:
    out = []
    for _ in range(chars):
        number, digit = divmod(number, 32)
        out.append(_ALPHABET[digit])
    return "".join(reversed(out))


class SystemRng:
    """The machine's randomness. Ids sort by the millisecond they were made in."""

    def new_id(self, prefix: str) -> str:
        """`prefix` and 26 characters: 48 bits of milliseconds, 80 random bits."""
        number = (time.time_ns() // 1_000_000 << _RANDOM_BITS) | random.getrandbits(_RANDOM_BITS)
        return f"{prefix}_{_base32(number, _ID_CHARS)}"

    def secret(self) -> str:
        """256 random bits from the operating system, URL-safe."""
        return secrets.token_urlsafe(32)

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return random.random()


class SeededRng:
    """Dice from a seed: equal seeds give equal runs. Ids sort by the order of making. Not for secrets that matter."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._made = 0

    def new_id(self, prefix: str) -> str:
        """`prefix` and 26 characters: a counter, then random bits."""
        self._made += 1
        number = (self._made << _RANDOM_BITS) | self._dice.getrandbits(_RANDOM_BITS)
        return f"{prefix}_{_base32(number, _ID_CHARS)}"

    def secret(self) -> str:
        """43 characters, as `SystemRng.secret` gives."""
        return _base32(self._dice.getrandbits(215), 43)

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._dice.random()
