"""Store contract, upkeep: what goes once nobody needs it, what stays, and how much goes at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rowcol.core import change as c
from rowcol.core.clock_back import UNKNOWN_AT
from rowcol.core.delivery import RouteState
from rowcol.core.evidence import Coverage, Source
from rowcol.core.ids import ConnectionId
from rowcol.core.retention import LINKS_KEPT, LOST_KEPT, PRUNE_MAX, SUPERSEDED_KEPT, horizon
from rowcol.ports import FullStore
from tests.contracts.values import (
    T0,
    TOKEN,
    A,
    B,
    after,
    behind,
    connection,
    furnish,
    incoming,
    lease,
    link,
    look,
    need,
    record,
    row,
    session,
)

MONTH, DAY = timedelta(days=30), timedelta(days=1)
SECOND = timedelta(seconds=1)


async def prune(store: FullStore, now: datetime, retention: timedelta = MONTH) -> int:
    return await store.prune(horizon(now, retention))


async def ran_ahead(store: FullStore, jump: timedelta) -> None:
    """A login that was looked at, leased and asked about by a clock ahead of T0."""
    await furnish(store, A, "c1")
    at = T0 + jump
    first = await lease(store, "c1", at)
    seen = look("acc", 100, at, at, Source.LIVE)
    covered = Coverage("books", at, Source.CACHED)
    change = c.Change(first, rows=(row("acc"),), observations=(seen,), coverages=(covered,))
    await store.commit(A, replace(change, next_at=at, releases=True))
    await store.add_needs(A, [need("n1", "c1", at=at)])
    await store.add_link(A, session("s1"))


class ClockBackContract:
    """What a clock that ran ahead stamped is taken back."""

    @pytest.mark.parametrize("jump", [timedelta(hours=6), timedelta(days=40)])
    async def test_nothing_is_left_that_lies_after_now(
        self, store: FullStore, jump: timedelta
    ) -> None:
        assert await store.newest_stamp() is None
        await ran_ahead(store, jump)
        for _ in range(2):
            await store.forget_after(T0)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        stamps = [
            *(o.true_at for a in view.accounts for o in (a.latest, a.latest_live) if o),
            *(each.complete_as_of for each in view.coverages),
        ]
        assert set(stamps) == {UNKNOWN_AT}
        assert [n.question.asked_at for n in view.needs] == [T0]
        assert [n.check_at for n in view.needs] == [T0]

    async def test_what_lies_before_now_stays(self, store: FullStore) -> None:
        await ran_ahead(store, timedelta(0))
        before = await store.read_view(A, ConnectionId("c1"))
        await store.forget_after(after(1))
        assert await store.read_view(A, ConnectionId("c1")) == before
        assert await store.newest_stamp() == T0


class PruneContract:
    async def test_a_helping_is_bounded(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.record_decisions(A, [record(f"{n:05}") for n in range(PRUNE_MAX)])
        drained = [incoming(f"{n}", "item_c1") for n in range(10)]
        await store.receive(drained)
        change = c.Change(await lease(store, "c1"), drained=tuple(each.id for each in drained))
        await store.commit(A, change)
        assert await store.prune(behind(1)) == PRUNE_MAX
        assert len(await store.list_decisions(A)) == 10
        assert await store.list_deliveries(A) == ()
        assert await store.prune(behind(1)) == 10
        assert await store.prune(behind(1)) == 0

    async def test_lost_deliveries_go_late_and_waiting_ones_never(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        parked, waiting, both = (incoming(n, "item_c1") for n in "123")
        both = replace(both, remote_ids=(*both.remote_ids, *incoming("", "nobody").remote_ids))
        await store.receive([parked, waiting, both, incoming("4", "nobody"), incoming("5")])
        change = c.Change(await lease(store, "c1"), parked={parked.id: "x"}, releases=True)
        await store.commit(A, change)
        assert await prune(store, T0 + LOST_KEPT) == 0
        assert await prune(store, T0 + LOST_KEPT + SECOND) == 3
        assert {d.id for d in await store.list_deliveries(A)} == {waiting.id, both.id}
        assert [d.id for d in await store.list_unmatched()] == [both.id]
        assert await prune(store, T0 + LOST_KEPT * 99) == 0
        assert not await store.replay(A, parked.id)

    async def test_a_delivery_goes_when_all_its_routes_may(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        half = incoming("1", "item_c1", "nobody")
        await store.receive([half])
        change = c.Change(await lease(store, "c1"), drained=(half.id,), releases=True)
        await store.commit(A, change)
        assert await prune(store, T0 + MONTH + DAY) == 0
        assert [d.state for d in await store.list_deliveries(A)] == [RouteState.DRAINED]
        assert await prune(store, T0 + LOST_KEPT + SECOND) == 1
        assert await store.list_deliveries(A) == await store.list_unmatched() == ()

    async def test_what_was_lost_and_went_is_found_by_nobody_and_may_come_anew(
        self, store: FullStore
    ) -> None:
        await furnish(store, A)
        kept = incoming("2", "item_c1", at=T0 + LOST_KEPT)
        await store.receive([incoming("1", "item_c1"), kept])
        assert await prune(store, T0 + LOST_KEPT + SECOND) == 1
        await store.add_connection(A, connection("c1"), TOKEN)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [each.id for each in view.pending] == [kept.id]
        again = incoming("3", "item_c1", key="key_1", at=T0 + LOST_KEPT + DAY)
        assert await store.receive([again]) == (True,)

    async def test_a_longer_retention_holds_for_everything(self, store: FullStore) -> None:
        await furnish(store, A)
        await store.add_link(A, link("1"))
        await store.receive([incoming("1", "nobody")])
        years = timedelta(days=3650)
        assert await prune(store, T0 + years, years) == 0
        assert await prune(store, T0 + years + MONTH, years) == 2

    async def test_links_go_a_month_after_they_ran_out(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        for name in "123":
            await store.add_link(A, link(name))
        assert await store.take_link("hash_1", after(5)) is not None
        await store.end_link(A, "link_1", ConnectionId("c1"), "")
        await store.add_link(A, replace(link("4"), expires_at=after(601)))
        gone_at = link("1").expires_at + LINKS_KEPT
        assert await prune(store, gone_at, SECOND) == 0
        assert await prune(store, gone_at + SECOND / 2, SECOND) == 3
        assert await store.read_link(A, "link_1") is None
        assert await store.read_link(A, "link_4") is not None

    async def test_an_account_keeps_its_newest_look_and_its_newest_live_one(
        self, store: FullStore
    ) -> None:
        await furnish(store, A, "c1")
        await furnish(store, B, "c2", biz="biz_2")
        live, cached = (
            look("a1", n, after(n), after(n), s) for n, s in ((3, Source.LIVE), (4, Source.CACHED))
        )
        old = [look("a1", n, after(n), after(n)) for n in (0, 1)]
        older_live = look("a1", 2, after(2), after(2), Source.LIVE)
        seen = (*old, older_live, live, cached, look("a2", 9))
        rows = (row("a1"), row("a2"))
        for firm, name in ((A, "c1"), (B, "c2")):
            change = c.Change(await lease(store, name), rows=rows, observations=seen, releases=True)
            await store.commit(firm, change)
        before = await store.read_view(A, ConnectionId("c1"))
        digest = await store.digest(A)
        assert await prune(store, T0 + SUPERSEDED_KEPT) == 0
        assert await prune(store, after(1) + SUPERSEDED_KEPT) == 2
        assert await prune(store, after(99) + SUPERSEDED_KEPT) == 4
        assert await prune(store, after(99) + SUPERSEDED_KEPT * 9) == 0
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert before is not None
        assert view.accounts == before.accounts
        assert (view.accounts[0].latest, view.accounts[0].latest_live) == (cached, live)
        assert await store.digest(A) == digest

    async def test_a_look_that_came_late_is_kept_from_when_it_came(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        late = look("a1", 1, T0, T0 + 99 * DAY)
        seen = (late, look("a1", 2, after(1), T0))
        await store.commit(A, c.Change(await lease(store, "c1"), observations=seen))
        assert await prune(store, T0 + SUPERSEDED_KEPT + DAY) == 0
        assert await prune(store, T0 + SUPERSEDED_KEPT + 100 * DAY) == 1

    @pytest.mark.parametrize("extra", [0, 1])
    async def test_superseded_looks_go_by_helpings_too(self, store: FullStore, extra: int) -> None:
        await furnish(store, A, "c1")
        seen = tuple(look("a1", n, after(n), after(n)) for n in range(PRUNE_MAX + 1 + extra))
        await store.commit(A, c.Change(await lease(store, "c1"), observations=seen))
        now = after(86400) + SUPERSEDED_KEPT
        assert await prune(store, now) == PRUNE_MAX
        assert await prune(store, now) == extra
        assert await prune(store, now) == 0
