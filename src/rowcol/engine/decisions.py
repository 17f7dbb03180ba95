"""Decision log: plain serves are buffered and written within a second; equal ones are counted, not repeated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from rowcol.core.change import DecisionRecord
from rowcol.core.ids import BusinessId, DecisionId, FirmId
from rowcol.core.refusal import Refusal
from rowcol.ports import Clock, Rng, Store

FLUSH_EVERY = timedelta(seconds=1)
BUFFER_MAX = 20_000
BATCH_MAX = 500

log = structlog.get_logger(__name__)


class DecisionLog:
    """A bounded buffer before the store. `add` and `repeat` never wait; what does not fit is counted in `dropped`."""

    def __init__(self, store: Store, clock: Clock, rng: Rng) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._buffer: list[DecisionRecord] = []
        self._repeats: dict[tuple[FirmId, BusinessId], tuple[Sequence[DecisionRecord], int]] = {}
        self.dropped = 0

    def add(self, records: Sequence[DecisionRecord]) -> None:
        """Keep records for the next flush."""
        if len(self._buffer) + len(records) > BUFFER_MAX:
            self.dropped += len(records)
            return
        self._buffer.extend(records)

    def repeat(self, firm: FirmId, business: BusinessId, records: Sequence[DecisionRecord]) -> None:
        """The same decisions were served again from memory: counted, and written once with their count."""
        key = (firm, business)
        known = self._repeats.get(key)
        times = 1 if known is None or known[0] is not records else known[1] + 1
        if known is not None and known[0] is not records:
            self._count(key)
        self._repeats[key] = (records, times)

    async def flush(self) -> None:
        """Write what is buffered. What the store does not take is kept for the next time."""
        for key in list(self._repeats):
            self._count(key)
        buffer, self._buffer = self._buffer, []
        by_firm: defaultdict[FirmId, list[DecisionRecord]] = defaultdict(list)
        for record in buffer:
            by_firm[record.firm].append(record)
        while by_firm:
            firm, records = by_firm.popitem()
            for start in range(0, len(records), BATCH_MAX):
                try:
                    await self._store.record_decisions(firm, records[start : start + BATCH_MAX])
                except BaseException:
                    self.add([*records[start:], *(r for rest in by_firm.values() for r in rest)])
                    raise

    async def finish(self) -> None:
        """The last flush. What a store that takes nothing does not take is lost, and fails no answer that was given."""
        try:
            await self.flush()
        except Refusal as error:
            log.warning("decisions.not_stored", count=len(self._buffer), reason=error.message)

    def _count(self, key: tuple[FirmId, BusinessId]) -> None:
        records, times = self._repeats.pop(key)
        now = self._clock.now()
        self.add(
            [
                replace(
                    r,
                    id=DecisionId(self._rng.new_id("dec")),
                    decided_at=now,
                    inputs={**r.inputs, "times": times},
                )
                for r in records
            ]
        )

    async def run(self) -> None:
        """Flush every second until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.now() + FLUSH_EVERY)
            try:
                await self.flush()
            except Refusal as error:
                log.warning("decisions.flush_failed", reason=error.message)
            except Exception:
                log.exception("decisions.flush_failed")
