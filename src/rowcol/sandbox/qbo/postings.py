"""Postings: what a transaction does to accounts, names and the transactions that it pays. Pure.

Accounts are debit-positive throughout, as QBO shows them: A/P and credit cards are negative when money is owed. The
account side of every transaction adds up to zero, so the reports are sums of postings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, Protocol

from rowcol.sandbox.qbo.catalog import TARGETS
from rowcol.sandbox.qbo.values import ZERO, Json

Key = tuple[str, str]
"""Entity and id."""
Moves = dict[Key, Decimal]


class Chart(Protocol):
    """What postings ask the books for."""

    payable: str
    receivable: str
    undeposited: str
    sales: str
    expenses: str
    sales_tax: str

    def item_account(self, item_id: str, attribute: str) -> str | None:
        """An account of an Item; None when it has none."""


def links(entity: str, row: Json) -> dict[Key, Decimal]:
    """What this transaction pays, and how much of it."""
    found: dict[Key, Decimal] = {}
    if entity not in {"BillPayment", "Payment", "Deposit"}:
        return found
    for line in row.get("Line", ()):
        for link in line.get("LinkedTxn", ()):
            key = (link.get("TxnType", ""), str(link.get("TxnId", "")))
            is_known = key[0] == "Payment" if entity == "Deposit" else key[0] in TARGETS
            if is_known:
                found[key] = found.get(key, ZERO) + line.get("Amount", ZERO)
    return found


def applied(entity: str, row: Json) -> Decimal:
    """How much of a payment is used up: what it pays less the credits that it takes along."""
    paid_with = {"VendorCredit", "CreditMemo"}
    return sum(
        (-amount if key[0] in paid_with else amount for key, amount in links(entity, row).items()),
        ZERO,
    )


def moves(entity: str, row: Json, chart: Chart) -> Moves:
    """Account, Vendor and Customer -> how much its balance moves because of this transaction."""
    post = _POSTINGS.get(entity)
    made: Moves = defaultdict(lambda: ZERO)
    if post is not None:
        post(row, chart, made)
    return made


def _ref(row: Json, name: str) -> str | None:
    ref = row.get(name)
    return None if ref is None or "value" not in ref else str(ref["value"])


def _account(made: Moves, account: str | None, amount: Decimal) -> None:
    if account is not None:
        made["Account", account] += amount


def _party(made: Moves, row: Json, name: str, amount: Decimal) -> None:
    party = _ref(row, f"{name}Ref")
    if party is not None:
        made[name, party] += amount


def _details(row: Json) -> Iterator[tuple[str, Json, Decimal]]:
    for line in row.get("Line", ()):
        kind = line.get("DetailType", "")
        if kind not in {"SubTotalLineDetail", "DescriptionOnly"}:
            yield kind, line.get(kind) or {}, line.get("Amount", ZERO)


def _spent(row: Json, chart: Chart, made: Moves, sign: int) -> None:
    for _, detail, amount in _details(row):
        account = _ref(detail, "AccountRef")
        item = _ref(detail, "ItemRef")
        if account is None and item is not None:
            account = chart.item_account(item, "ExpenseAccountRef")
        _account(made, account or chart.expenses, sign * amount)


def _earned(row: Json, chart: Chart, made: Moves, sign: int) -> None:
    for kind, detail, amount in _details(row):
        item = _ref(detail, "ItemRef")
        account = None if item is None else chart.item_account(item, "IncomeAccountRef")
        is_discount = kind == "DiscountLineDetail"
        _account(made, account or chart.sales, (sign if is_discount else -sign) * amount)
    tax = row.get("TxnTaxDetail", {}).get("TotalTax", ZERO)
    if tax:
        _account(made, chart.sales_tax, -sign * tax)


def _bill(row: Json, chart: Chart, made: Moves, sign: int = 1) -> None:
    total = sign * row["TotalAmt"]
    _account(made, _ref(row, "APAccountRef") or chart.payable, -total)
    _party(made, row, "Vendor", total)
    _spent(row, chart, made, sign)


def _bill_payment(row: Json, chart: Chart, made: Moves) -> None:
    total = row["TotalAmt"]
    _account(made, _ref(row, "APAccountRef") or chart.payable, total)
    _party(made, row, "Vendor", -total)
    if row["PayType"] == "Check":
        source = _ref(row.get("CheckPayment") or {}, "BankAccountRef")
    else:
        source = _ref(row.get("CreditCardPayment") or {}, "CCAccountRef")
    _account(made, source, -total)


def _invoice(row: Json, chart: Chart, made: Moves, sign: int = 1) -> None:
    total = sign * row["TotalAmt"]
    _account(made, chart.receivable, total)
    _party(made, row, "Customer", total)
    _earned(row, chart, made, sign)


def _payment(row: Json, chart: Chart, made: Moves) -> None:
    total = row["TotalAmt"]
    _account(made, chart.receivable, -total)
    _party(made, row, "Customer", -total)
    _account(made, _ref(row, "DepositToAccountRef") or chart.undeposited, total)


def _sales_receipt(row: Json, chart: Chart, made: Moves, sign: int = 1) -> None:
    to = _ref(row, "DepositToAccountRef") or chart.undeposited
    _account(made, to, sign * row["TotalAmt"])
    _earned(row, chart, made, sign)


def _purchase(row: Json, chart: Chart, made: Moves) -> None:
    sign = -1 if row.get("Credit") else 1
    _account(made, _ref(row, "AccountRef"), -sign * row["TotalAmt"])
    _spent(row, chart, made, sign)


def _deposit(row: Json, chart: Chart, made: Moves) -> None:
    _account(made, _ref(row, "DepositToAccountRef"), row["TotalAmt"])
    for line in row.get("Line", ()):
        detail = line.get("DepositLineDetail") or {}
        source = chart.undeposited if line.get("LinkedTxn") else _ref(detail, "AccountRef")
        _account(made, source or chart.sales, -line.get("Amount", ZERO))
    back = row.get("CashBack") or {}
    _account(made, _ref(back, "AccountRef"), back.get("Amount", ZERO))


def _transfer(row: Json, _chart: Chart, made: Moves) -> None:
    _account(made, _ref(row, "FromAccountRef"), -row["Amount"])
    _account(made, _ref(row, "ToAccountRef"), row["Amount"])


def _journal(row: Json, chart: Chart, made: Moves) -> None:
    for _, detail, amount in _details(row):
        account = _ref(detail, "AccountRef")
        signed = amount if detail.get("PostingType") == "Debit" else -amount
        _account(made, account, signed)
        entity = detail.get("Entity") or {}
        party = _ref(entity, "EntityRef")
        if party is not None and account == chart.payable and entity.get("Type") == "Vendor":
            made["Vendor", party] -= signed
        if party is not None and account == chart.receivable and entity.get("Type") == "Customer":
            made["Customer", party] += signed


_POSTINGS: Final[dict[str, Callable[[Json, Chart, Moves], None]]] = {
    "Bill": _bill,
    "BillPayment": _bill_payment,
    "CreditMemo": lambda row, chart, made: _invoice(row, chart, made, -1),
    "Deposit": _deposit,
    "Invoice": _invoice,
    "JournalEntry": _journal,
    "Payment": _payment,
    "Purchase": _purchase,
    "RefundReceipt": lambda row, chart, made: _sales_receipt(row, chart, made, -1),
    "SalesReceipt": _sales_receipt,
    "Transfer": _transfer,
    "VendorCredit": lambda row, chart, made: _bill(row, chart, made, -1),
}
