"""Ambient: what every part of the engine breathes: time, dice, wake-ups and the firm's preferences."""

from __future__ import annotations

from dataclasses import dataclass

from rowcol.engine.preferences import Preferences
from rowcol.ports import Clock, Doorbell, Rng


@dataclass(frozen=True, slots=True)
class Ambient:
    """Injected once by `bootstrap`, so that nothing below asks the machine."""

    clock: Clock
    rng: Rng
    doorbell: Doorbell
    preferences: Preferences
