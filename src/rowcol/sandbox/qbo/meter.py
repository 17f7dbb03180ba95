"""The meter: what the app partner programme would bill, and every request that was served. An oracle, not a limit of ours.

Core (writes) is free; CorePlus (reads, `/query`, `/cdc`, `/batch`, reports) counts when it succeeded. One workspace holds
all apps of an emulator. When its month is full, everything is refused until the next one begins (UTC).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

WORKSPACE: Final = "workspace"
BUILDER_LIMIT: Final = 500_000
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A request that got an answer, refusals included. `metered_units`: CorePlus calls."""

    at: datetime
    realm_id: str
    operation: str
    entities: tuple[str, ...]
    status: int
    metered_units: int
    client_id: str


@dataclass(slots=True)
class Meter:
    """Counts of CorePlus calls."""

    limit_per_month: int | None = BUILDER_LIMIT
    """None: a paid tier."""
    requests: list[Served] = field(default_factory=list)
    by_month: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_realm: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_realm_day: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def record(self, served: Served) -> None:
        self.requests.append(served)
        if served.metered_units:
            self.by_month[f"{served.at:%Y-%m}"] += served.metered_units
            self.by_realm[served.realm_id] += served.metered_units
            self.by_realm_day[served.realm_id, f"{served.at:%Y-%m-%d}"] += served.metered_units

    def month(self, at: datetime) -> int:
        """CorePlus calls of the workspace in the UTC month of `at`."""
        return self.by_month.get(f"{at:%Y-%m}", 0)

    def day(self, realm_id: str, at: datetime) -> int:
        return self.by_realm_day.get((realm_id, f"{at:%Y-%m-%d}"), 0)

    def is_blocked(self, now: datetime) -> bool:
        """Whether the month is full."""
        return self.limit_per_month is not None and self.month(now) >= self.limit_per_month

    def peak_per_minute(self, realm_id: str) -> int:
        """The most requests that any sliding minute held, refused ones included."""
        return _peak(self._times(realm_id), _MINUTE_S)

    def peak_per_minute_portfolio(self) -> int:
        """The same over all realms together."""
        return _peak(self._times(None), _MINUTE_S)

    def peak_per_second(self, realm_id: str) -> int:
        return _peak(self._times(realm_id), 1.0)

    def report(self, now: datetime) -> dict[str, Any]:
        """What the control API shows."""
        realms = sorted({served.realm_id for served in self.requests})
        return {
            "limit_per_month": self.limit_per_month,
            "this_month": self.month(now),
            "by_month": dict(self.by_month),
            "by_realm": dict(self.by_realm),
            "n_requests": len(self.requests),
            "peak_per_minute_portfolio": self.peak_per_minute_portfolio(),
            "peaks": {
                realm: {
                    "per_minute": self.peak_per_minute(realm),
                    "per_second": self.peak_per_second(realm),
                }
                for realm in realms
            },
        }

    def _times(self, realm_id: str | None) -> list[float]:
        return [
            served.at.timestamp()
            for served in self.requests
            if realm_id is None or served.realm_id == realm_id
        ]


def _peak(times: Iterable[float], window_s: float) -> int:
    moments = sorted(times)
    peak = start = 0
    for end, at in enumerate(moments):
        while moments[start] <= at - window_s:
            start += 1
        peak = max(peak, end - start + 1)
    return peak
