"""The billing oracle: what Plaid would invoice, kept apart from whatever the client believes.

Subscriptions per Item and UTC calendar month in which the token was valid, not pro-rated; live calls each time the
server succeeded, also when the client never saw the answer. Prices are assumptions (first-hand reports, none official).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

BALANCE: Final = "/accounts/balance/get"
REFRESH: Final = "/transactions/refresh"
_N_CALLS_KEPT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Micro-dollars. Defaults: pay-as-you-go figures that users of Plaid reported in public, none official."""

    item_month_micros: int = 300_000
    balance_micros: int = 100_000
    refresh_micros: int = 120_000


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One successful paid call."""

    at: datetime
    client_id: str
    item_id: str
    path: str


@dataclass(slots=True)
class Subscription:
    """A token with Transactions on it."""

    client_id: str
    item_id: str
    started_at: datetime
    ended_at: datetime | None = None

    def months_until(self, now: datetime) -> list[str]:
        """`2026-01` for each UTC month touched up to `now`."""
        end = min(self.ended_at, now) if self.ended_at is not None else now
        first = self.started_at.year * 12 + self.started_at.month - 1
        last = end.year * 12 + end.month - 1
        return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, last + 1)]


class Billing:
    """Counts are exact for ever; the times of calls are kept for the latest 20,000."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.calls: deque[LiveCall] = deque(maxlen=_N_CALLS_KEPT)
        self._n_calls: Counter[tuple[str, str, str]] = Counter()
        self._subscriptions: dict[str, Subscription] = {}

    def record_call(self, call: LiveCall) -> None:
        """The server succeeded: this is billed whatever happens to the answer."""
        self.calls.append(call)
        self._n_calls[call.client_id, call.item_id, call.path] += 1

    def subscribe(self, client_id: str, item_id: str, at: datetime) -> None:
        """The Item has Transactions from now on; a second call changes nothing."""
        self._subscriptions.setdefault(item_id, Subscription(client_id, item_id, at))

    def end(self, item_id: str, at: datetime) -> None:
        """The token is no longer valid."""
        subscription = self._subscriptions.get(item_id)
        if subscription is not None and subscription.ended_at is None:
            subscription.ended_at = at

    def n_calls(self, path: str, client_id: str | None = None, item_id: str | None = None) -> int:
        """Successful paid calls of a path, of everybody unless narrowed."""
        return sum(
            n
            for (client, item, called), n in self._n_calls.items()
            if called == path and client_id in {None, client} and item_id in {None, item}
        )

    def item_months(self, now: datetime, client_id: str | None = None) -> int:
        """Charged subscription months up to now."""
        return sum(
            len(subscription.months_until(now))
            for subscription in self._subscriptions.values()
            if client_id in {None, subscription.client_id}
        )

    def cost_micros(self, now: datetime, client_id: str | None = None) -> int:
        """Everything charged so far."""
        return (
            self.item_months(now, client_id) * self.prices.item_month_micros
            + self.n_calls(BALANCE, client_id) * self.prices.balance_micros
            + self.n_calls(REFRESH, client_id) * self.prices.refresh_micros
        )

    def report(self, now: datetime) -> dict[str, Any]:
        """By client and by Item, with the times of the latest calls."""
        keys = {(client, item) for client, item, _ in self._n_calls}
        keys |= {(one.client_id, one.item_id) for one in self._subscriptions.values()}
        clients: dict[str, Any] = {}
        for client_id, item_id in sorted(keys):
            row = clients.get(client_id)
            if row is None:
                row = clients[client_id] = self._totals(now, client_id)
            subscription = self._subscriptions.get(item_id)
            row["items"][item_id] = {
                "months": subscription.months_until(now) if subscription else [],
                "balance_calls": self._n_calls[client_id, item_id, BALANCE],
                "refresh_calls": self._n_calls[client_id, item_id, REFRESH],
            }
        calls = [
            {"at": call.at, "client_id": call.client_id, "item_id": call.item_id, "path": call.path}
            for call in self.calls
        ]
        return {"cost_micros": self.cost_micros(now), "clients": clients, "calls": calls}

    def _totals(self, now: datetime, client_id: str) -> dict[str, Any]:
        return {
            "cost_micros": self.cost_micros(now, client_id),
            "item_months": self.item_months(now, client_id),
            "balance_calls": self.n_calls(BALANCE, client_id),
            "refresh_calls": self.n_calls(REFRESH, client_id),
            "items": {},
        }
