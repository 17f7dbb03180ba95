"""Facts: small moves of a state that more than one reading makes."""

from __future__ import annotations

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.rails.plaid import facts
from tests.rails.plaid import kit


def test_unknown_facts_are_empty() -> None:
    state = ConnectionState()
    assert facts.word(state, facts.INSTITUTION) == ""
    assert facts.count(state, facts.POSTED) == 0
    assert facts.moment(state, facts.INSTITUTION_CHECKED_AT) is None
    assert facts.account_ids(state) == ()
    assert not facts.may_sync(state)


def test_learning_keeps_the_other_facts() -> None:
    state = facts.learnt(kit.state(), {"a": 1})
    assert state.facts["a"] == 1
    assert facts.account_ids(state) == ("account_id", "account_id_savings", "account_id_credit")


@pytest.mark.parametrize("health", Health)
def test_marks_stay_only_where_something_can_be_done(health: Health) -> None:
    dirty = {"health": "a", "accounts": "b", "transactions": "c"}
    left = facts.without_unreadable(kit.state(health=health, dirty=dirty)).dirty
    assert left == (dirty if health in facts.READABLE else {"health": "a"})


def test_forgotten_pages_leave_the_cursor_and_the_restarts() -> None:
    state = kit.state(cursor="c", page="p", facts={"sync_restarts": 1, "sync_changes": 3})
    after = facts.without_pages(state)
    assert (after.cursor, after.page) == ("c", "")
    assert after.facts["sync_restarts"] == 1
    assert "sync_changes" not in after.facts


@pytest.mark.parametrize(
    ("bank", "has_cards", "is_cached"),
    [
        ("ins_128026", True, True),
        ("ins_128026", False, False),
        ("ins_136439", False, True),
        ("ins_56", True, False),
    ],
)
def test_where_a_paid_call_is_answered_from_the_cache(
    bank: str, has_cards: bool, is_cached: bool
) -> None:
    state = kit.state(facts={"institution_id": bank, "has_non_depository": has_cards})
    assert facts.answers_from_cache(state) is is_cached
