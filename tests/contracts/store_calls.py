"""Store contract, calls: quota, budget, pauses and the log line in one write; settled once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core import change as c
from rowcol.core.budget import Budget
from rowcol.core.ids import ConnectionId
from rowcol.core.money import FREE, Cost
from rowcol.core.need import Trigger
from rowcol.core.outcome import Billed, Outcome
from rowcol.core.pause import PAID, switch_of_rail
from rowcol.ports import FullStore
from tests.contracts.values import (
    BIZ,
    T0,
    A,
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

_numbers = itertools.count()
StoreRun = Callable[[Callable[[FullStore], Awaitable[list[datetime]]]], list[datetime]]


async def pool(store: FullStore) -> Budget:
    (spending,) = await store.read_spending(A, "2026-03")
    return spending.budget


def opened(made: c.Intent) -> c.OpenCall:
    return c.OpenCall(
        made.id, is_counted=True, opened_at=made.opened_at, price=made.price, purpose=made.purpose
    )


class CallContract:
    async def test_an_opened_call_is_reserved_and_logged(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        made = intent("1", "c1")
        assert await store.open_call(A, made) is None
        assert await pool(store) == Budget("plaid", Cost(1_000_000), FREE, Cost(100_000))
        (call,) = await store.list_calls(A)
        assert (call.id, call.connection, call.business) == (made.id, "c1", BIZ)
        assert (call.price, call.cost, call.billed, call.outcome) == (made.price, FREE, None, None)
        assert (call.trigger, call.purpose, call.opened_at) == (made.trigger, made.purpose, T0)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert view.open_calls == (opened(made),)

    async def test_a_free_call_is_known_for_one_as_long_as_it_is_open(
        self, store: FullStore
    ) -> None:
        await furnish(store, A, "c1")
        made = (free_intent("1", "c1"), metered("2", "c1"), intent("3", "c1"))
        for each in made:
            assert await store.open_call(A, each) is None
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [call.is_counted for call in view.open_calls] == [False, True, True]
        for call in view.open_calls:
            await store.settle(A, call.abandoned(after(9)))
        ended = [call.billed for call in reversed(await store.list_calls(A))]
        assert ended == [Billed.NO, Billed.POSSIBLY, Billed.POSSIBLY]

    @pytest.mark.parametrize(
        ("billed", "spent"), [(Billed.YES, 100_000), (Billed.POSSIBLY, 100_000), (Billed.NO, 0)]
    )
    async def test_settling_moves_the_money_once(
        self, store: FullStore, billed: Billed, spent: int
    ) -> None:
        await furnish(store, A, "c1")
        await store.open_call(A, intent("1", "c1"))
        await store.settle(A, settlement("1", billed, at=after(2)))
        assert await pool(store) == Budget("plaid", Cost(1_000_000), Cost(spent), FREE)
        await store.settle(A, settlement("1", Billed.YES, Outcome.NO_ANSWER))
        assert await pool(store) == Budget("plaid", Cost(1_000_000), Cost(spent), FREE)
        (call,) = await store.list_calls(A)
        assert (call.cost, call.billed, call.outcome) == (Cost(spent), billed, Outcome.OK)
        assert (call.status, call.settled_at, call.remote_request_id) == (200, after(2), "req_1")
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert view.open_calls == ()

    async def test_a_used_up_budget_refuses_until_the_month_ends(self, store: FullStore) -> None:
        await furnish(store, A)
        for n in range(10):
            assert await store.open_call(A, intent(f"{n}")) is None
        refused = await store.open_call(A, intent("x"))
        assert isinstance(refused, c.Refused)
        assert refused.until == datetime(2026, 4, 1, tzinfo=T0.tzinfo)
        assert "$1.00" in refused.reason
        assert len(await store.list_calls(A)) == 10
        assert await store.open_call(A, free_intent("free")) is None
        assert await store.open_call(A, intent("y", opened_at=after(86400 * 31))) is None

    async def test_the_machine_leaves_a_share_for_people(self, store: FullStore) -> None:
        await furnish(store, A)
        for n in range(8):
            made = intent(f"{n}", trigger=Trigger.RITUAL)
            assert await store.open_call(A, made) is None
        refused = await store.open_call(A, intent("x", trigger=Trigger.RITUAL))
        assert isinstance(refused, c.Refused)
        assert await store.open_call(A, intent("y", trigger=Trigger.PERSON)) is None

    async def test_a_quota_says_when_and_writes_nothing(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        tight, wide = quota("tight", 2, 60), quota("wide", 100, 60)
        quotas = (wide, tight)
        assert await store.open_call(A, intent("1", "c1", quotas=quotas)) is None
        assert await store.open_call(A, intent("2", "c1", quotas=quotas)) is None
        before = await pool(store)
        held = await store.open_call(A, intent("3", "c1", quotas=quotas))
        assert isinstance(held, c.NotBefore)
        assert held.until > T0
        assert "tight" in held.reason
        assert await pool(store) == before
        assert len(await store.list_calls(A)) == 2
        early = intent("4", "c1", quotas=quotas, opened_at=held.until - timedelta(microseconds=1))
        assert isinstance(await store.open_call(A, early), c.NotBefore)
        assert (
            await store.open_call(A, intent("5", "c1", quotas=quotas, opened_at=held.until)) is None
        )

    async def test_pauses_refuse_with_their_reason(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.set_switch(PAID, "the invoice looks odd")
        assert await store.open_call(A, intent("1", "c1")) == c.Refused("the invoice looks odd")
        assert await store.open_call(A, free_intent("2", "c1")) is None
        await store.set_switch(PAID, None)
        await store.set_switch(switch_of_rail("plaid"), "Plaid asked us to")
        assert await store.open_call(A, free_intent("3", "c1")) == c.Refused("Plaid asked us to")
        assert await store.read_switches() == {"pause.rail.plaid": "Plaid asked us to"}
        await store.set_switch(switch_of_rail("plaid"), None)
        await store.set_switch(switch_of_rail("qbo"), "other rail")
        await store.set_paused(A, ConnectionId("c1"), is_paused=True)
        assert isinstance(await store.open_call(A, free_intent("4", "c1")), c.Refused)
        assert await store.open_call(A, intent("5")) is None

    async def test_a_call_for_a_login_that_is_gone_is_refused(self, store: FullStore) -> None:
        await furnish(store, A)
        assert isinstance(await store.open_call(A, intent("1", "nobody")), c.Refused)

    async def test_what_a_dead_process_left_open_is_settled(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.open_call(A, intent("1", "c1"))
        await store.open_call(A, free_intent("2", "c1"))
        await store.open_call(A, intent("3", "c1", opened_at=after(100)))
        assert await store.abandon_calls(after(50), after(200)) == 2
        assert await store.abandon_calls(after(50), after(200)) == 0
        third, second, first = await store.list_calls(A)
        assert (first.billed, first.outcome) == (Billed.POSSIBLY, Outcome.NO_ANSWER)
        assert (first.cost, first.settled_at) == (Cost(100_000), after(200))
        assert (second.billed, second.cost) == (Billed.NO, FREE)
        assert third.billed is None
        assert await pool(store) == Budget("plaid", Cost(1_000_000), Cost(100_000), Cost(100_000))

    async def test_the_next_holder_sees_only_calls_from_before_its_lease(
        self, store: FullStore
    ) -> None:
        await furnish(store, A, "c1")
        await lease(store, "c1")
        await store.open_call(A, intent("1", "c1", opened_at=after(1)))
        await lease(store, "c1", after(20), "next")
        await store.open_call(A, free_intent("2", "c1", opened_at=after(21)))
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert view.open_calls == (opened(intent("1", "c1", opened_at=after(1))),)

    async def test_calls_are_listed_newest_first_and_page(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        for n in range(4):
            await store.open_call(A, free_intent(f"{n}", "c1" if n % 2 else None))
        assert [call.id for call in await store.list_calls(A, limit=2)] == ["call_3", "call_2"]
        assert [call.id for call in await store.list_calls(A, after="call_2")] == [
            "call_1",
            "call_0",
        ]
        assert [call.id for call in await store.list_calls(A, business=BIZ)] == [
            "call_3",
            "call_1",
        ]

    async def test_costs_are_summed_by_business_and_month(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        april = after(86400 * 31)
        moments = [("1", T0), ("2", T0), ("3", T0), ("4", T0), ("5", april)]
        for name, opened_at in moments:
            await store.open_call(A, intent(name, "c1", opened_at=opened_at))
        await store.open_call(A, intent("app", opened_at=T0))
        await store.open_call(A, free_intent("free", "c1"))
        assert await store.sum_costs(A, "2026-03") == {}
        for name, billed in (("1", Billed.YES), ("2", Billed.POSSIBLY), ("3", Billed.NO)):
            await store.settle(A, settlement(name, billed, at=april))
        for name in ("5", "app", "free"):
            await store.settle(A, settlement(name, at=april))
        assert await store.sum_costs(A, "2026-03") == {BIZ: Cost(200_000)}
        assert await store.sum_costs(A, "2026-04") == {BIZ: Cost(100_000)}
        assert await store.sum_costs(A, "2026-05") == {}

    async def test_settled_calls_and_decisions_are_pruned(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.open_call(A, intent("1", "c1"))
        await store.open_call(A, intent("2", "c1"))
        await store.settle(A, settlement("1"))
        assert await store.prune(behind(1)) == 1
        assert [call.id for call in await store.list_calls(A)] == ["call_2"]

    def test_no_window_ever_holds_more_than_the_quota(self, store_run: StoreRun) -> None:
        """Callers arrive together, three at each moment; GCRA through the store admits no more than its quota."""

        @settings(max_examples=12)
        @given(
            admitted=st.integers(1, 6),
            gaps_ms=st.lists(st.integers(0, 400), min_size=10, max_size=30),
        )
        def check(admitted: int, gaps_ms: list[int]) -> None:
            times = store_run(lambda store: arrive(store, admitted, gaps_ms))
            for start in times:
                end = start + timedelta(seconds=1)
                assert sum(start <= each < end for each in times) <= admitted

        check()


async def arrive(store: FullStore, admitted: int, gaps_ms: list[int]) -> list[datetime]:
    """When calls were admitted, of three that ask together after each gap."""
    number = next(_numbers)
    limit = quota(f"run_{number}", admitted, 1)
    admitted_at, now = [], T0
    for index, gap_ms in enumerate(gaps_ms):
        now += timedelta(milliseconds=gap_ms)
        intents = [
            free_intent(f"{number}_{index}_{n}", quotas=(limit,), opened_at=now) for n in range(3)
        ]
        answers = await asyncio.gather(*(store.open_call(A, each) for each in intents))
        admitted_at += [now for answer in answers if answer is None]
    return admitted_at
