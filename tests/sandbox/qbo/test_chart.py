"""The chart: a new company has what a first bill needs."""

from __future__ import annotations

from rowcol.sandbox.qbo import chart
from tests.sandbox.qbo.rig import Rig


def test_a_new_company_has_its_accounts(rig: Rig) -> None:
    names = {row["Id"]: row["Name"] for row in rig.books.rows("Account")}
    assert names[chart.CHECKING] == "Checking"
    assert names[chart.PAYABLE] == "Accounts Payable (A/P)"
    assert [row["Id"] for row in rig.books.rows("CompanyInfo")] == ["1"]
    assert rig.books.create("Account", {"Name": "New", "AccountType": "Bank"})["Id"] == "92"


def test_ids_are_unique() -> None:
    rows = chart.first_rows("A", "UTC", "2026-01-01")
    assert len({(entity, row_id) for entity, row_id, _ in rows}) == len(rows)
