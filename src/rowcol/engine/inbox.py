"""Inbox: takes deliveries in. 200 only after the row is on disk; what arrives together shares one transaction.

What `receive` answers, and what that means for the sender:

    | answer    | HTTP | stored | the sender                          |
    |-----------|------|--------|-------------------------------------|
    | ACCEPTED  | 200  | yes    | is done                             |
    | DUPLICATE | 200  | before | is done                             |
    | REJECTED  | 401  | no     | is not the rail, or too late        |
    | UNREADABLE| 400  | no     | is the rail, but we cannot read it  |
    | BUSY      | 503  | no     | tries again after Retry-After       |
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rowcol.core.app import App
from rowcol.core.delivery import (
    Authentic,
    Incoming,
    NeedsKey,
    Unauthentic,
    Verdict,
    VerificationKey,
)
from rowcol.core.ids import AppId, DeliveryId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.rail import Failure, Rail
from rowcol.core.refusal import Busy
from rowcol.core.wire import MAX_DELIVERY_BYTES, NoAnswer, RawDelivery
from rowcol.engine.ambient import Ambient
from rowcol.engine.gateway import PLANE, Cause, Gateway, Sent
from rowcol.engine.topics import DUE
from rowcol.ports import Clock, Doorbell, PlaneStore

QUEUE_MAX = 2048
BATCH_MAX = 256
TURNS = 2
"""From bytes on a socket to a place in the queue: a turn that reads them, and one that judges them."""
UNKNOWN_KEYS_MAX = 1024
UNKNOWN_KEY_KEPT = timedelta(minutes=5)
KEY_KEPT = timedelta(hours=24)


class Reception(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"
    UNREADABLE = "UNREADABLE"
    BUSY = "BUSY"


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to a sender; `reason` is for our logs only."""

    reception: Reception
    reason: str = ""
    delivery: DeliveryId | None = None


class Inbox:
    """Authenticate, route, store. Never looks inside a body before its bytes are known to be the rail's."""

    def __init__(
        self,
        rails: Mapping[str, Rail],
        store: PlaneStore,
        gateway: Gateway,
        ambient: Ambient,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._rails = rails
        self._store = store
        self._rng = ambient.rng
        self._keys = Keys(store, gateway, ambient.clock)
        self._batcher = Batcher(store, ambient.doorbell, queue_max)

    async def receive(self, app: App, raw: RawDelivery) -> Received:
        """Take one delivery in. Raises nothing for whatever bytes came."""
        if len(raw.body) > MAX_DELIVERY_BYTES:
            return Received(Reception.UNREADABLE, "larger than 1 MiB")
        rail = self._rails[app.rail]
        verdict = await self._authenticated(app, rail, raw)
        if isinstance(verdict, Received):
            return verdict
        try:
            kind, remote_ids = rail.route(raw.body)
        except ValueError as error:
            return Received(Reception.UNREADABLE, str(error))
        incoming = Incoming(
            id=DeliveryId(self._rng.new_id("del")),
            rail=app.rail,
            app=app.id,
            remote_ids=remote_ids,
            kind=kind,
            dedup_key=verdict.dedup_key,
            signed_at=verdict.signed_at,
            received_at=raw.received_at,
            body=raw.body,
        )
        try:
            is_new = await self._batcher.store(incoming)
        except Busy as error:
            return Received(Reception.BUSY, error.message)
        return Received(Reception.ACCEPTED if is_new else Reception.DUPLICATE, "", incoming.id)

    async def _authenticated(self, app: App, rail: Rail, raw: RawDelivery) -> Authentic | Received:
        try:
            verdict = await self._keys.judge(app, rail, raw)
        except Busy as error:
            return Received(Reception.BUSY, error.message)
        match verdict:
            case Authentic():
                return verdict
            case Unauthentic(reason):
                return Received(Reception.REJECTED, reason)
            case NeedsKey(key_id):
                why = f"verification key {key_id[:64]!r} could not be fetched yet"
                return Received(Reception.BUSY, why)

    async def drain(self) -> None:
        """Wait until everything accepted so far is on disk or refused."""
        await self._batcher.idle()


class Batcher:
    """Group commit: one transaction at a time; those that arrive meanwhile go together in the next."""

    def __init__(self, store: PlaneStore, doorbell: Doorbell, queue_max: int) -> None:
        self._store = store
        self._doorbell = doorbell
        self._queue_max = queue_max
        self._queue: deque[tuple[Incoming, asyncio.Future[bool]]] = deque()
        self._leader: asyncio.Task[None] | None = None

    async def store(self, incoming: Incoming) -> bool:
        """Return when it is on disk; True when it is new. Raise `Busy` when the queue is full or the disk refuses."""
        if len(self._queue) >= self._queue_max:
            raise Busy("the inbox queue is full", "send again", retry_after_s=2)
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append((incoming, settled))
        if self._leader is None or self._leader.done():
            self._leader = asyncio.create_task(self._lead(), name="inbox-commit")
        return await settled

    async def idle(self) -> None:
        """Return when nothing is queued."""
        while self._leader is not None and not self._leader.done():
            await asyncio.shield(self._leader)

    async def _gather(self) -> None:
        """Let in what is at the door: while turns of the loop bring more, one flush serves more of them."""
        while len(self._queue) < BATCH_MAX:
            before = len(self._queue)
            for _ in range(TURNS):
                await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, no wait
            if len(self._queue) == before:
                return

    async def _lead(self) -> None:
        while self._queue:
            await self._gather()
            batch = [self._queue.popleft() for _ in range(min(BATCH_MAX, len(self._queue)))]
            try:
                news = await self._store.receive([incoming for incoming, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever the store raised, every sender must hear "not stored"
                refusal = (
                    error
                    if isinstance(error, Busy)
                    else Busy("the store did not take it", "send again")
                )
                for _, settled in batch:
                    if not settled.done():
                        settled.set_exception(refusal)
                continue
            for (_, settled), is_new in zip(batch, news, strict=True):
                if not settled.done():
                    settled.set_result(is_new)
            self._doorbell.ring(DUE)


class Keys:
    """Verification keys: in memory, then the store, then the rail; unknown ids are remembered, fetches bounded.

    A key is asked for again after a day, and when another one appears (the rail may have retired
    it). A flood of forged ids costs the rail's own quota for key fetches (a few a minute) and no
    more: past it the sender is told to come back, so a real delivery is only late.
    """

    def __init__(self, store: PlaneStore, gateway: Gateway, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._fresh: dict[AppId, dict[str, VerificationKey]] = {}
        self._fresh_until: dict[AppId, datetime] = {}
        self._unknown: OrderedDict[tuple[AppId, str], datetime] = OrderedDict()
        self._fetching: dict[tuple[AppId, str], asyncio.Task[VerificationKey | None]] = {}

    async def judge(self, app: App, rail: Rail, raw: RawDelivery) -> Verdict:
        """The rail's verdict, with whatever keys it takes. `NeedsKey`: it could not be fetched now."""
        keys = self._keys(app.id)
        verdict = rail.authenticate(raw, keys)
        if not isinstance(verdict, NeedsKey):
            return verdict
        place = (app.id, verdict.key_id)
        if self._is_unknown(place):
            return Unauthentic("unknown verification key")
        task = self._fetching.get(place)
        if task is None:
            if len(self._fetching) >= UNKNOWN_KEYS_MAX:
                return verdict
            task = asyncio.create_task(
                self._find(app, rail, verdict.key_id), name="verification-key"
            )
            self._fetching[place] = task
            task.add_done_callback(lambda _: self._fetching.pop(place, None))
        key = await asyncio.shield(task)
        if key is not None:
            return rail.authenticate(raw, {key.key_id: key})
        return Unauthentic("unknown verification key") if self._is_unknown(place) else verdict

    def _keys(self, app: AppId) -> dict[str, VerificationKey]:
        keys = self._fresh.setdefault(app, {})
        if keys and self._clock.now() >= self._fresh_until[app]:
            keys.clear()
        return keys

    def _is_unknown(self, place: tuple[AppId, str]) -> bool:
        known_at = self._unknown.get(place)
        return known_at is not None and self._clock.now() - known_at < UNKNOWN_KEY_KEPT

    async def _find(self, app: App, rail: Rail, key_id: str) -> VerificationKey | None:
        """The stored key while it is fresh, else the rail's, else the stored one all the same; None: none now."""
        stored = await self._store.read_key(app.id, key_id)
        is_fresh = stored is not None and self._clock.now() - stored.fetched_at < KEY_KEPT
        key = stored if is_fresh else await self._fetch(app, rail, key_id) or stored
        if key is not None:
            keys = self._fresh[app.id]
            if not is_fresh:
                keys.clear()
            keys[key_id] = key
            self._fresh_until[app.id] = min(k.fetched_at for k in keys.values()) + KEY_KEPT
        return key

    async def _fetch(self, app: App, rail: Rail, key_id: str) -> VerificationKey | None:
        cause = Cause(
            Trigger.DELIVERY, "a delivery was signed with a verification key that we do not have"
        )
        sent = await self._gateway.fetch(PLANE, app, rail.key_look(key_id), cause)
        if not isinstance(sent, Sent):
            return None
        if isinstance(sent.answer, NoAnswer):
            await self._gateway.settle(sent, outcome_of_silence(sent.answer), sent.answer.silence)
            return None
        key = rail.read_key(app.id, sent.answer)
        if isinstance(key, Failure):
            await self._gateway.settle(sent, key.outcome, key.detail, key.remote_request_id)
            if key.outcome is Outcome.BAD_REQUEST:
                self._remember_unknown((app.id, key_id))
            return None
        await self._gateway.settle(sent, Outcome.OK)
        await self._store.store_key(key)
        return key

    def _remember_unknown(self, place: tuple[AppId, str]) -> None:
        self._unknown[place] = self._clock.now()
        self._unknown.move_to_end(place)
        while len(self._unknown) > UNKNOWN_KEYS_MAX:
            self._unknown.popitem(last=False)
