"""Workload: the synthetic firm is pure, seeded, and has the shape that `workload.toml` promises."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from rowcol.core.need import Purpose
from rowcol.simulation.workload import Workload, spec, synthetic

WEEKS = 8


@pytest.fixture(scope="module")
def firm() -> Workload:
    return synthetic(3, weeks=WEEKS)


def test_equal_seeds_give_equal_firms() -> None:
    assert synthetic(5, businesses=3, weeks=1) == synthetic(5, businesses=3, weeks=1)
    assert synthetic(5, businesses=3, weeks=1) != synthetic(6, businesses=3, weeks=1)


def test_a_smaller_firm_has_the_same_accounts_as_the_start_of_a_larger_one() -> None:
    small, large = synthetic(5, businesses=2, weeks=1), synthetic(5, businesses=4, weeks=1)
    assert [c.postings for c in small.clients] == [c.postings for c in large.clients[:2]]


def test_the_quoted_firm_has_a_hundred_businesses_at_fifteen_banks(firm: Workload) -> None:
    assert len(firm.clients) == spec().firm.businesses == 100
    assert len({client.name for client in firm.clients}) == 100
    banks = Counter(client.institution for client in firm.clients)
    assert set(banks) == set(range(15))
    assert max(banks.values()) - min(banks.values()) <= 1


def test_postings_a_day_are_as_promised(firm: Workload) -> None:
    days = 7 * (spec().firm.history_weeks + WEEKS)
    per_day = sum(len(client.postings) for client in firm.clients) / len(firm.clients) / days
    assert per_day == pytest.approx(spec().business.postings_per_day, rel=0.06)


def test_banks_post_only_in_their_windows(firm: Workload) -> None:
    windows = firm.calendar.windows
    for client in firm.clients[:10]:
        for posting in client.postings:
            local = posting.posted_at.astimezone(firm.calendar.zone)
            assert local.weekday() < 5
            assert any(w.opens <= local.time() < w.closes for w in windows)


def test_history_reaches_back_half_a_year(firm: Workload) -> None:
    first = min(posting.posted_at for client in firm.clients for posting in client.postings)
    assert first < firm.starts_at - timedelta(weeks=spec().firm.history_weeks - 1)
    assert firm.linked_at < firm.starts_at < firm.ends_at


def test_most_businesses_stay_solvent(firm: Workload) -> None:
    ends = [c.opening_minor + sum(p.amount_minor for p in c.postings) for c in firm.clients]
    assert sum(end > 0 for end in ends) >= 97


def test_the_mix_of_reads_is_as_promised() -> None:
    firm = synthetic(4, weeks=26)
    reads = Counter(read.purpose for read in firm.reads)
    for purpose in Purpose:
        wanted = spec().reads_per_business_week[purpose.lower()]
        assert reads[purpose] / len(firm.clients) / 26 == pytest.approx(wanted, rel=0.12), purpose


def test_some_businesses_are_read_far_more_than_others(firm: Workload) -> None:
    reads = Counter(read.client for read in firm.reads)
    ordered = sorted(reads.values())
    assert ordered[-5] > 2 * ordered[len(ordered) // 2]


def test_people_work_in_business_hours(firm: Workload) -> None:
    for read in firm.reads:
        local = read.at.astimezone(firm.calendar.zone)
        assert local.weekday() < 5
        assert 8 <= local.hour < 18
        assert firm.starts_at <= read.at < firm.ends_at
        if read.purpose in {Purpose.RITUAL, Purpose.GUARDRAIL}:
            assert read.deadline is not None
            until = read.deadline.astimezone(firm.calendar.zone)
            assert read.at <= read.deadline <= read.at + timedelta(hours=3)
            assert (until.hour, until.minute) <= (17, 0)


def test_weeks_follow_the_wall_clock_over_a_change_of_the_clocks() -> None:
    from datetime import date

    firm = synthetic(1, businesses=1, weeks=2, first=date(2026, 3, 2))
    assert firm.ends_at - firm.starts_at == timedelta(weeks=2) - timedelta(hours=1)
