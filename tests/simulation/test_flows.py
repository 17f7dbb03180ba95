"""Flows: each archetype's table adds up, and every rhythm falls on the days it names."""

from __future__ import annotations

from datetime import date
from statistics import quantiles

import pytest

from rowcol.simulation.chance import stream
from rowcol.simulation.flows import ARCHETYPES, Trade, lognormal_between, postings_of
from rowcol.simulation.workload import spec

FIRST, END = date(2026, 1, 5), date(2026, 7, 6)


def trade(archetype: str, *, is_semi_monthly: bool = False) -> Trade:
    return Trade(archetype, 200_000_000, 26.0, is_semi_monthly, (1, 3), 0.25)


@pytest.mark.parametrize("archetype", ARCHETYPES)
def test_money_in_is_the_revenue_and_money_out_a_little_less(archetype: str) -> None:
    shares = [flow.share for flow in ARCHETYPES[archetype]]
    assert sum(share for share in shares if share > 0) == pytest.approx(1.0)
    assert -1.0 < sum(share for share in shares if share < 0) < -0.8


@pytest.mark.parametrize("archetype", ARCHETYPES)
def test_each_flow_posts_in_half_a_year(archetype: str) -> None:
    calendar = spec().calendar
    postings = postings_of(trade(archetype), calendar, FIRST, END, stream(1, archetype))
    assert {flow.name for flow in ARCHETYPES[archetype]} <= {p.description for p in postings}
    assert [p.posted_at for p in postings] == sorted(p.posted_at for p in postings)
    assert all(p.amount_minor for p in postings)


@pytest.mark.parametrize(("is_semi_monthly", "paydays"), [(False, {13}), (True, {11, 12})])
def test_payroll_is_paid_every_other_week_or_twice_a_month(
    is_semi_monthly: bool, paydays: set[int]
) -> None:
    one = trade("services", is_semi_monthly=is_semi_monthly)
    postings = postings_of(one, spec().calendar, FIRST, END, stream(1))
    assert sum(p.description == "Payroll" for p in postings) in paydays


def test_buffers_have_the_quantiles_they_are_drawn_from() -> None:
    dice = stream(1, "buffer")
    drawn = quantiles([lognormal_between(dice, 26, 8, 63) for _ in range(20_000)], n=20)
    assert drawn[0] == pytest.approx(8, rel=0.06)
    assert drawn[9] == pytest.approx(26, rel=0.04)
    assert drawn[18] == pytest.approx(63, rel=0.05)
