"""Change data capture: shapes, order, the shared cap, tombstones, and every switch about it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from rowcol.sandbox.qbo import Switches
from tests.sandbox.qbo.rig import Rig, receipt_body


def later(rig: Rig) -> datetime:
    """Let a minute pass; the moment in the middle of it."""
    rig.wait(minutes=1)
    at = rig.clock.now()
    rig.wait(minutes=1)
    return at


async def test_nothing_changed(rig: Rig) -> None:
    assert await rig.cdc("Bill,Vendor", later(rig)) == [{}]


async def test_groups_rows_and_tombstones(rig: Rig) -> None:
    vendor = rig.vendor()
    gone = rig.bill(vendor)
    since = later(rig)
    kept = rig.bill(vendor)
    rig.books.delete("Bill", gone)
    bills, vendors = await rig.cdc("vendor,Bill,Invoice", since)
    assert [row["Id"] for row in bills["Bill"]] == [kept, gone]
    assert bills["Bill"][1] == {
        "domain": "QBO",
        "status": "Deleted",
        "Id": gone,
        "MetaData": {"LastUpdatedTime": "2026-01-05T04:02:00-05:00"},
    }
    assert (bills["startPosition"], bills["maxResults"]) == (1, 2)
    assert [row["Id"] for row in vendors["Vendor"]] == [vendor]


async def test_the_cap_is_shared(rig: Rig) -> None:
    since = later(rig)
    vendor = rig.vendor()
    for _ in range(1_005):
        rig.bill(vendor, "1")
    groups = await rig.cdc("Vendor,Bill", since)
    assert [next(iter(group)) for group in groups] == ["Bill"]
    assert len(groups[0]["Bill"]) == 1_000


async def test_an_edge_is_inclusive_or_not() -> None:
    for spelling, n_found in (("inclusive", 1), ("exclusive", 0)):
        rig = Rig(Switches(changed_since=spelling))  # type: ignore[arg-type]
        rig.vendor()
        groups = await rig.cdc("Vendor", rig.clock.now())
        assert len(groups[0].get("Vendor", [])) == n_found


async def test_derived_balances_are_a_switch() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(cdc_has_derived_balances=is_on))
        vendor = rig.vendor()
        since = later(rig)
        rig.bill(vendor)
        found = {name for group in await rig.cdc("Vendor,Account,Bill", since) for name in group}
        assert ({"Vendor", "Account"} <= found) is is_on
        assert "Bill" in found


async def test_inactive_rows_and_deposits_are_switches() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(cdc_has_inactive=is_on, cdc_has_deposit=is_on))
        since = later(rig)
        rig.books.deactivate("Vendor", rig.vendor())
        payment = rig.books.create("Payment", receipt_body(rig.customer(), "5"))["Id"]
        line = {"Amount": 5, "LinkedTxn": [{"TxnId": payment, "TxnType": "Payment"}]}
        rig.books.create("Deposit", {"DepositToAccountRef": {"value": "35"}, "Line": [line]})
        groups = await rig.cdc("Vendor,Deposit", since)
        assert len(groups) == 2 * is_on or groups == [{}]


@pytest.mark.parametrize(
    ("shape", "status"), [("fault_400", 400), ("fault_500", 500), ("clamp", 200)]
)
async def test_more_than_30_days(shape: Any, status: int) -> None:
    rig = Rig(Switches(cdc_over_30_days=shape))
    got = await rig.call("GET", "cdc?entities=Bill&changedSince=2025-11-01")
    assert got.status == status


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("changedSince=2026-01-01", "2020"),
        ("entities=Bill", "2020"),
        ("entities=TaxRate&changedSince=2026-01-01", "4001"),
        ("entities=Nope&changedSince=2026-01-01", "4001"),
        ("entities=Bill&changedSince=2026-01-01T00:00:00+02:00", "2010"),
    ],
)
async def test_refusals(rig: Rig, query: str, code: str) -> None:
    assert (await rig.call("GET", f"cdc?{query}")).code == code


async def test_a_merge_may_leave_no_tombstone() -> None:
    for is_on in (True, False):
        rig = Rig(Switches(merge_has_tombstone=is_on))
        loser, winner = rig.vendor("Loser"), rig.vendor("Winner")
        deleted = rig.bill(winner)
        since = later(rig)
        rig.books.merge("Vendor", loser, winner)
        rig.books.delete("Bill", deleted)
        groups = await rig.cdc("Vendor,Bill", since)
        gone = [row["Id"] for group in groups for row in group.get("Vendor", []) if "status" in row]
        assert gone == [loser] * is_on
        assert groups[0]["Bill"][0]["status"] == "Deleted", "only merges are silent"
        assert (await rig.call("GET", f"vendor/{loser}")).code == "610"
        found = await rig.query("SELECT * FROM Vendor WHERE Active IN (true, false)")
        assert [row["Id"] for row in found["Vendor"]] == [winner]
        assert loser in rig.books.tombstones("Vendor"), "the truth is told to tests"


@pytest.mark.parametrize("shape", ["fault_400", "empty"])
async def test_the_future_is_a_switch(shape: Any) -> None:
    """A second ahead is not: `time` is rounded."""
    rig = Rig(Switches(cdc_future=shape))
    now = rig.clock.now()
    assert await rig.cdc("Bill", now) == [{}]
    later = quote((now + timedelta(hours=1)).isoformat())
    got = await rig.call("GET", f"cdc?entities=Bill&changedSince={later}")
    assert got.status == (400 if shape == "fault_400" else 200)


@pytest.mark.parametrize(
    "since", ["", "yesterday", "20260105", "2026-01-05T03:20:42 07:00", "0001-01-01"]
)
async def test_a_moment_that_is_none(rig: Rig, since: str) -> None:
    got = await rig.call("GET", f"cdc?entities=Bill&changedSince={quote(since)}")
    assert got.code == ("2010" if since else "2020")
