"""Transactions: a CSV of dated transactions as the truth of a bank (`account, date, amount, [balance]`).

Columns in any order, others ignored, but a `currency` must be USD; a date is `2017-03-24` or a time stamp (without a zone: the firm's). Amounts and
balances are exact decimals, + is money in. Rows of one day keep the order of the file; a file that runs from new to
old is turned round. An account starts at its first `balance - amount`, without balances at 0. Start with `read`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from rowcol.core.refusal import BadInput
from rowcol.simulation.bankdays import Calendar

NAME_MAX: Final = 200
ERRORS_SHOWN: Final = 20
COLUMNS: Final = ("account", "date", "amount")
BALANCE, CURRENCY = "balance", "currency"
OPTIONAL: Final = (BALANCE, CURRENCY)
YEARS: Final = range(1980, 2100)
MINOR_MAX: Final = 10**14
_AMOUNT: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EXPECTED: Final = {
    "account": f"a name of 1 to {NAME_MAX} printable characters",
    "date": f"a date such as 2017-03-24, or a time stamp such as 2017-03-24T14:05:00Z, of {YEARS[0]} to {YEARS[-1]}",
    "amount": "a decimal number with at most 2 digits after the point, such as -1234.56",
    CURRENCY: "USD or nothing: the emulated bank keeps dollars",
}
_EXPECTED_BALANCE: Final = _EXPECTED["amount"] + ", or nothing"


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be."""

    mib: int = 64
    rows: int = 2_000_000
    accounts: int = 2_000


LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `at` is None where the file only names the day."""

    line: int
    day: date
    at: datetime | None
    amount_minor: int
    balance_minor: int | None


@dataclass(frozen=True, slots=True)
class TracedAccount:
    """One account, its rows oldest first."""

    name: str
    opening_minor: int
    entries: tuple[Entry, ...]


class _RowError(ValueError):
    """A cell that cannot be read: column, what was found."""

    def __init__(self, column: str, found: str) -> None:
        super().__init__(column)
        self.column = column
        self.found = found


@dataclass(slots=True)
class _Complaints:
    """What is wrong with the file, the first few of it in words."""

    shown: list[str] = field(default_factory=list)
    n: int = 0

    def add(self, line: int, text: str) -> None:
        self.n += 1
        if self.n <= ERRORS_SHOWN:
            self.shown.append(f"line {line}{text}")

    def raise_if_any(self) -> None:
        if self.n:
            rest = self.n - len(self.shown)
            more = f"\n... and {rest} more" if rest else ""
            raise BadInput(
                "\n".join(self.shown) + more, "correct the file; nothing was started with it"
            )


def read(path: Path, calendar: Calendar, limits: Limits = LIMITS) -> tuple[TracedAccount, ...]:
    """The accounts of a file, in the order of their first row. Raise `BadInput` naming lines and columns."""
    if path.exists() and not path.is_file():  # a pipe can be read once, and two processes read it
        raise BadInput(f"{path} is no regular file", "write its contents to a file first")
    try:
        with path.open("rb") as file:
            raw = file.read((limits.mib << 20) + 1)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}", "name a CSV file") from error
    if len(raw) > limits.mib << 20:
        line = raw.count(b"\n") + 1
        raise BadInput(f"line {line}: the file is larger than {limits.mib} MiB", "split it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"line {line}: found the byte 0x{raw[error.start]:02x}, expected UTF-8 text",
            "save the file as UTF-8",
        ) from error
    return parse(text, calendar, limits)


def parse(text: str, calendar: Calendar, limits: Limits = LIMITS) -> tuple[TracedAccount, ...]:
    """The accounts of a file's text. Raise `BadInput` with every malformed row, the first 20 in words."""
    complaints = _Complaints()
    rows: dict[str, list[Entry]] = {}
    records = _records(text.removeprefix("\ufeff"), complaints)
    line, header = next(records, (1, []))
    columns = _columns(line, header, complaints)
    complaints.raise_if_any()
    n_rows = 0
    for line, cells in records:
        n_rows += 1
        if n_rows > limits.rows:
            complaints.add(line, f": more than {limits.rows} rows")
            break
        if len(cells) != len(header):
            complaints.add(
                line, f": found {len(cells)} cells, expected {len(header)} as in the header"
            )
            continue
        try:
            name, entry = _entry(line, cells, columns, calendar)
        except _RowError as error:
            expected = _EXPECTED.get(error.column, _EXPECTED_BALANCE)
            complaints.add(
                line, f", column {error.column}: found {_shown(error.found)}, expected {expected}"
            )
            continue
        rows.setdefault(name, []).append(entry)
        if len(rows) > limits.accounts:
            complaints.add(line, f", column account: more than {limits.accounts} accounts")
            break
    if not rows and not complaints.n:
        complaints.add(line, ": no transactions after the header")
    complaints.raise_if_any()
    is_back = _runs_back(rows.values())
    found = tuple(
        _account(name, _in_time(entries, calendar, is_back=is_back), complaints)
        for name, entries in rows.items()
    )
    complaints.raise_if_any()
    return found


def _records(text: str, complaints: _Complaints) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line that they start on; empty ones are skipped, broken quoting ends the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            complaints.add(line, f": not CSV ({error})")
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _columns(line: int, header: Sequence[str], complaints: _Complaints) -> Mapping[str, int]:
    names = [cell.strip().lower() for cell in header]
    for name in (*COLUMNS, *OPTIONAL):
        n = names.count(name)
        if n > 1 or (n == 0 and name not in OPTIONAL):
            problem = "is missing" if n == 0 else f"is there {n} times"
            found = ", ".join(map(_shown, names[:8])) or "nothing"
            complaints.add(
                line,
                f": the column {name} {problem}; found {found}, expected account, date, amount and maybe balance",
            )
    return {name: names.index(name) for name in (*COLUMNS, *OPTIONAL) if name in names}


def _entry(
    line: int, cells: Sequence[str], columns: Mapping[str, int], calendar: Calendar
) -> tuple[str, Entry]:
    name = cells[columns["account"]].strip()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise _RowError("account", name)
    currency = cells[columns[CURRENCY]].strip() if CURRENCY in columns else ""
    if currency.upper() not in ("", "USD"):
        raise _RowError(CURRENCY, currency)
    day, at = _moment(cells[columns["date"]].strip(), calendar)
    amount = _minor(cells[columns["amount"]].strip(), "amount")
    balance_text = cells[columns[BALANCE]].strip() if BALANCE in columns else ""
    balance = _minor(balance_text, BALANCE) if balance_text else None
    return name, Entry(line, day, at, amount, balance)


def _moment(text: str, calendar: Calendar) -> tuple[date, datetime | None]:
    try:
        if _DAY.fullmatch(text):
            day, at = date.fromisoformat(text), None
        else:
            moment = datetime.fromisoformat(text)
            if not _DAY.match(text) or moment.year not in YEARS:
                raise _RowError("date", text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=calendar.zone)
            at = moment.astimezone(UTC)
            day = calendar.day_of(at)
    except (ValueError, OverflowError) as error:
        raise _RowError("date", text) from error
    if day.year not in YEARS:
        raise _RowError("date", text)
    return day, at


def _minor(text: str, column: str) -> int:
    if len(text) > 40 or not _AMOUNT.fullmatch(text):
        raise _RowError(column, text)
    minor = Decimal(text).scaleb(2)
    if minor != minor.to_integral_value() or abs(minor) > MINOR_MAX:
        raise _RowError(column, text)
    return int(minor)


def _account(name: str, ordered: Sequence[Entry], complaints: _Complaints) -> TracedAccount:
    """Rows in the order of time, checked against the file's own running balance."""
    first = next((n for n, entry in enumerate(ordered) if entry.balance_minor is not None), None)
    opening = 0
    if first is not None:
        known = ordered[first].balance_minor or 0
        opening = known - sum(entry.amount_minor for entry in ordered[: first + 1])
    running = opening
    for entry in ordered:
        before, running = running, running + entry.amount_minor
        if entry.balance_minor is not None and entry.balance_minor != running:
            complaints.add(
                entry.line,
                f", column balance: found {_decimal(entry.balance_minor)}, expected {_decimal(running)}"
                f" ({_decimal(before)} before this row and {_decimal(entry.amount_minor)})",
            )
            running = entry.balance_minor
        if abs(running) > 100 * MINOR_MAX:
            complaints.add(entry.line, ", column amount: the running balance passes 10^14")
            break
    return TracedAccount(name, opening, tuple(ordered))


def _runs_back(accounts: Collection[Sequence[Entry]]) -> bool:
    """Whether the file runs from new to old: as a whole, or in every account that says so by its days."""
    whole = sorted((entry for entries in accounts for entry in entries), key=lambda e: e.line)
    telling = [entries for entries in accounts if entries[0].day != entries[-1].day]
    return _falls(whole) or (bool(telling) and all(map(_falls, telling)))


def _falls(entries: Sequence[Entry]) -> bool:
    return entries[0].day > entries[-1].day and all(a.day >= b.day for a, b in pairwise(entries))


def _in_time(entries: list[Entry], calendar: Calendar, *, is_back: bool) -> list[Entry]:
    """Oldest first. An account all of one day says nothing of its direction: it runs as the file does."""
    is_one_day = all(entry.day == entries[0].day for entry in entries)
    if _falls(entries) or (is_back and is_one_day):
        entries.reverse()

    def moment(entry: Entry) -> datetime:
        return entry.at or calendar.moment(entry.day, time(0))

    if all(entry.at is not None for entry in entries):
        return sorted(entries, key=moment)
    return sorted(entries, key=lambda entry: entry.day)


def _decimal(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
