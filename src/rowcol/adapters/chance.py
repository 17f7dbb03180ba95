"""Chance: dice. The only place that throws them."""

from __future__ import annotations

import random
import secrets
import time

_RANDOM_BITS = 80


class SystemRng:
    """The machine's randomness. Ids sort by the millisecond they were made in."""

    def new_id(self, prefix: str) -> str:
        """`prefix` and 32 hexadecimal digits: 48 bits of milliseconds, 80 random bits."""
        made_at_ms = time.time_ns() // 1_000_000
        return f"{prefix}_{made_at_ms:012x}{random.getrandbits(_RANDOM_BITS):020x}"

    def secret(self) -> str:
        """256 random bits from the operating system, URL-safe."""
        return secrets.token_urlsafe(32)


class SeededRng:
    """Dice from a seed: equal seeds give equal runs. Ids sort by the order of making. Not for secrets that matter."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._made = 0

    def new_id(self, prefix: str) -> str:
        """`prefix` and 32 hexadecimal digits: a counter, then random bits."""
        self._made += 1
        return f"{prefix}_{self._made:012x}{self._dice.getrandbits(_RANDOM_BITS):020x}"

    def secret(self) -> str:
        """64 hexadecimal digits."""
        return f"{self._dice.getrandbits(256):064x}"
