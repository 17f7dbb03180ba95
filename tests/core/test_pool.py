"""Pool: each stage at its edge, nobody past the limit, and a refusal that is the month's rather than a company's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.need import Trigger
from rowcol.core.pool import (
    COMPANIES_REFUSED,
    OVERDUE,
    PROBED_WITHIN,
    REFUSED_FOR,
    Ask,
    Pool,
    Stage,
    is_exhausted_remotely,
    pace_of,
    peaks_of,
    refusal,
)

LIMIT = 1_000
LAST = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
"""So late in a month that the forecast is what is used."""
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)
"""Half of November is over."""
NEXT_MONTH = datetime(2026, 12, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PERSON = Ask(1, Trigger.PERSON, is_full=False, looked_at=LAST)
RITUAL = replace(PERSON, trigger=Trigger.RITUAL)
SWEEP = replace(PERSON, trigger=Trigger.SWEEP)
LISTING = replace(PERSON, trigger=Trigger.REPAIR, is_full=True)


def used(units: int, **more: object) -> Pool:
    return replace(Pool("rail/app", "2026-11", LIMIT, units), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("units", "stage"),
    [
        (749, Stage.OPEN),
        (750, Stage.OPEN),
        (751, Stage.DELTAS),
        (850, Stage.DELTAS),
        (851, Stage.STOPPED),
        (998, Stage.STOPPED),
        (999, Stage.CLOSED),
        (1_001, Stage.CLOSED),
    ],
)
def test_a_stage_begins_when_its_share_is_passed(units: int, stage: Stage) -> None:
    now = NEXT_MONTH - timedelta(microseconds=1)
    assert pace_of(used(units), now).stage is stage


@pytest.mark.parametrize(
    ("before", "ask", "goes"),
    [
        (749, LISTING, True),
        (750, LISTING, False),
        (750, replace(LISTING, trigger=Trigger.PERSON), True),
        (750, RITUAL, True),
        (849, RITUAL, True),
        (850, RITUAL, False),
        (850, replace(RITUAL, trigger=Trigger.DELIVERY), False),
        (997, PERSON, True),
        (998, PERSON, False),
        (840, replace(RITUAL, units=10), True),
        (841, replace(RITUAL, units=10), False),
    ],
)
def test_what_still_goes_out_counts_the_call_itself(before: int, ask: Ask, goes: bool) -> None:
    assert (refusal(used(before), ask, LAST) is None) is goes


def test_reserved_units_count_as_used() -> None:
    assert refusal(used(500, reserved=350), RITUAL, LAST) is not None
    assert refusal(used(500, reserved=349), RITUAL, LAST) is None


def test_a_refusal_says_how_much_is_used_and_until_when() -> None:
    for pool, ask, said in (
        (used(998), PERSON, "until the month ends"),
        (used(850), RITUAL, "kept for people"),
        (used(750), LISTING, "only changes"),
    ):
        refused = refusal(pool, ask, LAST)
        assert refused is not None
        reason, until = refused
        assert until == NEXT_MONTH
        assert f"{pool.used:,} of 1,000" in reason
        assert said in reason


def test_saving_holds_back_idle_sweeps_only() -> None:
    pool = used(401)
    assert pace_of(pool, MIDDLE).stage is Stage.SAVING
    assert pace_of(used(400), MIDDLE).stage is Stage.OPEN
    fresh, late = MIDDLE - OVERDUE + MINUTE, MIDDLE - OVERDUE
    held = refusal(pool, replace(SWEEP, looked_at=fresh), MIDDLE)
    assert held is not None
    assert held[1] == MIDDLE + DAY
    assert refusal(pool, replace(SWEEP, looked_at=late), MIDDLE) is None
    for ask in (PERSON, RITUAL, LISTING, replace(SWEEP, is_full=True, looked_at=None)):
        assert refusal(pool, ask, MIDDLE) is None


def test_overdue_sweeps_wait_for_nothing_but_the_machine_s_end() -> None:
    overdue = replace(SWEEP, looked_at=LAST - OVERDUE)
    assert refusal(used(849), overdue, LAST) is None
    assert refusal(used(850), overdue, LAST) is not None


def test_a_blocked_pool_refuses_everybody_until_then() -> None:
    until = MIDDLE + timedelta(hours=1)
    pool = used(10, blocked_until=until, blocked_reason="the rail refuses every company")
    assert pace_of(pool, MIDDLE).stage is Stage.CLOSED
    for ask in (PERSON, RITUAL, SWEEP, LISTING):
        assert refusal(pool, ask, MIDDLE) == ("the rail refuses every company", until)
        assert refusal(pool, ask, until) is None


ASKS = st.builds(
    Ask,
    st.integers(1, 40),
    st.sampled_from(Trigger),
    st.booleans(),
    st.none() | st.integers(0, 40).map(lambda d: LAST - d * DAY),
)


@given(
    st.lists(st.tuples(ASKS, st.integers(0, 29 * 24), st.booleans()), max_size=300),
    st.sampled_from((100, LIMIT, 1_500)),
)
def test_nobody_passes_the_limit_and_the_machine_leaves_its_share(
    asked: list[tuple[Ask, int, bool]], limit: int
) -> None:
    """Whoever asks when: reserved together or settled meanwhile."""
    pool = Pool("k", "2026-11", limit)
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for ask, hour, is_settled in sorted(asked, key=lambda a: a[1]):
        if refusal(pool, ask, start + timedelta(hours=hour)) is not None:
            continue
        pool = replace(pool, reserved=pool.reserved + ask.units)
        if is_settled:
            pool = replace(pool, spent=pool.used, reserved=0)
        assert pool.used * 1000 <= limit * 998
        if ask.trigger is not Trigger.PERSON:
            assert pool.used * 100 <= limit * 85
        if ask.is_full and ask.trigger is not Trigger.PERSON:
            assert pool.used * 100 <= limit * 75


def test_people_may_use_all_but_the_margin() -> None:
    pool = used(0)
    while refusal(pool, PERSON, LAST) is None:
        pool = replace(pool, spent=pool.spent + 1)
    assert pool.used == 998


@pytest.mark.parametrize(
    ("now", "units", "expected", "forecast"),
    [
        (datetime(2026, 11, 16, tzinfo=UTC), 300, 500, 600),
        (datetime(2026, 2, 15, tzinfo=UTC), 300, 500, 600),
        (datetime(2028, 2, 15, 12, tzinfo=UTC), 300, 500, 600),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 310, 999, 310),
        (datetime(2026, 11, 1, tzinfo=UTC), 20, 0, 300),
        (datetime(2026, 11, 2, tzinfo=UTC), 20, 33, 300),
        (datetime(2026, 11, 3, tzinfo=UTC), 20, 66, 300),
        (datetime(2026, 11, 4, tzinfo=UTC), 20, 100, 200),
    ],
)
def test_a_month_goes_on_at_its_mean_rate(
    now: datetime, units: int, expected: int, forecast: int
) -> None:
    """Its first two days are taken as two: connecting reads everything once."""
    pace = pace_of(used(units), now)
    assert (pace.expected, pace.forecast) == (expected, forecast)
    assert pace.runs_out_on is None


def test_the_month_is_a_utc_month() -> None:
    """Late on 31 January in New York it is February."""
    eastern = datetime.fromisoformat("2026-01-31T23:00:00-05:00")
    assert pace_of(used(14), eastern).forecast == 14 * 28 // 2
    reason, until = refusal(used(999), PERSON, eastern) or ("", eastern)
    assert reason
    assert until == datetime(2026, 3, 1, tzinfo=UTC)


def test_when_it_runs_out() -> None:
    assert pace_of(used(600), MIDDLE).runs_out_on == date(2026, 11, 26)
    assert pace_of(used(500), MIDDLE).runs_out_on is None
    assert pace_of(used(0), MIDDLE).runs_out_on is None


def refusals(*companies: str, over: timedelta = REFUSED_FOR) -> list[tuple[str, bool, datetime]]:
    """Refusals of these companies, the first one `over` ago, the last one now."""
    steps = max(len(companies) - 1, 1)
    return [(c, True, MIDDLE - over + over * n / steps) for n, c in enumerate(companies)]


def test_three_companies_over_two_minutes_are_the_month() -> None:
    assert is_exhausted_remotely(refusals("a", "b", "c"), None, MIDDLE)
    short = REFUSED_FOR - timedelta(seconds=1)
    assert not is_exhausted_remotely(refusals("a", "b", "c", over=short), None, MIDDLE)
    assert COMPANIES_REFUSED == 3
    assert not is_exhausted_remotely(refusals("a", "b", "a", "b"), None, MIDDLE)


@given(st.integers(1, 60))
def test_one_company_s_refusals_are_never_the_month(count: int) -> None:
    calls = refusals(*(["a"] * count), over=timedelta(minutes=4))
    assert not is_exhausted_remotely(calls, None, MIDDLE)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_success_between_begins_anew(place: int) -> None:
    calls = refusals("a", "b", "c")
    at = calls[place - 1][2]
    assert not is_exhausted_remotely(
        [*calls[:place], ("d", False, at), *calls[place:]], None, MIDDLE
    )
    assert is_exhausted_remotely([("d", False, calls[0][2]), *calls], None, MIDDLE)


def test_no_refusal_is_no_end() -> None:
    assert not is_exhausted_remotely([], None, MIDDLE)
    assert not is_exhausted_remotely([("a", False, MIDDLE)], None, MIDDLE)


def test_the_probe_after_a_block_speaks_for_everybody() -> None:
    probe = [("a", True, MIDDLE)]
    assert is_exhausted_remotely(probe, MIDDLE, MIDDLE)
    assert is_exhausted_remotely(probe, MIDDLE - PROBED_WITHIN + MINUTE, MIDDLE)
    assert not is_exhausted_remotely(probe, MIDDLE - PROBED_WITHIN, MIDDLE)


def test_a_probe_that_was_answered_ends_the_suspicion() -> None:
    """Else one company's own minute, soon after a block, would close the month for all."""
    ended_at = MIDDLE - 5 * MINUTE
    answered = [("a", False, ended_at + MINUTE), ("b", True, MIDDLE)]
    assert not is_exhausted_remotely(answered, ended_at, MIDDLE)
    before = [("a", False, ended_at - MINUTE), ("b", True, MIDDLE)]
    assert is_exhausted_remotely(before, ended_at, MIDDLE)


def test_a_saving_pool_lets_through_what_somebody_waits_for() -> None:
    """A payment check is triggered like a sweep, but it was asked for."""
    ahead = Pool("k", "2026-11", 1_000, spent=700)
    at = datetime(2026, 11, 10, tzinfo=UTC)
    assert pace_of(ahead, at).stage is Stage.SAVING
    sweep = Ask(1, Trigger.SWEEP, is_full=False, looked_at=at)
    assert refusal(ahead, sweep, at) is not None
    assert refusal(ahead, replace(sweep, is_asked=True), at) is None


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 300)), max_size=40))
def test_peaks_are_the_fullest_spans(calls: list[tuple[str, int]]) -> None:
    def by_hand(seconds: list[int], span: int) -> int:
        return max((sum(0 <= o - s < span for o in seconds) for s in seconds), default=0)

    each = [[s for name, s in calls if name == company] for company in "ab"]
    found = peaks_of((name, LAST + timedelta(seconds=s)) for name, s in calls)
    assert found.company_second == max(by_hand(m, 1) for m in each)
    assert found.company_minute == max(by_hand(m, 60) for m in each)
    assert found.portfolio_minute == by_hand([s for _, s in calls], 60)
