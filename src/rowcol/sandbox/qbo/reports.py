"""Reports: BalanceSheet, ProfitAndLoss, AgedPayables and AgedReceivables, added up from the books. Amounts are strings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from rowcol.sandbox.qbo import postings
from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import CENT, ZERO, Json

_SHEET: Final = (("Asset", 1), ("Liability", -1), ("Equity", -1))
_RESULT: Final = (("Revenue", -1), ("Expense", 1))
_AGES: Final = (("Current", 0), ("1 - 30", 30), ("31 - 60", 60), ("61 - 90", 90))
_OLDEST: Final = "91 and over"

Line = tuple[str, list[Decimal]]


def report(name: str, options: Mapping[str, str], books: Books) -> Json:
    """Raise code 500 for a report that is not here."""
    make = {one.lower(): one for one in _REPORTS}.get(name.lower())
    if make is None:
        raise QboError("500", f"report {name}")
    columns, sections = _REPORTS[make](options, books)
    is_empty = not any(amount for _, lines in sections for _, line in lines for amount in line)
    header: Json = {
        "Time": books.clock.time(),
        "ReportName": make,
        "ReportBasis": options.get("accounting_method", "Accrual"),
        "StartPeriod": options.get("start_date", f"{books.today()[:4]}-01-01"),
        "EndPeriod": options.get("end_date", books.today()),
        "SummarizeColumnsBy": "Total",
        "Currency": "USD",
        "Option": [
            {"Name": "AccountingStandard", "Value": "GAAP"},
            {"Name": "NoReportData", "Value": "true" if is_empty else "false"},
        ],
    }
    rows = [_section(title, lines) for title, lines in sections]
    kinds = [_column("", "Account"), *(_column(title, "Money") for title in columns)]
    shown = {} if is_empty else {"Row": rows}
    return {"Header": header, "Columns": {"Column": kinds}, "Rows": shown}


def totals(books: Books, since: str, until: str) -> dict[str, Decimal]:
    """Account -> what all transactions dated in [since, until] moved, debit-positive."""
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entity, table in books.tables.items():
        for row in table.live.values():
            if since <= row.value.get("TxnDate", "") <= until:
                for (kind, row_id), amount in postings.moves(entity, row.value, books).items():
                    if kind == "Account":
                        found[row_id] += amount
    return found


def _balance_sheet(_options: Mapping[str, str], books: Books) -> tuple[list[str], Any]:
    """As the accounts stand now; the result of the year closes the sheet."""
    sections = []
    result = ZERO
    for title, sign in _SHEET:
        lines = [
            (row["Name"], [sign * row["CurrentBalance"]])
            for row in books.rows("Account")
            if row["Classification"] == title and row["CurrentBalance"]
        ]
        subtotal = sum((amounts[0] for _, amounts in lines), ZERO)
        result += subtotal if title == "Asset" else -subtotal
        if title == "Equity":
            lines.append(("Net Income", [result]))
        sections.append((title, lines))
    return ["Total"], sections


def _profit_and_loss(options: Mapping[str, str], books: Books) -> tuple[list[str], Any]:
    today = books.today()
    since = options.get("start_date", f"{today[:4]}-01-01")
    moved = totals(books, since, options.get("end_date", today))
    return ["Total"], [
        (
            title,
            [
                (row["Name"], [sign * moved[row["Id"]]])
                for row in books.rows("Account")
                if row["Classification"] == title and moved.get(row["Id"])
            ],
        )
        for title, sign in _RESULT
    ]


def _aged(entity: str, party: str) -> Callable[[Mapping[str, str], Books], tuple[list[str], Any]]:
    def make(options: Mapping[str, str], books: Books) -> tuple[list[str], Any]:
        today = date.fromisoformat(options.get("report_date", books.today()))
        columns = [*(name for name, _ in _AGES), _OLDEST, "Total"]
        by_name: dict[str, list[Decimal]] = {}
        for row in books.rows(entity):
            if row["Balance"]:
                days = (today - date.fromisoformat(row["DueDate"])).days
                ages = [n for n, (_, limit) in enumerate(_AGES) if days <= limit]
                amounts = by_name.setdefault(row[f"{party}Ref"]["name"], [ZERO] * len(columns))
                amounts[ages[0] if ages else len(_AGES)] += row["Balance"]
                amounts[-1] += row["Balance"]
        return columns, [("", sorted(by_name.items()))]

    return make


def _column(title: str, kind: str) -> Json:
    meta = [{"Name": "ColKey", "Value": (title or kind).lower()}]
    return {"ColTitle": title, "ColType": kind, "MetaData": meta}


def _section(title: str, lines: Iterable[Line]) -> Json:
    lines = list(lines)
    width = max((len(amounts) for _, amounts in lines), default=1)
    sums = [sum((amounts[n] for _, amounts in lines), ZERO) for n in range(width)]
    rows = [{"ColData": _cells(name, amounts), "type": "Data"} for name, amounts in lines]
    return {
        "Header": {"ColData": [{"value": title}]},
        "Rows": {"Row": rows},
        "Summary": {"ColData": _cells(f"Total {title}".strip(), sums)},
        "type": "Section",
        "group": title or "GrandTotal",
    }


def _cells(name: str, amounts: Iterable[Decimal]) -> list[Json]:
    return [{"value": name}, *({"value": str(amount.quantize(CENT))} for amount in amounts)]


_REPORTS: Final[dict[str, Callable[[Mapping[str, str], Books], tuple[list[str], Any]]]] = {
    "BalanceSheet": _balance_sheet,
    "ProfitAndLoss": _profit_and_loss,
    "AgedPayables": _aged("Bill", "Vendor"),
    "AgedReceivables": _aged("Invoice", "Customer"),
}
