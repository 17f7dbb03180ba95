"""Reports: they add up to what the books say."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from rowcol.sandbox.qbo.catalog import CLASSIFICATIONS, PROFIT_AND_LOSS
from tests.sandbox.qbo.rig import Rig, invoice_body


def leaves(rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        if row["type"] == "Data":
            yield row["ColData"]
        else:
            yield from leaves(row["Rows"]["Row"])


def cells(report: Any) -> dict[str, list[str]]:
    rows = leaves(report["Rows"]["Row"])
    return {row[0]["value"]: [cell["value"] for cell in row[1:]] for row in rows}


def total(section: Any) -> Decimal:
    """Of a section with one column, after every section in it was added up."""
    rows = section["Rows"]["Row"]
    amounts = [
        total(row) if row["type"] == "Section" else Decimal(row["ColData"][1]["value"])
        for row in rows
    ]
    shown = Decimal(section["Summary"]["ColData"][1]["value"])
    assert shown == sum(amounts)
    return shown


def journal(debit: str, credit: str, amount: Decimal) -> dict[str, Any]:
    def line(account: str, side: str) -> dict[str, Any]:
        detail = {"PostingType": side, "AccountRef": {"value": account}}
        kind = "JournalEntryLineDetail"
        return {"Amount": amount, "DetailType": kind, kind: detail}

    return {"Line": [line(debit, "Debit"), line(credit, "Credit")]}


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


async def test_a_sheet_has_a_section_for_each_account_type(rig: Rig) -> None:
    vendor = rig.vendor("V")
    rig.pay(vendor, rig.bill(vendor, "100"), "40")
    assets, claims = (await rig.ok("GET", "reports/BalanceSheet"))["Rows"]["Row"]
    assert assets["Header"]["ColData"] == [{"value": "ASSETS"}, {"value": ""}]
    assert assets["Summary"]["ColData"] == [{"value": "TOTAL ASSETS"}, {"value": "-40.00"}]
    [bank] = assets["Rows"]["Row"]
    assert (bank["group"], assets["group"]) == ("BankAccounts", "TotalAssets")
    assert bank["Header"]["ColData"][0] == {"value": "Bank Accounts"}
    assert bank["Summary"]["ColData"][0] == {"value": "Total Bank Accounts"}
    [checking] = bank["Rows"]["Row"]
    checked = [{"value": "Checking", "id": "35"}, {"value": "-40.00"}]
    assert checking == {"ColData": checked, "type": "Data"}
    titles = [row["Header"]["ColData"][0]["value"] for row in claims["Rows"]["Row"]]
    assert titles == ["Accounts Payable", "Equity"]


async def test_a_sheet_balances_whatever_the_accounts_are(rig: Rig) -> None:
    """No AccountType is left out: what closes the sheet is the result of the year, not a gap."""
    checking, expected = "35", set()
    for n, (account_type, classification) in enumerate(CLASSIFICATIONS.items(), start=1):
        body = {"Name": f"A {account_type}", "AccountType": account_type}
        row_id = rig.books.create("Account", body)["Id"]
        rig.books.create("JournalEntry", journal(row_id, checking, Decimal(2**n)))
        if classification not in PROFIT_AND_LOSS:
            expected.add(row_id)
    report = await rig.ok("GET", "reports/BalanceSheet")
    assets, claims = report["Rows"]["Row"]
    assert total(assets) == total(claims)
    ids = [row[0].get("id") for row in leaves([assets, claims])]
    assert sorted(filter(None, ids)) == sorted(expected | {checking})
    incomes, costs = (await rig.ok("GET", "reports/ProfitAndLoss"))["Rows"]["Row"]
    assert cells(report)["Net Income"] == [str(total(incomes) - total(costs))]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        ("BalanceSheet?columns=Total", "500"),
        ("BalanceSheet?date_macro=This%20Month", "500"),
        ("BalanceSheet?summarize_column_by=Month", "500"),
        ("BalanceSheet?accounting_method=Cash", "500"),
        ("BalanceSheet?end_date=tomorrow", "2010"),
        ("BalanceSheet?report_date=2026-01-05", "500"),
        ("ProfitAndLoss?customer=1", "500"),
        ("ProfitAndLoss?start_date=2026-02-01&end_date=2026-01-01", "2010"),
        ("AgedPayables?start_date=2026-01-01", "500"),
        ("AgedPayables?report_date=2020-01-01", "500"),
        ("AgedPayables?num_periods=6", "500"),
        ("AgedReceivables?surprise=1", "500"),
    ],
)
async def test_what_a_report_cannot_do_is_refused(rig: Rig, report: str, code: str) -> None:
    """It was answered as if nobody had asked, and a basis of Cash was told of accrued figures."""
    assert (await rig.call("GET", f"reports/{report}")).code == code


async def test_what_it_does_anyway_may_be_asked_for(rig: Rig) -> None:
    asked = "accounting_method=Accrual&summarize_column_by=Total&minorversion=75"
    for report in ("BalanceSheet", "ProfitAndLoss"):
        found = await rig.ok("GET", f"reports/{report}?{asked}")
        assert found["Header"]["ReportBasis"] == "Accrual"
    await rig.ok("GET", "reports/AgedPayables?aging_method=Report_Date&report_date=2027-01-01")


async def test_a_sheet_of_another_day(rig: Rig) -> None:
    """What is dated later does not count; both sides still add up."""
    for day, amount in (("2025-12-31", 8), ("2026-01-02", 16), ("2026-06-01", 32)):
        body = journal("35", "1", Decimal(amount)) | {"TxnDate": day}
        rig.books.create("JournalEntry", body)
    for end, checking in (("2025-12-31", "8.00"), ("2026-01-02", "24.00"), ("2027-01-01", "56.00")):
        report = await rig.ok("GET", f"reports/BalanceSheet?end_date={end}")
        assert cells(report)["Checking"] == [checking]
        assets, claims = report["Rows"]["Row"]
        assert total(assets) == total(claims)
        assert report["Header"]["EndPeriod"] == end
