"""Outage: a bank that is down is asked for before its logins, but its own silence keeps nothing waiting."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.freshness.policy import policy_of
from rowcol.core.outcome import Outcome
from rowcol.core.picture import Picture
from rowcol.core.plan import Rest, plan
from rowcol.core.rail import Failure, Look, Reading
from rowcol.rails.plaid.rail import Plaid
from tests.rails.plaid import kit

RAIL, EVIDENCE = Plaid(), policy_of("evidence")
HOUR = timedelta(hours=1)
BACK_AT = kit.NOW + 48 * HOUR
SILENT = "no answer"


@dataclass
class World:
    """Plaid during an outage of a bank: `bank` names the exchange that its status always gives."""

    bank: str
    asked: Counter[str] = field(default_factory=Counter)

    def answer(self, look: Look, state: ConnectionState, now: datetime) -> Reading | Failure:
        self.asked[look.endpoint] += 1
        if look.endpoint == "institutions.get_by_id":
            if self.bank == SILENT:
                return RAIL.silent(look, Outcome.NO_ANSWER, SILENT, now, state)
            told = kit.exchange(self.bank)
            return RAIL.read(look, kit.response(told.answer, told.status, sent_at=now), state)
        name = "transactions.sync.nothing_new" if look.stream else f"{look.endpoint}.ok"
        body: dict[str, Any] = {**kit.exchange(name).answer}
        if look.endpoint == "item.get":
            seen = now - HOUR / 2 if now >= BACK_AT else kit.NOW - HOUR
            body["status"] = {"transactions": {"last_successful_update": seen.isoformat()}}
        return RAIL.read(look, kit.response(body, sent_at=now), state)

    def run(self, state: ConnectionState, now: datetime) -> tuple[ConnectionState, datetime]:
        """One run of reconcile; when the next is due."""
        for _ in range(8):
            picture = Picture(state, (), (), kit.NOW - 99 * HOUR, 0.0, 100_000)
            step = plan(picture, RAIL, EVIDENCE, now)
            if isinstance(step, Rest):
                return state, step.next_at
            state = self.answer(step.look, state, now).state
        raise AssertionError("looks in a circle")


@pytest.mark.parametrize(
    "bank",
    [
        "institutions.get_by_id.invalid_institution",
        "institutions.get_by_id.institutions_get_by_id_limit",
        SILENT,
    ],
)
def test_72_hours_of_a_status_that_never_comes(bank: str) -> None:
    """The login is asked all the same, and works again once its bank does."""
    world, now = World(bank), kit.NOW
    state = kit.state(looked_at=kit.NOW - HOUR, cursor="c").with_health(
        Health.INSTITUTION_DOWN, "INSTITUTION_DOWN", now
    )
    while now < kit.NOW + 72 * HOUR:
        state, due_at = world.run(state, now)
        assert (state.failures, state.retry_at) == (0, None)
        now = min(due_at, now + HOUR)
        if state.health is Health.OK and now < BACK_AT:  # a live look that failed
            state = state.with_health(Health.INSTITUTION_DOWN, "INSTITUTION_DOWN", now)
    assert state.health is Health.OK
    assert state.seen_until is not None
    assert state.seen_until >= BACK_AT - HOUR
    assert world.asked["item.get"] >= 48
    assert 24 <= world.asked["institutions.get_by_id"] <= world.asked["item.get"]


def test_a_failed_question_leaves_what_was_told_before() -> None:
    """And for no longer than it would have stood by itself."""
    state = kit.state(
        facts={"institution_status": "DOWN", "institution_checked_at": kit.NOW.isoformat()}
    ).with_health(Health.INSTITUTION_DOWN, "bank DOWN", kit.NOW)
    world, at = World(SILENT), kit.NOW + HOUR / 2
    after = world.answer(Look("institutions.get_by_id"), state, at).state
    assert after.facts["institution_status"] == "DOWN"
    assert after.facts["institution_checked_at"] == kit.NOW.isoformat()
    for hours, health in ((0.9, Health.INSTITUTION_DOWN), (1.1, Health.OK)):
        later = kit.NOW + hours * HOUR
        assert world.answer(Look("item.get"), after, later).state.health is health
