"""Store contract, pools: metered calls draw from an app's month, over all firms; counted once; and how they ended."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rowcol.core import change as c
from rowcol.core.ids import AppId, BusinessId, ConnectionId
from rowcol.core.money import FREE
from rowcol.core.need import Purpose, Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.pool import Peaks, Pool
from rowcol.core.records import Burn, Throttle
from rowcol.ports import FullStore
from tests.contracts.values import (
    APP,
    BIZ,
    T0,
    A,
    B,
    after,
    behind,
    free_intent,
    furnish,
    intent,
    lease,
    metered,
    quota,
    settlement,
)

KEY, MARCH = "plaid/app_1", "2026-03"
SECOND = timedelta(seconds=1)
APRIL = datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC)


class PoolContract:
    async def test_a_metered_call_reserves_its_units(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        assert await store.read_pool(KEY, MARCH) is None
        assert await store.open_call(A, metered("1", "c1", units=3)) is None
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, reserved=3)
        assert await store.open_call(A, metered("2", "c1", pool_limit=900)) is None
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 900, reserved=4)
        second, first = await store.list_calls(A)
        assert (first.units, second.units) == (3, 1)

    @pytest.mark.parametrize(
        ("billed", "spent"), [(Billed.YES, 3), (Billed.POSSIBLY, 3), (Billed.NO, 0)]
    )
    async def test_settling_counts_once(self, store: FullStore, billed: Billed, spent: int) -> None:
        await furnish(store, A, "c1")
        await store.open_call(A, metered("1", "c1", units=3))
        for each in (settlement("1", billed), settlement("1", Billed.YES)):
            await store.settle(A, each)
            assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, spent=spent)
        (call,) = await store.list_calls(A)
        assert (call.billed, call.units, call.cost) == (billed, spent, FREE)

    async def test_a_priced_and_metered_call_moves_both(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        for name in ("1", "2"):
            await store.open_call(A, intent(name, "c1", units=2, pool_limit=1000))
        taken = await lease(store, "c1")
        ended = (settlement("2", Billed.NO), settlement("1"), settlement("1"))
        await store.commit(A, c.Change(taken, settlements=ended))
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, spent=2)
        (spending,) = await store.read_spending(A, MARCH)
        assert (spending.budget.spent.micros, spending.budget.reserved.micros) == (100_000, 0)

    async def test_what_a_dead_process_left_open_is_counted(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.open_call(A, metered("1", "c1"))
        assert await store.abandon_calls(after(50), after(200)) == 1
        assert await store.abandon_calls(after(50), after(200)) == 0
        (call,) = await store.list_calls(A)
        assert (call.billed, call.units) == (Billed.POSSIBLY, 1)
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, spent=1)

    async def test_a_month_begins_anew(self, store: FullStore) -> None:
        await furnish(store, A)
        full = metered("1", units=998)
        assert await store.open_call(A, full) is None
        refused = await store.open_call(A, metered("2"))
        assert isinstance(refused, c.Refused)
        assert refused.until == datetime(2026, 4, 1, tzinfo=UTC)
        assert await store.open_call(A, metered("3", opened_at=APRIL)) is None
        await store.settle(A, settlement("1", at=APRIL))
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, spent=998)
        assert await store.read_pool(KEY, "2026-04") == Pool(KEY, "2026-04", 1000, reserved=1)

    async def test_the_stages_are_asked(self, store: FullStore) -> None:
        await furnish(store, A)
        assert await store.open_call(A, metered("0", units=800)) is None
        ritual = {"trigger": Trigger.RITUAL}
        held = await store.open_call(A, metered("1", **ritual, is_full=True))
        assert isinstance(held, c.Refused)
        assert await store.open_call(A, metered("2", **ritual)) is None
        sweep = {"trigger": Trigger.SWEEP, "purpose": None}
        assert isinstance(await store.open_call(A, metered("3", **sweep)), c.Refused)
        asked = metered("5", trigger=Trigger.SWEEP, purpose=Purpose.VERIFY)
        assert await store.open_call(A, asked) is None, "somebody waits for it"
        late = metered("4", **sweep, looked_at=T0 - timedelta(days=25))
        assert await store.open_call(A, late) is None

    async def test_a_refusal_writes_nothing(self, store: FullStore) -> None:
        await furnish(store, A)
        none = metered("0", pool_limit=0)
        assert isinstance(await store.open_call(A, none), c.Refused)
        assert await store.read_pool(KEY, MARCH) is None
        tight = (quota("tight", 1),)
        paid = intent("1", quotas=tight, units=1, pool_limit=1000)
        assert await store.open_call(A, paid) is None
        held = intent("2", quotas=tight, units=1, pool_limit=1000)
        assert isinstance(await store.open_call(A, held), c.NotBefore)
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, reserved=1)
        over = intent("3", units=1000, pool_limit=1000)
        assert isinstance(await store.open_call(A, over), c.Refused)
        (spending,) = await store.read_spending(A, MARCH)
        assert spending.budget.reserved.micros == 100_000
        assert [call.id for call in await store.list_calls(A)] == ["call_1"]

    async def test_firms_at_the_edge_get_exactly_what_is_left(self, store: FullStore) -> None:
        """Two firms share the app; ten callers at once for five units."""
        await furnish(store, A)
        await furnish(store, B)
        assert await store.open_call(A, metered("0", units=993)) is None
        answers = await asyncio.gather(
            *(
                store.open_call(firm, metered(f"{firm}_{n}", firm=firm))
                for n in range(5)
                for firm in (A, B)
            )
        )
        assert answers.count(None) == 5
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, reserved=998)

    async def test_a_block_refuses_everybody_until_it_ends(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.block_pool(KEY, MARCH, None, "")
        assert await store.read_pool(KEY, MARCH) is None
        await store.block_pool(KEY, MARCH, after(60), "the rail refuses")
        assert await store.open_call(A, metered("1")) == c.Refused("the rail refuses", after(60))
        assert await store.open_call(A, metered("2", opened_at=after(60))) is None
        blocked = Pool(KEY, MARCH, 1000, 0, 1, after(60), "the rail refuses")
        assert await store.read_pool(KEY, MARCH) == blocked
        await store.settle(A, settlement("2"))
        await store.block_pool(KEY, MARCH, None, "")
        assert await store.read_pool(KEY, MARCH) == Pool(KEY, MARCH, 1000, spent=1)
        assert await store.open_call(A, metered("3")) is None

    async def test_burn_says_who_used_it(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await furnish(store, B)
        await store.open_call(A, metered("1", "c1", units=2))
        await store.open_call(A, metered("2", "c1"))
        await store.open_call(A, metered("3", endpoint="query", trigger=Trigger.SWEEP, units=9))
        await store.open_call(A, metered("no", "c1", endpoint="failed"))
        await store.open_call(A, metered("open", "c1"))
        await store.open_call(A, intent("unmetered", "c1"))
        await store.open_call(A, metered("april", "c1", opened_at=APRIL))
        await store.open_call(B, metered("b", firm=B))
        for name in ("1", "2", "3", "unmetered", "april"):
            await store.settle(A, settlement(name))
        await store.settle(A, settlement("no", Billed.NO, Outcome.RATE_LIMITED))
        await store.settle(B, settlement("b"))
        endpoint = metered("1").endpoint
        assert await store.sum_units(A, MARCH) == (
            Burn("plaid", APP, None, Trigger.SWEEP, "query", 1, 9),
            Burn("plaid", APP, BIZ, Trigger.PERSON, endpoint, 2, 3),
        )
        assert [burn.units for burn in await store.sum_units(A, "2026-04")] == [1]
        assert [burn.business for burn in await store.sum_units(B, MARCH)] == [None]

    async def test_throttles_tell_how_metered_calls_ended(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await furnish(store, B, "c2", biz="biz_2")
        await store.open_call(A, metered("1", "c1"))
        await store.open_call(B, metered("2", "c2", firm=B, business=BusinessId("biz_2")))
        await store.open_call(A, metered("3", "c1"))
        await store.open_call(A, metered("open", "c1"))
        await store.open_call(A, intent("unmetered", "c1"))
        await store.open_call(A, metered("other", "c1", app=AppId("app_2")))
        await store.settle(A, settlement("3", at=after(1)))
        for name in ("unmetered", "other"):
            await store.settle(A, settlement(name, at=after(30)))
        refused = settlement("2", Billed.NO, Outcome.RATE_LIMITED, after(20))
        await store.settle(B, refused)
        await store.settle(A, settlement("1", at=after(10)))
        assert await store.list_throttles(APP, after(10)) == (
            Throttle(ConnectionId("c1"), Outcome.OK, after(10), T0),
            Throttle(ConnectionId("c2"), Outcome.RATE_LIMITED, after(20), T0),
        )
        assert await store.prune(behind(15)) == 2
        assert len(await store.list_throttles(APP, T0)) == 1
        assert [burn.calls for burn in await store.sum_units(A, MARCH)] == [1]

    async def test_peaks_count_every_call_of_the_month(self, store: FullStore) -> None:
        """More than a thousand, metered or not, of whatever firm; neither other endpoints nor other apps."""
        await furnish(store, A, "c1", "c2")
        await furnish(store, B, "c3", biz="biz_2")
        start = datetime(2026, 3, 1, tzinfo=UTC)
        assert await store.read_peaks(APP, ("read", "write"), start) == Peaks()
        calls: list[tuple[str | None, str, datetime]] = [
            *(("c1", "read" if n % 2 else "write", start + n * SECOND) for n in range(1100)),
            *(("c2", "write", T0 + n * SECOND / 10) for n in range(9)),
            *(("c2", "write", T0 + n * SECOND) for n in range(1, 3)),
            *((None, "read", T0) for _ in range(3)),
            *(("c1", "other", T0) for _ in range(50)),
            *(("c1", "read", APRIL) for _ in range(50)),
        ]
        for n, (name, endpoint, at) in enumerate(calls):
            made = free_intent if endpoint == "write" else metered
            more = {"endpoint": endpoint, "opened_at": at, "pool_limit": 10_000}
            assert await store.open_call(A, made(str(n), name, **more)) is None
            await store.settle(A, settlement(str(n), at=at))
        more = {"firm": B, "business": BusinessId("biz_2"), "opened_at": T0}
        for name in ("b1", "b2"):
            await store.open_call(B, metered(name, "c3", endpoint="read", **more))
            await store.settle(B, settlement(name, at=T0))
        await store.open_call(A, metered("open", "c1", endpoint="read", opened_at=T0))
        other = metered("other", "c1", app=AppId("app_2"), endpoint="read", opened_at=T0)
        await store.open_call(A, other)
        await store.settle(A, settlement("other", at=T0))
        assert await store.read_peaks(APP, ("read", "write"), start) == Peaks(9, 60, 60)
        late = await store.read_peaks(APP, ("read", "write"), T0)
        assert late == Peaks(9, 11, 16)
        assert await store.read_peaks(APP, ("read",), T0) == Peaks(2, 2, 5)
        assert await store.read_peaks(APP, (), start) == Peaks()
