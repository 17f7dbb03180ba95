"""Shelf: the books of a demo firm, connected by consent and read whole, for the board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rowcol.core.ids import BusinessId
from rowcol.core.money import Money
from rowcol.core.need import Purpose
from rowcol.services.cache import CacheService
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.rig import Rig
from rowcol.simulation.wiring import FIRM
from rowcol.simulation.workload import Workload

READ_WITHIN: Final = timedelta(minutes=30)
STEP: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Shelved:
    """What the books of one business say is to be paid, complete as of `as_of`."""

    bills: Money | None
    as_of: datetime | None


class Shelf:
    """One company for each business."""

    def __init__(self, rig: Rig, workload: Workload) -> None:
        self._rig = rig
        self._workload = workload

    async def connected(self, businesses: Sequence[BusinessId]) -> tuple[Shelved, ...]:
        """Consent for all, then each first reading as the limits of the whole portfolio admit it."""
        rig = self._rig
        for n, business in enumerate(businesses):
            company = rig.books.add_company(self._workload.clients[n].name)
            Clerk(company.books, stream(self._workload.seed, "clerk", n)).open_the_books()
            await rig.connect_books(business, company)
        until = rig.clock.now() + READ_WITHIN
        while rig.clock.now() < until and not await self._is_read(businesses):
            await rig.advance_to(rig.clock.now() + STEP)
        return tuple([await self._shelved(business) for business in businesses])

    async def _is_read(self, businesses: Sequence[BusinessId]) -> bool:
        for business in businesses:
            asked = await self._rig.plane.store.read_business_views(FIRM, business)
            if not any(view.coverages for view in asked):
                return False
        return True

    async def _shelved(self, business: BusinessId) -> Shelved:
        """From the mirror alone: it was read a moment ago."""
        service = CacheService(self._rig.plane, business, firm=FIRM)
        answer = await service.list_bills(purpose=Purpose.DISPLAY)
        if answer.as_of is None:
            return Shelved(None, None)
        total = Money(0, "USD")
        for bill in answer.value:
            total += bill.balance
        return Shelved(total, answer.as_of)
