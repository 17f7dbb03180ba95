"""Traced: a file's rows become postings that keep its order and its days, on the four weeks with the most of them."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.simulation.chance import stream
from rowcol.simulation.traced import busiest_monday, postings_of, traced
from rowcol.simulation.transactions import parse
from rowcol.simulation.workload import spec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bank.csv"
    rows = ["account,date,amount"]
    rows += [
        f"Main,2018-0{m}-{d:02d},{m}.{d:02d}" for m in (2, 5, 6) for d in range(1, 9 * (m == 5) + 3)
    ]
    rows += ["Late,2018-05-20,10.00", "Quiet,2017-01-02,99.00"]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_each_account_is_a_business_on_the_busiest_weeks(file: Path) -> None:
    firm = traced(file, seed=1)
    assert [client.name for client in firm.clients] == ["Main", "Late", "Quiet"]
    assert firm.calendar.day_of(firm.starts_at) == date(2018, 4, 30)
    assert {read.client for read in firm.reads} == {0, 1, 2}


def test_a_day_to_start_on_may_be_named(file: Path) -> None:
    firm = traced(file, seed=1, weeks=2, first=date(2018, 5, 9))
    assert firm.calendar.day_of(firm.starts_at) == date(2018, 5, 9)
    assert firm.calendar.day_of(firm.ends_at) == date(2018, 5, 23)


def test_times_are_drawn_from_the_seed(file: Path) -> None:
    assert traced(file, seed=1) == traced(file, seed=1)
    assert traced(file, seed=1).clients != traced(file, seed=2).clients


@given(
    st.lists(
        st.tuples(
            st.dates(date(2018, 3, 1), date(2018, 3, 14)),
            st.none() | st.times().map(lambda t: t.replace(microsecond=0)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_order_and_days_of_the_file_are_kept(rows: list[tuple[date, object]]) -> None:
    text = "account,date,amount\n" + "".join(
        f"A,{day}{'' if at is None else f'T{at}'},{n}\n" for n, (day, at) in enumerate(rows)
    )
    calendar = spec().calendar
    (account,) = parse(text, calendar)
    postings = postings_of(account, calendar, stream(1))
    assert [p.amount_minor for p in postings] == [e.amount_minor for e in account.entries]
    assert all(a.posted_at <= b.posted_at for a, b in pairwise(postings))
    for entry, posting in zip(account.entries, postings, strict=True):
        assert calendar.day_of(posting.posted_at) == entry.day
    if all(at is None for _, at in rows):
        days = [posting.posted_at.astimezone(UTC).date() for posting in postings]
        assert days == [entry.day for entry in account.entries]


@given(st.lists(st.dates(date(2018, 1, 1), date(2018, 12, 31)), min_size=1), st.integers(1, 6))
def test_no_other_monday_holds_more(days: list[date], weeks: int) -> None:
    def n_within(monday: date) -> int:
        return sum(monday <= day < monday + timedelta(weeks=weeks) for day in days)

    best = busiest_monday(days, weeks)
    assert best.weekday() == 0
    mondays = [date(2017, 11, 6) + timedelta(weeks=n) for n in range(70)]
    assert n_within(best) == max(map(n_within, mondays))
