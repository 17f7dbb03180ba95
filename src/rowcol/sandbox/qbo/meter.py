"""The meter: what the app partner programme would bill, and every request that was served. An oracle, not a limit of ours.

Core (writes) is free; CorePlus (reads, `/query`, `/cdc`, `/batch`, reports) counts when it succeeded. One workspace holds
all apps of an emulator. When its month is full, everything is refused until the next one begins (UTC).
"""

from __future__ import annotations

from collections import defaultdict, deque
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
class _Peak:
    """The most that a sliding window ever held; times come in order."""

    window_s: float
    most: int = 0
    _times: deque[float] = field(default_factory=deque)

    def note(self, at_s: float) -> None:
        times = self._times
        while times and times[0] <= at_s - self.window_s:
            times.popleft()
        times.append(at_s)
        self.most = max(self.most, len(times))


@dataclass(slots=True)
class _Peaks:
    """Of one realm, or of the portfolio."""

    minute: _Peak = field(default_factory=lambda: _Peak(_MINUTE_S))
    second: _Peak = field(default_factory=lambda: _Peak(1.0))

    def note(self, at_s: float) -> None:
        self.minute.note(at_s)
        self.second.note(at_s)


@dataclass(slots=True)
class Meter:
    """Counts of CorePlus calls. They are running totals: what `requests` forgets stays counted."""

    limit_per_month: int | None = BUILDER_LIMIT
    """None: a paid tier."""
    kept_max: int | None = None
    """`requests` holds the latest of them, at most so many; None: all."""
    requests: list[Served] = field(default_factory=list)
    n_requests: int = 0
    by_month: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_realm: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_realm_day: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    _peaks: dict[str, _Peaks] = field(default_factory=lambda: defaultdict(_Peaks))
    _portfolio: _Peaks = field(default_factory=_Peaks)

    def record(self, served: Served) -> None:
        self.n_requests += 1
        self.requests.append(served)
        if self.kept_max is not None and len(self.requests) > self.kept_max:
            # Half of them at once: a list, which readers slice, is slow to lose its first.
            del self.requests[: (self.kept_max + 1) // 2]
        at_s = served.at.timestamp()
        self._peaks[served.realm_id].note(at_s)
        self._portfolio.note(at_s)
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
        return self._peaks_of(realm_id).minute.most

    def peak_per_minute_portfolio(self) -> int:
        """The same over all realms together."""
        return self._portfolio.minute.most

    def peak_per_second(self, realm_id: str) -> int:
        return self._peaks_of(realm_id).second.most

    def report(self, now: datetime) -> dict[str, Any]:
        """What the control API shows."""
        return {
            "limit_per_month": self.limit_per_month,
            "this_month": self.month(now),
            "by_month": dict(self.by_month),
            "by_realm": dict(self.by_realm),
            "n_requests": self.n_requests,
            "peak_per_minute_portfolio": self.peak_per_minute_portfolio(),
            "peaks": {
                realm: {
                    "per_minute": self.peak_per_minute(realm),
                    "per_second": self.peak_per_second(realm),
                }
                for realm in sorted(self._peaks)
            },
        }

    def _peaks_of(self, realm_id: str) -> _Peaks:
        return self._peaks.get(realm_id) or _Peaks()
