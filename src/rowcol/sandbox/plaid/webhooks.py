"""Webhooks: what waits to be sent, when, and what became of it.

Non-200 or no answer in 10 s is a failure; retries after 30 s, each delay x4, up to 24 h; none while the endpoint
rejected more than 90 % in 24 h (docs "Webhooks", 7 Mar 2026). Every attempt is signed when it is sent, so a delayed
delivery carries a fresh `iat`, by the clock of the receiver (times in bodies are emulated). Unreliability is set in `Weather`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.ports import Clock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.dice import Dice
from rowcol.sandbox.plaid.signing import HEADER_NAME, KeyRing, webhook_bytes
from rowcol.sandbox.plaid.switches import Switches

_LIFETIME: Final = timedelta(hours=24)
_N_AT_ONCE: Final = 16
_N_ATTEMPTS_KEPT: Final = 5_000
_N_JUDGED: Final = 1_000
_OK: Final = 200


@dataclass(slots=True)
class Weather:
    """How the road treats deliveries. Shares in [0, 1]."""

    lost_share: float = 0.0
    duplicated_share: float = 0.0
    reordered_share: float = 0.0
    reorder_s: float = 600.0
    """Reordered ones wait up to this long more."""
    delay_median_s: float = 0.0
    """Every delivery waits: exponential with this median."""
    delay_fixed_s: float = 0.0


@dataclass(slots=True)
class Delivery:
    """One webhook on its way; the body never changes between attempts."""

    number: int
    url: str
    body: bytes
    item_id: str | None
    """None for what Link says, which names no Item."""
    code: str
    due_at: datetime
    first_sent_at: datetime | None = None
    n_attempts: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line of the log. `status` is None when nobody answered; `outcome` one of delivered, retry, failed, lost."""

    number: int
    at: datetime
    item_id: str | None
    code: str
    url: str
    n_attempt: int
    status: int | None
    outcome: str


class Outbox:
    """Pending deliveries in order of their time."""

    def __init__(
        self,
        clock: Clock,
        wire_clock: Clock,
        keys: KeyRing,
        sender: WebhookSender,
        dice: Dice,
        switches: Switches,
    ) -> None:
        self._clock = clock
        self._wire_clock = wire_clock
        self._keys = keys
        self._sender = sender
        self._dice = dice
        self._switches = switches
        self._pending: list[tuple[datetime, int, int, Delivery]] = []
        self._n_pushed = 0
        self._n_made = 0
        self._verdicts: dict[str, deque[tuple[datetime, bool]]] = {}
        self.weather = Weather()
        self.attempts: deque[Attempt] = deque(maxlen=_N_ATTEMPTS_KEPT)
        self.n_outcomes = {"delivered": 0, "retry": 0, "failed": 0, "lost": 0}

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, item_id: str | None, url: str, body: dict[str, Any], now: datetime) -> None:
        """Make a delivery; the weather decides whether, when and how often it leaves."""
        self._n_made += 1
        number = self._n_made
        code = body["webhook_code"]
        raw = webhook_bytes(body)
        if self._dice.chance(self.weather.lost_share, "lost", number):
            self._log(Delivery(number, url, raw, item_id, code, now), now, None, "lost")
            return
        is_doubled = self._dice.chance(self.weather.duplicated_share, "doubled", number)
        for copy in range(2 if is_doubled else 1):
            due_at = now + timedelta(seconds=self._delay_s(number, copy))
            self._push(Delivery(number, url, raw, item_id, code, due_at))

    def next_due_at(self) -> datetime | None:
        """When the earliest pending delivery wants to leave."""
        return self._pending[0][0] if self._pending else None

    def take_due(self, now: datetime) -> list[Delivery]:
        """Remove and return what is due, in order."""
        due = []
        while self._pending and self._pending[0][0] <= now:
            due.append(heapq.heappop(self._pending)[3])
        return due

    def take_all(self) -> list[Delivery]:
        """Remove and return everything that waits, in order."""
        everything = [entry[3] for entry in sorted(self._pending)]
        self._pending.clear()
        return everything

    async def deliver(self, deliveries: list[Delivery]) -> None:
        """Send them, several at the same time; what fails is put back for later."""
        road = asyncio.Semaphore(_N_AT_ONCE)
        await asyncio.gather(*(self._send(delivery, road) for delivery in deliveries))

    def report(self, n_latest: int = 200) -> dict[str, Any]:
        """Counts, and the latest attempts."""
        latest = list(self.attempts)[-n_latest:]
        return {
            "pending": len(self._pending),
            "outcomes": dict(self.n_outcomes),
            "attempts": [
                {
                    "number": one.number,
                    "at": one.at,
                    "item_id": one.item_id,
                    "webhook_code": one.code,
                    "url": one.url,
                    "n_attempt": one.n_attempt,
                    "status": one.status,
                    "outcome": one.outcome,
                }
                for one in latest
            ],
        }

    async def _send(self, delivery: Delivery, road: asyncio.Semaphore) -> None:
        async with road:
            at = self._clock.now()
            if delivery.n_attempts and self._is_suppressed(delivery.url, at):
                self._log(delivery, at, None, "failed")
                return
            delivery.first_sent_at = delivery.first_sent_at or at
            headers = {
                "Content-Type": "application/json",
                HEADER_NAME: self._keys.sign(delivery.body, self._wire_clock.now()),
            }
            delivery.n_attempts += 1
            status = await self._sender.send(delivery.url, delivery.body, headers)
        now = self._clock.now()
        is_ok = status == _OK
        self._verdicts.setdefault(delivery.url, deque(maxlen=_N_JUDGED)).append((now, is_ok))
        self._log(delivery, at, status, "delivered" if is_ok else self._retry(delivery, now))

    def _retry(self, delivery: Delivery, now: datetime) -> str:
        delays_s = self._switches.retry_delays_s
        if delivery.n_attempts > len(delays_s) or self._is_suppressed(delivery.url, now):
            return "failed"
        due_at = now + timedelta(seconds=delays_s[delivery.n_attempts - 1])
        if due_at > (delivery.first_sent_at or now) + _LIFETIME:
            return "failed"
        delivery.due_at = due_at
        self._push(delivery)
        return "retry"

    def _is_suppressed(self, url: str, now: datetime) -> bool:
        verdicts = self._verdicts.get(url, ())
        recent = [is_ok for at, is_ok in verdicts if at > now - _LIFETIME]
        if len(recent) < self._switches.suppression_sample_min:
            return False
        return recent.count(False) > self._switches.suppression_share * len(recent)

    def _delay_s(self, number: int, copy: int) -> float:
        weather = self.weather
        delay_s = weather.delay_fixed_s
        if weather.delay_median_s > 0:
            delay_s += self._dice.exponential_s(weather.delay_median_s, "delay", number, copy)
        if self._dice.chance(weather.reordered_share, "reordered", number, copy):
            delay_s += weather.reorder_s * self._dice.unit("held back", number, copy)
        return delay_s

    def _push(self, delivery: Delivery) -> None:
        self._n_pushed += 1
        entry = (delivery.due_at, delivery.number, self._n_pushed, delivery)
        heapq.heappush(self._pending, entry)

    def _log(self, delivery: Delivery, at: datetime, status: int | None, outcome: str) -> None:
        attempt = Attempt(
            delivery.number,
            at,
            delivery.item_id,
            delivery.code,
            delivery.url,
            delivery.n_attempts,
            status,
            outcome,
        )
        self.attempts.append(attempt)
        self.n_outcomes[outcome] += 1
