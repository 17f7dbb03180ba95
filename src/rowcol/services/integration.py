"""IntegrationService: what may spend or change something at a rail, for one business."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from rowcol.core.change import NotBefore, Refused
from rowcol.core.connection import Connection
from rowcol.core.ids import AppId, BusinessId, FirmId
from rowcol.core.money import Cost
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.rail import Grant, Look
from rowcol.core.refusal import BadInput, NotFound, RailRefused
from rowcol.core.wire import NoAnswer
from rowcol.engine.answer import Answer
from rowcol.engine.gateway import Cause, Sent
from rowcol.services import linking
from rowcol.services.cache import answer_for
from rowcol.services.plane import OpenPlane

SANDBOX_INSTITUTION = "ins_109508"
"""The bank that a sandbox login is made at unless another is named (Plaid's First Platypus)."""


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
        return await answer_for(
            self._plane, firm, self._business, Purpose.FORCED, deadline=deadline, is_confirmed=force
        )

    async def price_of_refresh(self) -> Cost:
        """What `refresh_plaid_balance(force=True)` would cost at most. Spends nothing."""
        firm = await self._plane.firm(self._firm)
        total = Cost(0)
        for connection in await self._plane.store.list_connections(firm, self._business):
            total += await self._plane.gateway.price_of_live(connection)
        return total

    async def begin_connect(self, rail: str, *, app: AppId | None = None) -> Grant:
        """A link token: a person opens the rail's own consent screen with it."""
        firm = await self._plane.firm(self._firm)
        found = self._plane.app_of(rail, app)
        arguments = await linking.link_arguments(self._plane, firm, self._business, found)
        return await linking.grant(self._plane, firm, found, Look("link.token.create", arguments))

    async def connect(
        self, rail: str, public_token: str, *, app: AppId | None = None
    ) -> Connection:
        """Store the login that a person just consented to. Raises `Conflict` for one that is connected already."""
        firm = await self._plane.firm(self._firm)
        found = self._plane.app_of(rail, app)
        return await linking.exchange(self._plane, firm, self._business, found, public_token)

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
        return await linking.exchange(self._plane, firm, self._business, found, public.value)

    async def call_api(
        self,
        rail: str,
        endpoint: str,
        method: str = "POST",
        data: Mapping[str, object] | None = None,
    ) -> object:
        """One declared endpoint of a rail, by the same gateway: counted, limited, logged.

        Raises `BadInput` for an endpoint that the rail does not declare as callable or that costs
        money, `NotFound` without a login, `RailRefused` with what the rail said.
        """
        firm = await self._plane.firm(self._firm)
        spec = self._plane.rails[rail].spec if rail in self._plane.rails else None
        found = None if spec is None else spec.endpoints.get(endpoint)
        if (
            found is None
            or not found.is_callable
            or found.method != method.upper()
            or found.tariff is not None
        ):
            known = (
                []
                if spec is None
                else sorted(e.name for e in spec.endpoints.values() if e.is_callable)
            )
            raise BadInput(
                f"{rail} {method} {endpoint} may not be called",
                f"callable: {', '.join(known) or 'none'}",
            )
        connection = await self._login(firm, rail)
        view = await self._plane.store.read_view(firm, connection.id)
        look = Look(
            endpoint, {k: v for k, v in (data or {}).items() if isinstance(v, str | int | bool)}
        )
        cause = Cause(Trigger.PERSON, f"call_api {endpoint}")
        token = None if view is None else view.token
        sent = await self._plane.gateway.fetch(firm, connection, look, cause, token)
        match sent:
            case NotBefore(until, reason):
                raise RailRefused(f"not before {until:%H:%M:%S} UTC: {reason}")
            case Refused(reason):
                raise RailRefused(reason)
            case Sent():
                return await self._read(sent)

    async def _login(self, firm: FirmId, rail: str) -> Connection:
        for connection in await self._plane.store.list_connections(firm, self._business):
            if connection.rail == rail:
                return connection
        raise NotFound(f"this business has no {rail} login", f"run `rowcol connect {rail}`")

    async def _read(self, sent: Sent) -> object:
        if isinstance(sent.answer, NoAnswer):
            await self._plane.gateway.settle(
                sent, outcome_of_silence(sent.answer), sent.answer.silence
            )
            raise RailRefused(f"no answer ({sent.answer.silence})")
        is_ok = sent.answer.status == 200
        await self._plane.gateway.settle(sent, Outcome.OK if is_ok else Outcome.BAD_REQUEST)
        if not is_ok:
            raise RailRefused(f"the rail answered {sent.answer.status}")
        try:
            return msgspec.json.decode(sent.answer.body)
        except msgspec.DecodeError as error:
            raise RailRefused("the rail's answer is not JSON") from error
