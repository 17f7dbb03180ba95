"""Quota: no window ever holds too many, and nobody starves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.quota import Quota, QuotaRule, QuotaScope, quota_of, reserve

QUOTAS = st.builds(Quota, st.just("k"), st.integers(1, 20), st.integers(1, 1000))


def admitted(quota: Quota, arrivals: list[int]) -> list[int]:
    """The arrivals that were let through."""
    tat: int | None = None
    through = []
    for at in arrivals:
        tat, ask_again_at = reserve(quota, tat, at)
        if ask_again_at is None:
            through.append(at)
    return through


@given(QUOTAS, st.lists(st.integers(0, 5000), max_size=200).map(sorted))
def test_no_window_holds_more_than_admitted(quota: Quota, arrivals: list[int]) -> None:
    through = admitted(quota, arrivals)
    for start in through:
        in_window = [at for at in through if start <= at < start + quota.period_us]
        assert len(in_window) <= quota.admitted


@given(QUOTAS)
def test_the_greediest_caller_stays_within_it(quota: Quota) -> None:
    """A call at every tick of the clock."""
    through = admitted(quota, [at for at in range(2 * quota.period_us) for _ in range(2)])
    for start in through:
        assert sum(start <= at < start + quota.period_us for at in through) <= quota.admitted


@given(QUOTAS, st.lists(st.integers(0, 5000), min_size=1, max_size=50).map(sorted))
def test_a_retry_at_the_time_told_is_admitted(quota: Quota, arrivals: list[int]) -> None:
    tat: int | None = None
    for at in arrivals:
        tat, ask_again_at = reserve(quota, tat, at)
        if ask_again_at is not None:
            assert at < ask_again_at <= at + 2 * quota.period_us
            assert reserve(quota, tat, ask_again_at - 1)[1] is not None
            tat, again = reserve(quota, tat, ask_again_at)
            assert again is None
            return


@given(QUOTAS, st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3000)), max_size=100))
def test_a_clock_that_is_set_back_admits_no_more(
    quota: Quota, steps: list[tuple[int, int]]
) -> None:
    """Judged by the time that really passes: being set back never opens a window anew."""
    tat: int | None = None
    passed = shown = 0
    through = []
    for passes, back in steps:
        passed, shown = passed + passes, shown + passes - back
        tat, ask_again_at = reserve(quota, tat, shown)
        if ask_again_at is None:
            through.append(passed)
    for start in through:
        assert sum(start <= at < start + quota.period_us for at in through) <= quota.admitted


@given(st.integers(1, 1000), st.integers(1, 3600))
def test_we_run_at_half_of_a_limit(limit: int, period_s: int) -> None:
    quota = quota_of(QuotaRule(QuotaScope.APP, limit, period_s), "k")
    assert quota.admitted == max(1, limit // 2)
    assert quota.period_us == period_s * 1_000_000
    assert 1 <= quota.burst <= quota.admitted


@given(st.integers(1, 1000), st.floats(0.01, 1))
def test_a_share_never_admits_more_than_the_rail(limit: int, share: float) -> None:
    quota = quota_of(QuotaRule(QuotaScope.COMPANY, limit, 60, shared="requests"), "k", share)
    assert 1 <= quota.admitted <= limit
