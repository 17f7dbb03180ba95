"""Linking: from a person's consent to a stored login. The token is sealed and stored before anything else is done with it."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import timedelta

from rowcol.core.app import App
from rowcol.core.change import Change, NotBefore, Refused
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.plan import PERSON_WAITS
from rowcol.core.rail import Failure, Grant, Look, Role
from rowcol.core.refusal import Busy, Conflict, NotFound, RailRefused
from rowcol.core.secret import unseen
from rowcol.core.wire import NoAnswer
from rowcol.engine.gateway import Cause, Sent
from rowcol.engine.topics import DUE
from rowcol.services import deeds
from rowcol.services.patience import sent_within
from rowcol.services.plane import OpenPlane

PROOF_TRIES, PROOF_PAUSE = 3, timedelta(seconds=1)
TELL_NOTHING = frozenset(
    {
        Outcome.NOT_SENT,
        Outcome.NO_ANSWER,
        Outcome.UNREADABLE,
        Outcome.TRY_AGAIN,
        Outcome.RATE_LIMITED,
    }
)
"""Answers that say nothing about whose token it is."""
STORE_TRIES = 5
OF_OLD_CONSENT = ("token", "consent_until", "currency_asked_at")
"""Facts that a new consent ends: what they say is asked for, or found out, again."""
CONNECTING = Cause(Trigger.PERSON, "a person connects a login")


class TakenHere(Conflict):
    """Connected to another business of the same firm; names it, which is for the firm's own people."""


async def grant(plane: OpenPlane, firm: FirmId, app: App, look: Look) -> Grant:
    """One step of connecting. Raise `RailRefused` with the rail's code, or with what stood in the way."""
    sent, read = await _ask(plane, firm, app, look)
    await plane.gateway.settle(sent, Outcome.OK)
    return read


async def _ask(plane: OpenPlane, firm: FirmId, app: App, look: Look) -> tuple[Sent, Grant]:
    """A grant whose call is not settled yet; a refusal is."""
    sent = await _send(plane, firm, app, look)
    answer = sent.answer
    if isinstance(answer, NoAnswer):
        await plane.gateway.settle(sent, outcome_of_silence(answer), answer.silence)
        raise RailRefused(
            f"{app.rail} did not answer ({answer.silence})", "check the address and try again"
        )
    with unseen():
        read = plane.rails[app.rail].read_grant(look, answer)
    if isinstance(read, Failure):
        await plane.gateway.settle(sent, read.outcome, read.detail, read.remote_request_id)
        raise RailRefused(
            f"{app.rail} refused: {read.detail}",
            "check keys and environment (`rowcol doctor` shows them), then begin again",
        )
    return sent, read


async def store_login(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App, access: Grant
) -> Connection:
    """Keep a new login. Raise `Conflict` when the rail's id is connected already."""
    connection = Connection(
        id=ConnectionId(plane.rng.new_id("con")),
        firm=firm,
        business=business,
        rail=app.rail,
        app=app.id,
        environment=app.environment,
        remote_id=access.remote_id,
        institution="",
        name="",
        created_at=plane.clock.now(),
        state=ConnectionState(),
    )
    await plane.store.add_connection(firm, connection, plane.vault.seal(access.value))
    plane.hot.forget(firm, business)
    plane.doorbell.ring(DUE)
    return connection


async def link_arguments(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App
) -> Mapping[str, str]:
    """What every rail is told when a login is begun. Raise `NotFound` for a business that is not the firm's."""
    row = await plane.store.read_business(firm, business)
    if row is None:
        raise NotFound(
            f"no business {business!r} in this firm", "list them with `rowcol business list`"
        )
    return {"client_name": "RowCol", "client_user_id": row.id, "webhook": app.webhook_url}


async def exchange(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    app: App,
    answers: Mapping[str, str],
) -> Connection:
    """The last step: what the rail gave the person becomes a stored login, or new access to the one there is.

    Whoever waits for it may be cancelled: the consent is spent all the same, so it goes on.
    """
    look = plane.rails[app.rail].callback_look(app, answers)
    await link_arguments(plane, firm, business, app)
    return await plane.renewer.unbroken.run(_exchange(plane, firm, business, app, look), "exchange")


async def _exchange(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App, look: Look
) -> Connection:
    sent, access = await _ask(plane, firm, app, look)
    try:
        await _prove(plane, firm, app, access)
        known = await _known(plane, firm, business, app, access)
        if known is not None:
            return await reopen(plane, known, access)
        return await _kept(plane, firm, business, app, access)
    finally:
        await plane.gateway.settle(sent, Outcome.OK, "", access.remote_request_id)


async def _prove(plane: OpenPlane, firm: FirmId, app: App, access: Grant) -> None:
    """That the token is this company's: else somebody could name another's, and get what is delivered for it.

    The consent is spent already, so one answer that tells nothing costs another call, not another consent.
    """
    look = plane.rails[app.rail].proof_look()
    if look is None:
        return
    for left in reversed(range(PROOF_TRIES)):
        failure = await _proof(plane, firm, app, access, look)
        if failure is None:
            return
        outcome, detail = failure
        if not left or outcome not in TELL_NOTHING:
            raise RailRefused(
                f"{app.rail} does not confirm that this consent is for this company: {detail}",
                "begin again",
            )
        await plane.clock.sleep_until(plane.clock.now() + PROOF_PAUSE)


async def _proof(
    plane: OpenPlane, firm: FirmId, app: App, access: Grant, look: Look
) -> tuple[Outcome, str] | None:
    """One try; None where it is proven."""
    sealed = plane.vault.seal(access.value)
    sent = await _send(plane, firm, app, look, sealed, access.remote_id)
    answer = sent.answer
    if isinstance(answer, NoAnswer):
        outcome, detail, request_id = outcome_of_silence(answer), str(answer.silence), ""
    else:
        read = plane.rails[app.rail].read(look, answer, ConnectionState())
        request_id = read.remote_request_id
        if not isinstance(read, Failure):
            await plane.gateway.settle(sent, Outcome.OK, "", request_id)
            return None
        outcome, detail = read.outcome, read.detail
    await plane.gateway.settle(sent, outcome, detail, request_id)
    return outcome, detail


async def _known(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App, access: Grant
) -> Connection | None:
    """The business's own login at the same company, if the rail names companies: consent was given anew."""
    if plane.rails[app.rail].spec.role is not Role.BOOKS:
        return None
    for row in await plane.store.list_connections(firm, business):
        is_same = row.app == app.id and row.remote_id == access.remote_id
        if is_same and row.state.health is not Health.RETIRED:
            return row
    return None


async def reopen(plane: OpenPlane, login: Connection, access: Grant) -> Connection:
    """Put the new token in place of the old one and look again at once. The history goes on."""
    sealed = plane.vault.seal(access.value)
    async with deeds.held(plane, login) as held:
        await plane.renewer.unbroken.join(login.id)  # whose caller left: it would swap under us
        its = await deeds.refreshed(plane, held)
        await _swap(plane, its, sealed)
        row = its.view.connection
        facts = {n: v for n, v in row.state.facts.items() if n not in OF_OLD_CONSENT}
        health = row.state.with_health(Health.OK, "", plane.clock.now())
        state = replace(health, facts=facts, failures=0, retry_at=None, condemned_token="")
        change = Change(its.lease, state=state, next_at=plane.clock.now())
        with contextlib.suppress(Busy):  # the next run lifts what spoke of another token
            await plane.store.commit(row.firm, change)
    plane.doorbell.ring(DUE)
    return replace(row, state=state)


async def _swap(plane: OpenPlane, its: deeds.Held, sealed: bytes) -> None:
    """Store the token that a person just consented to, as hard as it takes: the consent is spent."""
    row = its.view.connection
    for left in reversed(range(STORE_TRIES)):
        try:
            if not await plane.store.store_token(row.firm, row.id, its.view.token, sealed):
                raise Conflict("this login got another token just now", "look at it again")
        except Busy:
            if not left:
                raise
        else:
            return


async def _kept(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App, access: Grant
) -> Connection:
    """The stored login, before anything else is written: a token that is lost keeps costing a fee each month."""
    for left in reversed(range(STORE_TRIES)):
        try:
            return await store_login(plane, firm, business, app, access)
        except Conflict as error:
            raise await _taken(plane, firm, app, access) from error
        except Busy:
            if not left:
                raise
    raise AssertionError("unreachable")


async def _taken(plane: OpenPlane, firm: FirmId, app: App, access: Grant) -> Conflict:
    """Why a company cannot be connected: to whom it is already, if that is the same firm. Of another's nothing is told."""
    for row in await plane.store.list_connections(firm):
        is_same = row.app == app.id and row.remote_id == access.remote_id
        if not is_same or row.state.health is Health.RETIRED:
            continue
        business = await plane.store.read_business(firm, row.business)
        name = row.business if business is None else business.name
        return TakenHere(
            f"this company is connected already, to the business {name!r} of this firm as {row.id}",
            f"use it there, or end it there with `rowcol disconnect {row.id}` and begin again",
        )
    return Conflict("this company cannot be connected here", "ask your RowCol operator")


async def _send(
    plane: OpenPlane,
    firm: FirmId,
    app: App,
    look: Look,
    sealed_token: bytes | None = None,
    remote_id: RemoteId = RemoteId(""),
) -> Sent:
    """A person waits for it: what our own limits put off by a minute is waited for, so that no consent is spent on them."""

    def fetch() -> Awaitable[Sent | NotBefore | Refused]:
        return plane.gateway.fetch(firm, app, look, CONNECTING, sealed_token, remote_id)

    return await sent_within(plane, PERSON_WAITS, fetch)
