"""Changes: what one call brings, when it is not all, and whose clock counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Health
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Look, Reading
from rowcol.rails.qbo.changes import FULL
from rowcol.rails.qbo.progress import OVERLAP
from rowcol.rails.qbo.spec import ENTITIES
from tests.rails.qbo import kit

RAIL = kit.RAIL
LOOK = Look("cdc", {"entities": ",".join(ENTITIES), "changed_since": "2026-11-25T09:00:00+00:00"})
HOUR = timedelta(hours=1)


def read(
    *groups: dict[str, Any], state: ConnectionState | None = None, time: datetime = kit.NOW
) -> Reading:
    answer = kit.response(kit.changes(*groups, time=time))
    return kit.reading(RAIL.read(LOOK, answer, kit.state() if state is None else state))


def test_one_answer_moves_everything() -> None:
    before = kit.state(dirty={"Bill": "why"}, health=Health.MISCONFIGURED, failures=3)
    found = read({"Bill": [kit.row(1), kit.gone(2)]}, {}, {"Bill": [kit.row(3)]}, state=before)
    assert [(r.remote_id, r.body is None) for r in found.rows] == [
        ("1", False),
        ("2", True),
        ("3", False),
    ]
    assert found.rows[0].remote_at == kit.NOW.replace(microsecond=0) - timedelta(minutes=5)
    after = found.state
    assert (after.looked_at, after.health, after.failures, dict(after.dirty)) == (
        kit.NOW,
        Health.OK,
        0,
        {},
    )
    assert after.cursor == "2026-11-25T11:17:08+00:00"
    [covered] = found.coverages
    assert covered.complete_as_of == kit.NOW - OVERLAP


def test_a_row_from_the_future_moves_no_cursor() -> None:
    found = read({"Account": [kit.row(1, kit.NOW + timedelta(days=35))]})
    assert found.state.cursor == read({}).state.cursor


@pytest.mark.parametrize("off", [-HOUR, timedelta(0), HOUR])
def test_a_change_at_the_edge_is_read_once_more(off: timedelta) -> None:
    """Whatever QuickBooks' clock says: rounded up to the next second, or made while it answered."""
    company = kit.Company({"Bill": []}, clock=off)
    server_now = kit.NOW + off
    old = kit.state(cursor=(server_now - HOUR).isoformat())
    first, _ = kit.run(company, old, kit.wanted())
    assert first.cursor <= server_now.isoformat()
    company.rows["Bill"] = [kit.row(1, server_now), kit.row(2, server_now + timedelta(seconds=1))]
    _, readings = kit.run(company, replace(first, looked_at=None), kit.wanted())
    assert kit.ids(readings, "Bill") == {"1", "2"}


def test_a_cursor_goes_back_only_with_their_clock() -> None:
    ahead = kit.state(cursor=kit.stamp(kit.NOW + HOUR))
    assert read({}, state=ahead).state.cursor == ahead.cursor
    behind = read({}, state=ahead, time=kit.NOW - HOUR).state.cursor
    assert datetime.fromisoformat(behind) < kit.NOW - HOUR


def test_a_full_answer_moves_nothing_but_its_rows() -> None:
    before = kit.state(dirty={"Bill": "why"})
    found = read(
        {"Bill": [kit.row(n) for n in range(FULL - 1)]}, {"Vendor": [kit.gone(1)]}, state=before
    )
    assert len(found.rows) == FULL
    assert (found.state.cursor, found.state.looked_at, found.coverages) == (
        before.cursor,
        before.looked_at,
        (),
    )
    assert found.state.dirty
    again = RAIL.free_look(found.state, kit.wanted(None))
    assert again is not None
    assert (again.endpoint, again.is_full) == ("cdc", False)
    assert set(str(again.arguments["entities"]).split(",")) == set(ENTITIES) - {"Bill"}
    assert again.arguments["changed_since"] == before.cursor


def test_one_less_is_all() -> None:
    assert read({"Bill": [kit.row(n) for n in range(FULL - 1)]}).state.page == ""


COUNTS = st.dictionaries(
    st.sampled_from(ENTITIES[1:]), st.sampled_from([0, 1, 400, 999, 1000, 1800]), max_size=6
)


@settings(max_examples=30, deadline=None)
@given(COUNTS)
def test_however_much_changed_all_of_it_is_read(counts: dict[str, int]) -> None:
    rows = {
        e: [kit.row(n, kit.NOW - timedelta(seconds=n)) for n in range(c)] for e, c in counts.items()
    }
    company = kit.Company(rows)
    before = kit.state(dirty={"books": "why"})
    after, readings = kit.run(company, before, kit.wanted())
    for entity, count in counts.items():
        assert kit.ids(readings, entity) == {str(n) for n in range(count)}
    assert company.calls <= 1 + len(ENTITIES) + sum(2 + c // 500 for c in counts.values())
    last = readings[-1]
    relisted = {r.entity for one in readings for r in one.staged}
    assert relisted == {e for e in last.replaces if counts.get(e)}
    assert after.cursor == "2026-11-25T11:17:08+00:00", "of the first call"
    assert [c.complete_as_of for c in last.coverages] == [kit.NOW - OVERLAP]
    assert not after.dirty
    assert sum(len(r.coverages) for r in readings) == 1


def test_changes_too_old_are_listed() -> None:
    old = kit.state(cursor=(kit.NOW - timedelta(days=40)).isoformat())
    refusal = kit.exchange("cdc.too_old").response
    failure = kit.failed(RAIL.read(LOOK, refusal, old))
    assert (failure.outcome, failure.discards) == (Outcome.RESTART, True)
    look = RAIL.free_look(failure.state, kit.wanted(None))
    assert look is not None
    assert look.is_full


def test_an_answer_from_too_long_ago_proves_nothing() -> None:
    """It may have been cut to the last 30 days without a word."""
    old = kit.state(cursor=(kit.NOW - timedelta(days=40)).isoformat())
    failure = kit.failed(RAIL.read(LOOK, kit.response(kit.changes({})), old))
    assert (failure.outcome, failure.discards) == (Outcome.RESTART, True)
    assert (failure.state.cursor, failure.state.page) == ("", "")


def test_what_the_settings_say_it_omits_is_listed_beside_it() -> None:
    want = replace(kit.wanted(), omits=("Vendor", "Deposit"))
    look = RAIL.free_look(kit.state(), want)
    assert look is not None
    assert look.endpoint == "cdc"
    found = kit.reading(RAIL.read(look, kit.response(kit.changes({})), kit.state()))
    assert found.coverages == ()
    after, readings = kit.run(kit.Company({"Vendor": [kit.row(1)]}), found.state, want)
    assert readings[-1].replaces == ("Vendor", "Deposit")
    assert (after.page, after.cursor) == ("", "2026-11-25T11:17:08+00:00")


def test_another_refusal_does_not_list_everything_for_ever() -> None:
    failure = kit.failed(RAIL.read(LOOK, kit.exchange("cdc.too_old").response, kit.state()))
    assert failure.outcome is Outcome.BAD_REQUEST
    assert failure.state.cursor


UNSEEN = kit.NOW - timedelta(minutes=40)


@pytest.mark.parametrize(
    ("entity", "at", "changes", "gaps"),
    [
        ("Bill", UNSEEN, {}, 1),
        ("Bill", kit.NOW - timedelta(minutes=20), {}, 0),
        ("Bill", kit.NOW - timedelta(minutes=61), {}, 0),
        ("Bill", kit.NOW + timedelta(days=35), {}, 0),
        ("SalesReceipt", UNSEEN, {}, 0),
        ("Bill", UNSEEN, {"dirty": {"Vendor": "said"}}, 0),
        ("Bill", UNSEEN, {"delivered_at": None}, 0),
        ("Bill", UNSEEN, {"facts": {"changes_at": ""}}, 0),
    ],
    ids=["gap", "may-come-yet", "known", "future", "never-told", "told", "no-webhooks", "first"],
)
def test_a_change_that_no_delivery_told(
    entity: str, at: datetime, changes: dict[str, Any], gaps: int
) -> None:
    after = read({entity: [kit.row(1, at)]}, state=kit.state(**changes)).state
    assert after.webhook_gaps == gaps
    assert after.webhook_gap_at == (kit.NOW if gaps else None)


def test_the_time_of_the_last_changes_is_remembered() -> None:
    after = read({}, state=kit.state(dirty={"Bill": "said"}, facts={})).state
    assert after.facts["changes_at"] == kit.NOW.isoformat()


def test_the_companys_name_follows() -> None:
    assert (
        read({"CompanyInfo": [kit.row(1, CompanyName="New\x00Name")]}).state.facts[
            "institution_name"
        ]
        == "New Name"
    )


@pytest.mark.parametrize(
    ("entity", "fields", "due_on"),
    [
        ("Bill", {"Balance": 10.5, "DueDate": "2026-12-01"}, date(2026, 12, 1)),
        ("Invoice", {"Balance": 1, "TxnDate": "2026-11-01"}, date(2026, 11, 1)),
        ("Bill", {"Balance": 1, "DueDate": "soon"}, date.min),
        ("Bill", {"Balance": 0, "DueDate": "2026-12-01"}, None),
        ("Bill", {"DueDate": "2026-12-01"}, date(2026, 12, 1)),  # nobody says that it is paid
        ("Bill", {"DueDate": "2026-12-01", "PrivateNote": "Voided - twice"}, None),
        ("Vendor", {"Balance": 10}, None),
    ],
)
def test_what_is_open_has_a_day(entity: str, fields: dict[str, Any], due_on: date | None) -> None:
    assert read({entity: [kit.row(1, **fields)]}).rows[0].due_on == due_on


def test_a_cursor_that_is_refused_again_and_again_is_listed_anew() -> None:
    """Three tries instead of one an hour for ever; a listing costs metered calls, so once a day at most."""
    refusal, state = kit.exchange("cdc.too_old").response, kit.state(cursor=kit.NOW.isoformat())
    told = []
    for _ in range(3):
        failure = kit.failed(RAIL.read(LOOK, refusal, state))
        told.append(failure.outcome)
        state = failure.state
    assert told == [Outcome.BAD_REQUEST, Outcome.BAD_REQUEST, Outcome.RESTART]
    assert (state.cursor, state.is_restarting) == ("", True)
    state = replace(state, cursor=kit.NOW.isoformat()).followed(kit.NOW)
    for _ in range(5):
        failure = kit.failed(RAIL.read(LOOK, refusal, state))
        state = failure.state
        assert failure.outcome is Outcome.BAD_REQUEST
