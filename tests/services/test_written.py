"""Written: what is written through us is seen by the next decision, and a repeated answer undoes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from rowcol.adapters.memory.store import MemoryStore
from rowcol.core.change import Action, Change, Committed, Lease
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.need import Purpose
from rowcol.core.refusal import Busy
from rowcol.ports import FullStore
from rowcol.sandbox.qbo.books import Books
from rowcol.services.cache import CacheService
from rowcol.services.integration import IntegrationService
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.rig import Rig, open_rig
from rowcol.simulation.wiring import FIRM

LATER = timedelta(minutes=20)


class Jammed:
    """A store that takes no commit, and no lease back, while it is jammed."""

    def __init__(self, store: FullStore) -> None:
        self._store = store
        self.is_jammed = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def commit(self, firm: FirmId, change: Change) -> Committed:
        self._refuse()
        return await self._store.commit(firm, change)

    async def release(self, lease: Lease, next_at: datetime | None) -> None:
        self._refuse()
        await self._store.release(lease, next_at)

    def _refuse(self) -> None:
        if self.is_jammed:
            raise Busy("the file is locked")


@dataclass
class Harbor:
    """A company on the emulator, read whole, its deliveries lost from now on."""

    rig: Rig
    books: Books
    business: BusinessId
    login: Connection
    store: Jammed

    async def pass_time(self, by: timedelta = LATER) -> None:
        await self.rig.advance_to(self.rig.clock.now() + by)

    async def call(self, endpoint: str, key: str = "", **data: object) -> Any:
        service = IntegrationService(self.rig.plane, self.business, firm=FIRM)
        return await service.call_api("qbo", endpoint, data=data, idempotency_key=key or None)

    async def look(self) -> None:
        await self.rig.ask_books(self.business, Purpose.GUARDRAIL)
        await self.pass_time()

    async def live(self, entity: str) -> set[str]:
        rows = await self.rig.plane.store.list_rows(FIRM, self.login.id, entity)
        return {row.remote_id for row in rows}


@pytest.fixture
async def harbor() -> AsyncIterator[Harbor]:
    store = Jammed(MemoryStore())
    async with open_rig(store=store) as rig:  # type: ignore[arg-type]
        company = rig.books.add_company("Harbor")
        Clerk(company.books, stream(1, "clerk")).open_the_books()
        business = await rig.add_business("Harbor")
        login = await rig.connect_books(business, company)
        it = Harbor(rig, company.books, business, login, store)
        await it.pass_time()
        rig.books.outbox.weather.lost_share = 1.0
        yield it


def bill_of(vendor: str) -> dict[str, object]:
    detail = {"AccountRef": {"value": "7"}}
    line = {
        "Amount": Decimal("99.50"),
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": detail,
    }
    return {"VendorRef": {"value": vendor}, "Line": [line]}


async def test_a_payment_is_seen_by_the_decision_a_moment_later(harbor: Harbor) -> None:
    bill = next(row for row in harbor.books.rows("Bill") if row["Balance"])
    link = {"TxnId": bill["Id"], "TxnType": "Bill"}
    payment = {
        "VendorRef": bill["VendorRef"],
        "PayType": "Check",
        "TotalAmt": bill["Balance"],
        "CheckPayment": {"BankAccountRef": {"value": harbor.books.rows("Account")[0]["Id"]}},
        "Line": [{"Amount": bill["Balance"], "LinkedTxn": [link]}],
    }
    await harbor.look()
    await harbor.rig.ask_books(harbor.business, Purpose.GUARDRAIL)
    await harbor.pass_time(timedelta(seconds=10))
    await harbor.call("entity.create", entity="BillPayment", body=payment)
    await harbor.pass_time(timedelta(seconds=10))
    question = await harbor.rig.ask_books(harbor.business, Purpose.GUARDRAIL)
    await harbor.pass_time(timedelta(seconds=30))
    assert question.answer is not None
    assert question.answer.action is Action.SERVE
    found = await CacheService(harbor.rig.plane, harbor.business, firm=FIRM).get_bill(bill["Id"])
    assert found.value is not None
    assert (bill["Balance"] > 0, found.value.balance.amount_minor) == (True, 0)


async def test_a_write_repeated_brings_nothing_deleted_back(harbor: Harbor) -> None:
    vendor = harbor.books.rows("Vendor")[0]["Id"]
    made = await harbor.call("entity.create", "key-1", entity="Bill", body=bill_of(vendor))
    bill = made["Bill"]["Id"]
    assert bill in await harbor.live("Bill")
    await harbor.pass_time()
    harbor.books.delete("Bill", bill)
    await harbor.look()
    await harbor.look()
    assert bill not in await harbor.live("Bill")
    again = await harbor.call("entity.create", "key-1", entity="Bill", body=bill_of(vendor))
    assert again["Bill"]["Id"] == bill, "the first answer once more"
    assert bill not in await harbor.live("Bill")


async def test_a_write_repeated_undoes_no_later_edit(harbor: Harbor) -> None:
    body: dict[str, object] = {"DisplayName": "Old name"}
    made = await harbor.call("entity.create", "key-2", entity="Vendor", body=body)
    vendor = made["Vendor"]["Id"]
    harbor.books.update("Vendor", vendor, {"DisplayName": "New name"})
    await harbor.look()
    await harbor.call("entity.create", "key-2", entity="Vendor", body=body)
    store = harbor.rig.plane.store
    (row,) = (await store.read_rows(FIRM, harbor.login.id, "Vendor", [vendor])).values()
    assert b"New name" in (row.body or b"")


async def test_what_is_deleted_through_us_is_gone(harbor: Harbor) -> None:
    bill = harbor.books.rows("Bill")[0]
    body = {"Id": bill["Id"], "SyncToken": bill["SyncToken"]}
    await harbor.call("entity.delete", entity="Bill", body=body)
    assert bill["Id"] not in await harbor.live("Bill")


async def test_a_store_that_takes_nothing_does_not_ask_for_the_write_again(harbor: Harbor) -> None:
    """Its key was ours: whoever is told to try again would write it twice."""
    vendor = harbor.books.rows("Vendor")[0]["Id"]
    before = len(harbor.books.rows("Bill"))
    harbor.store.is_jammed = True
    made = await harbor.call("entity.create", entity="Bill", body=bill_of(vendor))
    harbor.store.is_jammed = False
    assert made["Bill"]["Id"]
    assert len(harbor.books.rows("Bill")) == before + 1


async def test_a_persons_query_moves_no_reading(harbor: Harbor) -> None:
    """Whatever arguments it has, and though a listing is under way."""
    rig = harbor.rig
    business = await rig.add_business("Lake")
    company = rig.books.add_company("Lake")
    Clerk(company.books, stream(2, "clerk")).open_the_books()
    login = await rig.connect_books(business, company)

    async def page() -> str:
        view = await rig.plane.store.read_view(FIRM, login.id)
        assert view is not None
        return view.connection.state.page

    while '"entities":["Bill"' not in await page():
        await rig.advance_to(rig.clock.now() + timedelta(milliseconds=100))
    before = await page()
    service = IntegrationService(rig.plane, business, firm=FIRM)
    data = {"entity": "Vendor", "start": 1}
    asked = asyncio.create_task(service.call_api("qbo", "query", data=data))
    while (
        not asked.done()
    ):  # the listing has used up this second's calls; a person waits for the next
        await asyncio.sleep(0)  # noqa: TID251 - others run
        rig.clock.advance_to(rig.clock.now() + timedelta(milliseconds=10))
    found: Any = asked.result()
    assert found["QueryResponse"]["Vendor"]
    assert await page() == before
    await rig.advance_to(rig.clock.now() + LATER)
    rows = await rig.plane.store.list_rows(FIRM, login.id, "Bill")
    assert {row.remote_id for row in rows} == {row["Id"] for row in company.books.rows("Bill")}
