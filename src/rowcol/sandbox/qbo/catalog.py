"""The catalog: every entity type of the emulator, and the rules that differ between them, as one table.

Scope: types the cash-runway set needs, their neighbours, and what the SDK writes. A type that is not here is unknown to
query, `/cdc` and CRUD alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """An entity type."""

    name: str
    required: tuple[str, ...] = ()
    names_by: str | None = None
    """The attribute that names a row of a list: lists have `Active`, and no hard delete."""
    shares_names: bool = False
    """Its names are unique over Vendor, Customer and Employee together."""
    party: str | None = None
    """The list its `<party>Ref` points into."""
    link_name: str | None = None
    """How it is called in the `LinkedTxn` of what it pays."""
    has_balance: bool = False
    """A transaction that others pay, with an open `Balance`."""
    sums_lines: bool = False
    """`TotalAmt` is read-only: the sum of the lines."""
    can_void: bool = False
    in_cdc: bool = True
    has_webhooks: bool = True
    shows_total_count: bool = False
    """Recorded: its query answers carry `totalCount`."""
    is_single: bool = False
    """One row, made with the company."""

    @property
    def is_list(self) -> bool:
        return self.names_by is not None

    @property
    def is_transaction(self) -> bool:
        return self.names_by is None and not self.is_single


def _list(name: str, names_by: str = "Name", **more: Any) -> Kind:
    return Kind(name, (names_by,), names_by=names_by, **more)


_ALL: Final = (
    _list("Account"),
    Kind(
        "Bill",
        ("VendorRef", "Line"),
        party="Vendor",
        has_balance=True,
        sums_lines=True,
        shows_total_count=True,
    ),
    Kind(
        "BillPayment",
        ("VendorRef", "TotalAmt", "PayType", "Line"),
        party="Vendor",
        link_name="BillPaymentCheck",
        can_void=True,
        shows_total_count=True,
    ),
    _list("Class"),
    Kind("CompanyInfo", is_single=True, has_webhooks=False),
    Kind(
        "CreditMemo",
        ("CustomerRef", "Line"),
        party="Customer",
        has_balance=True,
        sums_lines=True,
        can_void=True,
    ),
    _list("Customer", "DisplayName", shares_names=True),
    _list("Department"),
    Kind(
        "Deposit",
        ("DepositToAccountRef", "Line"),
        link_name="Deposit",
        sums_lines=True,
        shows_total_count=True,
    ),
    _list("Employee", "DisplayName", shares_names=True),
    Kind("Estimate", ("CustomerRef", "Line"), party="Customer", sums_lines=True),
    Kind(
        "Invoice",
        ("CustomerRef", "Line"),
        party="Customer",
        has_balance=True,
        sums_lines=True,
        can_void=True,
        shows_total_count=True,
    ),
    _list("Item"),
    Kind("JournalEntry", ("Line",)),
    Kind(
        "Payment", ("CustomerRef", "TotalAmt"), party="Customer", link_name="Payment", can_void=True
    ),
    _list("PaymentMethod"),
    Kind("Preferences", is_single=True),
    Kind("Purchase", ("PaymentType", "AccountRef", "Line"), sums_lines=True, can_void=True),
    Kind("PurchaseOrder", ("VendorRef", "Line"), party="Vendor", sums_lines=True),
    Kind("RefundReceipt", ("Line",), party="Customer", sums_lines=True, can_void=True),
    Kind("SalesReceipt", ("Line",), party="Customer", sums_lines=True, can_void=True),
    _list("TaxAgency", "DisplayName", in_cdc=False, has_webhooks=False),
    _list("TaxCode", in_cdc=False, has_webhooks=False),
    _list("TaxRate", in_cdc=False, has_webhooks=False),
    _list("Term"),
    Kind("TimeActivity", in_cdc=False),
    Kind("Transfer", ("FromAccountRef", "ToAccountRef", "Amount"), can_void=True),
    _list("Vendor", "DisplayName", shares_names=True),
    Kind(
        "VendorCredit", ("VendorRef", "Line"), party="Vendor", has_balance=True, sums_lines=True
    ),
)  # fmt: skip

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _ALL}
_BY_LOWER: Final[dict[str, Kind]] = {kind.name.lower(): kind for kind in _ALL}
TARGETS: Final = frozenset(kind.name for kind in _ALL if kind.has_balance)

PAY_TYPES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "BillPayment": ("PayType", ("Check", "CreditCard")),
    "Purchase": ("PaymentType", ("Cash", "Check", "CreditCard")),
}
"""Entity -> its enumerated attribute and the values of it."""

CLASSIFICATIONS: Final[dict[str, str]] = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
}
"""AccountType -> Classification."""
PROFIT_AND_LOSS: Final = frozenset({"Revenue", "Expense"})
"""Accounts of these classifications show no CurrentBalance."""


def kind_of(name: str) -> Kind | None:
    """The type of this name in any case; None when there is none."""
    return _BY_LOWER.get(name.lower())
