"""Items: the age of everything, and how the login does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rowcol.core.connection import ConnectionState
from rowcol.core.delivery import Notice, NoticeKind
from rowcol.core.evidence import Health
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading
from rowcol.rails.plaid.facts import UNANNOUNCED, may_sync, with_refusal
from rowcol.rails.plaid.rail import Plaid
from tests.rails.plaid import kit

RAIL = Plaid()
ITEM = Look("item.get")
T = datetime(2026, 11, 25, 9, 41, 7, tzinfo=UTC)
EARLIER = T - timedelta(hours=6)


def read(name: str, state: ConnectionState) -> ConnectionState:
    exchange = kit.exchange(name)
    reading = RAIL.read(exchange.look, exchange.response, state)
    assert isinstance(reading, Reading), reading
    return reading.state


def read_ok(state: ConnectionState, item: dict[str, Any], **status: Any) -> ConnectionState:
    answer = kit.exchange("item.get.ok").answer
    raw = {
        **answer,
        "item": {**answer["item"], **item},
        "status": {**answer["status"], **status},
    }
    reading = RAIL.read(ITEM, kit.response(raw), state)
    assert isinstance(reading, Reading), reading
    return reading.state


def test_the_last_look_and_when_we_asked() -> None:
    state = read("item.get.ok", ConnectionState())
    assert (state.seen_until, state.looked_at, state.pulls) == (T, kit.NOW, (T,))
    assert state.facts["institution_id"] == "ins_109508"
    assert state.facts["update_type"] == "background"


@pytest.mark.parametrize("status", [None, {"transactions": None}, {}])
def test_no_status_is_no_time(status: object) -> None:
    answer = {**kit.exchange("item.get.ok").answer, "status": status}
    reading = RAIL.read(ITEM, kit.response(answer), kit.state(seen_until=EARLIER))
    assert isinstance(reading, Reading)
    assert (reading.state.seen_until, reading.state.looked_at) == (EARLIER, kit.NOW)


def test_a_failing_pull_leaves_the_age() -> None:
    state = read("item.get.pull_failing", ConnectionState())
    assert state.seen_until == datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)


@pytest.mark.parametrize("name", ["login_required", "consent_expired"])
def test_an_error_breaks_the_login(name: str) -> None:
    state = read(f"item.get.{name}", kit.state().marked("transactions", "why"))
    assert state.health is Health.NEEDS_RECONNECT
    assert state.health_reason == "ITEM_LOGIN_REQUIRED"
    assert not state.dirty, "nothing can be done about marks now"


def test_a_repair_shows_as_no_error_and_marks_everything() -> None:
    broken = read("item.get.login_required", kit.state(cursor="c", paid_failed_at=EARLIER))
    state = read("item.get.ok", broken)
    assert (state.health, state.health_reason) == (Health.OK, "")
    assert state.paid_failed_at is None
    assert set(state.dirty) == {"accounts", "transactions"}


def test_a_hint_at_health_is_served() -> None:
    assert "health" not in read("item.get.ok", kit.state().marked("health", "why")).dirty


def test_a_newer_look_makes_transactions_worth_a_read() -> None:
    synced = kit.state(cursor="c", synced_until=EARLIER, facts={"history_complete": True})
    assert read("item.get.ok", synced).dirty == {"transactions": UNANNOUNCED}
    read_already = kit.state(cursor="c", synced_until=T, facts={"history_complete": True})
    assert not read("item.get.ok", read_already).dirty


def test_a_look_a_moment_ago_may_still_be_announced() -> None:
    update = {"last_successful_update": "2026-11-25T11:59:00Z"}
    state = read_ok(kit.state(cursor="c", synced_until=EARLIER), {}, transactions=update)
    assert state.dirty["transactions"] != UNANNOUNCED


def test_an_announced_change_keeps_its_reason() -> None:
    state = kit.state(cursor="c", synced_until=EARLIER).marked("transactions", "announced")
    assert read("item.get.ok", state).dirty == {"transactions": "announced"}


def test_the_first_read_and_an_incomplete_history_are_due() -> None:
    assert "transactions" in read("item.get.status_null", kit.state()).dirty
    state = kit.state(cursor="c", synced_until=T, facts={"history_complete": False})
    assert "transactions" in read("item.get.ok", state).dirty


def test_consent_alone_is_no_subscription() -> None:
    """The first call would add it, and bill it."""
    item = {"products": ["auth"], "billed_products": [], "consented_products": ["transactions"]}
    state = read_ok(kit.state().marked("transactions", "why"), item)
    assert not may_sync(state)
    assert "transactions" not in state.dirty


def test_a_change_of_products_forgets_a_refusal() -> None:
    known = read("item.get.ok", kit.state())
    refused = with_refusal(known, "balance_refused", "ADDITIONAL_CONSENT_REQUIRED", kit.NOW)
    assert read("item.get.ok", refused).facts["balance_refused"]
    for item in ({"consented_products": ["transactions", "auth"]}, {"available_products": ["x"]}):
        assert not read_ok(refused, item).facts["balance_refused"]


def test_a_repair_or_a_week_forgets_a_refusal() -> None:
    known = read("item.get.ok", kit.state())
    refused = with_refusal(known, "balance_refused", "UNSUPPORTED_RESPONSE", kit.NOW)
    assert not read("item.get.ok", refused.marked("refused", "repaired")).facts["balance_refused"]
    for days, is_off in ((6, True), (7, False)):
        old = with_refusal(known, "balance_refused", "X", kit.NOW - timedelta(days=days))
        assert (read("item.get.ok", old).facts["balance_refused"] != "") is is_off


def test_an_outage_ends_when_the_bank_was_seen_or_an_hour_went_by() -> None:
    def after(down_for: timedelta, **facts: str) -> Health:
        since = kit.NOW - down_for
        down = kit.state(facts=facts).with_health(Health.INSTITUTION_DOWN, "x", since)
        return read("item.get.ok", down).health

    assert after(timedelta(minutes=30)) is Health.INSTITUTION_DOWN
    assert after(timedelta(minutes=61)) is Health.OK
    said = {"institution_status": "DOWN", "institution_checked_at": kit.NOW.isoformat()}
    assert after(timedelta(minutes=61), **said) is Health.INSTITUTION_DOWN
    assert after(kit.NOW - T + timedelta(minutes=1), **said) is Health.OK, "it was seen since"


def test_what_is_unsupported_stays_so_until_the_bank_was_seen() -> None:
    for since, health in ((kit.NOW, Health.UNSUPPORTED), (EARLIER, Health.OK)):
        state = kit.state().with_health(Health.UNSUPPORTED, "x", since)
        assert read("item.get.ok", state).health is health


def test_a_look_in_the_future_is_unreadable() -> None:
    answer = kit.exchange("item.get.ok").answer
    status = {"transactions": {"last_successful_update": "2036-11-25T09:41:07Z"}}
    failure = RAIL.read(ITEM, kit.response({**answer, "status": status}), kit.state())
    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.UNREADABLE


def test_a_clock_a_little_ahead_never_makes_evidence_younger_than_the_call() -> None:
    update = {"last_successful_update": "2026-11-25T12:01:00Z"}
    assert read_ok(kit.state(), {}, transactions=update).seen_until == kit.NOW


def test_the_webhook_may_be_empty_or_null() -> None:
    for webhook in ("", None):
        assert read_ok(kit.state(), {"webhook": webhook}).facts["webhook"] == ""
    assert read("item.webhook.update.cleared", kit.state()).facts["webhook"] == ""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("down", Health.OK, Health.INSTITUTION_DOWN),
        ("ok", Health.INSTITUTION_DOWN, Health.OK),
        ("delayed", Health.INSTITUTION_DOWN, Health.OK),
        ("status_null", Health.INSTITUTION_DOWN, Health.INSTITUTION_DOWN),
        ("transactions_null", Health.INSTITUTION_DOWN, Health.OK),
        ("down", Health.NEEDS_RECONNECT, Health.NEEDS_RECONNECT),
        ("ok", Health.NEEDS_RECONNECT, Health.NEEDS_RECONNECT),
    ],
)
def test_the_bank_itself_says_how_it_does(name: str, before: Health, after: Health) -> None:
    state = kit.state().with_health(before, "x", EARLIER)
    assert read(f"institutions.get_by_id.{name}", state).health is after


def test_what_the_bank_said_is_kept() -> None:
    facts = read("institutions.get_by_id.down", kit.state()).facts
    assert facts["institution_status"] == "DOWN"
    assert facts["refresh_interval"] == "STOPPED"
    assert facts["institution_checked_at"] == kit.NOW.isoformat()


def test_a_removed_login_is_retired() -> None:
    assert read("item.remove.ok", kit.state()).health is Health.RETIRED


def test_a_refresh_is_followed_by_a_look() -> None:
    assert "health" in read("transactions.refresh.ok", kit.state()).dirty
    assert not read("sandbox.item.reset_login.ok", kit.state()).dirty


ENDS = "2027-05-01T00:00:00Z"


def test_an_item_tells_when_its_consent_ends() -> None:
    state = read_ok(kit.state(), {"consent_expiration_time": ENDS})
    assert state.facts["consent_until"] == "2027-05-01T00:00:00+00:00"
    assert read_ok(state, {"consent_expiration_time": None}).facts["consent_until"] == ""


@pytest.mark.parametrize("said", [17, "soon", "2027-05-01T00:00:00", ["x"], {}, "9" * 500])
def test_a_consents_end_that_cannot_be_read_is_none(said: object) -> None:
    assert read_ok(kit.state(), {"consent_expiration_time": said}).facts["consent_until"] == ""


@pytest.mark.parametrize(("days", "is_over"), [(0, False), (1, True), (200, True)])
@pytest.mark.parametrize("had", ["", "2027-01-01T00:00:00+00:00", ENDS])
def test_a_later_consent_answers_what_was_announced(days: int, is_over: bool, had: str) -> None:
    """A disconnection only where its end has moved. Had: a bank's migration in a week was over at once, as the consent
    had a year to go, and nobody was told."""
    until = datetime(2027, 5, 1, tzinfo=UTC) - timedelta(days=days)
    told = tuple(
        Notice(kind, T, until) for kind in (NoticeKind.CONSENT_ENDS, NoticeKind.DISCONNECT)
    )
    before = kit.state(notices=told, facts={"consent_until": had})
    state = read_ok(before, {"consent_expiration_time": ENDS})
    has_moved = had not in ("", ENDS)
    assert [n.over_at is not None for n in state.notices] == [is_over, is_over and has_moved]


def test_a_notice_without_a_time_is_not_answered_by_a_consent() -> None:
    told = (Notice(NoticeKind.NEW_ACCOUNTS, T),)
    assert read_ok(kit.state(notices=told), {"consent_expiration_time": ENDS}).notices == told
