"""Store contract, subjects: derived due, leases, fences, turns, pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rowcol.core import change as c
from rowcol.core.ids import ConnectionId, NeedId
from rowcol.core.need import Purpose
from rowcol.ports import FullStore
from tests.contracts.values import (
    T0,
    TOKEN,
    A,
    B,
    after,
    business,
    connection,
    decided,
    furnish,
    incoming,
    lease,
    need,
    question,
    settlement,
)


class SubjectContract:
    async def test_a_new_connection_is_due(self, store: FullStore) -> None:
        assert await store.next_due_at() is None
        await furnish(store, A, "c1")
        assert await store.next_due_at() == after(0)
        assert await store.claim("me", after(-1), 15, 10) == ()
        (taken,) = await store.claim("me", after(0), 15, 10)
        assert (taken.firm, taken.kind, taken.subject) == (A, c.SubjectKind.CONNECTION, "c1")
        assert (taken.owner, taken.until, taken.fence) == ("me", after(15), 1)

    async def test_a_leased_subject_is_nobodys_elses_until_the_lease_ends(
        self, store: FullStore
    ) -> None:
        await furnish(store, A, "c1")
        first = await lease(store, "c1")
        assert await store.claim("other", after(14), 15, 10) == ()
        assert await store.next_due_at() == after(15)
        (second,) = await store.claim("other", after(15), 15, 10)
        assert second.fence == first.fence + 1
        await store.release(first, after(99))  # too late: it is the other's
        assert await store.claim("third", after(20), 15, 10) == ()
        await store.release(second, after(99))
        assert await store.next_due_at() == after(99)

    async def test_one_is_claimed_by_name_due_or_not(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        await furnish(store, B)
        first = await lease(store, "c1")
        await store.release(first, after(1000))
        one = await store.claim_one(A, ConnectionId("c1"), "me", after(20), 15)
        assert one == c.Lease(A, c.SubjectKind.CONNECTION, "c1", "me", after(35), first.fence + 1)
        assert await store.claim_one(A, ConnectionId("c1"), "you", after(34), 15) is None
        assert await store.claim_one(B, ConnectionId("c2"), "you", after(34), 15) is None
        assert await store.claim_one(A, ConnectionId("none"), "you", after(34), 15) is None
        other = await store.claim_one(A, ConnectionId("c1"), "you", after(35), 15)
        assert other is not None
        assert other.fence == one.fence + 1
        assert (await store.commit(A, c.Change(one))).is_fenced
        done = await store.commit(A, c.Change(other, next_at=after(2000), releases=True))
        assert not done.is_fenced
        assert [each.subject for each in await store.claim("me", after(100), 15, 9)] == ["c2"]

    async def test_renewing_keeps_what_is_still_held(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        lost, kept = await lease(store, "c1"), await lease(store, "c2")
        (stolen,) = await store.claim("other", after(15), 15, 1)
        await store.renew([lost, kept], after(16), 15)
        assert [each.subject for each in await store.claim("x", after(30), 15, 9)] == ["c1"]
        assert stolen.subject == "c1"
        assert [each.subject for each in await store.claim("x", after(31), 15, 9)] == ["c2"]
        await store.release(kept, None)
        await store.renew([kept], after(32), 15)

    async def test_released_without_a_time_stays_as_planned(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.release(await lease(store, "c1"), None)
        assert await store.next_due_at() == after(0)

    async def test_due_is_the_least_of_plan_delivery_and_need(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, next_at=after(1000), releases=True))
        assert await store.next_due_at() == after(1000)
        await store.add_needs(A, [need("1", "c1", at=after(500))])
        assert await store.next_due_at() == after(500)
        await store.receive([incoming("1", "item_c1", at=after(300))])
        assert await store.next_due_at() == after(300)
        taken = await lease(store, "c1", after(500))
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [n.id for n in view.needs] == ["need_1"]
        later = c.Postponed(NeedId("need_1"), decided(c.Action.WAIT), after(700))
        drained = tuple(p.id for p in view.pending)
        await store.commit(A, c.Change(taken, drained=drained, postponed=(later,), releases=True))
        assert await store.next_due_at() == after(700)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert [n.check_at for n in view.needs] == [after(700)]

    async def test_something_new_during_a_run_makes_it_due_again(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        await store.receive([incoming("1", "item_c1", at=after(2))])
        await store.commit(A, c.Change(taken, next_at=after(1000), releases=True))
        assert await store.next_due_at() == after(2)

    async def test_the_longest_due_goes_first_but_every_business_gets_its_turn(
        self, store: FullStore
    ) -> None:
        await furnish(store, A)
        await store.add_business(A, business(A, "biz_2"))
        for n in range(4):
            early = connection(f"big_{n}", created_at=after(n + 1))
            await store.add_connection(A, early, TOKEN)
        small = connection("small", A, "biz_2", created_at=after(50))
        await store.add_connection(A, small, TOKEN)
        await furnish(store, B)
        await store.add_connection(B, connection("other", B, created_at=after(60)), TOKEN)
        order = [each.subject for each in await store.claim("me", after(60), 15, 10)]
        assert order == ["big_0", "other", "small", "big_1", "big_2", "big_3"]
        assert await store.claim("me", after(60), 15, 10) == ()

    @pytest.mark.parametrize("waited_s", [5, 5000])
    async def test_a_person_is_not_behind_a_backlog(self, store: FullStore, waited_s: int) -> None:
        names = [f"c{n:03}" for n in range(300)]
        await furnish(store, A, *names)
        while leases := await store.claim("me", T0, 15, 1000):
            for taken in leases:
                await store.release(taken, after(10**6))
        backlog = [
            incoming(name, f"item_{name}", at=after(n / 1000)) for n, name in enumerate(names)
        ]
        await store.receive(backlog)
        now = after(waited_s)
        asked = {"c250": Purpose.VERIFY, "c260": Purpose.FORCED, "c270": Purpose.DISPLAY}
        for name, purpose in asked.items():
            wanted = replace(need(name, name, at=now), question=question(purpose, now))
            await store.add_needs(A, [wanted])
        first = [each.subject for each in await store.claim("me", now, 15, 6)]
        assert [name for name in first if name in asked] == ["c260", "c270", "c250"]
        assert first[0] == "c260"
        others = [name for name in first if name not in asked]
        assert others == names[:3]

    async def test_of_equal_purposes_the_nearer_deadline_goes_first(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2", "c3")
        for name, asked_at in (("c1", 3), ("c2", 1), ("c3", 2)):
            wanted = replace(need(name, name), question=question(at=after(asked_at)))
            await store.add_needs(A, [wanted])
        assert [e.subject for e in await store.claim("me", after(4), 15, 9)] == ["c2", "c3", "c1"]

    @pytest.mark.parametrize(
        ("now_s", "order"), [(59, ["c0", "c1", "c2", "c3"]), (61, ["c0", "old", "c1", "c2"])]
    )
    async def test_nothing_starves_behind_people(
        self, store: FullStore, now_s: int, order: list[str]
    ) -> None:
        await furnish(store, A, "old", *(f"c{n}" for n in range(9)))
        for taken in await store.claim("me", T0, 15, 10):
            await store.release(taken, after(10**6))
        await store.receive([incoming("1", "item_old", at=after(0.5))])
        await store.add_needs(A, [need(f"{n}", f"c{n}", at=after(50)) for n in range(9)])
        assert [e.subject for e in await store.claim("me", after(now_s), 15, 4)] == order

    async def test_no_more_than_asked_for(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2", "c3")
        assert len(await store.claim("me", after(1), 15, 2)) == 2
        assert len(await store.claim("me", after(1), 15, 2)) == 1

    async def test_of_one_business_only_its_own_is_claimed(self, store: FullStore) -> None:
        """However long the others have been due, and whatever makes it due."""
        await furnish(store, A, *(f"old_{n:03}" for n in range(70)))
        own, other_firms = business(A, "biz_2"), business(B, "biz_2")
        await store.add_business(A, own)
        for name in ("planned", "told", "asked"):
            await store.add_connection(A, connection(name, A, own.id, created_at=after(50)), TOKEN)
        await furnish(store, B, "elsewhere", biz=other_firms.id)
        assert await store.next_due_at(own) == after(50)
        assert await store.claim("me", after(49), 15, 9, own) == ()
        taken = {e.subject: e for e in await store.claim("me", after(50), 15, 9, own)}
        assert set(taken) == {"planned", "told", "asked"}
        for each in taken.values():
            await store.release(each, after(1000))
        await store.receive([incoming("1", "item_told", "item_old_001", at=after(61))])
        await store.add_needs(A, [need("1", "asked", biz=own.id, at=after(60))])
        await store.add_needs(A, [need("2", "old_002", at=after(1))])
        assert await store.next_due_at(own) == after(60)
        order = [e.subject for e in await store.claim("me", after(62), 15, 9, own)]
        assert order == ["asked", "told"]
        assert await store.claim("me", after(63), 15, 9, own) == ()
        assert await store.next_due_at(own) == after(77), "when those leases end"
        rest = 0
        while leases := await store.claim("you", after(63), 15, 99):
            rest += len(leases)
        assert rest == 71, "the others are as they were"

    async def test_a_business_without_logins_has_nothing_due(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        assert await store.next_due_at(business(A, "biz_2")) is None
        assert await store.claim("me", after(9), 15, 9, business(A, "biz_2")) == ()
        assert await store.next_due_at(business(B)) is None, "another firm's of the same id"

    async def test_a_paused_connection_is_due_for_its_needs_only(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        assert await store.set_paused(A, ConnectionId("c1"), is_paused=True)
        await store.receive([incoming("1", "item_c1")])
        assert await store.next_due_at() is None
        assert await store.claim("me", after(9), 15, 10) == ()
        await store.add_needs(A, [need("1", "c1", at=after(5))])
        assert await store.next_due_at() == after(5)
        (taken,) = await store.claim("me", after(9), 15, 10)
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert view.connection.is_paused
        await store.release(taken, after(5000))
        assert await store.set_paused(A, ConnectionId("c1"), is_paused=False)
        due_at = await store.next_due_at()
        assert due_at is not None
        assert due_at <= after(0)
        assert not await store.set_paused(A, ConnectionId("nobody"), is_paused=True)

    async def test_a_worker_paused_too_long_cannot_move_state(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        await store.receive([incoming("1", "item_c1")])
        old = await lease(store, "c1")
        new = await lease(store, "c1", after(20), "other")
        drain = c.Change(old, drained=(incoming("1").id,), next_at=after(9999), releases=True)
        done = await store.commit(A, drain)
        assert done.is_fenced
        view = await store.read_view(A, ConnectionId("c1"))
        assert view is not None
        assert len(view.pending) == 1
        assert await store.claim("third", after(21), 15, 9) == ()
        assert not (await store.commit(A, c.Change(new, settlements=(settlement("x"),)))).is_fenced
