"""Batch: how long a thousand bills by their ids take from the mirror, on an embedded file, and how many calls they cost."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from rowcol.adapters.sql import open_sqlite
from rowcol.bootstrap import DATABASE_FILE
from rowcol.services.cache import CacheService
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.rig import open_rig
from rowcol.simulation.wiring import FIRM

BILLS: Final = 1_000
READ_WITHIN: Final = timedelta(minutes=3)


async def batch_read(rounds: int = 25) -> dict[str, float]:
    """Median and least of `rounds` reads, in milliseconds, and the calls of all of them."""
    with tempfile.TemporaryDirectory(prefix="rowcol-bench-") as folder:
        store = await open_sqlite(Path(folder) / DATABASE_FILE)
        try:
            async with open_rig(store=store) as rig:
                company = rig.books.add_company("Harbor")
                clerk = Clerk(company.books, stream(1, "clerk"))
                clerk.open_the_books()
                for _ in range(BILLS):
                    clerk.do("enter bill")
                business = await rig.add_business("Harbor")
                await rig.connect_books(business, company)
                await rig.advance_to(rig.clock.now() + READ_WITHIN)
                ids = [str(row["Id"]) for row in company.books.rows("Bill")][:BILLS]
                service = CacheService(rig.plane, business, firm=FIRM)
                calls_before, took_ms = len(rig.books.meter.requests), []
                for _ in range(rounds):
                    began_s = perf_counter()
                    found = await service.batch_get_bills(ids)
                    took_ms.append((perf_counter() - began_s) * 1000)
                    if len(found.value) != BILLS:
                        raise RuntimeError(f"only {len(found.value)} of {BILLS} bills were found")
                calls = len(rig.books.meter.requests) - calls_before
        finally:
            await store.close()
    return {
        "batch_get_bills_1000_ms_p50": round(median(took_ms), 2),
        "batch_get_bills_1000_ms_min": round(min(took_ms), 2),
        "batch_get_bills_1000_calls": calls,
    }
