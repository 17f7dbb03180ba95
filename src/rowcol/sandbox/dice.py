"""Dice by name: every draw is a keyed hash of what it is for, so the order of requests never changes an outcome.

`Dice(rng)` takes 256 bits from the injected generator once; afterwards the same seed and the same labels give the
same draw, however many clients call at the same time.
"""

from __future__ import annotations

from hashlib import blake2b
from math import log
from statistics import NormalDist
from typing import Final, Protocol

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IDENT_CHARS: Final = 37
_TO_ALPHABET: Final = bytes(ord(_ALPHABET[byte % len(_ALPHABET)]) for byte in range(256))
_NORMAL: Final = NormalDist()
_UNIT_BITS: Final = 53


class Bits(Protocol):
    """What the dice need of a `random.Random`."""

    def getrandbits(self, k: int, /) -> int: ...


class Dice:
    """Named draws from one seed."""

    def __init__(self, rng: Bits) -> None:
        self._key = rng.getrandbits(256).to_bytes(32, "big")

    def number(self, *labels: object, n_bytes: int = 28) -> int:
        """A uniform integer of `n_bytes` bytes."""
        return int.from_bytes(self._digest(n_bytes, labels), "big")

    def unit(self, *labels: object) -> float:
        """Uniform in [0, 1)."""
        return (self.number(*labels, n_bytes=8) >> 11) / (1 << _UNIT_BITS)

    def chance(self, share: float, *labels: object) -> bool:
        """True with probability `share`."""
        return share > 0 and self.unit(*labels) < share

    def exponential_s(self, median_s: float, *labels: object) -> float:
        """Seconds with an exponential tail around the given median."""
        return -log(1.0 - self.unit(*labels)) * median_s / log(2)

    def lognormal_s(self, p50_s: float, p95_s: float, *labels: object) -> float:
        """Seconds of a lognormal with the given 50th and 95th percentile."""
        sigma = log(p95_s / p50_s) / _NORMAL.inv_cdf(0.95)
        z = _NORMAL.inv_cdf(min(max(self.unit(*labels), 1e-9), 1 - 1e-9))
        return float(p50_s * pow(2.718281828459045, sigma * z))

    def ident(self, *labels: object) -> str:
        """37 case-sensitive alphanumerics, the look of Plaid's opaque ids."""
        return self._digest(_IDENT_CHARS, labels).translate(_TO_ALPHABET).decode()

    def guid(self, *labels: object) -> str:
        """The look of a random UUID."""
        text = f"{self.number(*labels, n_bytes=16):032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _digest(self, n_bytes: int, labels: tuple[object, ...]) -> bytes:
        material = "\x1f".join(map(str, labels)).encode()
        return blake2b(material, digest_size=n_bytes, key=self._key).digest()
