"""Keys: whether a delivery is the rail's own, by verification keys that are fetched once and kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from datetime import datetime, timedelta

from rowcol.core.app import App
from rowcol.core.clock_back import is_kept
from rowcol.core.delivery import NeedsKey, Unauthentic, Verdict, VerificationKey
from rowcol.core.ids import AppId
from rowcol.core.need import Trigger
from rowcol.core.outcome import Outcome, outcome_of_silence
from rowcol.core.quota import Quota, reserve
from rowcol.core.rail import Failure, Rail
from rowcol.core.wire import NoAnswer, RawDelivery
from rowcol.engine.gateway import PLANE, Cause, Gateway, Sent
from rowcol.ports import Clock, PlaneStore

UNKNOWN_KEYS_MAX = 1024
UNKNOWN_KEY_KEPT = timedelta(minutes=5)
KEY_KEPT = timedelta(hours=24)
KEY_KEPT_MAX = timedelta(hours=48)
"""Where the rail cannot be asked."""
LOOKED_AGAIN = timedelta(minutes=5)
"""At the earliest, after a key could not be asked for again."""
UNKNOWN_LOOKS = Quota("unknown", 6, 60_000_000)
"""A minute, of an app's ids that we know nothing of: less than the rail's own bound, so that keys we have are looked at again."""
SEEN_MAX = 32_768


class Turns:
    """Whose key is looked up next, of more unknown ids than may be: in turn the newest, and of those that came again the
    one that came most often.

    A forger has as many ids as he likes; the rail has one, and comes back with it. To keep it waiting he has to send
    another more often than the rail sent its own, and a new one for each look. Where more come again than are counted,
    a new one takes the place and the count of the least (Space-Saving, Metwally et al. 2005): no id that comes often
    goes uncounted.
    """

    def __init__(self) -> None:
        self._tat_us: int | None = None
        self._seen: tuple[set[int], set[int]] = (set(), set())
        self._again: dict[str, int] = {}
        self._is_newest = False

    def next(self, key_id: str, now: datetime) -> str | None:
        """Count this one in; the id to look up now, None: none."""
        seen, before = self._seen
        mark = hash(key_id)
        again = self._again
        if mark in seen or mark in before:
            if key_id not in again and len(again) >= UNKNOWN_KEYS_MAX:
                again[key_id] = again.pop(min(again, key=again.__getitem__))
            again[key_id] = again.get(key_id, 0) + 1
        seen.add(mark)
        if len(seen) >= SEEN_MAX:
            self._seen = (set(), seen)
        now_us = int(now.timestamp() * 1_000_000)
        self._tat_us, not_before_us = reserve(UNKNOWN_LOOKS, self._tat_us, now_us)
        if not_before_us is not None:
            return None
        self._is_newest = not self._is_newest
        if self._is_newest or not again:
            return key_id
        standing = max(again, key=again.__getitem__)
        again[standing] //= 2  # behind others, should it get no answer
        return standing

    def end(self, key_id: str) -> None:
        """The rail has answered."""
        self._again.pop(key_id, None)


class Keys:
    """Verification keys: in memory, then the store, then the rail; unknown ids are remembered, fetches bounded.

    A key is asked for again after a day, and when another one appears (the rail may have retired it); where the rail
    cannot be asked it serves a second day and no more. A flood of forged ids costs a few fetches a minute, in `Turns`;
    past them the sender is told to come back, so a real delivery is only late.
    """

    def __init__(self, store: PlaneStore, gateway: Gateway, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._fresh: dict[AppId, dict[str, VerificationKey]] = {}
        self._fresh_until: dict[AppId, datetime] = {}
        self._unknown: OrderedDict[tuple[AppId, str], datetime] = OrderedDict()
        self._fetching: dict[tuple[AppId, str], asyncio.Task[VerificationKey | None]] = {}
        self._turns: defaultdict[AppId, Turns] = defaultdict(Turns)
        self._appeared_at: dict[AppId, datetime] = {}

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
        """The stored key while it is fresh, else the rail's, else for a while the stored one all the same; None: none now."""
        stored, now = await self._store.read_key(app.id, key_id), self._clock.now()
        if stored is None:
            key = await self._found(app, rail, key_id, now)
        elif self._is_fresh(stored, now):
            key = stored
        else:
            key = await self._fetch(app, rail, key_id)
            if key is None and is_kept(stored.fetched_at + KEY_KEPT_MAX, now, KEY_KEPT_MAX):
                key = stored
        if key is not None:
            keys = self._fresh[app.id]
            keys[key_id] = key
            until = min(k.fetched_at for k in keys.values()) + KEY_KEPT
            self._fresh_until[app.id] = max(until, now + LOOKED_AGAIN)
        return key

    def _is_fresh(self, key: VerificationKey, now: datetime) -> bool:
        appeared_at = self._appeared_at.get(key.app, key.fetched_at)
        is_young = is_kept(key.fetched_at + KEY_KEPT, now, KEY_KEPT)
        return is_young and key.fetched_at >= appeared_at

    async def _found(
        self, app: App, rail: Rail, key_id: str, now: datetime
    ) -> VerificationKey | None:
        """Of an id that we know nothing of, if it is its turn; else another's turn is used, which finds its key stored."""
        turns = self._turns[app.id]
        chosen = turns.next(key_id, now)
        if chosen is None:
            return None
        key = await self._fetch(app, rail, chosen)
        if key is not None:
            self._appeared_at[app.id] = key.fetched_at
            self._fresh[app.id].clear()
        if key is not None or self._is_unknown((app.id, chosen)):
            turns.end(chosen)
        return key if chosen == key_id else None

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
