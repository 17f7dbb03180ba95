"""Reports: BalanceSheet, ProfitAndLoss, AgedPayables and AgedReceivables, added up from the books. Amounts are strings.

A parameter that would change the answer, and that is not done here, is refused with code 500: an answer to another
question misleads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from rowcol.sandbox.qbo import postings
from rowcol.sandbox.qbo.bodies import is_date
from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import CENT, ZERO, Json

_ASSETS: Final = {
    "Bank": ("Bank Accounts", "BankAccounts"),
    "Accounts Receivable": ("Accounts Receivable", "AR"),
    "Other Current Asset": ("Other Current Assets", "OtherCurrentAssets"),
    "Fixed Asset": ("Fixed Assets", "FixedAssets"),
    "Other Asset": ("Other Assets", "OtherAssets"),
}
"""AccountType -> title and group of its section, in the order of the sheet. Recorded is only the first."""
_CLAIMS: Final = {
    "Accounts Payable": ("Accounts Payable", "AP"),
    "Credit Card": ("Credit Cards", "CreditCards"),
    "Other Current Liability": ("Other Current Liabilities", "OtherCurrentLiabilities"),
    "Long Term Liability": ("Long-Term Liabilities", "LongTermLiabilities"),
    "Equity": ("Equity", "Equity"),
}
"""Likewise, of those who have a claim on the assets."""
_RESULT: Final = (("Revenue", -1), ("Expense", 1))
_AGES: Final = (("Current", 0), ("1 - 30", 30), ("31 - 60", 60), ("61 - 90", 90))
_OLDEST: Final = "91 and over"
_PERIOD: Final = ("accounting_method", "end_date", "start_date", "summarize_column_by")
_AGED: Final = ("aging_method", "aging_period", "num_periods", "report_date")
_OPTIONS: Final = {
    "AgedPayables": _AGED,
    "AgedReceivables": _AGED,
    "BalanceSheet": _PERIOD,
    "ProfitAndLoss": _PERIOD,
}
"""Report -> the parameters that it takes."""
_FIXED: Final = {
    "accounting_method": "accrual",
    "aging_method": "report_date",
    "aging_period": "30",
    "num_periods": "4",
    "summarize_column_by": "total",
}
"""Parameter -> the only value of it that is done here; all others are dates."""


@dataclass(frozen=True, slots=True)
class Line:
    """A name with an amount for each column; `row_id` is that of an account."""

    name: str
    amounts: Sequence[Decimal]
    row_id: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Lines, or further sections, and their sum."""

    title: str
    rows: Sequence[Line | Section]
    group: str

    @property
    def amounts(self) -> list[Decimal]:
        """One for each column; a section without rows has one column."""
        columns = zip(*(row.amounts for row in self.rows), strict=True)
        return [sum(column, ZERO) for column in columns] or [ZERO]


Sheet = tuple[list[str], list[Section]]
"""Titles of the columns, and what is under them."""


def report(name: str, options: Mapping[str, str], books: Books) -> Json:
    """Raise code 500 for a report, or for a wish about it, that is not here; 2010 for a date that is none."""
    make = {one.lower(): one for one in _REPORTS}.get(name.lower())
    if make is None:
        raise QboError("500", f"report {name}")
    _check_options(make, options, books.today())
    columns, sections = _REPORTS[make](options, books)
    is_empty = not any(amount for section in sections for amount in _leaves(section))
    header: Json = {
        "Time": books.clock.time(),
        "ReportName": make,
        "ReportBasis": "Accrual",
        "StartPeriod": _start(options, books),
        "EndPeriod": options.get("end_date", books.today()),
        "SummarizeColumnsBy": "Total",
        "Currency": books.currency.home,
        "Option": [
            {"Name": "AccountingStandard", "Value": "GAAP"},
            {"Name": "NoReportData", "Value": "true" if is_empty else "false"},
        ],
    }
    rows = [_shown(section) for section in sections]
    kinds = [_column("", "Account"), *(_column(title, "Money") for title in columns)]
    shown = {} if is_empty else {"Row": rows}
    return {"Header": header, "Columns": {"Column": kinds}, "Rows": shown}


def _check_options(name: str, options: Mapping[str, str], today: str) -> None:
    for option, value in options.items():
        if option == "minorversion":
            continue
        if option not in _OPTIONS[name]:
            raise QboError("500", f"report {name} with {option}")
        fixed = _FIXED.get(option)
        if fixed is not None and value.lower() != fixed:
            raise QboError("500", f"report {name} with {option}={value:.50}")
        if fixed is None and not is_date(value):
            raise QboError("2010", f"{option} {value:.50}", element=option)
    if options.get("report_date", today) < today:
        # What was open then is not kept.
        raise QboError("500", f"report {name} with a report_date before today")
    if "end_date" in options and options.get("start_date", "") > options["end_date"]:
        raise QboError("2010", "start_date after end_date", element="start_date")


def _start(options: Mapping[str, str], books: Books) -> str:
    """The first of the year in which the period ends, unless asked."""
    return options.get("start_date", f"{options.get('end_date', books.today())[:4]}-01-01")


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


def _balance_sheet(options: Mapping[str, str], books: Books) -> Sheet:
    """As the accounts stood at the end of that day, by AccountType; the result of all years closes the sheet."""
    end = options.get("end_date")
    # Without a date as they stand now, with what is dated later.
    since = None if end is None else totals(books, f"{end}~", "~")
    assets = Section("ASSETS", _by_type(_ASSETS, 1, books, since), "TotalAssets")
    claims = _by_type(_CLAIMS, -1, books, since)
    open_sum = sum((section.amounts[0] for section in claims), ZERO)
    result = Line("Net Income", [assets.amounts[0] - open_sum])
    *others, equity = claims
    equity = Section(equity.title, [*equity.rows, result], equity.group)
    both = Section("LIABILITIES AND EQUITY", [*others, equity], "TotalLiabilitiesAndEquity")
    return ["Total"], [_without_empty(assets), _without_empty(both)]


def _by_type(
    titles: Mapping[str, tuple[str, str]],
    sign: int,
    books: Books,
    since: Mapping[str, Decimal] | None,
) -> list[Section]:
    """`since`: what moved after the day of the sheet."""
    found: dict[str, list[Line]] = {account_type: [] for account_type in titles}
    for row in books.rows("Account"):
        balance = row["CurrentBalance"] - (since or {}).get(row["Id"], ZERO)
        if row["AccountType"] in found and balance:
            found[row["AccountType"]].append(Line(row["Name"], [sign * balance], row["Id"]))
    return [Section(title, found[one], group) for one, (title, group) in titles.items()]


def _without_empty(section: Section) -> Section:
    rows = [row for row in section.rows if isinstance(row, Line) or row.rows]
    return Section(section.title, rows, section.group)


def _profit_and_loss(options: Mapping[str, str], books: Books) -> Sheet:
    moved = totals(books, _start(options, books), options.get("end_date", books.today()))
    sections = []
    for title, sign in _RESULT:
        lines = [
            Line(row["Name"], [sign * moved[row["Id"]]], row["Id"])
            for row in books.rows("Account")
            if row["Classification"] == title and moved.get(row["Id"])
        ]
        sections.append(Section(title, lines, title))
    return ["Total"], sections


def _aged(entity: str, party: str) -> Callable[[Mapping[str, str], Books], Sheet]:
    def make(options: Mapping[str, str], books: Books) -> Sheet:
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
        lines = [Line(name, amounts) for name, amounts in sorted(by_name.items())]
        return columns, [Section("", lines, "GrandTotal")]

    return make


def _column(title: str, kind: str) -> Json:
    meta = [{"Name": "ColKey", "Value": (title or kind).lower()}]
    return {"ColTitle": title, "ColType": kind, "MetaData": meta}


def _leaves(row: Line | Section) -> Iterable[Decimal]:
    """All amounts of lines."""
    if isinstance(row, Line):
        return row.amounts
    return [amount for inner in row.rows for amount in _leaves(inner)]


def _shown(row: Line | Section) -> Json:
    if isinstance(row, Line):
        return {"ColData": _cells(row.name, row.amounts, row.row_id), "type": "Data"}
    word = "TOTAL" if row.title.isupper() else "Total"
    blanks: list[Json] = [{"value": ""} for _ in row.amounts]
    return {
        "Header": {"ColData": [{"value": row.title}, *blanks]},
        "Rows": {"Row": [_shown(inner) for inner in row.rows]},
        "Summary": {"ColData": _cells(f"{word} {row.title}".strip(), row.amounts)},
        "type": "Section",
        "group": row.group,
    }


def _cells(name: str, amounts: Iterable[Decimal], row_id: str | None = None) -> list[Json]:
    named = {"value": name} if row_id is None else {"value": name, "id": row_id}
    return [named, *({"value": str(amount.quantize(CENT))} for amount in amounts)]


_REPORTS: Final[dict[str, Callable[[Mapping[str, str], Books], Sheet]]] = {
    "BalanceSheet": _balance_sheet,
    "ProfitAndLoss": _profit_and_loss,
    "AgedPayables": _aged("Bill", "Vendor"),
    "AgedReceivables": _aged("Invoice", "Customer"),
}
