"""Fakes: one per port, and a small rail (`Tally`) whose bank is a script, so that the engine is tested without any real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from rowcol.core.app import App
from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import (
    Authentic,
    NeedsKey,
    Signal,
    Unauthentic,
    Verdict,
    VerificationKey,
)
from rowcol.core.evidence import Balance, Health, Observation, Source
from rowcol.core.ids import AppId, RemoteId
from rowcol.core.money import Cost, Money
from rowcol.core.outcome import Outcome
from rowcol.core.quota import QuotaRule, QuotaScope
from rowcol.core.rail import (
    CannotHelp,
    Credentials,
    Deed,
    Endpoint,
    Failure,
    Grant,
    Look,
    RailSpec,
    Reading,
    Row,
    Want,
)
from rowcol.core.tariff import Per, Price
from rowcol.core.wire import NoAnswer, RawDelivery, Request, Response, Silence
from rowcol.core.without_books import WithoutBooks

T0 = datetime(2026, 11, 2, 12, tzinfo=UTC)
ACCOUNT = RemoteId("acc-1")
LIVE_MICROS, AGAIN_MICROS, MONTH_MICROS = 100_000, 120_000, 300_000
DEEDS = {Deed.REMOVE: "remove", Deed.POINT_WEBHOOK: "point", Deed.REFRESH: "again"}


ALWAYS_ASLEEP = "decisions"
"""The task that flushes the decision log every second, whatever is asked."""


class FakeClock:
    """Time that moves when told to."""

    def __init__(self, now: datetime = T0) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, asyncio.Future[None], str]] = []

    def now(self) -> datetime:
        return self._now

    @property
    def n_asleep(self) -> int:
        """How many wait for a later time, but for the one that always does. Whoever was woken does not count."""
        return sum(
            not woken.done() and sleeper != ALWAYS_ASLEEP for _, woken, sleeper in self._sleepers
        )

    async def sleep_until(self, when: datetime) -> None:
        if when <= self._now:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = asyncio.current_task()
        assert sleeper is not None
        self._sleepers.append((when, woken, sleeper.get_name()))
        await woken

    def advance(self, by: timedelta) -> None:
        self._now += by
        due = [s for s in self._sleepers if s[0] <= self._now]
        self._sleepers = [s for s in self._sleepers if s[0] > self._now]
        for _, woken, _ in due:
            if not woken.done():
                woken.set_result(None)


def _endpoint(
    name: str, tariff: str | None = None, *, limit: int = 1000, is_callable: bool = False
) -> Endpoint:
    rules = {"production": (QuotaRule(QuotaScope.CONNECTION, limit, 60),)}
    return Endpoint(name, "POST", f"/{name}", 10.0, tariff, rules, is_callable)


SPEC = RailSpec(
    name="tally",
    base_urls={"production": "http://tally.example"},
    endpoints={
        e.name: e
        for e in (
            _endpoint("status", is_callable=True),
            _endpoint("balances"),
            _endpoint("live", "live", limit=10),
            _endpoint("key"),
            _endpoint("remove"),
            _endpoint("point"),
            _endpoint("again", "again"),
        )
    },
    events={("BANK", "MOVED"): (Signal("health", "the bank moved"),)},
    live="live",
    prices=tuple(
        Price("tally", item, per, Cost(micros), date(2026, 1, 1), "-", date(2026, 1, 1))
        for item, per, micros in (
            ("live", Per.CALL, LIVE_MICROS),
            ("again", Per.CALL, AGAIN_MICROS),
            ("login", Per.CONNECTION_MONTH, MONTH_MICROS),
        )
    ),
)


class Tally(WithoutBooks):
    """A rail with one account per login. `status` tells the bank's last look, `balances` the cached balance, `live` the true one."""

    @property
    def spec(self) -> RailSpec:
        return SPEC

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        if want.since is not None and (state.looked_at is None or state.looked_at < want.since):
            return Look("status")
        if "health" in state.dirty:
            return Look("status")
        is_behind = state.balances_as_of is None or state.balances_as_of != state.seen_until
        return Look("balances") if want.balances and is_behind and state.seen_until else None

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        if state.health is not Health.OK:
            return CannotHelp(state.health_reason or state.health)
        return Look("live")

    def deed_look(self, deed: Deed, state: ConnectionState, webhook: str) -> Look | CannotHelp:
        if state.health is Health.RETIRED or (
            deed is Deed.REFRESH and state.health is not Health.OK
        ):
            return CannotHelp(state.health_reason or state.health)
        return Look(DEEDS[deed], {"webhook": webhook} if deed is Deed.POINT_WEBHOOK else {})

    def request(self, look: Look, credentials: Credentials) -> Request:
        body = json.dumps({**look.arguments, "token": credentials.token}).encode()
        return Request("POST", f"/{look.endpoint}", {}, body, 10.0)

    def read(self, look: Look, response: Response, state: ConnectionState) -> Reading | Failure:
        if response.status != 200:
            outcome = Outcome(response.body.decode())
            return Failure(outcome, outcome, state.after(outcome, outcome, response.received_at))
        answer = json.loads(response.body)
        state = state.after(Outcome.OK, "", response.received_at)
        if look.endpoint == "status":
            until = datetime.fromisoformat(answer["seen_until"])
            health = Health(answer["health"])
            moved = state.seen(until, response.sent_at).cleared("health")
            return Reading(moved.with_health(health, health, response.received_at))
        if look.endpoint == "remove":
            return Reading(state.with_health(Health.RETIRED, "removed", response.received_at))
        if look.endpoint in DEEDS.values():
            return Reading(state.marked("health", "asked for"))
        is_live = look.endpoint == "live"
        true_at = response.sent_at if is_live else state.seen_until
        assert true_at is not None
        source = Source.LIVE if is_live else Source.CACHED
        money = Money(answer["minor"], "USD")
        seen = Observation(ACCOUNT, true_at, response.received_at, source, Balance(money, money))
        body = {"name": "Checking", "mask": "1", "type": "depository", "subtype": "checking"}
        if not is_live:
            state = replace(state, balances_as_of=true_at)
        return Reading(state, (seen,), rows=(Row("account", ACCOUNT, "", None, body),))

    def silent(
        self, look: Look, outcome: Outcome, detail: str, at: datetime, state: ConnectionState
    ) -> Failure:
        return Failure(outcome, detail, state.after(outcome, detail, at))

    def read_grant(self, look: Look, response: Response) -> Grant | Failure:
        raise AssertionError("Tally has no linking")

    def callback_look(self, app: App, answers: Mapping[str, str]) -> Look:
        raise AssertionError("Tally has no linking")

    def authenticate(
        self,
        delivery: RawDelivery,
        keys: Mapping[str, VerificationKey],
        secrets: Mapping[str, str],
    ) -> Verdict:
        key_id = delivery.headers.get("key", "")
        if not key_id:
            return Unauthentic("no key")
        if key_id not in keys:
            return NeedsKey(key_id)
        return Authentic(delivery.received_at, delivery.body.decode())

    def key_look(self, key_id: str) -> Look:
        return Look("key", {"key_id": key_id})

    def read_key(self, app: AppId, response: Response) -> VerificationKey | Failure:
        if response.status != 200:
            return Failure(Outcome(response.body.decode()), "no such key", ConnectionState())
        key_id = json.loads(response.body)["key_id"]
        return VerificationKey(app, key_id, "{}", None, response.received_at)

    def route(self, body: bytes) -> tuple[str, tuple[RemoteId, ...]]:
        kind, _, remote = body.decode().partition(":")
        if not remote:
            raise ValueError("names no login")
        return kind, (RemoteId(remote.partition("#")[0]),)

    def translate(self, body: bytes, remote_id: RemoteId) -> tuple[Signal, ...]:
        if body.startswith(b"BROKEN"):
            raise ValueError("cannot be translated")
        return (Signal("health", "a delivery came"),)


@dataclass
class Bank:
    """What the fake rail's other side is like; a transport."""

    clock: FakeClock
    seen_until: datetime = T0 - timedelta(hours=6)
    health: Health = Health.OK
    cached_minor: int = 100
    live_minor: int = 150
    fails: dict[str, Outcome | Silence] = field(default_factory=dict)
    on_call: Callable[[str], None] | None = None
    calls: list[str] = field(default_factory=list)

    async def send(self, base_url: str, request: Request) -> Response | NoAnswer:
        name = request.path.strip("/")
        self.calls.append(name)
        if self.on_call is not None:
            self.on_call(name)
        await asyncio.sleep(0)  # noqa: TID251 - a round trip lets others run
        now = self.clock.now()
        failure = self.fails.get(name)
        if isinstance(failure, Silence):
            return NoAnswer(failure, now, now)
        if failure is not None:
            return Response(400, {}, failure.encode(), now, now)
        return Response(200, {}, json.dumps(self._answer(name, request)).encode(), now, now)

    def _answer(self, name: str, request: Request) -> dict[str, object]:
        match name:
            case "status":
                return {"seen_until": self.seen_until.isoformat(), "health": self.health}
            case "key":
                return {"key_id": json.loads(request.body)["key_id"]}
            case "balances":
                return {"minor": self.cached_minor}
            case _:
                return {"minor": self.live_minor}

    async def close(self) -> None:
        return
