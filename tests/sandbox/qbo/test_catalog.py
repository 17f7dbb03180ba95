"""The catalog: what the fact sheet says of the types, and that the table agrees with itself."""

from __future__ import annotations

from rowcol.sandbox.qbo.catalog import KINDS, TARGETS, kind_of


def test_any_case_finds_a_kind() -> None:
    assert kind_of("billpayment") is KINDS["BillPayment"] is kind_of("BILLPAYMENT")
    assert kind_of("nonsense") is None


def test_lists_have_no_balance_of_their_own_kind() -> None:
    assert {"Bill", "Invoice", "VendorCredit", "CreditMemo"} == TARGETS
    assert not any(kind.is_list and kind.is_transaction for kind in KINDS.values())
    assert not KINDS["CompanyInfo"].has_webhooks
    assert not KINDS["TaxRate"].in_cdc
