"""Store contract, commit: all or nothing, the fence, the mirror, observations, needs, tokens."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from rowcol.core import change as c
from rowcol.core.connection import Connection, ConnectionState
from rowcol.core.evidence import Balance, Coverage, Health, Source
from rowcol.core.ids import CallId, ConnectionId, NeedId, RemoteId
from rowcol.core.money import Cost, Money
from rowcol.ports import FullStore
from tests.contracts.values import (
    T0,
    TOKEN,
    A,
    B,
    after,
    decided,
    furnish,
    intent,
    lease,
    look,
    need,
    record,
    row,
    settlement,
)

C1 = ConnectionId("c1")


async def seen(store: FullStore) -> c.ConnectionView:
    view = await store.read_view(A, C1)
    assert view is not None
    return view


class CommitContract:
    async def test_a_state_comes_back_as_it_was(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        state = ConnectionState(
            health=Health.NEEDS_RECONNECT,
            health_reason="ITEM_LOGIN_REQUIRED",
            health_since=after(1),
            seen_until=after(2),
            balances_as_of=after(3.000001),
            looked_at=after(4),
            pulls=(after(1), after(2)),
            dirty={"transactions": "a webhook"},
            cursor="cur",
            page="p",
            failures=3,
            retry_at=after(7),
            paid_failed_at=after(8),
            webhook_gaps=2,
            posted_count=10,
            posted_closed_days=1,
            first_posted_on=after(0).date(),
            facts={"a": 1, "b": "x", "c": True, "d": None},
        )
        taken = await lease(store, "c1")
        assert not (await store.commit(A, c.Change(taken, state=state))).is_fenced
        view = await seen(store)
        assert view.connection.state == state
        assert view.token == TOKEN
        (listed,) = await store.list_connections(A)
        assert isinstance(listed, Connection)
        assert listed == view.connection
        (short,) = await store.read_business_views(A, listed.business)
        assert short == replace(view, needs=(), pending=())

    async def test_accounts_come_from_the_mirror(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        live = look("a1", 500, after(5), after(6), Source.LIVE)
        change = c.Change(
            taken,
            rows=(row("a2", name="Savings"), row("a1"), row("t1", "transaction")),
            observations=(look("a1", 100), live),
        )
        await store.commit(A, change)
        assert await store.set_account_role(A, C1, RemoteId("a1"), "operating", T0)
        assert not await store.set_account_role(A, C1, RemoteId("a9"), "operating", T0)
        first, second = (await seen(store)).accounts
        assert (first.remote_id, first.name, first.mask) == ("a1", "Checking", "0000")
        assert (first.type, first.subtype, first.role) == ("depository", "checking", "operating")
        assert (first.latest, first.latest_live, first.is_closed) == (live, live, False)
        assert (second.name, second.latest, second.role) == ("Savings", None, None)

    async def test_a_tombstone_closes_and_keeps_the_name(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, rows=(row("a1"),)))
        await store.commit(A, c.Change(taken, rows=(row("a1", name=None),)))
        (account,) = (await seen(store)).accounts
        assert (account.name, account.is_closed) == ("Checking", True)
        (kept,) = await store.read_mirror(A, C1, "account")
        assert kept.body is None
        await store.commit(A, c.Change(taken, rows=(row("a1", name="New"),)))
        (account,) = (await seen(store)).accounts
        assert (account.name, account.is_closed) == ("New", False)

    async def test_staged_rows_are_published_with_the_cursor(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        page = (row("t1", "transaction"), row("t2", "transaction"))
        await store.commit(A, c.Change(taken, state=ConnectionState(page="2"), staged=page))
        assert await store.read_mirror(A, C1, "transaction") == ()
        done = c.Change(
            taken,
            state=ConnectionState(cursor="end"),
            staged=(row("t2", "transaction", None), row("t3", "transaction")),
            publishes="transactions",
        )
        await store.commit(A, done)
        rows = await store.read_mirror(A, C1, "transaction")
        assert [(r.remote_id, r.body is None) for r in rows] == [
            ("t1", False),
            ("t2", True),
            ("t3", False),
        ]
        (last,) = await store.read_mirror(A, C1, "transaction", after="t2", limit=1)
        assert last == row("t3", "transaction")

    async def test_discarded_rows_never_show(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, staged=(row("t1", "transaction"),)))
        again = c.Change(taken, discards=True, staged=(row("t2", "transaction"),), publishes="x")
        await store.commit(A, again)
        assert [r.remote_id for r in await store.read_mirror(A, C1, "transaction")] == ["t2"]

    async def test_the_newest_look_wins_in_whatever_order(self, store: FullStore) -> None:
        looks = (
            look("a1", 1, after(10), after(10), Source.LIVE),
            look("a1", 2, after(20), after(21)),
            look("a1", 3, after(20), after(25)),
            look("a1", 4, after(5), after(90)),
        )
        await furnish(store, A, "c1")
        taken = await lease(store, "c1", after(100))
        await store.commit(A, c.Change(taken, rows=(row("a1"),)))
        for order in itertools.permutations(looks):
            for each in order:
                await store.commit(A, c.Change(taken, observations=(each,)))
            (account,) = (await seen(store)).accounts
            assert account.latest == looks[2]
            assert account.latest_live == looks[0]

    async def test_a_look_that_saw_nothing_comes_back(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        gone = replace(look("a1", 1), balance=None, call=CallId("call_1"))
        full = Balance(Money(-5, "USD"), Money(10**17, "USD"), Money(0, "USD"))
        whole = replace(look("a2", 1), balance=full)
        change = c.Change(taken, rows=(row("a1"), row("a2")), observations=(gone, whole))
        await store.commit(A, change)
        assert [a.latest for a in (await seen(store)).accounts] == [gone, whole]

    async def test_past_the_fence_only_what_was_paid_for_is_kept(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        old = await lease(store, "c1")
        await store.commit(A, c.Change(old, rows=(row("a1"),)))
        assert await store.open_call(A, intent("1", "c1")) is None
        await store.add_needs(A, [need("1", "c1")])
        await lease(store, "c1", after(20), "other")
        late = c.Change(
            old,
            state=ConnectionState(cursor="old"),
            rows=(row("a2"),),
            staged=(row("t1", "transaction"),),
            answered=(c.Answered(NeedId("need_1"), decided(), Cost(1), (), after(1)),),
            settlements=(settlement("1"),),
            observations=(look("a1", 77, source=Source.LIVE),),
            coverages=(Coverage("accounts", after(1), Source.LIVE),),
            decisions=(record("1"),),
        )
        done = await store.commit(A, late)
        assert done.is_fenced
        view = await seen(store)
        assert view.connection.state == ConnectionState()
        assert [(a.remote_id, a.latest) for a in view.accounts] == [("a1", late.observations[0])]
        assert view.coverages == ()
        assert len(view.needs) == 1
        assert await store.read_answers(A, [NeedId("need_1")]) == {}
        assert await store.list_decisions(A) == ()
        (call,) = await store.list_calls(A)
        assert call.cost == Cost(100_000)

    async def test_coverages_keep_the_newest_of_each_scope(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        taken = await lease(store, "c1", after(100))
        bills = Coverage("Bill", after(9), Source.LIVE)
        vendors = Coverage("Vendor", after(1), Source.LIVE)
        await store.commit(A, c.Change(taken, coverages=(vendors, bills)))
        older = (replace(bills, complete_as_of=after(2)), replace(vendors, source=Source.CACHED))
        await store.commit(A, c.Change(taken, coverages=older))
        view = await seen(store)
        assert view.coverages == (bills, older[1], vendors)
        first, second = await store.read_business_views(A, view.connection.business)
        assert (first.coverages, second.coverages) == (view.coverages, ())

    async def test_a_need_is_answered_once(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.add_needs(A, [need("1", "c1"), need("2", "c1")])
        await store.add_needs(A, [need("1", "c1", at=after(99))])
        taken = await lease(store, "c1")
        first = c.Answered(
            NeedId("need_1"), decided(), Cost(7), (CallId("call_9"), CallId("call_1")), after(3)
        )
        second = replace(first, decision=decided(c.Action.HOLD), answered_at=after(9))
        await store.commit(A, c.Change(taken, answered=(first,)))
        await store.commit(A, c.Change(taken, answered=(second,)))
        ids = [NeedId("need_2"), NeedId("need_1"), NeedId("need_9")]
        assert await store.read_answers(A, ids) == {first.need: first}
        assert await store.read_answers(A, []) == {}
        assert [n.id for n in (await seen(store)).needs] == ["need_2"]

    async def test_decisions_come_back_newest_first(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.record_decisions(A, [record(str(n)) for n in range(4)])
        await store.record_decisions(A, [record("3")])
        await store.record_decisions(A, [])
        listed = await store.list_decisions(A, limit=2)
        assert listed == (record("3"), record("2"))
        assert await store.list_decisions(A, after="dec_1") == (record("0"),)
        assert await store.list_decisions(A, business=record("1").business, after="dec_1") != ()

    async def test_the_token_is_swapped_only_from_the_one_known(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        assert not await store.store_token(A, C1, b"other", b"new")
        assert not await store.store_token(A, C1, None, b"new")
        assert (await seen(store)).token == TOKEN
        assert await store.store_token(A, C1, TOKEN, b"new")
        assert not await store.store_token(A, C1, TOKEN, b"newer")
        view = await seen(store)
        assert (view.token, view.previous_token) == (b"new", TOKEN)

    async def test_nothing_is_written_when_something_is_wrong(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        foreign = record("1", B)
        wrong = c.Change(
            taken,
            state=ConnectionState(cursor="x"),
            rows=(row("a1"),),
            observations=(look("a1", 1),),
            decisions=(foreign,),
            next_at=after(500),
            releases=True,
        )
        with pytest.raises(Exception, match="no such thing"):
            await store.commit(A, wrong)
        view = await seen(store)
        assert (view.accounts, view.connection.state) == ((), ConnectionState())
        assert await store.next_due_at() == after(15)

    async def test_the_digest_is_over_values_not_times_or_ids(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        empty = await store.digest(A)
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, rows=(row("a1"),), observations=(look("a1", 5),)))
        one = await store.digest(A)
        await store.commit(A, c.Change(taken, observations=(look("a1", 5, after(9), after(9)),)))
        assert await store.digest(A) == one != empty
        await store.commit(A, c.Change(taken, observations=(look("a1", 6, after(10), after(10)),)))
        assert await store.digest(A) != one
