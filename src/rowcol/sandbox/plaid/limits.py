"""Rate limits per minute, per Item and per client: the rule, and the independent count of how near a client came.

Table: docs "Rate limit exceeded" as of 7 Mar 2026 (Sandbox balance per client: the newer 1,200). The window's shape is
not documented, hence a switch. Refused calls count too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.switches import Switches

_MINUTE_S: Final = 60.0
_N_VIOLATIONS_KEPT: Final = 1_000
_N_TIMES_KEPT: Final = 20_000
"""More than the largest limit; a count stops growing here."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Calls per minute; None where no limit is documented."""

    item_per_minute: int | None
    client_per_minute: int | None
    item_code: str = "RATE_LIMIT"
    client_code: str = "RATE_LIMIT"


def _same(item: int | None, client: int, code: str) -> Limit:
    return Limit(item, client, code, code)


PRODUCTION: Final[dict[str, Limit]] = {
    "/accounts/balance/get": Limit(5, 1_200, "BALANCE_LIMIT", "ACCOUNTS_BALANCE_GET_LIMIT"),
    "/accounts/get": _same(15, 15_000, "ACCOUNTS_LIMIT"),
    "/item/get": _same(15, 5_000, "ITEM_GET_LIMIT"),
    "/item/remove": _same(30, 2_000, "RATE_LIMIT"),
    "/transactions/sync": _same(50, 2_500, "TRANSACTIONS_SYNC_LIMIT"),
    "/transactions/refresh": _same(2, 100, "TRANSACTIONS_REFRESH_LIMIT"),
    "/institutions/get_by_id": _same(None, 400, "INSTITUTIONS_GET_BY_ID_LIMIT"),
    "/sandbox/transactions/create": _same(2, 50, "RATE_LIMIT"),
}
SANDBOX: Final[dict[str, Limit]] = PRODUCTION | {
    "/accounts/balance/get": Limit(25, 1_200, "BALANCE_LIMIT", "ACCOUNTS_BALANCE_GET_LIMIT"),
    "/accounts/get": _same(100, 5_000, "ACCOUNTS_LIMIT"),
    "/item/get": _same(40, 5_000, "ITEM_GET_LIMIT"),
    "/item/remove": _same(100, 500, "RATE_LIMIT"),
    "/transactions/sync": _same(50, 1_000, "TRANSACTIONS_SYNC_LIMIT"),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A call beyond a limit."""

    at: datetime
    path: str
    scope: str
    subject: str
    n_calls: int
    limit: int


class _Minute:
    """How many calls the minute that ends now holds, this one included."""

    __slots__ = ("_is_fixed", "_n", "_start", "_times")

    def __init__(self, *, is_fixed: bool) -> None:
        self._is_fixed = is_fixed
        self._times: deque[float] = deque(maxlen=_N_TIMES_KEPT)
        self._start = 0.0
        self._n = 0

    def count(self, at_s: float) -> int:
        if self._is_fixed:
            start = at_s // _MINUTE_S
            self._n = self._n + 1 if start == self._start else 1
            self._start = start
            return self._n
        times = self._times
        while times and times[0] <= at_s - _MINUTE_S:
            times.popleft()
        times.append(at_s)
        return len(times)


class RateLimits:
    """Counts every call; refuses those beyond the limit when told to."""

    def __init__(self, switches: Switches) -> None:
        self._table = PRODUCTION if switches.limits_table == "production" else SANDBOX
        self._is_fixed = switches.limit_window == "fixed"
        self._is_enforced = switches.enforce_limits
        self._minutes: dict[tuple[str, str, str], _Minute] = {}
        self.peaks: dict[tuple[str, str, str], int] = {}
        self.violations: deque[Violation] = deque(maxlen=_N_VIOLATIONS_KEPT)
        self.n_violations = 0

    def count(self, path: str, client_id: str, item_id: str | None, now: datetime) -> None:
        """Count a call. Raise the 429 of the narrower scope first, if limits are enforced."""
        limit = self._table.get(path)
        if limit is None:
            return
        at_s = now.timestamp()
        refused: str | None = None
        for scope, subject, per_minute, code in (
            ("item", item_id, limit.item_per_minute, limit.item_code),
            ("client", client_id, limit.client_per_minute, limit.client_code),
        ):
            if subject is None or per_minute is None:
                continue
            n_calls = self._n_in_minute((path, scope, subject), at_s)
            if n_calls > per_minute:
                self.n_violations += 1
                self.violations.append(Violation(now, path, scope, subject, n_calls, per_minute))
                refused = refused or code
        if refused is not None and self._is_enforced:
            raise PlaidError(refused)

    def report(self) -> dict[str, Any]:
        """Peaks per path and scope with their limit, and the latest violations."""
        peaks: dict[str, dict[str, Any]] = {}
        for (path, scope, subject), peak in self.peaks.items():
            limit = self._table[path]
            allowed = limit.item_per_minute if scope == "item" else limit.client_per_minute
            row = peaks.setdefault(f"{path} {scope}", {"peak": 0, "limit": allowed})
            if peak > row["peak"]:
                row |= {"peak": peak, "subject": subject}
        violations = [
            {
                "at": one.at,
                "path": one.path,
                "scope": one.scope,
                "subject": one.subject,
                "n_calls": one.n_calls,
                "limit": one.limit,
            }
            for one in self.violations
        ]
        return {"n_violations": self.n_violations, "violations": violations, "peaks": peaks}

    def _n_in_minute(self, key: tuple[str, str, str], at_s: float) -> int:
        minute = self._minutes.get(key)
        if minute is None:
            minute = self._minutes[key] = _Minute(is_fixed=self._is_fixed)
        n_calls = minute.count(at_s)
        if n_calls > self.peaks.get(key, 0):
            self.peaks[key] = n_calls
        return n_calls
