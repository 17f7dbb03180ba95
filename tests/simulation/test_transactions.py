"""Transactions: any text either parses or is refused with lines named; what parses comes back as it was."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.refusal import BadInput
from rowcol.simulation.transactions import Limits, TracedAccount, parse, read
from rowcol.simulation.workload import spec

HEADER = "account,date,amount,balance\n"


def parsed(text: str) -> tuple[TracedAccount, ...]:
    return parse(text, spec().calendar)


def refused(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        parsed(text)
    return caught.value.message


def test_accounts_come_in_the_order_of_their_first_row() -> None:
    first, second = parsed(
        HEADER
        + "Checking,2017-03-24,50.00,50.00\nSavings,2017-03-25,7,7\nChecking,2017-03-25,-5.79,44.21\n"
    )
    assert (first.name, second.name) == ("Checking", "Savings")
    assert [e.amount_minor for e in first.entries] == [5_000, -579]
    assert [e.line for e in first.entries] == [2, 4]
    assert first.opening_minor == second.opening_minor == 0


def test_columns_in_any_order_with_bom_crlf_quotes_and_others_beside() -> None:
    (account,) = parsed(
        '\ufeffNote,Amount , DATE,Account\r\n"a, ""b""",+1.5,2017-03-24," Main "\r\n,-.25,2017-03-25,Main\r\n'
    )
    assert account.name == "Main"
    assert [e.amount_minor for e in account.entries] == [150, -25]


def test_the_first_balance_tells_what_the_account_opened_with() -> None:
    (account,) = parsed(HEADER + "A,2017-03-24,5,\nA,2017-03-25,-10,1995.00\n")
    assert account.opening_minor == 200_000


def test_a_balance_that_is_not_the_running_sum_is_named_by_its_line() -> None:
    message = refused(
        HEADER + "A,2017-03-24,50,50\nA,2017-03-25,-5.79,44.20\nA,2017-03-26,1,45.20\n"
    )
    assert message == (
        "line 3, column balance: found 44.20, expected 44.21 (50.00 before this row and -5.79)"
    )


def test_a_file_that_runs_from_new_to_old_is_turned_round() -> None:
    (account,) = parsed(HEADER + "A,2017-03-26,1,46\nA,2017-03-24,-5,45\nA,2017-03-24,50,50\n")
    assert [e.amount_minor for e in account.entries] == [5_000, -500, 100]


@pytest.mark.parametrize(
    "rows",
    [
        "A,2017-03-26,1,46\nB,2017-03-25,-2,8\nB,2017-03-25,10,10\nA,2017-03-24,45,45\n",
        "A,2017-03-26,1,46\nA,2017-03-24,45,45\nB,2017-03-27,-2,8\nB,2017-03-27,10,10\n",
        "A,2017-03-26,1,1\nB,2017-03-25,-2,8\nB,2017-03-25,10,10\n",
    ],
)
def test_an_account_of_one_day_runs_as_its_file_does(rows: str) -> None:
    found = {account.name: account for account in parsed(HEADER + rows)}
    assert [e.amount_minor for e in found["B"].entries] == [1_000, -200]
    assert [e.line for e in found["B"].entries] == sorted(
        (e.line for e in found["B"].entries), reverse=True
    )


def test_an_account_of_one_day_in_a_file_from_old_to_new_stays() -> None:
    rows = "A,2017-03-24,45,45\nB,2017-03-25,10,10\nB,2017-03-25,-2,8\nA,2017-03-26,1,46\n"
    accounts = parsed(HEADER + rows)
    assert [e.amount_minor for e in accounts[1].entries] == [1_000, -200]


def test_days_out_of_order_are_sorted_and_rows_of_a_day_keep_their_order() -> None:
    (account,) = parsed(
        "account,date,amount\nA,2017-03-24,1\nA,2017-03-26,4\nA,2017-03-25,2\nA,2017-03-25,3\n"
    )
    assert [e.amount_minor for e in account.entries] == [100, 200, 300, 400]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-03-24T14:05:00Z", datetime(2017, 3, 24, 14, 5, tzinfo=UTC)),
        ("2017-03-24 14:05:00+02:00", datetime(2017, 3, 24, 12, 5, tzinfo=UTC)),
        ("2017-03-24T14:05", datetime(2017, 3, 24, 18, 5, tzinfo=UTC)),  # the firm's wall clock
    ],
)
def test_time_stamps(text: str, moment: datetime) -> None:
    (account,) = parsed(f"account,date,amount\nA,{text},1\n")
    assert account.entries[0].at == moment


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",2017-03-24,1,1", "account"),
        ('"a\tb",2017-03-24,1,1', "account"),
        ("A,24.03.2017,1,1", "date"),
        ("A,2017-02-30,1,1", "date"),
        ("A,20170324,1,1", "date"),
        ("A,1850-01-01,1,1", "date"),
        ("A,0001-01-01T00:00:00+14:00,1,1", "date"),
        ("A,9999-12-31T23:59:59-14:00,1,1", "date"),
        ("A,,1,1", "date"),
        ("A,2017-03-24,,1", "amount"),
        ('A,2017-03-24,"1,000.00",1', "amount"),
        ("A,2017-03-24,1.234,1", "amount"),
        ("A,2017-03-24,1e3,1", "amount"),
        ("A,2017-03-24,NaN,1", "amount"),
        ("A,2017-03-24,$5,1", "amount"),
        ("A,2017-03-24,١٢,1", "amount"),
        ("A,2017-03-24," + "9" * 16 + ",1", "amount"),
        ("A,2017-03-24,1,x", "balance"),
    ],
)
def test_a_malformed_cell_is_named_by_line_and_column(row: str, column: str) -> None:
    message = refused(HEADER + "A,2017-03-23,0,0\n" + row + "\n")
    assert message.startswith(f"line 3, column {column}: found "), message
    assert ", expected " in message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "line 1: the column account is missing; found nothing"),
        ("account,date\nA,2017-03-24\n", "line 1: the column amount is missing"),
        ("account,date,amount,date\n", "line 1: the column date is there 2 times"),
        (HEADER, "line 1: no transactions"),
        (HEADER + "A,2017-03-24,1\n", "line 2: found 3 cells, expected 4"),
        (HEADER + '\n\nA,2017-03-24,"1', "line 4: not CSV"),
    ],
)
def test_a_malformed_file_is_named_by_line(text: str, named: str) -> None:
    assert refused(text).startswith(named)


def test_the_first_twenty_of_many_mistakes_are_told() -> None:
    message = refused(HEADER + "A,2017-03-24,x,\n" * 33).splitlines()
    assert len(message) == 21
    assert message[0].startswith("line 2, ")
    assert message[-1] == "... and 13 more"


def test_sizes_are_bounded(tmp_path: Path) -> None:
    def refused_by(limits: Limits, rows: str) -> str:
        file = tmp_path / "big.csv"
        file.write_text(HEADER + rows)
        with pytest.raises(BadInput) as caught:
            read(file, spec().calendar, limits)
        return caught.value.message

    row = "A,2017-03-24,1,\n"
    assert refused_by(Limits(rows=2), 3 * row) == "line 4: more than 2 rows"
    assert "more than 1 accounts" in refused_by(Limits(accounts=1), row + "B" + row)
    assert refused_by(Limits(mib=0), row).startswith("line 1: the file is larger than 0 MiB")


def test_bytes_that_are_no_text_and_files_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(HEADER.encode() + b"Caf\xe9,2017-03-24,1,1\n")
    with pytest.raises(BadInput, match=r"^line 2: found the byte 0xe9"):
        read(file, spec().calendar)
    for missing in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(BadInput, match=re.escape(str(missing))):
            read(missing, spec().calendar)


_cells = st.text(st.characters(codec="utf-8"), max_size=12)
_rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B c", 'q"uote', "Ünï"]),
        st.dates(date(1981, 1, 1), date(2090, 1, 1)),
        st.integers(-(10**10), 10**10),
    ),
    min_size=1,
    max_size=30,
)


@given(
    st.text(max_size=400)
    | st.lists(st.lists(_cells, max_size=5), max_size=6).map(
        lambda rows: HEADER + "\n".join(",".join(row) for row in rows)
    )
)
def test_any_text_parses_or_is_refused_by_line(text: str) -> None:
    refusal = ""
    try:
        accounts = parsed(text)
    except BadInput as error:
        accounts, refusal = (), error.message
    assert accounts or re.match(r"line \d+[:,] ", refusal)


@given(_rows)
def test_what_was_written_is_read(rows: Sequence[tuple[str, date, int]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [f"{quoted(a)},{d.isoformat()},{Decimal(m).scaleb(-2)}" for a, d, m in rows]
    found = {
        (account.name, entry.day, entry.amount_minor, entry.line)
        for account in parsed("account,date,amount\n" + "\n".join(lines))
        for entry in account.entries
    }
    assert found == {(a, d, m, n + 2) for n, (a, d, m) in enumerate(rows)}


def test_stamped_rows_are_ordered_by_their_time() -> None:
    (account,) = parsed(
        "account,date,amount\nA,2017-03-24T15:00Z,2\nA,2017-03-24T14:00Z,1\nA,2017-03-25T00:30Z,3\n"
    )
    assert [e.amount_minor for e in account.entries] == [100, 200, 300]
    assert account.entries[2].day == date(2017, 3, 25) - timedelta(days=1)  # evening in New York


def test_other_currencies_are_not_added_up_as_dollars() -> None:
    header = "account,date,amount,currency\n"
    assert "line 3" in refused(header + "A,2017-03-24,1,usd\nA,2017-03-24,1,EUR\n")
    (account,) = parsed(header + "A,2017-03-24,1,USD\nA,2017-03-25,2,\n")
    assert len(account.entries) == 2


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """It could be read once, and the other policy's process reads it too."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="no regular file"):
        read(tmp_path / "pipe", spec().calendar)
