"""Webhooks: events gathered into signed POSTs, the retry ladder, and a road that may be bad (`Weather`).

One lane per app. A POST that was not answered with 2xx is tried again after each step of the ladder, and holds back all
later ones of its lane, whatever realm they are of (head-of-line blocking). A copy carries the same event ids.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.ports import Clock
from rowcol.sandbox.delivery import WebhookSender
from rowcol.sandbox.dice import Dice
from rowcol.sandbox.qbo.events import Event, body_of
from rowcol.sandbox.qbo.switches import Switches

SIGNATURE: Final = "intuit-signature"
_N_ATTEMPTS_KEPT: Final = 5_000


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
    """One POST on its way. Its body never changes once it was tried."""

    number: int
    due_at: datetime
    gathers_until: datetime
    """So long further events join it."""
    events: list[Event]
    body: bytes = b""
    n_attempts: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line of the log. `status` is None when nobody answered; `outcome` one of delivered, retry, lost."""

    number: int
    at: datetime
    client_id: str
    realm_ids: tuple[str, ...]
    n_events: int
    n_attempt: int
    status: int | None
    outcome: str


@dataclass(slots=True)
class Lane:
    """What waits for one app."""

    client_id: str
    url: str
    verifier_token: str
    waiting: list[tuple[datetime, int, Delivery]] = field(default_factory=list)
    failed: Delivery | None = None
    open: dict[str, Delivery] = field(default_factory=dict)
    """Realm (or `""`) -> the POST that still gathers events."""

    def next_due_at(self) -> datetime | None:
        if self.failed is not None:
            return self.failed.due_at
        return self.waiting[0][0] if self.waiting else None


class Outbox:
    """Lanes, and the log of what became of every POST."""

    def __init__(self, clock: Clock, sender: WebhookSender, dice: Dice, switches: Switches) -> None:
        self._clock = clock
        self._sender = sender
        self._dice = dice
        self._switches = switches
        self._n_made = 0
        self._n_pushed = 0
        self.lanes: dict[str, Lane] = {}
        self.weather = Weather()
        self.attempts: deque[Attempt] = deque(maxlen=_N_ATTEMPTS_KEPT)
        self.n_outcomes = {"delivered": 0, "retry": 0, "lost": 0}

    def __len__(self) -> int:
        return sum(len(lane.waiting) + (lane.failed is not None) for lane in self.lanes.values())

    def put(self, client_id: str, event: Event, now: datetime) -> None:
        """Queue an event for an app that has a lane; the weather decides over its POST."""
        lane = self.lanes[client_id]
        key = "" if self._switches.multi_realm_posts else event.realm_id
        gathering = lane.open.get(key)
        if gathering is not None and now <= gathering.gathers_until:
            gathering.events.append(event)
            return
        self._n_made += 1
        number = self._n_made
        events = [event]
        until = now + timedelta(seconds=self._switches.webhook_gather_s)
        is_doubled = self._dice.chance(self.weather.duplicated_share, "doubled", number)
        for copy in range(2 if is_doubled else 1):
            delivery = Delivery(number, until + self._delay(number, copy), until, events)
            self._push(lane, delivery)
            if copy == 0:
                lane.open[key] = delivery

    def next_due_at(self) -> datetime | None:
        """When the earliest POST wants to leave."""
        moments = (lane.next_due_at() for lane in self.lanes.values())
        return min((moment for moment in moments if moment is not None), default=None)

    async def deliver_due(self, now: datetime) -> int:
        """Send what is due, lane by lane and in order. Returns how many POSTs were tried."""
        n_sent = 0
        for lane in self.lanes.values():
            while (at := lane.next_due_at()) is not None and at <= now:
                n_sent += 1
                await self._send(lane, self._take(lane))
        return n_sent

    async def deliver_all(self) -> int:
        """Try everything that waits once, whatever its time."""
        n_sent = 0
        for lane in self.lanes.values():
            pending = [entry[2] for entry in sorted(lane.waiting, key=lambda entry: entry[:2])]
            pending = pending if lane.failed is None else [lane.failed, *pending]
            lane.failed = None
            lane.waiting.clear()
            for delivery in pending:
                is_blocked = self._switches.head_of_line_blocking and lane.failed is not None
                if is_blocked:
                    self._push(lane, delivery)
                    continue
                n_sent += 1
                await self._send(lane, delivery)
        return n_sent

    def report(self, n_latest: int = 200) -> dict[str, Any]:
        """Counts, and the latest attempts."""
        return {
            "pending": len(self),
            "outcomes": dict(self.n_outcomes),
            "attempts": list(self.attempts)[-n_latest:],
        }

    def _take(self, lane: Lane) -> Delivery:
        if lane.failed is not None:
            delivery, lane.failed = lane.failed, None
            return delivery
        return heapq.heappop(lane.waiting)[2]

    async def _send(self, lane: Lane, delivery: Delivery) -> None:
        at = self._clock.now()
        lane.open = {key: one for key, one in lane.open.items() if one is not delivery}
        if not delivery.body:
            delivery.body = body_of(delivery.events, self._switches)
            if self._dice.chance(self.weather.lost_share, "lost", delivery.number):
                self._log(lane, delivery, at, None, "lost")
                return
        delivery.n_attempts += 1
        headers = signed_headers(delivery, lane.verifier_token, at, self._switches)
        status = await self._sender.send(lane.url, delivery.body, headers)
        is_ok = status is not None and 200 <= status < 300
        self._log(lane, delivery, at, status, "delivered" if is_ok else "retry")
        if not is_ok:
            self._put_back(lane, delivery)

    def _put_back(self, lane: Lane, delivery: Delivery) -> None:
        ladder = self._switches.webhook_retries_s
        step_s = ladder[min(delivery.n_attempts, len(ladder)) - 1]
        delivery.due_at = self._clock.now() + timedelta(seconds=step_s)
        if self._switches.head_of_line_blocking:
            lane.failed = delivery
        else:
            self._push(lane, delivery)

    def _push(self, lane: Lane, delivery: Delivery) -> None:
        self._n_pushed += 1
        heapq.heappush(lane.waiting, (delivery.due_at, self._n_pushed, delivery))

    def _delay(self, number: int, copy: int) -> timedelta:
        weather = self.weather
        delay_s = weather.delay_fixed_s
        if weather.delay_median_s > 0:
            delay_s += self._dice.exponential_s(weather.delay_median_s, "delay", number, copy)
        if self._dice.chance(weather.reordered_share, "reordered", number, copy):
            delay_s += weather.reorder_s * self._dice.unit("held back", number, copy)
        return timedelta(seconds=delay_s)

    def _log(
        self, lane: Lane, delivery: Delivery, at: datetime, status: int | None, outcome: str
    ) -> None:
        realms = tuple(dict.fromkeys(event.realm_id for event in delivery.events))
        self.attempts.append(
            Attempt(
                delivery.number,
                at,
                lane.client_id,
                realms,
                len(delivery.events),
                delivery.n_attempts,
                status,
                outcome,
            )
        )
        self.n_outcomes[outcome] += 1


def signed_headers(
    delivery: Delivery, verifier_token: str, at: datetime, switches: Switches
) -> dict[str, str]:
    """The signature covers the raw bytes with the app's verifier token."""
    return {
        "Content-Type": switches.webhook_content_type,
        SIGNATURE: signature(delivery.body, verifier_token),
        "intuit-created-time": at.isoformat(),
        "intuit-t-id": delivery.events[0].event_id,
        "intuit-notification-schema-version": "0.1",
        "user-agent": "intuit_notification_server/0.1",
    }


def signature(body: bytes, verifier_token: str) -> str:
    digest = hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
