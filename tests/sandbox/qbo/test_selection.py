"""Selection: pages, filters and orders over the books, as the API serves them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import Rig


async def test_pages_are_100_unless_asked(rig: Rig) -> None:
    for n in range(105):
        rig.vendor(f"V{n:03}")
    page = await rig.query("SELECT * FROM Vendor")
    assert (len(page["Vendor"]), page["startPosition"], page["maxResults"]) == (100, 1, 100)
    assert "totalCount" not in page
    rest = await rig.query("SELECT * FROM Vendor STARTPOSITION 101 MAXRESULTS 1000")
    assert [row["DisplayName"] for row in rest["Vendor"]] == [f"V{n}" for n in range(100, 105)]
    assert await rig.query("SELECT COUNT(*) FROM Vendor") == {"totalCount": 105}


async def test_an_empty_answer_is_an_empty_object(rig: Rig) -> None:
    assert await rig.query("SELECT * FROM Bill") == {}


async def test_only_active_names_unless_asked(rig: Rig) -> None:
    rig.books.deactivate("Vendor", rig.vendor("Gone"))
    rig.vendor("Here")
    assert len((await rig.query("SELECT * FROM Vendor"))["Vendor"]) == 1
    both = await rig.query("SELECT * FROM Vendor WHERE Active IN (true,false)")
    assert len(both["Vendor"]) == 2
    gone = await rig.query("SELECT * FROM Vendor WHERE Active = false")
    assert gone["Vendor"][0]["DisplayName"] == "Gone"


async def test_open_bills_and_missing_ids(rig: Rig) -> None:
    vendor = rig.vendor()
    first, second = rig.bill(vendor, "10"), rig.bill(vendor, "20")
    rig.pay(vendor, first, "10")
    open_bills = await rig.query("SELECT * FROM Bill WHERE Balance > '0'")
    assert [row["Id"] for row in open_bills["Bill"]] == [second]
    assert open_bills["totalCount"] == 1
    found = await rig.query(f"SELECT * FROM Bill WHERE Id IN ('{second}', '999')")
    assert [row["Id"] for row in found["Bill"]] == [second]


async def test_a_delta_by_time(rig: Rig) -> None:
    vendor = rig.vendor()
    rig.bill(vendor)
    since = rig.clock.now() + timedelta(seconds=1)
    rig.wait(minutes=1)
    late = rig.bill(vendor)
    found = await rig.query(
        f"SELECT * FROM Bill WHERE MetaData.LastUpdatedTime > '{since.isoformat()}'"
        " ORDERBY MetaData.LastUpdatedTime MAXRESULTS 1000"
    )
    assert [row["Id"] for row in found["Bill"]] == [late]


async def test_like_dates_and_references(rig: Rig) -> None:
    vendor = rig.vendor("Norton Lumber")
    bill = rig.bill(vendor, DueDate="2026-03-01")
    for where in (
        "DisplayName LIKE 'nor%ber'",
        "DisplayName LIKE '%LUMBER'",
        "DisplayName = 'norton lumber'",
    ):
        assert len((await rig.query(f"SELECT * FROM Vendor WHERE {where}"))["Vendor"]) == 1
    for where in (f"VendorRef = '{vendor}'", "DueDate >= '2026-03-01'", "TxnDate = CURRENT_DATE"):
        assert (await rig.query(f"SELECT * FROM Bill WHERE {where}"))["Bill"][0]["Id"] == bill
    assert await rig.query("SELECT * FROM Vendor WHERE DisplayName LIKE 'x%'") == {}


async def test_refusals(rig: Rig) -> None:
    for text in ("SELECT * FROM Bill WHERE Nope = '1'", "SELECT * FROM Bill ORDERBY Nope"):
        rig.bill(rig.vendor(text))
        assert (await rig.call("POST", "query", text.encode())).code == "4001"


async def test_the_unpublished_limits() -> None:
    rig = Rig(Switches(in_list_max=2, statement_max=80))
    for text in ("SELECT * FROM Bill WHERE Id IN ('1','2','3')", f"SELECT * FROM Bill{' ' * 80}x"):
        assert (await rig.call("POST", "query", text.encode())).status == 400


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM Vendor WHERE DueDate > '2026-01-01'",
        "SELECT * FROM Vendor WHERE Surprise = '1'",
        "SELECT * FROM Vendor ORDERBY TxnDate",
        "SELECT COUNT(*) FROM Vendor ORDERBY Surprise",
        "SELECT *, Sku FROM Vendor",
        "SELECT * FROM Bill WHERE PrivateNote.Text = 'x'",
        "SELECT * FROM Bill WHERE Line.Amount > '5'",
        "SELECT * FROM Bill WHERE Balance > 'much'",
        "SELECT * FROM Bill WHERE Balance IN ('1', 'x')",
        "SELECT * FROM Bill WHERE Balance LIKE '1%'",
        "SELECT * FROM Bill WHERE TxnDate > '5 May 2026'",
        "SELECT * FROM Bill WHERE MetaData.LastUpdatedTime > '20260105'",
        "SELECT * FROM Vendor WHERE Active = 'maybe'",
    ],
)
async def test_what_cannot_be_found_is_refused(rig: Rig, text: str) -> None:
    """Each of them found nothing, or took no notice, before."""
    rig.bill(rig.vendor())
    got = await rig.call("POST", "query", text.encode())
    assert (got.status, got.code) == (400, "4001")
