"""Patience: a person's call waits for our own limits rather than fail on them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta

from rowcol.core.change import NotBefore, Refused
from rowcol.core.refusal import NotYet, RailRefused
from rowcol.engine.gateway import Sent
from rowcol.services.plane import OpenPlane


async def sent_within(
    plane: OpenPlane,
    patience: timedelta,
    fetch: Callable[[], Awaitable[Sent | NotBefore | Refused]],
) -> Sent:
    """The call, as soon as it may be made. Raise `NotYet` where that is later than `patience`, `RailRefused` where it
    may not be made at all."""
    give_up_at = plane.clock.now() + patience
    while True:
        match await fetch():
            case NotBefore(until, _) if until <= give_up_at:
                await plane.clock.sleep_until(until)
            case NotBefore(until, reason):
                wait_s = math.ceil((until - plane.clock.now()).total_seconds())
                raise NotYet(f"not before {until:%H:%M:%S} UTC: {reason}", "try again then", wait_s)
            case Refused(reason):
                raise RailRefused(reason)
            case Sent() as sent:
                return sent
