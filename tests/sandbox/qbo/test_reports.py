"""Reports: they add up to what the books say."""

from __future__ import annotations

from typing import Any

from tests.sandbox.qbo.rig import Rig, invoice_body


def cells(report: Any) -> dict[str, list[str]]:
    rows = [row for section in report["Rows"]["Row"] for row in section["Rows"]["Row"]]
    return {row["ColData"][0]["value"]: [c["value"] for c in row["ColData"][1:]] for row in rows}


async def test_all_four(rig: Rig) -> None:
    vendor, customer = rig.vendor("V"), rig.customer("C")
    bill = rig.bill(vendor, "100", DueDate="2025-11-20")
    rig.pay(vendor, bill, "40")
    rig.books.create("Invoice", invoice_body(customer, "70"))
    sheet = cells(await rig.ok("GET", "reports/BalanceSheet"))
    assert sheet["Checking"] == ["-40.00"]
    assert sheet["Accounts Payable (A/P)"] == ["60.00"]
    assert sheet["Net Income"] == ["-30.00"]
    result = cells(await rig.ok("GET", "reports/ProfitAndLoss?start_date=2026-01-01"))
    assert result == {"Services": ["70.00"], "Office Expenses": ["100.00"]}
    owed = cells(await rig.ok("GET", "reports/AgedPayables"))
    assert owed["V"] == ["0.00", "0.00", "60.00", "0.00", "0.00", "60.00"]
    assert cells(await rig.ok("GET", "reports/AgedReceivables"))["C"][-1] == "70.00"
