"""Store contract, accounts: which answers showed them, roles with their time, verdicts, shared accounts, postings."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rowcol.core import change as c
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.identity import AccountTies
from rowcol.core.ids import BusinessId, ConnectionId, RemoteId
from rowcol.core.refusal import NotFound
from rowcol.ports import FullStore
from tests.contracts.values import (
    BIZ,
    TOKEN,
    A,
    B,
    after,
    business,
    connection,
    furnish,
    lease,
    posting,
    row,
    verdict,
)

C1, C2, C3 = ConnectionId("c1"), ConnectionId("c2"), ConnectionId("c3")
BIZ_2 = BusinessId("biz_2")


def shown(name: str = "a1", *lists: int, persistent: str = "", likeness: str = "") -> c.AccountLook:
    return c.AccountLook(name, lists or (1,), persistent, likeness)


async def show(store: FullStore, connection_: str, *looks: c.AccountLook) -> None:
    taken = await lease(store, connection_)
    rows = tuple(row(look.remote_account) for look in looks)
    await store.commit(A, c.Change(taken, rows=rows, looks=looks, releases=True))


async def two_businesses(store: FullStore, mine: c.AccountLook, other: c.AccountLook) -> None:
    await furnish(store, A, "c1", "c2")
    await store.add_business(A, business(A, "biz_2"))
    await store.add_connection(A, connection("c3", A, "biz_2"), TOKEN)
    await show(store, "c1", mine)
    await show(store, "c3", other)


class AccountsContract:
    async def test_looks_and_roles_are_told_with_the_account(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        body = {"name": "x", "persistent_account_id": "p1", "currency": "USD"}
        change = c.Change(taken, rows=(replace(row("a1"), body=body),), looks=(shown("a1", 2, 5),))
        await store.commit(A, change)
        assert await store.set_account_role(A, C1, RemoteId("a1"), "TRUST", after(7))
        (account,) = (await store.read_business_views(A, BIZ))[0].accounts
        assert (account.persistent_id, account.currency) == ("p1", "USD")
        assert account.lists == (2, 5)
        assert (account.role, account.role_at) == ("TRUST", after(7))

    async def test_what_a_stale_lease_saw_is_not_kept(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        stale = await lease(store, "c1")
        await store.release(stale, None)
        await show(store, "c1", shown("a1", 3))
        await store.commit(A, c.Change(stale, looks=(shown("a1", 9),)))
        (account,) = (await store.read_business_views(A, BIZ))[0].accounts
        assert account.lists == (3,)

    async def test_the_last_word_on_two_accounts_counts(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        await store.record_verdict(A, BIZ, verdict("c2", "c1", is_same=True))
        await store.record_verdict(A, BIZ, verdict("c1", "c2", is_same=False, at=after(9)))
        kept = await store.read_ties(A, BIZ)
        assert kept.verdicts == (verdict("c1", "c2", is_same=False, at=after(9)),)

    async def test_a_verdict_needs_a_business_of_the_firm(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        with pytest.raises(NotFound):
            await store.record_verdict(B, BIZ, verdict())

    async def test_an_account_of_two_businesses_is_told_once(self, store: FullStore) -> None:
        mine, other = (shown(n, persistent="p1", likeness="bank|1") for n in ("a1", "x"))
        await two_businesses(store, mine, other)
        (here,) = (await store.read_ties(A, BIZ)).shared
        assert (here.account, here.other) == ((C1, "a1"), (C3, "x"))
        assert (here.other_business, here.is_certain) == ("Name of biz_2", True)
        (theirs,) = (await store.read_ties(A, BIZ_2)).shared
        assert (theirs.account, theirs.other) == ((C3, "x"), (C1, "a1"))

    async def test_a_likeness_alone_is_not_certain(self, store: FullStore) -> None:
        await two_businesses(store, shown(likeness="bank|1"), shown("x", likeness="bank|1"))
        (shared,) = (await store.read_ties(A, BIZ)).shared
        assert not shared.is_certain

    async def test_nothing_is_shared_by_what_nobody_knows(self, store: FullStore) -> None:
        await two_businesses(store, shown(), shown("x"))
        assert await store.read_ties(A, BIZ) == AccountTies()

    async def test_a_removed_login_shares_nothing(self, store: FullStore) -> None:
        await two_businesses(store, shown(persistent="p1"), shown("x", persistent="p1"))
        taken = await lease(store, "c3")
        await store.commit(A, c.Change(taken, state=ConnectionState(health=Health.RETIRED)))
        assert (await store.read_ties(A, BIZ)).shared == ()

    async def test_postings_are_those_posted_also_if_taken_back(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        rows = (
            posting("t1", "a1"),
            posting("t2", "a1"),
            posting("t3", "a1", "7", pending=True),
            posting("t4", "a2", "-3"),
            posting("t5", "a3"),
        )
        await store.commit(A, c.Change(taken, rows=rows))
        await store.commit(A, c.Change(taken, rows=(replace(rows[1], body=None),)))
        assert await store.read_postings(A, C1, {"a1", "a2", "a9"}) == {
            "a1": Counter({("2026-03-01", "12.50"): 2}),
            "a2": Counter({("2026-03-01", "-3"): 1}),
        }
