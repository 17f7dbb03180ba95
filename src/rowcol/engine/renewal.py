"""Renewal: a token that is good for the next call. Whoever holds the lease renews it, and stores it before it is used.

| the rail says                | then                                                                    |
|------------------------------|-------------------------------------------------------------------------|
| a new token                  | stored by compare-and-swap, the old one kept as previous                |
| the refresh token is not known | somebody else stored another meanwhile: that one. Else the previous one, once. Else a person |
| anything else, or nothing    | the token is kept, the call is tried again later                        |

From before the wire to the swap nobody's cancellation cuts it: the new token exists only in the answer. One that the store
does not take is kept (`unstored`), and the calls of its login wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rowcol.core.change import ConnectionView, NotBefore, Refused
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.rail import Failure, Look, Rail, Renewed
from rowcol.core.refusal import Busy
from rowcol.core.secret import unseen
from rowcol.core.wire import NoAnswer
from rowcol.engine.ambient import Ambient
from rowcol.engine.gateway import Cause, Gateway
from rowcol.engine.unbroken import Unbroken
from rowcol.engine.unstored import NotStoredYet, Unstored
from rowcol.ports import Store, Vault

WAITS = timedelta(seconds=5)
NOT_STORED = (
    "a new token of this login is kept until the store takes it; nothing is called before that"
)
CAUSE = Cause(Trigger.REPAIR, "the access token has to be renewed before the next call")


@dataclass(frozen=True, slots=True)
class Usable:
    """The sealed token to send with, and the state after getting it. `is_renewed`: it is a new one."""

    token: bytes | None = field(repr=False)
    state: ConnectionState
    is_renewed: bool = False


@dataclass(frozen=True, slots=True)
class NotUsable:
    """No call can be made now, and why; `state` says when, or who has to act."""

    reason: str
    state: ConnectionState
    until: datetime | None = None
    """Our own limits open again then: no reason to give up."""


class Renewer:
    """Renews the tokens of connections whose lease the caller holds."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: Store,
        gateway: Gateway,
        vault: Vault,
        ambient: Ambient,
    ) -> None:
        self._rails = rails
        self._store = store
        self._gateway = gateway
        self._vault = vault
        self._clock = ambient.clock
        # Both also for whoever stores a token that a consent brought.
        self.unbroken, self.unstored = Unbroken(), Unstored(ambient.clock)

    async def usable(self, view: ConnectionView) -> Usable | NotUsable:
        """The token for the next call of this connection, renewed if it must be: at most two calls and the document that says where, unmetered."""
        state = view.connection.state
        if view.token is None:
            return Usable(None, state)
        if earlier := await self._earlier(view):
            return earlier
        if state.condemned_token == hash_of(view.token):
            return NotUsable(state.health_reason or "a person has to consent anew", state)
        look = self._look(view, view.token)
        if look is None:
            return Usable(view.token, state)
        done = await self._renew(view, look, view.token)
        if isinstance(done, Usable) or not _is_refused(done):
            return done
        return await self._instead(view, done)

    async def _earlier(self, view: ConnectionView) -> Usable | NotUsable | None:
        """What became of a renewal whose holder was cancelled and gave its lease back, or whose token is not stored yet."""
        id_ = view.connection.id
        is_renewed = await self.unbroken.join(id_) or id_ in self.unstored.subjects
        if not await self.unstored.settle(id_):
            return self._waiting(view.connection.state)
        return await self._theirs(view) if is_renewed else None

    def _waiting(self, state: ConnectionState) -> NotUsable:
        return NotUsable(NOT_STORED, state, self._clock.now() + WAITS)

    async def _instead(self, view: ConnectionView, refused: NotUsable) -> Usable | NotUsable:
        """After the rail did not know the token: what is stored by now, or the one before it."""
        if theirs := await self._theirs(view):
            return theirs
        previous = view.previous_token
        if previous is None or previous == view.token:
            return _condemned(refused, view)
        look = self._look(view, previous)
        if look is None:
            return _condemned(refused, view)
        done = await self._renew(view, look, previous)
        return (
            done if isinstance(done, Usable) or not _is_refused(done) else _condemned(refused, view)
        )

    async def _theirs(self, view: ConnectionView) -> Usable | None:
        """The token that somebody else stored meanwhile, if any did."""
        connection = view.connection
        now_stored = await self._store.read_view(connection.firm, connection.id)
        if now_stored is None or now_stored.token in (None, view.token):
            return None
        return Usable(now_stored.token, connection.state, is_renewed=True)

    def _look(self, view: ConnectionView, token: bytes) -> Look | None:
        connection = view.connection
        rail, secret = self._rails[connection.rail], self._vault.open(token)
        with unseen():
            return rail.renewal(secret.reveal(), connection.state, self._clock.now())

    async def _renew(self, view: ConnectionView, look: Look, token: bytes) -> Usable | NotUsable:
        work = self._renewed(view, look, token)
        return await self.unbroken.run(work, view.connection.id)

    async def _renewed(self, view: ConnectionView, look: Look, token: bytes) -> Usable | NotUsable:
        connection = view.connection
        rail, state = self._rails[connection.rail], connection.state
        sent = await self._gateway.fetch(connection.firm, connection, look, CAUSE, token)
        if isinstance(sent, NotBefore):
            return NotUsable(sent.reason, state, sent.until)
        if isinstance(sent, Refused):
            return NotUsable(sent.reason, state)
        answer = sent.answer
        if isinstance(answer, NoAnswer):
            outcome = outcome_of_silence(answer)
            await self._gateway.settle(sent, outcome, answer.silence)
            failed = rail.silent(look, outcome, answer.silence, answer.received_at, state)
            return NotUsable("the token could not be renewed just now", failed.state)
        secret = self._vault.open(token)
        with unseen():
            read = rail.read_renewal(look, answer, secret.reveal(), state)
        if isinstance(read, Failure):
            await self._gateway.settle(sent, read.outcome, read.detail, read.remote_request_id)
            return NotUsable(f"the token could not be renewed: {read.detail}", read.state)
        try:
            return await self._keep(view, read)
        finally:
            with contextlib.suppress(
                Busy
            ):  # the token is what counts; the call is settled as abandoned
                await self._gateway.settle(sent, Outcome.OK, "", read.remote_request_id)

    async def _keep(self, view: ConnectionView, renewed: Renewed) -> Usable | NotUsable:
        """Store it over what we read; if somebody else stored one meanwhile, theirs is used."""
        connection = view.connection
        sealed = self._vault.seal(renewed.token)
        firm, id_ = connection.firm, connection.id

        async def write() -> bool:
            return await self._store.store_token(firm, id_, view.token, sealed)

        try:
            is_ours = await self.unstored.store(id_, write)
        except NotStoredYet:
            return self._waiting(renewed.state)
        if is_ours:
            return Usable(sealed, renewed.state, is_renewed=True)
        stored = await self._store.read_view(firm, id_)
        if stored is None or stored.token is None:
            return NotUsable("this login was removed meanwhile", renewed.state)
        return Usable(stored.token, renewed.state, is_renewed=True)


def lifted(view: ConnectionView, now: datetime) -> ConnectionState:
    """The state without the condemnation of a token that is not the stored one any more: consent was given anew."""
    state = view.connection.state
    if not state.condemned_token or view.token is None:
        return state
    if state.condemned_token == hash_of(view.token):
        return state
    well = state.with_health(Health.OK, "", now)
    return replace(well, condemned_token="", failures=0, retry_at=None)


def hash_of(sealed: bytes) -> str:
    """What the state keeps of a sealed token."""
    return hashlib.sha256(sealed).hexdigest()[:32]


def _condemned(refused: NotUsable, view: ConnectionView) -> NotUsable:
    """Marked, so that nothing is called any more."""
    token = b"" if view.token is None else view.token
    return replace(refused, state=replace(refused.state, condemned_token=hash_of(token)))


def _is_refused(done: NotUsable) -> bool:
    """Whether only a person could help."""
    return done.state.health is Health.NEEDS_RECONNECT
