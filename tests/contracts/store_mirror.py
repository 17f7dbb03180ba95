"""Store contract, mirror: exact numbers, due dates, rows by id, and what a whole listing lacks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec

from rowcol.core import change as c
from rowcol.core.connection import ConnectionState
from rowcol.core.ids import ConnectionId, RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.rail import Row
from rowcol.ports import FullStore
from tests.contracts.values import T0, A, furnish, lease

C1 = ConnectionId("c1")
BILL, VENDOR = "Bill", "Vendor"


def bill(name: str, day: int | None = None, amount: str = "100.10", entity: str = BILL) -> Row:
    body = {"TotalAmt": Decimal(amount), "Id": name, "Line": [{"Amount": Decimal(amount)}]}
    due_on = None if day is None else date(2026, 3, day)
    return Row(entity, RemoteId(name), "1", T0, body, due_on)


def kept(row: Row, amount: str = "100.10") -> MirrorRow:
    text = f'{{"Id":"{row.remote_id}","Line":[{{"Amount":{amount}}}],"TotalAmt":{amount}}}'
    where = (row.entity, row.remote_id, row.remote_version, row.remote_at)
    return MirrorRow(*where, row.due_on, is_deleted=False, body=text.encode())


def gone(row: MirrorRow) -> MirrorRow:
    return msgspec.structs.replace(row, is_deleted=True, due_on=None)


async def names(store: FullStore, entity: str = BILL) -> list[str]:
    return [row.remote_id for row in await store.list_rows(A, C1, entity)]


class MirrorContract:
    async def test_numbers_keep_their_digits(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        given = (bill("1"), bill("2", amount="0.00"), bill("3", amount="12345678901234567890.01"))
        await store.commit(A, c.Change(taken, rows=given))
        rows = await store.read_rows(A, C1, BILL, [row.remote_id for row in given])
        amounts = ("100.10", "0.00", "12345678901234567890.01")
        assert rows == {
            row.remote_id: kept(row, amount) for row, amount in zip(given, amounts, strict=True)
        }
        assert await store.read_mirror(A, C1, BILL) == given
        (first, *_) = await store.read_mirror(A, C1, BILL)
        assert first.body is not None
        assert str(first.body["TotalAmt"]) == "100.10"

    async def test_any_number_of_ids(self, store: FullStore) -> None:
        await furnish(store, A, "c1", "c2")
        given = tuple(bill(f"{n}") for n in range(1500))
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, rows=(*given, bill("1", entity=VENDOR))))
        ids = [*(row.remote_id for row in given), RemoteId("nobody"), RemoteId("1")]
        assert await store.read_rows(A, C1, BILL, ids) == {
            row.remote_id: kept(row) for row in given
        }
        assert await store.read_rows(A, C1, BILL, []) == {}
        assert await store.read_rows(A, C1, VENDOR, ids[:2]) != {}
        assert await store.read_rows(A, ConnectionId("c2"), BILL, ids) == {}

    async def test_a_tombstone_keeps_its_body_and_is_never_due(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        one, two = bill("1", 5), bill("2", 6)
        await store.commit(A, c.Change(taken, rows=(one,), staged=(two,)))
        end = replace(one, remote_version="2", body=None)
        never = Row(BILL, RemoteId("3"), "1", None, None, date(2026, 3, 1))
        staged = (replace(two, body=None), never)
        change = c.Change(taken, rows=(end,), staged=staged, publishes="x")
        await store.commit(A, change)
        rows = await store.read_rows(A, C1, BILL, [one.remote_id, two.remote_id, never.remote_id])
        assert rows == {
            one.remote_id: gone(msgspec.structs.replace(kept(one), remote_version="2")),
            two.remote_id: gone(kept(two)),
            never.remote_id: MirrorRow(BILL, never.remote_id, "1", None, None, True, None),
        }
        assert await store.list_due(A, C1, BILL, date(2027, 1, 1)) == ()
        assert await names(store) == []
        assert [row.due_on for row in await store.read_mirror(A, C1, BILL)] == [None] * 3

    async def test_due_rows_come_by_date_and_page(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        rows = (bill("1", 9), bill("2", 5), bill("3", 5), bill("4"), bill("5", 20))
        await store.commit(A, c.Change(taken, rows=(*rows, bill("6", 1, entity=VENDOR))))
        until = date(2026, 3, 9)
        due = await store.list_due(A, C1, BILL, until)
        assert due == (kept(rows[1]), kept(rows[2]), kept(rows[0]))
        assert await store.list_due(A, C1, BILL, date(2026, 3, 4)) == ()
        assert await store.list_due(A, C1, BILL, until, limit=1) == due[:1]
        last = (date(2026, 3, 5), RemoteId("2"))
        assert await store.list_due(A, C1, BILL, until, after=last, limit=1) == due[1:2]
        paid = c.Change(taken, rows=(replace(rows[1], due_on=None), bill("1", 30)))
        await store.commit(A, paid)
        assert await store.list_due(A, C1, BILL, until) == due[1:2]

    async def test_rows_come_by_id_and_page(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        rows = tuple(bill(f"{n}") for n in range(4))
        await store.commit(A, c.Change(taken, rows=rows))
        await store.commit(A, c.Change(taken, rows=(replace(rows[1], body=None),)))
        assert await store.list_rows(A, C1, BILL) == tuple(kept(rows[n]) for n in (0, 2, 3))
        assert await store.list_rows(A, C1, BILL, after="0", limit=1) == (kept(rows[2]),)

    async def test_what_a_listing_lacks_is_told_and_stays(self, store: FullStore) -> None:
        """A page may have come empty that was not: only a tombstone in the stage buries."""
        await furnish(store, A, "c1", "c2")
        taken, other = await lease(store, "c1"), await lease(store, "c2")
        old = (bill("1", 5), bill("2", 6), bill("3"), bill("4"), bill("v", entity=VENDOR))
        await store.commit(A, c.Change(taken, rows=old))
        await store.commit(A, c.Change(other, rows=old))
        await store.commit(A, c.Change(taken, rows=(replace(old[3], body=None),)))
        await store.commit(A, c.Change(taken, staged=(bill("2", 7, "5.00"), bill("9", 8))))
        assert await store.list_unlisted(A, C1, BILL, limit=9) == ("1", "3")
        assert await store.list_unlisted(A, C1, BILL, limit=1) == ("1",)
        assert await store.list_unlisted(A, C1, VENDOR, limit=9) == ("v",)
        assert await store.list_unlisted(A, ConnectionId("c2"), BILL, limit=2) == ("1", "2")
        gone_too = replace(old[2], body=None)
        await store.commit(A, c.Change(taken, staged=(gone_too, bill("9", 9)), publishes="books"))
        ids = [RemoteId(name) for name in "1239"]
        assert await store.read_rows(A, C1, BILL, ids) == {
            "1": kept(old[0]),
            "2": kept(bill("2", 7), "5.00"),
            "3": gone(kept(old[2])),
            "9": kept(bill("9", 9)),
        }
        assert await names(store, VENDOR) == ["v"]
        assert await store.list_unlisted(A, C1, BILL, limit=9) == ("1", "2", "9")

    async def test_a_publishing_commit_made_twice_is_one(self, store: FullStore) -> None:
        """Its answer may be lost on the way back: the stage is empty by then."""
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        await store.commit(A, c.Change(taken, staged=(bill("1"), bill("2"))))
        done = c.Change(taken, state=ConnectionState(cursor="x"), publishes="books")
        for _ in range(2):
            assert not (await store.commit(A, done)).is_fenced
            assert await names(store) == ["1", "2"]

    async def test_the_digest_covers_due_dates(self, store: FullStore) -> None:
        await furnish(store, A, "c1")
        taken = await lease(store, "c1")
        digests = []
        for day in (None, 5, 6, None):
            await store.commit(A, c.Change(taken, rows=(bill("1", day),)))
            digests.append(await store.digest(A))
        assert digests[0] == digests[3]
        assert len(set(digests)) == 3
