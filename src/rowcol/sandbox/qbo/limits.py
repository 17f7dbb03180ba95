"""Rate limits: sliding windows per realm, and per realm and app. Refused requests do not count.

Values: limits-and-throttles page, 2026. The 500 per minute belong to the realm, so other apps of the company use them,
too: `foreign_per_minute` says how many.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rowcol.sandbox.qbo.switches import Switches


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds; `by_app`: each app has its own."""

    name: str
    n_max: int
    window_s: float
    by_app: bool
    operation: str | None = None


LIMITS: Final = (
    Limit("per_second", 10, 1.0, by_app=True),
    Limit("per_minute", 500, 60.0, by_app=False),
    Limit("combined", 800, 60.0, by_app=True),
    Limit("batch_app", 40, 60.0, by_app=True, operation="batch"),
    Limit("batch", 120, 60.0, by_app=False, operation="batch"),
)


class RateLimits:
    """Windows of served requests."""

    def __init__(self, switches: Switches) -> None:
        reports = switches.reports_limit
        self.table: tuple[Limit, ...] = LIMITS
        if reports is not None:
            self.table += (Limit("reports", reports, 60.0, by_app=False, operation="report"),)
        self.is_enforced = switches.enforce_limits
        self.foreign_per_minute: dict[str, int] = {}
        """Realm -> requests a minute that other apps make; `""` is for every realm."""
        self.n_refused = 0
        self._windows: dict[tuple[str, str, str], deque[float]] = {}

    def admit(self, realm_id: str, client_id: str, operation: str, now: datetime) -> str | None:
        """Count a request. The name of the limit that refuses it, else None."""
        at_s = now.timestamp()
        windows: list[deque[float]] = []
        for limit in self.table:
            if limit.operation not in {None, operation}:
                continue
            key = (limit.name, realm_id, client_id if limit.by_app else "")
            window = self._windows.setdefault(key, deque())
            while window and window[0] <= at_s - limit.window_s:
                window.popleft()
            if len(window) >= self._room(limit, realm_id):
                self.n_refused += 1
                if self.is_enforced:
                    return limit.name
            windows.append(window)
        for window in windows:
            window.append(at_s)
        return None

    def report(self) -> dict[str, Any]:
        return {
            "limits": {limit.name: limit.n_max for limit in self.table},
            "foreign_per_minute": dict(self.foreign_per_minute),
            "n_refused": self.n_refused,
        }

    def _room(self, limit: Limit, realm_id: str) -> int:
        if limit.name != "per_minute":
            return limit.n_max
        every = self.foreign_per_minute.get("", 0)
        return limit.n_max - self.foreign_per_minute.get(realm_id, every)
