"""IntegrationService: what may spend or change something at a rail, for one business."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from rowcol.core.change import ConnectionView
from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import AppId, BusinessId, ConnectionId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Outcome
from rowcol.core.rail import (
    CannotHelp,
    Deed,
    Endpoint,
    Failure,
    Grant,
    Look,
    Offer,
    Reading,
    Role,
)
from rowcol.core.records import LinkKind
from rowcol.core.refusal import BadInput, NotFound, RailRefused, Refusal
from rowcol.core.secret import hiding
from rowcol.core.wire import Response
from rowcol.engine.answer import Answer
from rowcol.engine.gateway import Cause, Sent
from rowcol.services import consent, deeds, linking, looks, sessions
from rowcol.services.cache import answer_for
from rowcol.services.pauses import need_one_running
from rowcol.services.plane import OpenPlane
from rowcol.services.sessions import Session

SANDBOX_INSTITUTION = "ins_109508"
"""The bank that a sandbox login is made at unless another is named (Plaid's First Platypus)."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was asked for, and what not. `price`: of asking every login in `logins`.

    `asked`: logins whose rail now looks at the bank; empty without `force`. `refused`: a sentence
    for each that was not asked.
    """

    price: Cost
    logins: tuple[ConnectionId, ...]
    asked: tuple[ConnectionId, ...] = ()
    refused: Mapping[ConnectionId, str] = field(default_factory=dict)


@hiding
class IntegrationService:
    """Refreshes, connects and calls, for one business. `firm` may be left out where the plane has only one."""

    def __init__(
        self, plane: OpenPlane, business_id: BusinessId | str, *, firm: FirmId | None = None
    ) -> None:
        self._plane = plane
        self._business = BusinessId(business_id)
        self._firm = firm

    async def refresh_plaid_balance(
        self, *, force: bool = False, deadline: datetime | None = None
    ) -> Answer:
        """Cash that is at most an hour old, for free if evidence allows.

        `force=True` is a person's confirmation that a live look may be paid for (about $0.10 a
        login; `price_of_refresh` says it first). Without it the answer names that price instead of
        paying it, except under the policy `ttl`, which pays as the decision record says.
        """
        firm = await self._plane.firm(self._firm)
        await need_one_running(self._plane, firm, self._business, Role.CASH, is_paid=force)
        return await answer_for(
            self._plane, firm, self._business, Purpose.FORCED, deadline=deadline, is_confirmed=force
        )

    async def price_of_refresh(self) -> Cost:
        """What `refresh_plaid_balance(force=True)` would cost at most. Spends nothing."""
        firm = await self._plane.firm(self._firm)
        total = FREE
        for connection in await self._logins(firm):
            total += await self._plane.gateway.price_of_live(connection)
        return total

    async def refresh_transactions(self, *, force: bool = False) -> Refreshed:
        """Have the rails look at the banks for new transactions now; what they find arrives as it always does.

        Without `force`, a person's confirmation, it names the price (about $0.12 a login) and asks
        nobody. The machine never does this by itself. A login asked within ten minutes is not asked, and paid
        for, again: a request repeated after a time-out costs nothing.
        """
        firm, price = await self._plane.firm(self._firm), FREE
        logins, asked, refused = [], [], {}
        for connection in await self._logins(firm):
            look = deeds.look_of(self._plane, connection, Deed.REFRESH)
            if isinstance(look, CannotHelp):
                refused[connection.id] = look.reason
                continue
            price += await deeds.price_of(self._plane, connection, Deed.REFRESH)
            logins.append(connection.id)
        if force and logins:
            await need_one_running(self._plane, firm, self._business, Role.CASH, is_paid=True)
        for login in logins if force else ():
            why = "a person asked for new transactions and confirmed the price"
            try:
                await deeds.carry_out(self._plane, firm, login, Deed.REFRESH, why)
                asked.append(login)
            except Refusal as error:  # the others are asked all the same
                refused[login] = error.message
        return Refreshed(price, tuple(logins), tuple(asked), refused)

    async def price_of_month(self, connection_id: ConnectionId | str) -> Cost:
        """What the rail charges a month for having this login; what `disconnect` ends."""
        view = await self._view(await self._plane.firm(self._firm), connection_id)
        return await deeds.price_of_month(self._plane, view.connection)

    async def disconnect(self, connection_id: ConnectionId | str) -> Connection:
        """End a login at its rail, and with it the monthly fee. It cannot be taken back; its history stays.

        Removing a removed one changes nothing. Raises `RailRefused` where the rail did not confirm:
        then the login is as it was, token and all.
        """
        firm = await self._plane.firm(self._firm)
        row = (await self._view(firm, connection_id)).connection
        if row.state.health is Health.RETIRED:
            return row
        why = "a person ends this login"
        return await deeds.carry_out(self._plane, firm, row.id, Deed.REMOVE, why)

    async def point_webhook(self, connection_id: ConnectionId | str) -> Connection:
        """Have a login's deliveries sent to its app's present address, as after a move of the service."""
        firm = await self._plane.firm(self._firm)
        row = (await self._view(firm, connection_id)).connection
        why = "a person points the webhook to this service"
        return await deeds.carry_out(self._plane, firm, row.id, Deed.POINT_WEBHOOK, why)

    async def reset(self, connection_id: ConnectionId | str) -> Connection:
        """Have what a login's rail says of changes read anew from the start, and what it refused tried again.

        Free at Plaid; at QuickBooks it lists the books whole, a call of the month's pool per 1,000 rows of each kind.
        """
        firm = await self._plane.firm(self._firm)
        row = (await self._view(firm, connection_id)).connection
        return await deeds.read_anew(self._plane, firm, row.id)

    async def begin_connect(
        self, rail: str, *, app: AppId | None = None, allow_duplicate: bool = False
    ) -> Grant:
        """Where a person consents. `url` is the rail's own screen or hosted page. `session`: what was begun; ask
        `session(...)` what came of it, or `consented(...)` where the rail has a consent screen (then `value` is that id,
        too; else the link token for the rail's widget)."""
        firm = await self._plane.firm(self._firm)
        found = self._plane.app_of(rail, app)
        wish = sessions.Wish(firm, self._business, found, is_double_allowed=allow_duplicate)
        return await sessions.begin(self._plane, wish)

    async def repair(self, connection_id: ConnectionId | str) -> Grant:
        """Where a person gives a login new access, in place: same login, same accounts, no second fee."""
        return await self._begin_again(connection_id, LinkKind.REPAIR)

    async def add_accounts(self, connection_id: ConnectionId | str) -> Grant:
        """Where a person chooses what a login shows, as after the bank got new accounts. Removed ones close."""
        return await self._begin_again(connection_id, LinkKind.ADD_ACCOUNTS)

    async def _begin_again(self, connection_id: ConnectionId | str, kind: LinkKind) -> Grant:
        firm = await self._plane.firm(self._firm)
        row = (await self._view(firm, connection_id)).connection
        app = self._plane.gateway.app(row.app)
        wish = sessions.Wish(firm, self._business, app, kind, row)
        return await sessions.begin(self._plane, wish)

    async def session(self, session_id: str, *, allow_duplicate: bool = False) -> Session:
        """How a session stands, after the step that is due now if any is. `allow_duplicate` connects what it brought
        although a login shows it already. Raises `NotFound` for an unknown one."""
        firm = await self._plane.firm(self._firm)
        if allow_duplicate:
            await sessions.allow(self._plane, firm, self._business, session_id)
        return await sessions.follow(self._plane, firm, self._business, session_id)

    async def connect(
        self,
        rail: str,
        public_token: str,
        *,
        app: AppId | None = None,
        metadata: Mapping[str, object] | None = None,
        allow_duplicate: bool = False,
    ) -> Connection:
        """Store the login that a person just consented to; a token that was exchanged lately gives its login again.

        `metadata`: what the rail's widget told beside it (`institution`, `accounts`): then a login of this business
        that shows one of these accounts is a `Conflict`, before anything is exchanged or billed.
        """
        firm = await self._plane.firm(self._firm)
        found = self._plane.app_of(rail, app)
        if not allow_duplicate:
            offer = Offer(public_token, linking.shown_of(metadata))
            await linking.refuse_duplicate(self._plane, firm, self._business, offer)
        return await linking.exchange_once(self._plane, firm, self._business, found, public_token)

    async def consented(self, consent_id: str) -> Connection | None:
        """The login that came of a consent; None while the person has not come back.

        Raises `NotFound` for an unknown one, `RailRefused` where it failed or ran out.
        """
        firm = await self._plane.firm(self._firm)
        return await consent.outcome(self._plane, firm, self._business, consent_id)

    async def connect_sandbox(
        self, rail: str, *, institution: str = SANDBOX_INSTITUTION, app: AppId | None = None
    ) -> Connection:
        """A login without a browser; only at a rail's sandbox or our emulator."""
        firm = await self._plane.firm(self._firm)
        found = self._plane.app_of(rail, app)
        if found.environment == "production":
            raise BadInput(
                "production has no sandbox logins",
                "use `rowcol connect` with a public token from Link",
            )
        arguments = dict(await linking.link_arguments(self._plane, firm, self._business, found))
        look = Look(
            "sandbox.public_token.create",
            {"institution_id": institution, "webhook": arguments["webhook"]},
        )
        public = await linking.grant(self._plane, firm, found, look)
        answers = {"public_token": public.value}
        return await linking.exchange(self._plane, firm, self._business, found, answers)

    async def call_api(
        self,
        rail: str,
        endpoint: str,
        method: str | None = None,
        data: Mapping[str, object] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> object:
        """One declared endpoint of a rail, by the same gateway: counted, limited, logged.

        `method` need not be said: it is the endpoint's own, and another one is refused. `data`: the endpoint's arguments;
        what a write sends is in its `body`, amounts as Decimal.
        The same `idempotency_key` (at most 50 characters) makes a write happen once, also after a
        time-out. Raises `BadInput` for an endpoint that the rail does not declare as callable or that costs
        money, and where something is missing that it needs; `NotFound` without a login, `RailRefused` with what the rail said.
        """
        firm = await self._plane.firm(self._firm)
        if rail not in self._plane.rails:
            raise BadInput(f"there is no rail {rail!r}", f"rails: {', '.join(self._plane.rails)}")
        spec = self._plane.rails[rail].spec
        found = spec.endpoints.get(endpoint)
        if found is None or not found.is_callable or found.tariff is not None:
            raise BadInput(
                f"{rail} {endpoint} may not be called", f"callable: {looks.callable_of(spec)}"
            )
        if method is not None and found.method != method.upper():
            raise BadInput(
                f"{rail} {endpoint} is no {method.upper()}", f"call it by {found.method}"
            )
        login = await self._login(firm, rail)
        return await self._call(login, found, data or {}, idempotency_key)

    async def _call(
        self, login: Connection, endpoint: Endpoint, data: Mapping[str, object], key: str | None
    ) -> object:
        """Under the login's lease, as a run of reconcile would take the open call for an abandoned one."""
        plane = self._plane
        look = looks.of_person(endpoint, data, key or plane.rng.new_id("req"))
        cause = Cause(Trigger.PERSON, f"call_api {endpoint.name}")
        async with deeds.held(plane, login) as its:
            if plane.rails[login.rail].spec.role is Role.BOOKS:
                sent, read, _ = await deeds.made(plane, its, look, cause)
            else:
                sent, state = await deeds.send(plane, its, look, cause)
                read = deeds.read(plane, look, sent, state)
                await self._settled(sent, read)
        answer = _answer(sent)
        if answer is not None and not isinstance(read, Failure):
            return answer
        detail = read.detail if isinstance(read, Failure) else "not JSON"
        raise RailRefused(f"{login.rail} refused: {detail}", looks.next_step(endpoint, read, look))

    async def _settled(self, sent: Sent, read: Reading | Failure) -> None:
        outcome = read.outcome if isinstance(read, Failure) else Outcome.OK
        detail = read.detail if isinstance(read, Failure) else ""
        await self._plane.gateway.settle(sent, outcome, detail, read.remote_request_id)

    async def _logins(self, firm: FirmId) -> tuple[Connection, ...]:
        """The business's logins that were not removed."""
        rows = await self._plane.store.list_connections(firm, self._business)
        return tuple(row for row in rows if row.state.health is not Health.RETIRED)

    async def _login(self, firm: FirmId, rail: str) -> Connection:
        """The oldest."""
        for connection in await self._logins(firm):
            if connection.rail == rail:
                return connection
        raise NotFound(
            f"this business has no {rail} login",
            f"run `rowcol connect {rail} {shlex.quote(self._business)}`",
        )

    async def _view(self, firm: FirmId, connection: ConnectionId | str) -> ConnectionView:
        """One of the business's logins, removed or not."""
        view = await deeds.find_login(self._plane, firm, connection)
        if view.connection.business != self._business:
            raise NotFound(
                "this business has no such login", "see `rowcol connection list BUSINESS`"
            )
        return view


def _answer(sent: Sent) -> object:
    """What the rail said, as data; None where that is no success."""
    if not isinstance(sent.answer, Response) or not 200 <= sent.answer.status < 300:
        return None
    try:
        return msgspec.json.decode(sent.answer.body)
    except (msgspec.DecodeError, RecursionError):
        return None
