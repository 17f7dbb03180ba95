"""Deeds: what is done to a login at a person's word: end it, point its webhook, have the rail look at the bank.

Each is one call through the gateway, made under the login's lease, so that no reconcile moves its
state meanwhile; the answer and the state go into one commit. A deed that failed changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from rowcol.core.change import Change, ConnectionView, Lease, NotBefore, Refused
from rowcol.core.clock_back import believed, is_kept
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.ids import ConnectionId, FirmId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.rail import CannotHelp, Deed, Failure, Look, Reading
from rowcol.core.refusal import Busy, Conflict, NotFound, RailRefused
from rowcol.core.tariff import Per, price_on
from rowcol.core.wire import NoAnswer
from rowcol.engine import throttles
from rowcol.engine.busy import retried_while_busy
from rowcol.engine.gateway import Cause, Sent
from rowcol.engine.merge import with_known
from rowcol.engine.renewal import NotUsable
from rowcol.engine.topics import DUE
from rowcol.services import written
from rowcol.services.heartbeat import LEASE_S, kept_alive
from rowcol.services.lately import is_paid_lately
from rowcol.services.patience import sent_within
from rowcol.services.pauses import need_running
from rowcol.services.plane import OpenPlane

HELD_MAX = timedelta(seconds=45)
"""How long another holder of the lease is waited for: a whole run, and a lease that outlives a dead one."""
OPENS_SOON = timedelta(seconds=15)
"""What our own limits put off by no more than this is waited for."""
ANEW = "an operator asked to read changes from the start"
WRITTEN = "something was written through RowCol; what it changed elsewhere was not read yet"
_POLL = timedelta(milliseconds=250)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A login under our lease, as it is now."""

    lease: Lease
    view: ConnectionView


async def find_login(
    plane: OpenPlane, firm: FirmId, connection: ConnectionId | str
) -> ConnectionView:
    """Raise `NotFound` for a login that is not the firm's."""
    view = await plane.store.read_view(firm, ConnectionId(connection))
    if view is None:
        raise NotFound(
            f"no login {connection!r} in this firm",
            "list them with `rowcol connection list BUSINESS`",
        )
    return believed(view, plane.clock.now())


@asynccontextmanager
async def held(plane: OpenPlane, login: Connection) -> AsyncIterator[Held]:
    """Hold a login's lease while the block runs. Raise `Busy` while another holds it for too long."""
    give_up_at = plane.clock.now() + HELD_MAX
    owner, bell = plane.rng.new_id("deed"), plane.doorbell.listen(DUE)
    try:
        while True:
            now = plane.clock.now()
            lease = await plane.store.claim_one(login.firm, login.id, owner, now, LEASE_S)
            if lease is not None:
                break
            if not is_kept(give_up_at, now, HELD_MAX):
                raise Busy("this login is being worked on", "try again in a minute")
            await bell.wait(now + _POLL)
    finally:
        bell.close()
    try:
        async with kept_alive(lambda: plane.store.renew((lease,), plane.clock.now(), LEASE_S)):
            await plane.renewer.unstored.require(
                login.id
            )  # nothing is done with the token before it
            yield Held(lease, await find_login(plane, login.firm, login.id))
    finally:
        with suppress(Busy):  # the lease ends by itself; what was done is done
            await plane.store.release(lease, None)
        plane.doorbell.ring(DUE)


async def send(
    plane: OpenPlane, its: Held, look: Look, cause: Cause, *, renews: bool = True
) -> tuple[Sent, ConnectionState]:
    """One call of a person, and the state it was made in. Raise `RailRefused` with what stood in its way.

    Refused once the lease has passed to another. `renews=False`: the token is sent as it is, good or not.
    """
    connection, cause = its.view.connection, replace(cause, lease=its.lease)
    endpoint = plane.rails[connection.rail].spec.endpoints[look.endpoint]
    await need_running(plane, connection.rail, [connection], is_paid=endpoint.tariff is not None)
    token, state = its.view.token, connection.state
    if renews:
        got = await plane.renewer.usable(its.view)
        if isinstance(got, NotUsable):
            await plane.store.commit(connection.firm, Change(its.lease, state=got.state))
            raise RailRefused(
                got.reason, "see `rowcol connection list BUSINESS` for what this login needs"
            )
        token, state = got.token, got.state
        if got.is_renewed:
            await plane.store.commit(connection.firm, Change(its.lease, state=state))

    async def fetch() -> Sent | NotBefore | Refused:
        await plane.store.renew((its.lease,), plane.clock.now(), LEASE_S)
        return await plane.gateway.fetch(connection.firm, connection, look, cause, token)

    return await sent_within(plane, OPENS_SOON, fetch), state


async def made(
    plane: OpenPlane, its: Held, look: Look, cause: Cause
) -> tuple[Sent, Reading | Failure, Held]:
    """One call with all that its answer brings: rows into the mirror, the state, the settlement. Once more with a
    renewed token where the rail did not take the first one.

    Raise `Busy` where the rows of a read were not kept: the lease had passed to another, or the store took nothing.
    A write was made all the same: its answer is told, and the next look brings its row.
    """
    is_write = plane.rails[its.view.connection.rail].spec.endpoints[look.endpoint].is_write
    for is_last in (False, True):
        sent, state = await send(plane, its, look, cause)
        answer = await _told_apart(plane, sent, read(plane, look, sent, state))
        try:
            answer, its = await _kept(plane, its, sent, answer, is_write=is_write)
        except Busy:
            if not is_write:
                raise
            log.warning("write.not_stored", connection=its.view.connection.id, call=sent.intent.id)
            return sent, answer, its
        is_expired = isinstance(answer, Failure) and answer.outcome is Outcome.TOKEN_EXPIRED
        if is_last or not is_expired:
            return sent, answer, its
    raise AssertionError("unreachable")


async def _kept(
    plane: OpenPlane, its: Held, sent: Sent, answer: Reading | Failure, *, is_write: bool
) -> tuple[Reading | Failure, Held]:
    """The answer in the store, and the login as it is then. After a write the books are worth a look."""
    moved = answer.state
    if is_write:
        moved = moved.marked(sent.intent.endpoint, WRITTEN)
        if isinstance(answer, Reading):
            rows = await written.news(plane, its.view.connection, answer.rows)
            answer = replace(answer, rows=rows)
    is_kept = await _commit(plane, its, sent, answer, moved, releases=False)
    if not (is_kept or is_write):
        raise Busy("another worker took this login over meanwhile", "ask again")
    return answer, await refreshed(plane, its)


async def _told_apart(plane: OpenPlane, sent: Sent, answer: Reading | Failure) -> Reading | Failure:
    """A refusal for asking too often with what it means; a month's end closes the pool for everybody."""
    if isinstance(answer, Reading) or answer.outcome is not Outcome.RATE_LIMITED:
        return answer
    if not sent.intent.units:
        return answer
    meaning = await throttles.meaning_of(plane.store, plane.clock, sent.intent)
    return replace(answer, detail=f"{answer.detail}: {meaning}")


async def refreshed(plane: OpenPlane, its: Held) -> Held:
    """The login as it is after a commit, under the same lease."""
    connection = its.view.connection
    return replace(its, view=await find_login(plane, connection.firm, connection.id))


def read(plane: OpenPlane, look: Look, sent: Sent, state: ConnectionState) -> Reading | Failure:
    """What came back, or did not."""
    rail, answer = plane.rails[sent.intent.rail], sent.answer
    if isinstance(answer, NoAnswer):
        outcome = outcome_of_silence(answer)
        return rail.silent(look, outcome, answer.silence, answer.received_at, state)
    return rail.read(look, answer, state)


def look_of(plane: OpenPlane, connection: Connection, deed: Deed) -> Look | CannotHelp:
    """The call of a deed, or why it would do nothing."""
    webhook = plane.gateway.app(connection.app).webhook_url
    return plane.rails[connection.rail].deed_look(deed, connection.state, webhook)


async def price_of(plane: OpenPlane, connection: Connection, deed: Deed) -> Cost:
    """What a deed costs; nothing where it would do nothing."""
    look = look_of(plane, connection, deed)
    if isinstance(look, CannotHelp):
        return FREE
    endpoint = plane.rails[connection.rail].spec.endpoints[look.endpoint]
    app = plane.gateway.app(connection.app)
    return await plane.gateway.price_of(connection.firm, app, endpoint)


async def price_of_month(plane: OpenPlane, connection: Connection) -> Cost:
    """What the rail charges for having the login, per calendar month."""
    rows = [
        *plane.rails[connection.rail].spec.prices,
        *await plane.preferences.price_book(connection.firm),
    ]
    monthly = [r for r in rows if r.per is Per.CONNECTION_MONTH and r.rail == connection.rail]
    total, today = FREE, plane.clock.now().date()
    if not plane.gateway.app(connection.app).is_priced:
        return total
    for item in sorted({row.item for row in monthly}):
        price = price_on(monthly, connection.rail, item, today)
        total += FREE if price is None else price.cost
    return total


async def carry_out(
    plane: OpenPlane, firm: FirmId, connection: ConnectionId, deed: Deed, reason: str
) -> Connection:
    """Do it; the login as it is afterwards.

    Raise `Conflict` where it would do nothing, `RailRefused` with the rail's code when it failed.
    A login that the rail does not know any more is removed, whoever removed it.
    """
    row = (await find_login(plane, firm, connection)).connection
    _look(plane, row, deed)
    async with held(plane, row) as its:
        row = its.view.connection
        look = _look(plane, row, deed)
        if deed is Deed.REFRESH and await is_paid_lately(plane, row, look.endpoint):
            return row
        cause = Cause(Trigger.PERSON, reason)
        sent, state = await send(plane, its, look, cause, renews=deed is not Deed.REMOVE)
        answer = read(plane, look, sent, state)
        is_gone = isinstance(answer, Failure) and answer.outcome is Outcome.GONE
        is_done = isinstance(answer, Reading) or (is_gone and deed is Deed.REMOVE)
        moved = answer.state if is_done or is_gone else None
        await _commit(plane, its, sent, answer, moved, releases=True)
    plane.hot.forget(firm, row.business)
    if isinstance(answer, Failure) and not is_done:
        raise RailRefused(f"{row.rail} refused: {answer.detail}", _next_step(answer))
    return replace(row, state=answer.state)


def is_read_anew(state: ConnectionState) -> bool:
    """Whether its changes are being read from the start already."""
    known = state.stream_refusal
    return state.is_restarting and known is not None and known.off_until is None


async def read_anew(plane: OpenPlane, firm: FirmId, connection: ConnectionId) -> Connection:
    """Forget where its changes were read on from, and what was refused: it is read from nothing, what it does not show
    becomes a deletion. The mirror stays as it is until then. Asked again meanwhile, it changes nothing."""
    row = (await find_login(plane, firm, connection)).connection
    async with held(plane, row) as its:
        row = its.view.connection
        if row.state.health is Health.RETIRED:
            raise Conflict("nothing was done: the login was removed", "what is known of it stays")
        if is_read_anew(row.state):
            return row
        now = plane.clock.now()
        state = replace(row.state.restarted("", now), failures=0, retry_at=None)
        for signal in plane.rails[row.rail].spec.repaired:
            state = state.marked(signal.stream, ANEW)
        change = Change(its.lease, state=state, discards=True, next_at=now, releases=True)
        if (await plane.store.commit(firm, change)).is_fenced:
            raise Busy("another worker took this login over meanwhile", "ask again")
    return replace(row, state=state)


def _look(plane: OpenPlane, row: Connection, deed: Deed) -> Look:
    look = look_of(plane, row, deed)
    if isinstance(look, CannotHelp):
        raise Conflict(f"nothing was done: {look.reason}")
    return look


async def _commit(
    plane: OpenPlane,
    its: Held,
    sent: Sent,
    answer: Reading | Failure,
    moved: ConnectionState | None,
    *,
    releases: bool,
) -> bool:
    """State, rows and settlement together; a moved login that is given back is due at once.

    Rows also join what an unfinished listing has staged: published later, it must not bury them.
    False: the lease had passed to another, only the settlement was kept.
    """
    outcome = answer.outcome if isinstance(answer, Failure) else Outcome.OK
    detail = answer.detail if isinstance(answer, Failure) else ""
    rows = with_known(its.view, answer.rows) if isinstance(answer, Reading) else answer.gone
    change = Change(
        its.lease,
        state=moved,
        rows=rows,
        staged=rows if its.view.connection.state.page else (),
        settlements=(sent.settlement(outcome, detail, answer.remote_request_id),),
        next_at=None if moved is None or not releases else plane.clock.now(),
        releases=releases,
    )
    done = await retried_while_busy(lambda: plane.store.commit(its.lease.firm, change))
    return not done.is_fenced


def _next_step(answer: Failure) -> str:
    if answer.outcome is Outcome.NO_ANSWER:
        return "it may have been done all the same: ask again"
    return "nothing was changed"
