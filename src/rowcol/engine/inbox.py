"""Inbox: takes deliveries in. 200 only after the row is on disk; what arrives together shares one transaction.

What `receive` answers, and what that means for the sender:

    | answer    | HTTP | stored | the sender                          |
    |-----------|------|--------|-------------------------------------|
    | ACCEPTED  | 200  | yes    | is done                             |
    | DUPLICATE | 200  | before | is done                             |
    | REJECTED  | 401  | no     | is not the rail, or too late        |
    | TOO_LARGE | 413  | no     | sends more than 1 MiB               |
    | BUSY      | 503  | no     | tries again after Retry-After       |
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rowcol.core.app import App
from rowcol.core.delivery import Incoming, NeedsKey, Unauthentic, Verdict
from rowcol.core.ids import DeliveryId
from rowcol.core.rail import Rail
from rowcol.core.refusal import Busy
from rowcol.core.wire import MAX_DELIVERY_BYTES, RawDelivery
from rowcol.engine.ambient import Ambient
from rowcol.engine.gateway import Gateway
from rowcol.engine.keys import Keys
from rowcol.engine.topics import DUE
from rowcol.ports import Doorbell, PlaneStore

UNREADABLE = "unreadable"
"""The kind of what the rail signed and we cannot read. It is kept, unmatched: refused, it would hold back all that comes
after it, and in the end be lost."""
QUEUE_MAX = 2048
BATCH_MAX = 256
GATHERED = 32
"""Enough for one flush to disk: waiting for more leaves the disk idle, then the loop."""
JUDGED_MAX = 32
"""How many are judged before the loop does anything else."""
TURNS = 3
"""From bytes on a socket to a place in the queue: a turn that reads them, one that hands them over, one that judges them."""


class Reception(StrEnum):
    """What became of a delivery."""

    ACCEPTED = "ACCEPTED"
    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"
    TOO_LARGE = "TOO_LARGE"
    BUSY = "BUSY"


@dataclass(frozen=True, slots=True)
class Received:
    """The answer to a sender; `reason` is for our logs only."""

    reception: Reception
    reason: str = ""
    delivery: DeliveryId | None = None


Waiting = asyncio.Future[Received | NeedsKey]
"""For the answer, or for the key that it takes first."""


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
        self._rng = ambient.rng
        self._keys = Keys(store, gateway, ambient.clock)
        self._batcher = Batcher(store, ambient.doorbell, queue_max)
        self._arrived: deque[tuple[App, RawDelivery, Waiting]] = deque()

    async def receive(self, app: App, raw: RawDelivery) -> Received:
        """Take one delivery in. Raises nothing for whatever bytes came."""
        if len(raw.body) > MAX_DELIVERY_BYTES:
            return Received(Reception.TOO_LARGE, "larger than 1 MiB")
        loop = asyncio.get_running_loop()
        waiting: Waiting = loop.create_future()
        if not self._arrived:
            loop.call_soon(self._judge, loop)
        self._arrived.append((app, raw, waiting))
        received = await waiting
        return await self._late(app, raw, received) if isinstance(received, NeedsKey) else received

    async def drain(self) -> None:
        """Wait until everything accepted so far is on disk or refused."""
        if self._arrived:
            await asyncio.wait([waiting for _, _, waiting in self._arrived])
        await self._batcher.idle()

    def _judge(self, loop: asyncio.AbstractEventLoop) -> None:
        """Those that one turn of the loop brought, step by step: a signature amid other work takes a third longer."""
        batch = [self._arrived.popleft() for _ in range(min(JUDGED_MAX, len(self._arrived)))]
        verdicts = [self._verdict(app, raw) for app, raw, _ in batch]
        for (app, raw, waiting), verdict in zip(batch, verdicts, strict=True):
            try:
                self._take(app, raw, verdict, waiting)
            except Exception as error:  # noqa: BLE001 - a mistake of ours, for whoever waits for this one alone
                waiting.set_exception(error)
        if self._arrived:
            loop.call_soon(self._judge, loop)

    def _verdict(self, app: App, raw: RawDelivery) -> Verdict | Exception:
        try:
            return self._keys.judge(app, self._rails[app.rail], raw)
        except Exception as error:  # noqa: BLE001 - raised where its turn comes
            return error

    def _take(
        self, app: App, raw: RawDelivery, verdict: Verdict | Exception, waiting: Waiting
    ) -> None:
        """Settle it now, or queue it for the disk."""
        if waiting.done():
            return
        if isinstance(verdict, Exception):
            raise verdict
        if isinstance(verdict, NeedsKey):
            waiting.set_result(verdict)
            return
        if isinstance(verdict, Unauthentic):
            waiting.set_result(Received(Reception.REJECTED, verdict.reason))
            return
        try:
            kind, remote_ids = self._rails[app.rail].route(raw.body)
        except ValueError:
            kind, remote_ids = UNREADABLE, ()
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
        self._batcher.put(incoming, waiting)

    async def _late(self, app: App, raw: RawDelivery, needed: NeedsKey) -> Received:
        """The same, for one whose key is not in memory."""
        try:
            verdict = await self._keys.fetched(app, self._rails[app.rail], raw, needed)
        except Busy as error:
            return Received(Reception.BUSY, error.message)
        if isinstance(verdict, NeedsKey):
            why = f"verification key {verdict.key_id[:64]!r} could not be fetched yet"
            return Received(Reception.BUSY, why)
        waiting: Waiting = asyncio.get_running_loop().create_future()
        self._take(app, raw, verdict, waiting)
        received = await waiting
        assert isinstance(received, Received)
        return received


class Batcher:
    """Group commit: one transaction at a time; those that arrive meanwhile go together in the next."""

    def __init__(self, store: PlaneStore, doorbell: Doorbell, queue_max: int) -> None:
        self._store = store
        self._doorbell = doorbell
        self._queue_max = queue_max
        self._queue: deque[tuple[Incoming, Waiting]] = deque()
        self._leader: asyncio.Task[None] | None = None

    def put(self, incoming: Incoming, settled: Waiting) -> None:
        """Settle when it is on disk: ACCEPTED or DUPLICATE. BUSY when the queue is full or the disk refuses."""
        if len(self._queue) >= self._queue_max:
            settled.set_result(Received(Reception.BUSY, "the inbox queue is full"))
            return
        self._queue.append((incoming, settled))
        if self._leader is None or self._leader.done():
            self._leader = asyncio.create_task(self._lead(), name="inbox-commit")

    async def idle(self) -> None:
        """Return when nothing is queued."""
        while self._leader is not None and not self._leader.done():
            await asyncio.shield(self._leader)

    async def _gather(self) -> None:
        """Let in what is at the door: while turns of the loop bring more, up to `GATHERED`, one flush serves more of them."""
        while len(self._queue) < GATHERED:
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
                why = error.message if isinstance(error, Busy) else "the store did not take it"
                for _, settled in batch:
                    if not settled.done():
                        settled.set_result(Received(Reception.BUSY, why))
                continue
            for (incoming, settled), is_new in zip(batch, news, strict=True):
                if not settled.done():
                    reception = Reception.ACCEPTED if is_new else Reception.DUPLICATE
                    settled.set_result(Received(reception, "", incoming.id))
            self._doorbell.ring(DUE)
