"""Keys: whether a delivery is the rail's own, by verification keys that are fetched once and kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from rowcol.core.app import App
from rowcol.core.clock_back import is_kept
from rowcol.core.delivery import NeedsKey, Unauthentic, Verdict, VerificationKey
from rowcol.core.ids import AppId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.rail import Failure, Rail
from rowcol.core.wire import NoAnswer, RawDelivery
from rowcol.engine.gateway import PLANE, Cause, Gateway, Sent
from rowcol.ports import Clock, PlaneStore

UNKNOWN_KEYS_MAX = 1024
UNKNOWN_KEY_KEPT = timedelta(minutes=5)
KEY_KEPT = timedelta(hours=24)


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

    def judge(self, app: App, rail: Rail, raw: RawDelivery) -> Verdict:
        """The rail's verdict with the keys in memory."""
        keys = self._fresh.setdefault(app.id, {})
        if keys and not is_kept(self._fresh_until[app.id], self._clock.now(), KEY_KEPT):
            keys.clear()
        return rail.authenticate(raw, keys, app.keys)

    async def fetched(self, app: App, rail: Rail, raw: RawDelivery, verdict: NeedsKey) -> Verdict:
        """The rail's verdict with the key it needs. `NeedsKey`: that could not be fetched now."""
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
            return rail.authenticate(raw, {key.key_id: key}, app.keys)
        return Unauthentic("unknown verification key") if self._is_unknown(place) else verdict

    def _is_unknown(self, place: tuple[AppId, str]) -> bool:
        known_at = self._unknown.get(place)
        return known_at is not None and is_kept(
            known_at + UNKNOWN_KEY_KEPT, self._clock.now(), UNKNOWN_KEY_KEPT
        )

    async def _find(self, app: App, rail: Rail, key_id: str) -> VerificationKey | None:
        """The stored key while it is fresh, else the rail's, else the stored one all the same; None: none now."""
        stored = await self._store.read_key(app.id, key_id)
        is_fresh = stored is not None and is_kept(
            stored.fetched_at + KEY_KEPT, self._clock.now(), KEY_KEPT
        )
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
