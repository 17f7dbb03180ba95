"""Sessions: a person goes through a rail's hosted page, and whoever comes first finishes what they did there.

| a session is | when                                                   | then                                                      |
|--------------|--------------------------------------------------------|-----------------------------------------------------------|
| open         | `begin` stored its link token, sealed                  | the rail is asked on a ladder, and when a delivery names it |
| left         | the person left the page, or the bank failed there     | still open: the same page is good; `failure` says why      |
| taken        | somebody holds its lease                               | nobody else asks or exchanges; a dead one's lease runs out |
| DONE         | the new login is stored, or the login there was repaired | `connection` says which; the token is dropped            |
| FAILED       | the rail refused, or gave nothing                      | `failure` says why and what to do                         |
| DUPLICATE    | a login shows the account already; nothing was exchanged | `allow` opens it again, until it expires                |
| EXPIRED      | its time ran out before anybody went through           | begin again; open again where our clock had run ahead     |

Finishing is asking (free) what came of the page, then exchanging each public token once. It can die between any two steps:
the next one asks again, and finds a stored login by the mark of its public token (`linking.exchange_once`). A token
that update mode gives is never exchanged: the login stays the one it was.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from rowcol.core.app import App
from rowcol.core.change import Change
from rowcol.core.connection import Connection
from rowcol.core.delivery import NoticeKind
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome
from rowcol.core.rail import CONSENT, Grant, Look, Offer, Progress, Want
from rowcol.core.records import Link, LinkEnd, LinkKind
from rowcol.core.refusal import BadInput, Busy, Conflict, NotFound, NotYet, RailRefused, Refusal
from rowcol.core.secret import hash_of, origin_of, unseen
from rowcol.core.seldom import Seldom
from rowcol.engine.busy import retried_while_busy
from rowcol.engine.gateway import Cause
from rowcol.engine.topics import DUE
from rowcol.services import consent, deeds, linking
from rowcol.services.heartbeat import LEASE_S, kept_alive
from rowcol.services.plane import OpenPlane

CREATE, ASK = "link.token.create", "link.token.get"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=1)
GROWTH = 1.5
AT_THE_PAGE = timedelta(seconds=5)
"""The longest pause while somebody is there."""
NEW_LASTS, REPAIR_LASTS = timedelta(hours=4), timedelta(minutes=30)
"""How long a link token lives; whatever an answer says, nobody is waited for longer."""
LATE = timedelta(minutes=1)
"""So long after the end it is asked once more: somebody may have gone through in the last moment."""
EXCHANGED_WITHIN = timedelta(minutes=30)
"""How long a public token lives: until then an exchange that could not be made is tried again."""
EVERY = timedelta(seconds=2)
"""How often the service looks for sessions that are due: one read of an index that is empty as a rule."""
AT_ONCE = 8
ENDS_IT = frozenset({Outcome.BAD_REQUEST, Outcome.GONE, Outcome.NOT_FOUND, Outcome.UNSUPPORTED})
"""What asking again would not change."""
ENDS_A_LOGIN = frozenset({Outcome.NEEDS_PERSON, Outcome.GONE, Outcome.UNSUPPORTED})
"""What a rail says that refuses to repair a login for good: the person withdrew it, or it is no more."""
ANSWERS = {
    LinkKind.REPAIR: (NoticeKind.CONSENT_ENDS, NoticeKind.DISCONNECT),
    LinkKind.ADD_ACCOUNTS: tuple(NoticeKind),
}
"""Which notices a session answers; choosing accounts is a consent given anew, too."""
BEGUN = Cause(Trigger.PERSON, "a person repairs a login, or adds accounts to it")
REPAIRED = Cause(Trigger.PERSON, "a person repaired this login a moment ago")
AGAIN = "begin again"
NOT_ASKED = "what became of it could not be asked"
"""Begins the reason of an open session that nobody is to blame for who went through the page."""
OFFERS_MAX = 20
"""Of one page: more logins than anybody has."""
ELSEWHERE = "somebody else exchanged it just now\nlook again in a moment"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be begun: a new login of `app`, or a repair of `target`, or more accounts of it."""

    firm: FirmId
    business: BusinessId
    app: App
    kind: LinkKind = LinkKind.CONNECT
    target: Connection | None = None
    is_double_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """How a session stands. `login`: what came of it. `reason`, `what_to_do`: why nothing did, or not of everything.

    `ended` None: open. `url`: the hosted page, "" once it has ended.
    """

    id: str
    kind: LinkKind
    expires_at: datetime
    ended: LinkEnd | None
    login: Connection | None = None
    reason: str = ""
    what_to_do: str = ""
    url: str = ""


async def begin(plane: OpenPlane, wish: Wish) -> Grant:
    """A link token with its hosted page, kept so that anybody can finish it. `session` is its id."""
    if wish.target is not None and wish.target.state.health is Health.RETIRED:
        raise Conflict("this login was removed", "connect it as a new one: `rowcol connect`")
    if CONSENT in plane.rails[wish.app.rail].spec.hosts:
        if wish.kind is LinkKind.ADD_ACCOUNTS:
            raise BadInput(f"a {wish.app.rail} login has no accounts to choose")
        return await consent.begin(plane, wish.firm, wish.business, wish.app)
    if CREATE not in plane.rails[wish.app.rail].spec.endpoints:
        raise BadInput(f"{wish.app.rail} has no page to log in at")
    arguments = await linking.link_arguments(plane, wish.firm, wish.business, wish.app)
    if wish.target is None:
        look = Look(CREATE, arguments)
        grant = await linking.grant(plane, wish.firm, wish.app, look)
    else:
        grant = await _granted_for(plane, wish.target, wish.kind, dict(arguments))
    now = plane.clock.now()
    end = now + (NEW_LASTS if wish.target is None else REPAIR_LASTS)
    link = Link(
        plane.rng.new_id("lnk"),
        hash_of(grant.value),
        wish.firm,
        wish.business,
        wish.app.id,
        now,
        min(grant.expires_at or end, end),
        kind=wish.kind,
        target=None if wish.target is None else wish.target.id,
        sealed=plane.vault.seal(json.dumps({"token": grant.value, "url": grant.url})),
        next_at=now + FIRST_PAUSE,
        is_double_allowed=wish.is_double_allowed,
    )
    await plane.store.add_link(wish.firm, link)
    return replace(grant, session=link.id, expires_at=link.expires_at)


async def _granted_for(
    plane: OpenPlane,
    login: Connection,
    kind: LinkKind,
    arguments: dict[str, str | int | bool | None],
) -> Grant:
    """In whatever health the login is. Under its lease, as every call of a login is."""
    if kind is LinkKind.ADD_ACCOUNTS:
        arguments["account_selection_enabled"] = True
    arguments["broken_by"] = login.state.health_reason
    look = Look(CREATE, arguments)
    async with deeds.held(plane, login) as its:
        sent, _ = await deeds.send(plane, its, look, BEGUN, renews=False)
        try:
            read = await linking.granted(plane, sent, look)
        except linking.GrantRefused as error:
            if error.outcome not in ENDS_A_LOGIN:
                raise
            again = f"connect it anew with `--anyway`, then `rowcol disconnect {login.id}`: roles stay with the accounts"
            raise linking.GrantRefused(error.message, again, error.outcome) from error
        await plane.gateway.settle(sent, Outcome.OK, "", read.remote_request_id)
        return read


async def read(plane: OpenPlane, firm: FirmId, business: BusinessId, session: str) -> Session:
    """How it stands by what is stored. Raise `NotFound` for one that is not this business's."""
    link = await _link_of(plane, firm, business, session)
    if link.kind is LinkKind.CONSENT:
        return await _consented(plane, link)
    named = link.connection
    view = None if named is None else await plane.store.read_view(firm, named)
    is_elsewhere = link.ended is None and link.failure == ELSEWHERE
    reason, _, what_to_do = ("" if is_elsewhere else link.failure).partition("\n")
    url = ""
    if link.ended is None and link.sealed is not None:
        url = json.loads(plane.vault.open(link.sealed).reveal())["url"]
    login = None if view is None else view.connection
    return Session(link.id, link.kind, link.expires_at, link.ended, login, reason, what_to_do, url)


async def _link_of(plane: OpenPlane, firm: FirmId, business: BusinessId, session: str) -> Link:
    link = await plane.store.read_link(firm, session)
    if link is None or link.business != business:
        raise NotFound("this business has no such link session", f"{AGAIN} with `rowcol connect`")
    return link


async def _consented(plane: OpenPlane, link: Link) -> Session:
    """A consent at a rail's own screen, told in the same words."""
    its = (link.id, link.kind, link.expires_at)
    try:
        login = await consent.outcome(plane, link.firm, link.business, link.id)
    except RailRefused as error:
        return Session(*its, LinkEnd.FAILED, None, error.message, error.what_to_do)
    return Session(*its, None if login is None else LinkEnd.DONE, login)


async def follow(plane: OpenPlane, firm: FirmId, business: BusinessId, session: str) -> Session:
    """The same after one step, if one is due and nobody else makes it."""
    now = plane.clock.now()
    link = await _link_of(plane, firm, business, session)
    if link.next_at is not None and link.next_at <= now:
        await advance(plane, link)
    return await read(plane, firm, business, session)


async def allow(plane: OpenPlane, firm: FirmId, business: BusinessId, session: str) -> None:
    """Connect what it brought although a login shows it already, also after it ended for that."""
    link = await _link_of(plane, firm, business, session)
    now, owner = plane.clock.now(), plane.rng.new_id("ses")
    is_out = link.ended is LinkEnd.EXPIRED
    held = None if is_out else await plane.store.claim_link(firm, link.id, owner, now, LEASE_S)
    if held is None:
        raise Conflict("this session is over, or being finished", "look at it again")
    opened = replace(held, is_double_allowed=True, ended=None, failure="", next_at=now)
    await plane.store.move_link(firm, opened)


async def run(plane: OpenPlane) -> None:
    """Finish sessions whose people nobody waits for, until cancelled."""
    seldom = Seldom(per_minute=1)  # a full disk fails each of them, every two seconds
    while True:
        try:
            due = await plane.store.due_links(plane.clock.now(), AT_ONCE)
            await asyncio.gather(*(_guarded(plane, link, seldom) for link in due))
        except Exception as error:  # noqa: BLE001 - logged without locals
            _tell(plane, seldom, "sessions.store_failed", error)
        await plane.clock.sleep_until(plane.clock.now() + EVERY)


def _tell(plane: OpenPlane, seldom: Seldom, event: str, error: Exception, **about: str) -> None:
    """Of each kind one line a minute, with how many it speaks for."""
    origin = origin_of(error)
    if times := seldom.times((event, origin), plane.clock.now().timestamp()):
        log.error(event, error=origin, times=times, **about)


async def _guarded(plane: OpenPlane, link: Link, seldom: Seldom) -> None:
    """One that fails keeps its lease until it expires: a pause, so that it cannot spin."""
    try:
        await advance(plane, link)
    except Exception as error:  # noqa: BLE001 - logged without locals
        _tell(plane, seldom, "session.failed", error, session=link.id, firm=link.firm)


async def advance(plane: OpenPlane, link: Link) -> None:
    """Ask the rail how far people came, and finish what can be finished. Nothing, where another holds it.

    Nobody's cancellation cuts it: a public token is good once.
    """
    owner, now = plane.rng.new_id("ses"), plane.clock.now()
    held = await plane.store.claim_link(link.firm, link.id, owner, now, LEASE_S)
    if held is not None:
        await plane.renewer.unbroken.run(_advance(plane, held), f"session {link.id}")


async def _advance(plane: OpenPlane, held: Link) -> None:
    moved: Link | None = held
    if held.ended is None:
        async with kept_alive(lambda: _is_still_ours(plane, held)):
            moved = await _asked(plane, held)
    if moved is None:
        return
    if moved.ended is not None:
        # The public token is still good; or a clock that ran ahead ended it (`core/clock_back`).
        is_kept = moved.ended in (LinkEnd.DUPLICATE, LinkEnd.EXPIRED)
        moved = replace(moved, next_at=None, sealed=moved.sealed if is_kept else None)
    kept = moved
    await retried_while_busy(lambda: plane.store.move_link(kept.firm, kept))
    if moved.ended is not None and held.ended is None:
        log.info("session.ended", session=held.id, kind=held.kind, ended=moved.ended)
        plane.doorbell.ring(DUE)


async def _asked(plane: OpenPlane, held: Link) -> Link | None:
    """The session after one look at the rail. None: its lease had passed to another."""
    failed: Link | None = None
    is_open = False
    try:
        progress = await _progress(plane, held)
    except Refusal as error:
        if isinstance(error, linking.GrantRefused) and error.outcome in ENDS_IT:
            failed = _failed(held, error.message, AGAIN)
        log.info("session.not_asked", session=held.id, code=error.code)
        held = replace(held, failure=f"{NOT_ASKED}: {error.message}\n{error.what_to_do}")
    else:
        if progress.is_over:
            return await _finished(plane, held, progress)
        is_open = progress.is_open
        said = f"{progress.failure}\n{progress.advice}" if progress.failure else ""
        held = replace(held, failure=said)  # people come back by the same address
    return _over(plane, held) or failed or _later(plane, held, is_open=is_open)


async def _progress(plane: OpenPlane, held: Link) -> Progress:
    assert held.sealed is not None, "a session that is claimed has its token"
    app = plane.gateway.app(held.app)
    with unseen():
        token = json.loads(plane.vault.open(held.sealed).reveal())["token"]
        look = Look(ASK, {"link_token": token})
    told = (await linking.grant(plane, held.firm, app, look)).progress
    return told or Progress()


def _later(plane: OpenPlane, held: Link, *, is_open: bool = False) -> Link:
    """The next rung of the ladder; the last one is just after the end."""
    longest = AT_THE_PAGE if is_open else LONGEST_PAUSE
    pause = min(FIRST_PAUSE * GROWTH ** min(held.polls, 20), longest)
    now, last = plane.clock.now(), held.expires_at + LATE
    next_at = min(now + pause, last) if now < last else now + pause
    return replace(held, next_at=next_at, polls=held.polls + 1)


def _over(plane: OpenPlane, held: Link) -> Link | None:
    """Its end where its time ran out."""
    if plane.clock.now() < held.expires_at + LATE:
        return None
    why, _, _ = held.failure.partition("\n")
    failure = f"nobody went through the page by {held.expires_at:%Y-%m-%d %H:%M} UTC"
    failure = f"{failure}: {why}\n{AGAIN}" if why else f"{failure}\n{AGAIN}"
    return replace(held, ended=LinkEnd.EXPIRED, failure=failure)


def _failed(held: Link, reason: str, what_to_do: str, end: LinkEnd = LinkEnd.FAILED) -> Link:
    return replace(held, ended=end, failure=f"{reason}\n{what_to_do}")


async def _finished(plane: OpenPlane, held: Link, progress: Progress) -> Link | None:
    if not await _is_still_ours(plane, held):
        return None
    try:
        if held.target is not None:
            return await _repaired(plane, held, held.target)
        if progress.offers:
            return await _connected(plane, held, progress.offers)
    except Refusal as error:
        is_early = plane.clock.now() < held.expires_at + EXCHANGED_WITHIN
        if is_early and isinstance(error, Busy | NotYet):
            return _later(plane, held, is_open=True)
        return _failed(held, error.message, error.what_to_do)
    return _failed(held, "the page ended without a login", AGAIN)


async def _is_still_ours(plane: OpenPlane, held: Link) -> bool:
    """Make the lease longer. False: it ran out, and another has it."""
    now, its = plane.clock.now(), (held.firm, held.id, held.owner)
    return await plane.store.claim_link(*its, now, LEASE_S) is not None


async def _connected(plane: OpenPlane, held: Link, offers: tuple[Offer, ...]) -> Link | None:
    """Each public token exchanged once; what cannot be now is tried again while the tokens live."""
    made: list[ConnectionId] = []
    refused: list[Refusal] = []
    for offer in offers[:OFFERS_MAX]:
        if not await _is_still_ours(plane, held):
            return None
        try:
            made.append((await _exchanged(plane, held, offer)).id)
        except Refusal as error:
            is_early = plane.clock.now() < held.expires_at + EXCHANGED_WITHIN
            if is_early and _is_passing(error):
                return _later(plane, held, is_open=True)
            if _is_spent(error) and held.failure != ELSEWHERE:  # whoever spent it may be storing it
                return _later(plane, replace(held, failure=ELSEWHERE), is_open=True)
            refused.append(error)
    failure = "; ".join(e.message for e in refused)
    what_to_do = refused[0].what_to_do if refused else ""
    if made:
        moved = replace(held, ended=LinkEnd.DONE, connection=made[0])
        return replace(moved, failure=f"{failure}\n{what_to_do}" if refused else "")
    is_double = all(isinstance(e, linking.Duplicate) for e in refused)
    end = LinkEnd.DUPLICATE if is_double else LinkEnd.FAILED
    return _failed(held, failure, what_to_do, end)


def _is_spent(error: Refusal) -> bool:
    return isinstance(error, linking.GrantRefused) and error.outcome is Outcome.BAD_REQUEST


def _is_passing(error: Refusal) -> bool:
    if isinstance(error, linking.GrantRefused):
        return error.outcome in linking.TELL_NOTHING
    return isinstance(error, Busy | NotYet)


async def _exchanged(plane: OpenPlane, held: Link, offer: Offer) -> Connection:
    """The guard stands before the exchange: what is not exchanged makes no login at the rail, and no fee."""
    app = plane.gateway.app(held.app)
    if not held.is_double_allowed:
        await linking.refuse_duplicate(plane, held.firm, held.business, offer)
    return await linking.exchange_once(plane, held.firm, held.business, app, offer.public_token)


async def _sealed_anew(plane: OpenPlane, its: deeds.Held) -> None:
    """Under the first key, so that an older one can be put away: a token that never changes is sealed at no other time."""
    old, row = its.view.token, its.view.connection
    if old is not None:
        new = plane.vault.seal(plane.vault.open(old).reveal())
        await plane.store.store_token(row.firm, row.id, old, new)


async def _repaired(plane: OpenPlane, held: Link, target: ConnectionId) -> Link:
    """The same login, looked at again at once: its health is what the rail says now, not what we hope."""
    row = (await deeds.find_login(plane, held.firm, target)).connection
    spec, now = plane.rails[row.rail].spec, plane.clock.now()
    async with deeds.held(plane, row) as its:
        if its.view.connection.state.health is Health.RETIRED:
            raise Conflict("this login was removed meanwhile", "connect it as a new one")
        state = its.view.connection.state.answered(now, *ANSWERS[held.kind])
        for signal in spec.repaired:
            state = state.marked(signal.stream, signal.reason)
        state = replace(state.payable(), failures=0, retry_at=None)
        await plane.store.commit(row.firm, Change(its.lease, state=state, next_at=now))
        await _sealed_anew(plane, its)
        look = plane.rails[row.rail].free_look(state, Want(now, now, balances=False, streams=False))
        if look is not None:
            try:
                await deeds.made(plane, await deeds.refreshed(plane, its), look, REPAIRED)
            except Refusal as error:  # it is due anyway
                log.info("session.look_failed", connection=row.id, code=error.code)
    plane.hot.forget(row.firm, row.business)
    return replace(held, ended=LinkEnd.DONE, connection=row.id)
