"""Plan for books: nothing before somebody asks, one look a question, and no hammering. For cash: `test_plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

import pytest

from rowcol.core.change import Action
from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Coverage, Health, Source
from rowcol.core.need import Need, Purpose, Trigger
from rowcol.core.picture import Picture
from rowcol.core.plan import Fetch, Rest, plan
from rowcol.core.rail import CannotHelp, Look, Rail, RailSpec, Want
from rowcol.core.rail import Role as Knows
from rowcol.core.sweep import SWEEP_BROKEN
from tests.core.builders import DAY, HOUR, MINUTE, NOW, need
from tests.core.test_plan import EVIDENCE, picture


class TestBooks:
    """A lazy rail of books: nothing before somebody asks, one look a question, no hammering."""

    def test_a_question_is_looked_at_once(self) -> None:
        asking = need(Purpose.GUARDRAIL)
        drawn = books(HOUR, [asking])
        step = plan(drawn, LAZY, EVIDENCE, NOW)
        assert isinstance(step, Fetch)
        assert (step.need, step.is_paid, step.trigger) == (asking, False, Trigger.PERSON)
        looked = replace(drawn, state=replace(drawn.state, looked_at=NOW))
        rest = plan(looked, LAZY, EVIDENCE, NOW)
        assert isinstance(rest, Rest)
        [(_, decision)] = rest.ended
        assert decision.action is not Action.LOOK

    @pytest.mark.parametrize("age", [MINUTE, 3 * HOUR, 5 * DAY])
    def test_a_delivery_alone_is_no_reason(self, age: timedelta) -> None:
        drawn = books(age)
        dirty = replace(drawn.state, dirty={"Bill": "a delivery"}, delivered_at=NOW)
        rest = plan(replace(drawn, state=dirty), LAZY, EVIDENCE, NOW)
        assert isinstance(rest, Rest)
        assert rest.next_at == plan_next(drawn)

    def test_the_sweep_is_due_after_a_week(self) -> None:
        """Spread over its last fifth."""
        assert isinstance(plan(books(6 * DAY), LAZY, EVIDENCE, NOW), Rest)
        step = plan(books(7 * DAY), LAZY, EVIDENCE, NOW)
        assert isinstance(step, Fetch)
        assert step.trigger is Trigger.SWEEP

    def test_an_unfinished_listing_goes_on_by_itself(self) -> None:
        drawn = books(None)
        step = plan(drawn, LAZY, EVIDENCE, NOW)
        assert isinstance(step, Fetch)
        assert (step.trigger, step.look.is_full) == (Trigger.REPAIR, True)
        unfinished = replace(books(HOUR), state=ConnectionState(looked_at=NOW - HOUR, page="3"))
        step = plan(unfinished, LAZY, EVIDENCE, NOW)
        assert isinstance(step, Fetch)
        assert "did not fit" in step.reason

    def test_a_need_that_was_answered_leaves_the_rest_to_the_next_run(self) -> None:
        state = ConnectionState(looked_at=NOW - MINUTE, page="3")
        drawn = replace(books(MINUTE, [need(Purpose.DISPLAY)]), state=state)
        rest = plan(drawn, LAZY, EVIDENCE, NOW)
        assert isinstance(rest, Rest)
        assert rest.next_at <= NOW + timedelta(seconds=1)

    @pytest.mark.parametrize("ahead", [timedelta(seconds=30), timedelta(hours=1)])
    def test_a_failing_rail_is_waited_for_as_long_as_the_question_may(
        self, ahead: timedelta
    ) -> None:
        for purpose, waits in (
            (Purpose.GUARDRAIL, True),
            (Purpose.DISPLAY, ahead <= MINUTE),
        ):
            drawn = books(25 * HOUR, [need(purpose)])
            failed = replace(drawn.state, retry_at=NOW + ahead, failures=3)
            rest = plan(replace(drawn, state=failed), LAZY, EVIDENCE, NOW)
            assert isinstance(rest, Rest)
            if waits:
                [(_, decision)] = rest.waiting
                assert decision.until == NOW + ahead
            else:
                [(_, decision)] = rest.ended
                assert "failed a moment ago" in (decision.label or "")

    def test_a_stream_that_failed_is_not_read_on_before_its_time(self) -> None:
        state = ConnectionState(page="3", stream_retry_at=NOW + MINUTE, stream_failures=1)
        drawn = replace(books(None, [need(Purpose.DISPLAY)]), state=state)
        assert isinstance(plan(drawn, LAZY_STREAM, EVIDENCE, NOW), Rest)
        step = plan(drawn, LAZY_STREAM, EVIDENCE, NOW + MINUTE)
        assert isinstance(step, Fetch)

    @pytest.mark.parametrize("health", [Health.NEEDS_RECONNECT, Health.UNSUPPORTED])
    def test_what_only_a_person_repairs_is_not_due_each_minute(self, health: Health) -> None:
        for looked_at in (None, NOW - 30 * DAY):
            state = ConnectionState(looked_at=looked_at, health=health)
            drawn = replace(books(None), state=state, is_parked=True)
            rest = plan(drawn, LAZY, EVIDENCE, NOW)
            assert isinstance(rest, Rest)
            assert rest.next_at >= NOW + SWEEP_BROKEN


@dataclass(frozen=True)
class Lazy:
    """A rail of books with a listing and a list of changes."""

    stream: str = ""

    @property
    def spec(self) -> RailSpec:
        return LAZY_SPEC

    def free_look(self, state: ConnectionState, want: Want) -> Look | None:
        if state.looked_at is None or state.page:
            return Look("list", {"page": state.page}, self.stream, is_full=True)
        is_old = want.since is not None and state.looked_at < want.since
        return Look("changes") if is_old else None

    def paid_look(self, state: ConnectionState) -> Look | CannotHelp:
        return CannotHelp("books have no live look")


LAZY_SPEC = RailSpec(
    "lazy", {}, {}, {}, (), role=Knows.BOOKS, sweep_every=7 * DAY, sweep_gapped=DAY, is_lazy=True
)
LAZY, LAZY_STREAM = cast("Rail", Lazy()), cast("Rail", Lazy("books"))


def books(age: timedelta | None, needs: Sequence[Need] = ()) -> Picture:
    """A company that was read whole `age` ago, None: never."""
    at = None if age is None else NOW - age
    coverages = () if at is None else (Coverage("books", at, Source.CACHED),)
    drawn = picture(ConnectionState(looked_at=at, delivered_at=at), needs=needs)
    return replace(drawn, role=Knows.BOOKS, coverages=coverages, spread=0.0)


def plan_next(drawn: Picture) -> datetime:
    rest = plan(drawn, LAZY, EVIDENCE, NOW)
    assert isinstance(rest, Rest)
    return rest.next_at
