"""Connection: how its state moves."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import PULLS_KEPT, ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.outcome import RULES, Outcome
from tests.core.builders import DAY, HOUR, NOW, minutes_before


@given(st.lists(minutes_before(10_000), max_size=PULLS_KEPT + 20))
def test_the_rail_s_last_look_never_moves_backwards(looks: list[datetime]) -> None:
    state = ConnectionState()
    for until in looks:
        state = state.seen(until, NOW)
    assert state.seen_until == max(looks, default=None)
    assert list(state.pulls) == sorted(set(state.pulls))
    assert len(state.pulls) <= PULLS_KEPT
    assert state.looked_at == (NOW if looks else None)


def test_only_the_newest_pulls_are_kept() -> None:
    state = ConnectionState()
    for hours in range(PULLS_KEPT + 5):
        state = state.seen(NOW + hours * HOUR, NOW)
    assert state.pulls[0] == NOW + 5 * HOUR
    assert len(state.pulls) == PULLS_KEPT


def test_the_first_reason_to_look_is_kept() -> None:
    state = ConnectionState().marked("rows", "a delivery").marked("rows", "another")
    assert state.dirty == {"rows": "a delivery"}
    assert state.cleared("rows").dirty == {}
    assert state.cleared("other") == state


def test_since_when_a_health_lasts() -> None:
    down = ConnectionState().with_health(Health.INSTITUTION_DOWN, "x", NOW)
    again = down.with_health(Health.INSTITUTION_DOWN, "y", NOW + HOUR)
    assert (again.health_since, again.health_reason) == (NOW, "y")
    assert again.with_health(Health.OK, "", NOW + DAY).health_since == NOW + DAY


@given(st.sampled_from(Outcome), st.integers(0, 20))
def test_after_a_call(outcome: Outcome, failures: int) -> None:
    before = ConnectionState(failures=failures, retry_at=NOW - HOUR)
    after = before.after(outcome, "detail", NOW)
    if outcome in (Outcome.OK, Outcome.RESTART):
        assert (after.failures, after.retry_at, after.health) == (0, None, before.health)
        return
    assert after.failures == failures + 1
    assert after.health is (RULES[outcome].health or before.health)
    assert after.retry_at is None or NOW <= after.retry_at <= NOW + timedelta(days=1)


def test_what_speaks_against_paying_again_goes_as_a_whole() -> None:
    state = ConnectionState()
    assert state.paid_without_value(NOW, is_unknown=True).payable() == state
