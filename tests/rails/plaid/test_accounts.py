"""Accounts: what balances are true from when, and which accounts there are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowcol.core.connection import ConnectionState
from rowcol.core.evidence import Balance, Health, Source
from rowcol.core.money import Money, money_of
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading
from rowcol.rails.plaid.rail import Plaid
from tests.rails.plaid import kit

RAIL = Plaid()
SEEN = kit.NOW - timedelta(hours=3)
CACHED, LIVE = Look("accounts.get"), Look("accounts.balance.get")


def read(name: str, state: ConnectionState, look: Look | None = None) -> Reading:
    exchange = kit.exchange(name)
    reading = RAIL.read(look or exchange.look, exchange.response, state)
    assert isinstance(reading, Reading), reading
    return reading


def answer(*accounts: dict[str, Any]) -> dict[str, Any]:
    return {**kit.exchange("accounts.get.ok").answer, "accounts": list(accounts)}


def account(**balances: Any) -> dict[str, Any]:
    found = kit.exchange("accounts.get.ok").answer["accounts"][0]
    return {**found, "balances": {**found["balances"], **balances}}


def test_cached_balances_are_true_at_the_look_read_before_them() -> None:
    reading = read("accounts.get.ok", kit.state(seen_until=SEEN))
    assert {o.true_at for o in reading.observations} == {SEEN}
    assert {o.source for o in reading.observations} == {Source.CACHED}
    assert {o.received_at for o in reading.observations} == {kit.NOW}
    assert reading.state.balances_as_of == SEEN


def test_cached_balances_without_a_look_are_no_evidence() -> None:
    reading = read("accounts.get.ok", kit.state())
    assert reading.observations == ()
    assert reading.rows
    assert reading.state.balances_as_of is None


def test_live_balances_are_true_from_when_the_call_was_sent() -> None:
    exchange = kit.exchange("accounts.balance.get.ok")
    response = kit.response(exchange.answer, took=timedelta(seconds=11))
    reading = RAIL.read(LIVE, response, kit.state(seen_until=SEEN))
    assert isinstance(reading, Reading)
    assert {o.true_at for o in reading.observations} == {kit.NOW}
    assert {o.source for o in reading.observations} == {Source.LIVE}
    assert reading.state.balances_as_of == kit.NOW


def test_an_older_cached_look_does_not_move_the_balances_back() -> None:
    state = kit.state(seen_until=SEEN, balances_as_of=kit.NOW)
    assert read("accounts.get.ok", state).state.balances_as_of == kit.NOW


def test_rows_say_what_an_account_is() -> None:
    row = read("accounts.get.tan_persistent_id", kit.state(seen_until=SEEN)).rows[0]
    assert (row.entity, row.remote_id) == ("account", "account_id")
    assert row.body is not None
    assert row.body["mask"] == "0000"
    assert row.body["type"] == "depository"
    assert row.body["persistent_account_id"] == "persistent_account_id"


def test_an_account_that_one_list_lacks_is_looked_for_and_as_it_was() -> None:
    """It was told as closed, and cash was that much less: a list that came empty closed them all."""
    state = kit.state(seen_until=SEEN, facts={"account_ids": "account_id,old"})
    reading = read("accounts.get.ok", state)
    assert all(row.body is not None for row in reading.rows)
    assert all(seen.balance is not None for seen in reading.observations)
    assert "accounts" in reading.state.dirty
    assert reading.state.balances_as_of is None
    assert (
        reading.state.facts["account_ids"] == "account_id,account_id_savings,account_id_credit,old"
    )


def test_an_account_that_is_back_was_never_gone() -> None:
    """Lists in a row count: between two that lack it, one that shows it begins anew."""
    state = kit.state(seen_until=SEEN, facts={"account_ids": "old,account_id"})
    short = {"account_ids_missing": "account_id"}
    back = read("accounts.get.ok", replace(state, facts={**state.facts, **short})).state
    assert back.facts["account_ids_missing"] == "old"


def test_balances_beside_an_error_of_the_login_are_what_was_cached() -> None:
    """A paid look that says in its Item that it could not log in was told as live."""
    body = json.loads(kit.exchange("accounts.balance.get.ok").response.body)
    error = {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}
    body["item"]["error"] = error
    reading = RAIL.read(
        Look("accounts.balance.get"), kit.response(body), kit.state(seen_until=SEEN)
    )
    assert isinstance(reading, Reading)
    assert {o.source for o in reading.observations} == {Source.CACHED}
    assert "health" in reading.state.dirty


def test_an_account_that_two_lists_lack_is_a_tombstone() -> None:
    known = {"account_ids": "account_id,old", "account_ids_missing": "old"}
    state = kit.state(seen_until=SEEN, facts=known)
    reading = read("accounts.get.ok", state)
    assert [row.remote_id for row in reading.rows if row.body is None] == ["old"]
    assert [o.remote_account for o in reading.observations if o.balance is None] == ["old"]
    assert reading.state.facts["account_ids"] == "account_id,account_id_savings,account_id_credit"


def test_a_part_of_the_accounts_is_no_list() -> None:
    state = kit.state(seen_until=SEEN).marked("accounts", "why")
    reading = read("accounts.get.some_accounts", state)
    assert all(row.body is not None for row in reading.rows)
    assert reading.state.facts["account_ids"] == state.facts["account_ids"]
    assert reading.state.balances_as_of is None
    assert "accounts" in reading.state.dirty


def test_a_whole_list_clears_the_mark() -> None:
    assert not read("accounts.get.ok", kit.state().marked("accounts", "why")).state.dirty


def test_null_balances_and_coins() -> None:
    reading = read("accounts.balance.get.null_available", kit.state())
    by_account = {o.remote_account: o.balance for o in reading.observations}
    assert list(by_account.values()) == [
        Balance(Money(11025, "USD"), None),
        Balance(None, Money(20050, "USD")),
        Balance(Money(-1234, "USD"), None),
        Balance(None, None, None, "0.5 USDC: no currency of ISO 4217"),
    ]


def test_a_balance_without_a_currency_is_no_value() -> None:
    raw = answer(account(iso_currency_code=None, unofficial_currency_code=None))
    reading = RAIL.read(LIVE, kit.response(raw), kit.state())
    assert isinstance(reading, Reading)
    why = "110 in a currency that its bank does not name"
    assert reading.observations[0].balance == Balance(None, None, None, why)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        ("0.00512345", "BTC", "0.00512345 BTC: no currency of ISO 4217"),
        ("0.00000001", "ETH", "0.00000001 ETH: no currency of ISO 4217"),
        ("110", "usd", "110 usd: no currency of ISO 4217"),
        ("110", "USD ", "110 USD : no currency of ISO 4217"),
        ("110", "XAU", "110 XAU: no currency of ISO 4217"),
        ("1e400", "USD", "not an amount of USD: 1E+400"),
        ('"100"', "USD", "a value that should be a number is none"),
        ("[1]", "USD", "a value that should be a number is none"),
        ("true", "USD", "a value that should be a number is none"),
        ("1e99999999999999999999", "USD", "a value that should be a number is none"),
    ],
)
def test_a_balance_that_is_no_money_says_so_and_keeps_no_other_back(
    number: str, code: str, said: str
) -> None:
    good = {**account(current=7, available=None), "account_id": "good"}
    bad = account(
        current="@", available=None, iso_currency_code=None, unofficial_currency_code=code
    )
    raw = json.dumps(answer(bad, good)).replace('"@"', number).encode()
    reading = RAIL.read(LIVE, kit.response(raw), kit.state())
    assert isinstance(reading, Reading)
    assert [o.balance for o in reading.observations][:2] == [
        Balance(None, None, None, said),
        Balance(Money(700, "USD"), None),
    ]


def test_a_limit_or_an_available_that_is_no_amount_leaves_the_rest() -> None:
    raw = json.dumps(answer(account(current=7, available="x", limit="y"))).encode()
    reading = RAIL.read(LIVE, kit.response(raw), kit.state())
    assert isinstance(reading, Reading)
    assert reading.observations[0].balance == Balance(Money(700, "USD"), None)


def test_capital_one_is_paid_for_cached_balances() -> None:
    state = kit.state(seen_until=SEEN, facts={"account_ids": ""})
    reading = read("accounts.balance.get.capital_one", state)
    (seen,) = reading.observations
    assert seen.source is Source.CACHED
    assert seen.true_at == datetime(2026, 11, 24, 9, 15, tzinfo=UTC)


def test_the_own_time_of_other_banks_means_nothing() -> None:
    raw = answer(account(last_updated_datetime="2026-11-25T11:59:59Z"))
    reading = RAIL.read(CACHED, kit.response(raw), kit.state(seen_until=SEEN))
    assert isinstance(reading, Reading)
    assert reading.observations[0].true_at == SEEN


def test_own_time_in_the_future_means_nothing() -> None:
    exchange = kit.exchange("accounts.get.capital_one")
    raw = json.loads(json.dumps(exchange.answer).replace("2026-11-24T09", "2036-11-24T09"))
    reading = RAIL.read(CACHED, kit.response(raw), kit.state(seen_until=SEEN))
    assert isinstance(reading, Reading)
    assert reading.observations[0].true_at == SEEN


def test_a_live_answer_ends_an_outage() -> None:
    state = kit.state(paid_failed_at=SEEN).with_health(Health.INSTITUTION_DOWN, "x", SEEN)
    reading = read("accounts.balance.get.ok", state)
    assert reading.state.health is Health.OK
    assert reading.state.paid_failed_at is None


def test_the_most_digits_of_a_balance_count() -> None:
    reading = read("accounts.get.all_types", kit.state(seen_until=SEEN))
    last = reading.observations[-1].balance
    assert last is not None
    assert last.current == money_of(Decimal("23631.9805"), "USD") == Money(2363198, "USD")


@given(st.integers(-(10**16), 10**16), st.sampled_from(["USD", "JPY", "KWD"]))
def test_amounts_are_exact(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    raw = json.dumps(answer(account(current="@", iso_currency_code=currency)))
    body = raw.replace('"@"', str(money.decimal())).encode()
    reading = RAIL.read(LIVE, kit.response(body), kit.state())
    assert isinstance(reading, Reading)
    balance = reading.observations[0].balance
    assert balance is not None
    assert balance.current == money


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_unreadable(number: str) -> None:
    raw = json.dumps(answer(account(current="@"))).replace('"@"', number).encode()
    failure = RAIL.read(LIVE, kit.response(raw), kit.state())
    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id": ""},
        {"account_id": "a,b"},
        {"account_id": 7},
        {"name": 7},
        {"type": ["x"]},
        {"balances": None},
    ],
)
def test_an_account_of_another_shape_is_unreadable(changes: dict[str, Any]) -> None:
    failure = RAIL.read(CACHED, kit.response(answer({**account(), **changes})), kit.state())
    assert isinstance(failure, Failure)
    assert failure.outcome is Outcome.UNREADABLE
    assert failure.state.facts == kit.state().facts


@pytest.mark.parametrize("lost", ["name", "type", "subtype", "mask"])
def test_a_null_where_a_word_belongs_keeps_the_login_readable(lost: str) -> None:
    """Had: one account without a name made every balance of its login unreadable, those of a paid look too."""
    other = {**account(), "account_id": "other", lost: None}
    for look in (CACHED, LIVE):
        state = kit.state(seen_until=SEEN)
        reading = RAIL.read(look, kit.response(answer(account(), other)), state)
        assert isinstance(reading, Reading)
        assert len(reading.observations) == 2
        assert reading.rows[1].body is not None
        assert reading.rows[1].body[lost] == ""


def test_an_account_given_twice_is_unreadable() -> None:
    failure = RAIL.read(CACHED, kit.response(answer(account(), account())), kit.state())
    assert isinstance(failure, Failure)


def test_unknown_keys_and_types_pass() -> None:
    raw = answer({**account(), "type": "spaceship", "new": {"key": [1]}})
    reading = RAIL.read(CACHED, kit.response(raw), kit.state())
    assert isinstance(reading, Reading)
    assert reading.rows[0].body is not None
    assert reading.rows[0].body["type"] == "spaceship"


def test_control_characters_go() -> None:
    raw = answer({**account(), "name": "a\x00b\x1b[31m" + "c" * 1000})
    reading = RAIL.read(CACHED, kit.response(raw), kit.state())
    assert isinstance(reading, Reading)
    assert reading.rows[0].body is not None
    assert str(reading.rows[0].body["name"]).startswith("a b [31mccc")
    assert len(str(reading.rows[0].body["name"])) == 500


def test_reading_twice_changes_nothing_more() -> None:
    state = kit.state(seen_until=SEEN)
    once = read("accounts.get.ok", state)
    twice = read("accounts.get.ok", once.state)
    assert replace(twice, remote_request_id="") == replace(once, remote_request_id="")


@pytest.mark.parametrize(
    ("number", "code", "minor"),
    [("23631.9805", "USD", 2_363_198), ("100.00000001", "USD", 10_000), ("1500", "JPY", 1500)],
)
def test_digits_below_a_tenth_of_a_cent_are_rounded(number: str, code: str, minor: int) -> None:
    assert balance_of(number, code).current == Money(minor, code)


@pytest.mark.parametrize(("number", "code"), [("1500.5", "JPY"), ("100.0051", "USD")])
def test_half_a_yen_is_no_value_and_says_so(number: str, code: str) -> None:
    balance = balance_of(number, code)
    assert (balance.current, balance.uncounted) == (
        None,
        f"{number} is not an exact amount of {code}",
    )


def balance_of(number: str, code: str) -> Balance:
    body = answer(account(current=0, iso_currency_code=code))
    raw = json.dumps(body).replace('"current": 0', f'"current": {number}').encode()
    reading = RAIL.read(CACHED, kit.response(raw), kit.state(seen_until=SEEN))
    assert isinstance(reading, Reading), reading
    found = reading.observations[0].balance
    assert found is not None
    return found
