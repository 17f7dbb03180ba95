"""Store contract, people: firms, businesses, tokens, keys, switches; and that no firm reaches another's rows."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import date

import pytest

from rowcol.core import change as c
from rowcol.core.delivery import VerificationKey
from rowcol.core.identity import AccountTies
from rowcol.core.ids import AppId, BusinessId, ConnectionId, DeliveryId, FirmId, NeedId, RemoteId
from rowcol.core.records import Firm, Token
from rowcol.core.refusal import Conflict, NotFound
from rowcol.ports import FullStore, Store
from tests.contracts.values import (
    BIZ,
    T0,
    TOKEN,
    A,
    B,
    after,
    business,
    connection,
    furnish,
    incoming,
    intent,
    lease,
    link,
    look,
    need,
    posting,
    record,
    row,
    session,
    settlement,
    verdict,
)

C1 = ConnectionId("c1")


class PeopleContract:
    async def test_firms(self, store: FullStore) -> None:
        await store.add_firm(Firm(B, "B", T0, {"policy": "ttl"}))
        await store.add_firm(Firm(A, "A", T0))
        with pytest.raises(Conflict):
            await store.add_firm(Firm(A, "A again", T0))
        assert [firm.id for firm in await store.list_firms()] == [A, B]
        await store.set_firm_settings(A, {"policy": "evidence", "budget_micros_month": 5})
        firm = await store.read_firm(A)
        assert firm == Firm(A, "A", T0, {"policy": "evidence", "budget_micros_month": 5})
        assert await store.read_firm(FirmId("nobody")) is None
        with pytest.raises(NotFound):
            await store.set_firm_settings(FirmId("nobody"), {})

    async def test_businesses(self, store: FullStore) -> None:
        await store.add_firm(Firm(A, "A", T0))
        for n in range(3):
            await store.add_business(A, business(A, f"biz_{n}"))
        with pytest.raises(Conflict):
            await store.add_business(A, business(A, "biz_1"))
        with pytest.raises(Conflict):
            await store.add_business(A, replace(business(A, "biz_9"), external_id="ext_biz_1"))
        for n in (7, 8):
            await store.add_business(A, replace(business(A, f"biz_{n}"), external_id=""))
        assert [b.id for b in await store.list_businesses(A, limit=2)] == ["biz_0", "biz_1"]
        assert [b.id for b in await store.list_businesses(A, after="biz_2")] == ["biz_7", "biz_8"]
        assert await store.read_business(A, BIZ) == business()
        assert await store.read_business(A, BusinessId("nobody")) is None

    async def test_tokens(self, store: FullStore) -> None:
        token = Token("hash_1", A, "admin", "laptop", T0)
        await store.add_token(A, token)
        with pytest.raises(Conflict):
            await store.add_token(A, token)
        assert await store.find_token("hash_1") == token
        assert await store.find_token("hash_2") is None
        assert await store.revoke_token(A, "hash_1", after(5))
        assert not await store.revoke_token(A, "hash_1", after(6))
        assert await store.find_token("hash_1") is None
        assert await store.list_tokens(A) == (replace(token, revoked_at=after(5)),)

    async def test_keys(self, store: FullStore) -> None:
        key = VerificationKey(AppId("app"), "kid", '{"kty": "EC"}', None, T0)
        assert await store.read_key(key.app, "kid") is None
        await store.store_key(key)
        await store.store_key(replace(key, expired_at=after(1), fetched_at=after(2)))
        assert await store.read_key(key.app, "kid") == replace(
            key, expired_at=after(1), fetched_at=after(2)
        )
        assert await store.read_key(AppId("other"), "kid") is None

    async def test_connections_and_views_of_a_business(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        await store.add_business(A, business(A, "biz_2"))
        await store.add_connection(A, connection("c3", A, "biz_2"), TOKEN)
        assert [k.id for k in await store.list_connections(A)] == ["c1", "c2", "c3"]
        assert [k.id for k in await store.list_connections(A, BIZ)] == ["c1", "c2"]
        views = await store.read_business_views(A, BIZ)
        assert [view.connection for view in views] == [connection("c1"), connection("c2")]


WRITES_OF_A = {
    "open_call": lambda s: s.open_call(B, replace(intent("new", "c1"), firm=B)),
    "store_token": lambda s: s.store_token(B, C1, TOKEN, b"stolen"),
    "settle": lambda s: s.settle(B, settlement("open")),
    "add_needs": lambda s: s.add_needs(B, [replace(need("new", "c1"), firm=B)]),
    "record_decisions": lambda s: s.record_decisions(B, [record("new")]),
    "add_business": lambda s: s.add_business(B, business(A, "biz_9")),
    "add_connection": lambda s: s.add_connection(B, connection("c9", B), TOKEN),
    "set_account_role": lambda s: s.set_account_role(B, C1, RemoteId("a1"), "ignored", T0),
    "record_verdict": lambda s: s.record_verdict(B, BIZ, verdict()),
    "set_firm_settings": lambda s: s.set_firm_settings(B, {"policy": "ttl"}),
    "add_token": lambda s: s.add_token(B, Token("hash_9", A, "admin", "x", T0)),
    "revoke_token": lambda s: s.revoke_token(B, "hash_a", T0),
    "replay": lambda s: s.replay(B, DeliveryId("del_1")),
    "claim_one": lambda s: s.claim_one(B, C1, "them", after(99), 15),
    "set_paused": lambda s: s.set_paused(B, C1, is_paused=True),
    "add_link": lambda s: s.add_link(B, link("9", firm=B)),
    "end_link": lambda s: s.end_link(B, "link_1", C1, "stolen"),
    "claim_link": lambda s: s.claim_link(B, "link_2", "them", after(99), 15),
    "move_link": lambda s: s.move_link(B, replace(session("2"), owner="us", failure="stolen")),
}
READS_OF_A = {
    "read_answers": lambda s: s.read_answers(B, [NeedId("need_done")]),
    "read_view": lambda s: s.read_view(B, C1),
    "read_business_views": lambda s: s.read_business_views(B, BIZ),
    "list_calls": lambda s: s.list_calls(B, business=BIZ),
    "list_decisions": lambda s: s.list_decisions(B, business=BIZ),
    "list_deliveries": lambda s: s.list_deliveries(B),
    "read_spending": lambda s: s.read_spending(B, "2026-03"),
    "sum_costs": lambda s: s.sum_costs(B, "2026-03"),
    "sum_units": lambda s: s.sum_units(B, "2026-03"),
    "read_mirror": lambda s: s.read_mirror(B, C1, "account"),
    "read_rows": lambda s: s.read_rows(B, C1, "account", [RemoteId("a1")]),
    "read_ties": lambda s: s.read_ties(B, BIZ),
    "read_postings": lambda s: s.read_postings(B, C1, {"a1"}),
    "list_unlisted": lambda s: s.list_unlisted(B, C1, "account", limit=9),
    "list_rows": lambda s: s.list_rows(B, C1, "account"),
    "list_due": lambda s: s.list_due(B, C1, "account", date(2027, 1, 1)),
    "read_link": lambda s: s.read_link(B, "link_1"),
    "list_open_links": lambda s: s.list_open_links(B, BIZ),
    "list_businesses": lambda s: s.list_businesses(B),
    "read_business": lambda s: s.read_business(B, BIZ),
    "list_connections": lambda s: s.list_connections(B, BIZ),
    "list_tokens": lambda s: s.list_tokens(B),
}
OWN = {"read_firm", "digest", "commit"}
"""`read_firm` names nothing but the firm, `digest` has its own check, `commit` is tried below."""


async def furnish_all(store: FullStore) -> c.Lease:
    """Something of everything for A; B is a firm with nothing."""
    await furnish(store, A, "c1")
    await store.add_firm(Firm(B, "B", T0))
    await store.receive([incoming("1", "item_c1")])
    await store.add_needs(A, [need("done", "c1"), need("open", "c1")])
    await store.open_call(A, intent("open", "c1"))
    await store.open_call(A, intent("paid", "c1", units=1, pool_limit=1000))
    await store.settle(A, settlement("paid"))
    await store.add_link(A, link("1"))
    await store.add_link(A, session("2"))
    assert await store.claim_link(A, "link_2", "us", T0, 15)
    await store.add_token(A, Token("hash_a", A, "admin", "x", T0))
    taken = await lease(store, "c1")
    answered = c.Answered(NeedId("need_done"), record("1").decision, record("1").cost, (), T0)
    await store.commit(
        A,
        c.Change(
            taken,
            rows=(replace(row("a1"), due_on=date(2026, 3, 9)), posting("t1", "a1")),
            looks=(c.AccountLook("a1", (1,), "p1", "likeness"),),
            observations=(look("a1", 5),),
            decisions=(record("1"),),
            drained=(DeliveryId("del_1"),),
            answered=(answered,),
        ),
    )
    await store.record_verdict(A, BIZ, verdict())
    return taken


async def everything(store: FullStore) -> list[object]:
    """All that can be read of A."""
    return [
        await store.read_view(A, C1),
        await store.read_business_views(A, BIZ),
        await store.list_calls(A),
        await store.list_decisions(A),
        await store.list_deliveries(A),
        await store.read_spending(A, "2026-03"),
        await store.sum_costs(A, "2026-03"),
        await store.sum_units(A, "2026-03"),
        await store.list_rows(A, C1, "account"),
        await store.read_ties(A, BIZ),
        await store.read_postings(A, C1, {"a1"}),
        await store.read_link(A, "link_1"),
        await store.read_link(A, "link_2"),
        await store.list_businesses(A),
        await store.list_tokens(A),
        await store.read_firm(A),
        await store.read_answers(A, [NeedId("need_done"), NeedId("need_open")]),
        await store.digest(A),
        await store.next_due_at(),
    ]


class TenantContract:
    def test_every_method_is_tried(self) -> None:
        methods = {
            name for name, _ in inspect.getmembers(Store, inspect.isfunction) if name[0] != "_"
        }
        assert methods == WRITES_OF_A.keys() | READS_OF_A.keys() | OWN

    @pytest.mark.parametrize("method", sorted(READS_OF_A))
    async def test_another_firm_sees_nothing(self, store: FullStore, method: str) -> None:
        await furnish_all(store)
        assert await READS_OF_A[method](store) in ([], (), {}, None, AccountTies())

    @pytest.mark.parametrize("method", sorted(WRITES_OF_A))
    async def test_another_firm_moves_nothing(self, store: FullStore, method: str) -> None:
        await furnish_all(store)
        before = await everything(store)
        try:
            done = await WRITES_OF_A[method](store)
        except NotFound:
            done = None
        assert not done or isinstance(done, c.Refused)
        assert await everything(store) == before
        assert await store.list_calls(B) == ()
        assert await store.list_connections(B) == ()
        assert await store.list_tokens(B) == ()
        assert await store.list_decisions(B) == ()

    async def test_another_firm_commits_nothing(self, store: FullStore) -> None:
        taken = await furnish_all(store)
        before = await everything(store)
        looks = (look("a1", 99, after(50), after(50)),)
        change = c.Change(
            replace(taken, firm=B),
            rows=(row("a1", name="stolen"),),
            observations=looks,
            settlements=(settlement("open"),),
            releases=True,
        )
        assert (await store.commit(B, change)).is_fenced
        await store.release(replace(taken, firm=B), after(9))
        await store.renew([replace(taken, firm=B)], after(9), 99)
        assert await everything(store) == before
        with pytest.raises(NotFound):
            await store.commit(B, replace(change, lease=taken))
        assert await everything(store) == before
        assert await store.digest(B) != await store.digest(A)
