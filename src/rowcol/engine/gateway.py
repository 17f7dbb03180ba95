"""Gateway: the only place that sends. Quota, then budget, then the log line, then the wire: in that order."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from rowcol.core.app import App
from rowcol.core.budget import month_of
from rowcol.core.change import Intent, Lease, NotBefore, Refused, Settlement
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, CallId, ConnectionId, FirmId, RemoteId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import RULES, Billed, Outcome, outcome_of_silence
from rowcol.core.quota import Quota, QuotaScope, quota_of
from rowcol.core.rail import Credentials, Endpoint, Failure, Look, Rail
from rowcol.core.refusal import Busy, Misconfigured
from rowcol.core.secret import unseen
from rowcol.core.tariff import Per, Price, price_on
from rowcol.core.wire import NoAnswer, Response
from rowcol.engine.addresses import Addresses, NotAsked, is_nobody, placed
from rowcol.engine.ambient import Ambient
from rowcol.ports import Store, Transport, Vault

PLANE = FirmId("plane")
"""The tenant of calls that serve every firm of an app (verification keys, addresses)."""


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a call is made; it is written into the call log as it is."""

    trigger: Trigger
    reason: str
    purpose: Purpose | None = None
    lease: Lease | None = None
    """Under which it is made: nothing is sent once that has passed to another."""


LOCATING = Cause(Trigger.REPAIR, "where consent and tokens are is read anew each day")


@dataclass(frozen=True, slots=True)
class Sent:
    """A call that went out: its intent and what came back."""

    intent: Intent
    answer: Response | NoAnswer

    def settlement(self, outcome: Outcome, detail: str, remote_request_id: str = "") -> Settlement:
        """How it ended, by the table in `core/outcome`."""
        is_counted = self.intent.price.micros or self.intent.units
        billed = RULES[outcome].billed if is_counted else Billed.NO
        status = self.answer.status if isinstance(self.answer, Response) else None
        return Settlement(
            self.intent.id,
            outcome,
            detail,
            billed,
            status,
            self.answer.received_at,
            remote_request_id,
        )


class Gateway:
    """Opens a call, sends it, hands back what came. Never retries, never waits for a quota."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        apps: Mapping[AppId, App],
        store: Store,
        transport: Transport,
        vault: Vault,
        ambient: Ambient,
    ) -> None:
        self._rails = rails
        self._apps = apps
        self._store = store
        self._transport = transport
        self._vault = vault
        self._clock = ambient.clock
        self._rng = ambient.rng
        self._preferences = ambient.preferences
        self._addresses = Addresses(ambient.clock)
        self.sent: Counter[tuple[str, str, str]] = Counter()
        """Calls this process sent, for metrics: rail, endpoint, HTTP status or silence."""
        self.priced_micros: Counter[tuple[str, str]] = Counter()

    def app(self, app: AppId) -> App:
        """The app's keys. Raise `Misconfigured` for one that settings no longer name."""
        found = self._apps.get(app)
        if found is None:
            raise Misconfigured(
                f"app {app!r} is not in the settings",
                "add it back: its logins are known to those keys only",
            )
        return found

    async def price_of(self, firm: FirmId, app: App, endpoint: Endpoint) -> Cost:
        """What one call costs this firm today."""
        if endpoint.tariff is None or not app.is_priced:
            return FREE
        book = await self._preferences.price_book(firm)
        return self.listed_price(app, endpoint, book)

    def omits(self, connection: Connection) -> tuple[str, ...]:
        """Of what the app's owner found that lists of changes do not tell everything."""
        app = self._apps.get(connection.app)
        return () if app is None else app.omits

    async def price_of_live(self, connection: Connection) -> Cost:
        """What a live look at this login costs, also while it could not help: by then it may."""
        spec = self._rails[connection.rail].spec
        if not spec.live:
            return FREE
        app = self.app(connection.app)
        return await self.price_of(connection.firm, app, spec.endpoints[spec.live])

    def listed_price(self, app: App, endpoint: Endpoint, book: tuple[Price, ...]) -> Cost:
        """The price in force today, the firm's price book over the rail's own table."""
        prices = (*self._rails[app.rail].spec.prices, *book)
        today = self._clock.now().date()
        price = price_on(prices, app.rail, endpoint.tariff or "", today)
        if price is None or price.per is not Per.CALL:
            raise Misconfigured(
                f"no price for {app.rail} {endpoint.tariff}", "add one to the firm's price book"
            )
        return price.cost

    async def fetch(
        self,
        firm: FirmId,
        target: Connection | App,
        look: Look,
        cause: Cause,
        sealed_token: bytes | None = None,
        remote_id: RemoteId = RemoteId(""),
    ) -> Sent | NotBefore | Refused:
        """Spend quota, then money, then a round trip (two for a token, once a day). `Sent` must be settled by the caller.

        `remote_id`: whose the token is, where there is no connection yet.
        """
        connection = target if isinstance(target, Connection) else None
        app = self.app(target.app) if isinstance(target, Connection) else target
        rail = self._rails[app.rail]
        endpoint = rail.spec.endpoints[look.endpoint]
        app = await self.located(app) if endpoint.is_told else app
        token = None if sealed_token is None else self._vault.open(sealed_token)
        remote_id = remote_id if connection is None else connection.remote_id
        with unseen():
            plain = Credentials(app.keys, None if token is None else token.reveal(), remote_id)
            request = rail.request(look, plain)
        now = self._clock.now()
        price = await self.price_of(firm, app, endpoint)
        intent = Intent(
            id=CallId(self._rng.new_id("call")),
            firm=firm,
            connection=None if connection is None else connection.id,
            business=None if connection is None else connection.business,
            rail=app.rail,
            app=app.id,
            environment=app.environment,
            endpoint=endpoint.name,
            trigger=cause.trigger,
            purpose=cause.purpose,
            reason=cause.reason,
            price=price,
            quotas=self._quotas(app, endpoint, connection, remote_id),
            budget_key=f"{app.rail}/{app.id}/{month_of(now)}" if price.micros else None,
            budget_limit=await self._preferences.budget(firm) if price.micros else FREE,
            opened_at=now,
            units=rail.units(look, app) if app.is_priced else 0,
            pool_limit=pool_limit(rail, app),
            is_full=look.is_full,
            looked_at=None if connection is None else connection.state.looked_at,
            lease=cause.lease,
        )
        refusal = await self._store.open_call(firm, intent)
        if refusal is not None:
            return refusal
        with unseen():
            answer = await self._transport.send(*placed(app, endpoint, request))
        said = str(answer.status) if isinstance(answer, Response) else str(answer.silence)
        self.sent[app.rail, endpoint.name, said] += 1
        if endpoint.name in app.urls and is_nobody(answer):
            self._addresses.doubt(app.id)
        if price.micros and (isinstance(answer, Response) or answer.is_possibly_done):
            self.priced_micros[app.rail, endpoint.name] += price.micros
        return Sent(intent, answer)

    async def located(self, app: App) -> App:
        """The app with the addresses that its rail's own document tells, if it has one and that could be read."""
        rail = self._rails[app.rail]
        look = rail.addresses_look(app)
        if look is None:
            return app

        async def read() -> Mapping[str, str] | None:
            return await self._read_addresses(app, rail, look)

        return replace(app, urls=await self._addresses.of(app.id, read))

    async def _read_addresses(self, app: App, rail: Rail, look: Look) -> Mapping[str, str] | None:
        """None where there was no good document. Raise `NotAsked` where that is our own doing."""
        try:
            sent = await self.fetch(PLANE, app, look, LOCATING)
        except Busy as error:
            raise NotAsked from error
        if not isinstance(sent, Sent):
            raise NotAsked
        answer = sent.answer
        told: Mapping[str, str] | None = None
        outcome, detail, request_id = Outcome.OK, "", ""
        if isinstance(answer, NoAnswer):
            outcome, detail = outcome_of_silence(answer), str(answer.silence)
        elif isinstance(read := rail.read_addresses(app, answer), Failure):
            outcome, detail, request_id = read.outcome, read.detail, read.remote_request_id
        else:
            told = read
        if RULES[outcome].is_alarm:  # no login shows it: an operator should hear of it
            log.warning(
                "call.alarm",
                outcome=outcome.value,
                endpoint=look.endpoint,
                app=app.id,
                call=sent.intent.id,
                detail=detail,
            )
        with contextlib.suppress(Busy):  # what was told holds all the same
            await self.settle(sent, outcome, detail, request_id)
        return told

    async def settle(
        self, sent: Sent, outcome: Outcome, detail: str = "", remote_request_id: str = ""
    ) -> None:
        """Settle a call that belongs to no reconcile."""
        await self._store.settle(
            sent.intent.firm, sent.settlement(outcome, detail, remote_request_id)
        )

    def _quotas(
        self, app: App, endpoint: Endpoint, connection: Connection | None, remote_id: RemoteId
    ) -> tuple[Quota, ...]:
        rules = endpoint.quotas.get(app.environment) or endpoint.quotas.get("production", ())
        out = []
        for rule in rules:
            owner = _owner(rule.scope, app, connection, remote_id)
            if owner is not None:
                what = rule.shared or endpoint.name
                key = f"{app.rail}/{what}/{rule.scope}/{owner}/{rule.period_s}"
                out.append(quota_of(rule, key))
        return tuple(out)


def pool_limit(rail: Rail, app: App) -> int:
    """Metered calls that a month admits to an app; 0 for a rail without such a pool."""
    if app.pool_limit is not None:
        return app.pool_limit
    return 0 if rail.spec.pool is None else rail.spec.pool.limit


def _owner(
    scope: QuotaScope, app: App, connection: Connection | None, remote_id: RemoteId
) -> str | ConnectionId | None:
    """Who a limit is counted for; None where the call has no such party."""
    match scope:
        case QuotaScope.APP:
            return app.id
        case QuotaScope.COMPANY:
            return f"{app.environment}/{remote_id}" if remote_id else None
        case QuotaScope.SOURCE_IP:
            return app.environment
        case QuotaScope.CONNECTION:
            return None if connection is None else connection.id
        case QuotaScope.INSTITUTION:
            return None if connection is None else connection.institution_id or None
