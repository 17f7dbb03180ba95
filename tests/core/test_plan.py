"""Plan: free evidence first, money last, each need decided, whatever their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random  # noqa: TID251  # Hypothesis seeds it
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.cash import Role
from rowcol.core.change import Account
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health, Source
from rowcol.core.freshness.policy import POLICIES, policy_of
from rowcol.core.need import Need, Purpose, Trigger, question_of
from rowcol.core.picture import (
    POSTINGS_PROVING_CLOSED,
    WEEKS_PROVING_CLOSED,
    Picture,
    standing_of,
)
from rowcol.core.plan import Fetch, Rest, plan
from rowcol.core.rail import CannotHelp, Look, Rail, RailSpec, Want
from tests.core.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    account,
    minutes_before,
    need,
    observation,
)

SPEC = RailSpec("simple", {}, {}, {}, ())


@dataclass(frozen=True)
class Simple:
    """A rail with one free and one paid look."""

    helps: bool = True

    @property
    def spec(self) -> RailSpec:
        return SPEC

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        looked = state.looked_at
        is_stale = looked is None or want.since is None or looked < want.since
        return Look("free") if is_stale or state.dirty else None

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        return Look("paid") if self.helps else CannotHelp("the login has to be repaired")


RAIL = cast("Rail", Simple())
USELESS = cast("Rail", Simple(helps=False))
EVIDENCE = policy_of("evidence")


def picture(
    state: ConnectionState | None = None,
    accounts: Sequence[Account] = (),
    needs: Sequence[Need] = (),
) -> Picture:
    return Picture(
        state=state or ConnectionState(looked_at=NOW),
        accounts=tuple(accounts),
        needs=tuple(needs),
        created_at=NOW - DAY,
        spread=0.5,
        price_micros=100_000,
    )


def seen(age: timedelta) -> Account:
    return account("acc_1", observation("acc_1", true_at=NOW - age))


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    state = ConnectionState(
        health=draw(st.sampled_from([Health.OK, Health.OK, *Health])),
        looked_at=draw(st.none() | minutes_before(1000)),
        paid_failed_at=draw(st.none() | minutes_before(300)),
        retry_at=draw(st.none() | st.integers(-100, 100).map(lambda m: NOW + m * MINUTE)),
        dirty=draw(st.sampled_from(({}, {"rows": "a delivery"}))),
    )
    purposes = draw(st.lists(st.sampled_from(Purpose), max_size=4))
    needs = [
        need(purpose, draw(minutes_before(300)), f"need_{n}") for n, purpose in enumerate(purposes)
    ]
    ages = draw(st.lists(st.none() | st.integers(0, 3000), max_size=2))
    accounts = [account() if age is None else seen(age * MINUTE) for age in ages]
    drawn = picture(state, accounts, needs)
    return replace(
        drawn,
        is_parked=draw(st.booleans()),
        paid_refusal=draw(st.none() | st.just("the budget is used up")),
    )


NAMES = st.sampled_from(sorted(POLICIES))
RAILS = st.sampled_from((RAIL, USELESS))


@given(pictures(), RAILS, NAMES, st.randoms(use_true_random=False))
def test_the_order_of_needs_does_not_matter(
    drawn: Picture, rail: Rail, name: str, dice: Random
) -> None:
    shuffled = list(drawn.needs)
    dice.shuffle(shuffled)
    step = plan(drawn, rail, policy_of(name), NOW)
    assert plan(replace(drawn, needs=tuple(shuffled)), rail, policy_of(name), NOW) == step


@given(pictures(), RAILS, NAMES)
def test_never_called_where_it_must_not(drawn: Picture, rail: Rail, name: str) -> None:
    step = plan(drawn, rail, policy_of(name), NOW)
    if not isinstance(step, Fetch):
        return
    assert not drawn.is_parked
    assert drawn.state.health is not Health.RETIRED
    if step.is_paid:
        assert rail is RAIL
        assert drawn.paid_refusal is None
        assert step.need in drawn.needs
    else:
        assert drawn.state.retry_at is None or drawn.state.retry_at <= NOW


@given(pictures(), RAILS, NAMES)
def test_a_rest_leaves_no_need_behind(drawn: Picture, rail: Rail, name: str) -> None:
    """Each is answered or waits for a moment ahead."""
    step = plan(drawn, rail, policy_of(name), NOW)
    if isinstance(step, Rest):
        told = [need for need, _ in (*step.ended, *step.waiting)]
        assert sorted(n.id for n in told) == sorted(n.id for n in drawn.needs)
        assert all(d.until is not None and d.until > NOW for _, d in step.waiting)
        assert step.next_at > NOW


@given(pictures(), st.booleans(), NAMES)
def test_planning_again_after_each_call_comes_to_rest(
    drawn: Picture, fails: bool, name: str
) -> None:
    """At most one free and one paid call where nothing else happens in between."""
    calls = []
    drawn = replace(drawn, accounts=tuple(replace(a, latest=None) for a in drawn.accounts))
    while isinstance(step := plan(drawn, RAIL, policy_of(name), NOW), Fetch):
        calls.append(step.look.endpoint)
        if not step.is_paid:
            state = replace(drawn.state, looked_at=NOW, dirty={})
            drawn = replace(drawn, state=state)
        elif fails:
            drawn = replace(drawn, state=replace(drawn.state, paid_failed_at=NOW))
        else:
            live = observation(true_at=NOW, source=Source.LIVE)
            known = drawn.accounts or (account(),)
            accounts = tuple(replace(a, latest=live, latest_live=live) for a in known)
            drawn = replace(drawn, accounts=accounts)
        assert len(calls) <= 2
    assert calls in ([], ["free"], ["paid"], ["free", "paid"])


def test_free_evidence_before_money() -> None:
    asking = need(Purpose.GUARDRAIL)
    drawn = picture(ConnectionState(looked_at=NOW - HOUR), [seen(2 * HOUR)], [asking])
    first = plan(drawn, RAIL, EVIDENCE, NOW)
    assert isinstance(first, Fetch)
    assert (first.look.endpoint, first.need, first.is_paid) == ("free", asking, False)
    then = plan(replace(drawn, state=ConnectionState(looked_at=NOW)), RAIL, EVIDENCE, NOW)
    assert isinstance(then, Fetch)
    assert (then.look.endpoint, then.trigger, then.is_paid) == ("paid", Trigger.PERSON, True)
    assert "$0.10" in then.reason


def test_the_first_in_line_is_charged() -> None:
    ritual, forced = need(Purpose.RITUAL), need(Purpose.FORCED, id_="need_2")
    forced = replace(forced, question=question_of(Purpose.FORCED, NOW, is_confirmed=True))
    step = plan(picture(accounts=[seen(9 * HOUR)], needs=[ritual, forced]), RAIL, EVIDENCE, NOW)
    assert isinstance(step, Fetch)
    assert step.need == forced


def test_a_refusal_to_pay_is_said_to_the_person() -> None:
    drawn = picture(accounts=[seen(9 * HOUR)], needs=[need()])
    for stuck in (
        replace(drawn, paid_refusal="the budget is used up"),
        replace(drawn, is_parked=True),
    ):
        step = plan(stuck, RAIL, EVIDENCE, NOW)
        assert isinstance(step, Rest)
        [(_, decision)] = step.ended
        assert (stuck.paid_refusal or "paused") in (decision.label or "")


def test_a_hint_is_looked_at_though_nobody_asked() -> None:
    state = ConnectionState(looked_at=NOW, dirty={"rows": "a delivery said so"})
    step = plan(picture(state), RAIL, EVIDENCE, NOW)
    assert isinstance(step, Fetch)
    assert (step.trigger, step.reason, step.need) == (Trigger.DELIVERY, "a delivery said so", None)


def test_a_sweep_finds_what_no_delivery_told() -> None:
    state = ConnectionState(looked_at=NOW - SPEC.sweep_every)
    step = plan(picture(state), RAIL, EVIDENCE, NOW)
    assert isinstance(step, Fetch)
    assert step.trigger is Trigger.SWEEP
    broken = replace(state, health=Health.NEEDS_RECONNECT)
    step = plan(picture(broken), RAIL, EVIDENCE, NOW)
    assert isinstance(step, Fetch)
    assert step.trigger is Trigger.REPAIR


class TestStanding:
    """What the policy is told."""

    def test_as_of_is_the_oldest_that_counts(self) -> None:
        reserve = account("acc_3", observation(true_at=NOW - DAY), role=Role.RESERVE)
        known = standing_of(picture(accounts=[seen(HOUR), seen(3 * HOUR), reserve]), RAIL, NOW)
        assert known.as_of == NOW - 3 * HOUR

    def test_an_account_never_seen_leaves_the_whole_without(self) -> None:
        known = standing_of(picture(accounts=[seen(HOUR), account("acc_2")]), RAIL, NOW)
        assert (known.as_of, known.live_as_of) == (None, None)

    def test_a_login_where_nothing_counts_is_never_stale(self) -> None:
        """Else a login of credit cards would be paid for again and again."""
        card = account("card", role=Role.DEBT)
        known = standing_of(picture(accounts=[card]), RAIL, NOW)
        assert (known.as_of, known.live_as_of) == (NOW, NOW)
        for name in POLICIES:
            step = plan(picture(accounts=[card], needs=[need()]), RAIL, policy_of(name), NOW)
            assert isinstance(step, Rest)

    def test_a_login_without_accounts_was_never_seen(self) -> None:
        assert standing_of(picture(), RAIL, NOW).as_of is None

    def test_why_paying_cannot_help(self) -> None:
        assert standing_of(picture(), USELESS, NOW).cannot_pay == "the login has to be repaired"
        refused = replace(picture(), paid_refusal="no money")
        assert standing_of(refused, RAIL, NOW).cannot_pay == "no money"

    @pytest.mark.parametrize(
        ("postings", "on_closed_days", "older_by", "proven"),
        [(0, 0, 0, True), (-1, 0, 0, False), (0, 1, 0, False), (0, 0, -1, False)],
    )
    def test_what_proves_closed_days(
        self, postings: int, on_closed_days: int, older_by: int, proven: bool
    ) -> None:
        first: datetime = NOW - WEEKS_PROVING_CLOSED - older_by * DAY
        state = ConnectionState(
            posted_count=POSTINGS_PROVING_CLOSED + postings,
            posted_closed_days=on_closed_days,
            first_posted_on=first.date(),
        )
        assert standing_of(picture(state), RAIL, NOW).closed_days_proven is proven
