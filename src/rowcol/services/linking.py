"""Linking: from a person's consent to a stored login. The token is sealed and stored before anything else is done with it,
and kept until the store takes it (`engine/unstored`)."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from rowcol.core.app import App
from rowcol.core.change import Change, NotBefore, Refused
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.duplicates import duplicate_of
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, ConnectionId, FirmId, RemoteId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.plan import PERSON_WAITS
from rowcol.core.rail import Failure, Grant, Look, Offer, Role, Shown, ShownAccount
from rowcol.core.refusal import Busy, Conflict, NotFound, NotYet, RailRefused, Refusal
from rowcol.core.secret import hash_of, unseen
from rowcol.core.wire import NoAnswer
from rowcol.engine.gateway import Cause, Sent
from rowcol.engine.topics import DUE
from rowcol.services import deeds
from rowcol.services.patience import sent_within
from rowcol.services.pauses import need_running
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
OF_OLD_CONSENT = ("token", "consent_until", "currency_asked_at")
"""Facts that a new consent ends: what they say is asked for, or found out, again."""
CONNECTING = Cause(Trigger.PERSON, "a person connects a login")


Then = Callable[[Connection | Refusal], Awaitable[None]]
EXCHANGE = "exchange"
"""What exchanges run under, for whoever waits for them."""
MARK_LENGTH = 8
MADE_LATELY = timedelta(days=1)
"""Far longer than a public token lives."""


SPENT = (
    "begin again. If the service stopped while it connected, the rail may have a login that is billed and that nobody "
    "has the token of: look for it in the rail's dashboard"
)
"""What may be the matter with a public token that is refused: it is good once, for half an hour."""


class GrantRefused(RailRefused):
    """A step of connecting failed, with what kind of failure it was."""

    def __init__(self, message: str, what_to_do: str, outcome: Outcome) -> None:
        super().__init__(message, what_to_do)
        self.outcome = outcome


class Duplicate(Conflict):
    """A login of the business shows this account already; nothing was exchanged, nothing is billed."""


class Taken(Conflict):
    """Connected already, and not to this business."""


class TakenHere(Taken):
    """Connected to another business of the same firm; names it, which is for the firm's own people."""


FOR_GOOD = (GrantRefused, NotFound, Taken)
"""What drops a token that a consent brought; whatever else is in the way, it waits."""


async def grant(plane: OpenPlane, firm: FirmId, app: App, look: Look) -> Grant:
    """One step of connecting. Raise `RailRefused` with the rail's code, or with what stood in the way."""
    sent, read = await _ask(plane, firm, app, look)
    await plane.gateway.settle(sent, Outcome.OK, "", read.remote_request_id)
    return read


async def _ask(plane: OpenPlane, firm: FirmId, app: App, look: Look) -> tuple[Sent, Grant]:
    """A grant whose call is not settled yet; a refusal is."""
    sent = await _send(plane, firm, app, look)
    return sent, await granted(plane, sent, look)


async def granted(plane: OpenPlane, sent: Sent, look: Look) -> Grant:
    """What came of a call that gives a grant; the caller settles it. Raise `GrantRefused`, with the call settled."""
    answer, rail = sent.answer, sent.intent.rail
    if isinstance(answer, NoAnswer):
        outcome = outcome_of_silence(answer)
        await plane.gateway.settle(sent, outcome, answer.silence)
        raise GrantRefused(
            f"{rail} did not answer ({answer.silence})", "check the address and try again", outcome
        )
    with unseen():
        read = plane.rails[rail].read_grant(look, answer)
    if isinstance(read, Failure):
        await plane.gateway.settle(sent, read.outcome, read.detail, read.remote_request_id)
        raise GrantRefused(
            f"{rail} refused: {read.detail}",
            "check keys and environment (`rowcol doctor` shows them), then begin again",
            read.outcome,
        )
    return read


async def store_login(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    app: App,
    access: Grant,
    id_: ConnectionId | None = None,
) -> Connection:
    """Keep a new login. Raise `Conflict` when the rail's id is connected already."""
    connection = Connection(
        id=id_ or ConnectionId(plane.rng.new_id("con")),
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
    then: Then | None = None,
) -> Connection:
    """The last step: what the rail gave the person becomes a stored login, or new access to the one there is.

    Whoever waits for it may be cancelled: the consent is spent all the same, so it goes on. Raise `NotStoredYet` where
    the store does not take it yet: it is stored later. However it ends, `then` is called with that.
    """
    with unseen():
        look = plane.rails[app.rail].callback_look(app, answers)
    await link_arguments(plane, firm, business, app)
    work = _exchange(plane, firm, business, app, look, then)
    return await plane.renewer.unbroken.run(work, EXCHANGE)


async def exchange_once(
    plane: OpenPlane, firm: FirmId, business: BusinessId, app: App, public_token: str
) -> Connection:
    """The login of a public token, whoever exchanged it: another process may have been first, or this one before it died.

    A login's id ends with a mark of the token that it came of, so that it is found again.
    """
    mark, unstored = _mark_of(public_token), plane.renewer.unstored
    for subject in unstored.subjects:  # it was exchanged here
        if mark and subject.endswith(mark):
            await unstored.require(subject)
    known = await _made_of(plane, firm, business, public_token)
    if known is not None:
        return known
    try:
        return await exchange(plane, firm, business, app, {"public_token": public_token})
    except GrantRefused as error:
        await plane.renewer.unbroken.join(
            EXCHANGE
        )  # who was first in this process may not have stored it yet
        known = await _made_of(plane, firm, business, public_token)
        if known is not None:
            return known
        if error.outcome is not Outcome.BAD_REQUEST:
            raise
        raise GrantRefused(error.message, SPENT, error.outcome) from error


async def _made_of(
    plane: OpenPlane, firm: FirmId, business: BusinessId, public_token: str
) -> Connection | None:
    mark, since = _mark_of(public_token), plane.clock.now() - MADE_LATELY
    for row in await plane.store.list_connections(firm, business):
        is_lately = row.created_at >= since and row.state.health is not Health.RETIRED
        if mark and is_lately and row.id.endswith(mark):
            return row
    return None


def _mark_of(public_token: str) -> str:
    return hash_of(public_token.strip())[:MARK_LENGTH] if public_token.strip() else ""


async def refuse_duplicate(
    plane: OpenPlane, firm: FirmId, business: BusinessId, offer: Offer
) -> None:
    """Raise `Duplicate` where a login of this business, but the one of this very token, shows one of these accounts
    already. Asks nobody."""
    mark = _mark_of(offer.public_token)
    views = await plane.store.read_business_views(firm, business)
    others = (view for view in views if not (mark and view.connection.id.endswith(mark)))
    found = duplicate_of(offer.shown, others)
    if found is None:
        return
    row = found.connection
    instead = "use that one"
    if row.state.health is Health.NEEDS_RECONNECT:
        instead = f"repair that one: `rowcol connection repair {row.id}`"
    advice = f"{instead}; connected anyway (`--anyway`, `allow_duplicate`) there are two logins, and two fees until one is ended"
    raise Duplicate(f"the login {row.id} ({row.label}) shows one of these accounts already", advice)


def shown_of(metadata: Mapping[str, object] | None) -> Shown:
    """What the rail's widget told beside a public token. What is missing or of a wrong kind is not known."""
    bank = _object(_object(metadata).get("institution"))
    rows = _object(metadata).get("accounts")
    accounts = tuple(
        ShownAccount(*(_text(_object(row).get(name)) for name in ("name", "mask", "type")))
        for row in (rows if isinstance(rows, list | tuple) else ())
    )
    return Shown(_text(bank.get("institution_id")), _text(bank.get("name")), accounts)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


async def _exchange(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    app: App,
    look: Look,
    then: Then | None,
) -> Connection:
    sent, access = await _ask(plane, firm, app, look)
    mark, made = _mark_of(str(look.arguments.get("public_token") or "")), plane.rng.new_id("con")
    id_ = ConnectionId(made[: len(made) - len(mark)] + mark)
    is_proven = False

    async def write() -> Connection | Refusal:
        nonlocal is_proven
        done: Connection | Refusal
        try:
            if not is_proven:
                await _prove(plane, firm, app, access)
            is_proven = True
            known = await _known(plane, firm, business, app, access)
            if known is None:
                done = await _kept(plane, firm, business, app, access, id_)
            else:  # its own, where a try before was stored and not heard of
                done = known if known.id == id_ else await reopen(plane, known, access)
        except FOR_GOOD as error:
            done = error
        if then is not None:
            await then(done)
        return done

    try:
        done = await plane.renewer.unstored.store(id_, write)
        if isinstance(done, Refusal):
            raise done
        return done
    finally:
        with contextlib.suppress(
            Busy
        ):  # the login is what counts; the call is settled as abandoned
            await plane.gateway.settle(sent, Outcome.OK, "", access.remote_request_id)


async def _prove(plane: OpenPlane, firm: FirmId, app: App, access: Grant) -> None:
    """That the token is this company's: else somebody could name another's, and get what is delivered for it.

    The consent is spent already, so an answer that tells nothing costs another call, not another consent.
    """
    look = plane.rails[app.rail].proof_look()
    if look is None:
        return
    what = f"{app.rail} does not confirm that this consent is for this company"
    for left in reversed(range(PROOF_TRIES)):
        failure = await _proof(plane, firm, app, access, look)
        if failure is None:
            return
        outcome, detail = failure
        if outcome not in TELL_NOTHING:
            raise GrantRefused(f"{what}: {detail}", "begin again", outcome)
        if not left:
            raise NotYet(f"{what}: {detail}", "see whether the rail answers")
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
    """Store the token that a person just consented to, in place of whatever there is: nothing is newer."""
    row, old = its.view.connection, its.view.token
    while not await plane.store.store_token(row.firm, row.id, old, sealed):
        old = (await deeds.find_login(plane, row.firm, row.id)).token


async def _kept(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    app: App,
    access: Grant,
    id_: ConnectionId,
) -> Connection:
    """The stored login, before anything else is written: a token that is lost keeps costing a fee each month."""
    try:
        return await store_login(plane, firm, business, app, access, id_)
    except Conflict as error:
        view = await plane.store.read_view(
            firm, id_
        )  # where a try before was stored and not heard of
        if view is not None:
            return view.connection
        raise await _taken(plane, firm, app, access) from error


async def _taken(plane: OpenPlane, firm: FirmId, app: App, access: Grant) -> Taken:
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
    return Taken("this company cannot be connected here", "ask your RowCol operator")


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

    await need_running(plane, app.rail)
    return await sent_within(plane, PERSON_WAITS, fetch)
