"""Home: the company's own currency is asked for once, and a row without one is in it or has no value."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from rowcol.core.books import LedgerAccount, OpenItem, Party
from rowcol.core.connection import ConnectionState
from rowcol.core.currencies import DIGITS
from rowcol.core.ids import RemoteId
from rowcol.core.mirror import MirrorRow
from rowcol.core.money import Money, NotMoney
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Look
from rowcol.core.wire import Silence
from rowcol.rails.qbo.home import BY_COUNTRY, currency_of
from rowcol.rails.qbo.looks import free_look
from tests.rails.qbo import kit

RAIL = kit.RAIL
ASK = Look("query", {"statement": "SELECT * FROM Preferences"})
NEVER_ASKED = kit.state(facts={"changes_at": ""})
"""Books that were read before anybody asked for a currency."""


def asked(answer: object, status: int = 200, known: ConnectionState = NEVER_ASKED) -> Any:
    return RAIL.read(ASK, kit.response(answer, status), known)


def row(entity: str, **fields: Any) -> MirrorRow:
    body = msgspec.json.encode(kit.row(1, **fields))
    return MirrorRow(entity, RemoteId("1"), "0", None, None, is_deleted=False, body=body)


def home(state: ConnectionState) -> str:
    return currency_of(state)


@pytest.mark.parametrize(
    ("facts", "currency"),
    [
        ({"home_currency": "CAD"}, "CAD"),
        ({"home_currency": "CAD", "country": "US"}, "CAD"),
        ({"home_currency": "", "country": "CA"}, "CAD"),
        ({"country": "JP"}, "JPY"),
        ({"country": "PA"}, ""),
        ({"home_currency": "", "country": "Atlantis"}, ""),
        ({}, ""),
    ],
)
def test_preferences_win_over_the_country_and_nothing_is_a_guess(
    facts: dict[str, str], currency: str
) -> None:
    assert home(ConnectionState(facts=facts)) == currency


def test_every_country_has_a_currency_that_there_is() -> None:
    assert set(BY_COUNTRY.values()) <= set(DIGITS)
    assert all(len(country) == 2 and country.isupper() for country in BY_COUNTRY)
    assert (BY_COUNTRY["US"], BY_COUNTRY["DE"], BY_COUNTRY["GB"]) == ("USD", "EUR", "GBP")


def test_it_is_asked_for_before_the_first_listing_and_at_the_next_look() -> None:
    assert free_look(ConnectionState(), kit.wanted(None)) == ASK
    assert free_look(NEVER_ASKED, kit.wanted()) == ASK
    assert free_look(NEVER_ASKED, kit.wanted(None)) is None, "nobody asked"
    fresh = replace(NEVER_ASKED, looked_at=kit.NOW)
    assert free_look(fresh, kit.wanted()) is None, "no look is due"


def test_it_is_asked_for_once() -> None:
    company = kit.Company({"Bill": [kit.row(1)]}, currency="CAD")
    state, _ = kit.run(company, ConnectionState(), kit.wanted(None))
    assert home(state) == "CAD"
    first = company.calls
    for day in range(1, 4):
        later = kit.NOW + timedelta(days=day)
        look = free_look(state, replace(kit.wanted(later), now=later))
        assert look is not None
        assert look.endpoint == "cdc"
    assert company.calls == first


def test_after_a_reconnect_it_is_asked_for_again_and_known_meanwhile() -> None:
    facts = {n: v for n, v in kit.state().facts.items() if n != "currency_asked_at"}
    again = kit.state(facts=facts)
    assert free_look(again, kit.wanted()) == ASK
    assert home(again) == "USD"
    told = kit.reading(asked(kit.preferences("CAD"), known=again)).state
    assert home(told) == "CAD"


def test_preferences_that_name_none_are_an_answer() -> None:
    bodies: list[dict[str, Any]] = [{}, {"Preferences": []}, {"Preferences": [kit.row(1)]}]
    for body in bodies:
        state = kit.reading(asked({"QueryResponse": body, "time": kit.NOW.isoformat()})).state
        assert state.facts["home_currency"] == ""
        look = free_look(replace(state, looked_at=kit.NOW - timedelta(hours=1)), kit.wanted())
        assert look is not None
        assert look.endpoint == "cdc"


def test_a_refusal_is_settled_by_the_country() -> None:
    """Outside 2xx is not metered; asking again would meet the same."""
    known = kit.state(facts={"country": "CA"})
    failure = kit.failed(RAIL.read(ASK, kit.fault("4001"), known))
    assert failure.outcome is Outcome.BAD_REQUEST
    assert (home(failure.state), failure.state.facts["home_currency"]) == ("CAD", "")
    assert failure.state.retry_at is None, "the books are read all the same"


@pytest.mark.parametrize(
    ("answer", "status", "outcome"),
    [
        (b"<html>", 200, Outcome.UNREADABLE),
        ({"QueryResponse": []}, 200, Outcome.UNREADABLE),
        ({"QueryResponse": {"Preferences": [5]}}, 200, Outcome.UNREADABLE),
        ({"QueryResponse": {"Fault": {"type": "SystemFault"}}}, 200, Outcome.UNREADABLE),
        (b"", 500, Outcome.TRY_AGAIN),
    ],
)
def test_what_is_no_answer_keeps_nothing_waiting_and_is_asked_for_at_the_next_look(
    answer: object, status: int, outcome: Outcome
) -> None:
    failure = kit.failed(asked(answer, status))
    assert failure.outcome is outcome
    state = failure.state
    assert (state.failures, state.retry_at, home(state)) == (0, None, "")
    look = free_look(state, kit.wanted())
    assert look is not None
    assert look.endpoint == "cdc"
    later = kit.NOW + timedelta(minutes=1)
    read = replace(state, looked_at=later)
    after = later + timedelta(minutes=1)
    assert free_look(read, replace(kit.wanted(after), now=after)) == ASK


def test_silence_is_no_answer_either() -> None:
    for silence in Silence:
        failure = RAIL.silent(ASK, Outcome.NO_ANSWER, silence, kit.NOW, NEVER_ASKED)
        assert (failure.state.retry_at, failure.discards) == (None, False)
        look = free_look(failure.state, kit.wanted())
        assert look is not None
        assert look.endpoint == "cdc"


def test_too_many_calls_are_a_matter_of_all() -> None:
    failure = kit.failed(RAIL.read(ASK, kit.fault("003001", 429), NEVER_ASKED))
    assert failure.outcome is Outcome.RATE_LIMITED
    assert failure.state.retry_at is not None
    assert free_look(failure.state, kit.wanted()) == ASK


def test_a_company_s_own_description_tells_its_country() -> None:
    body = {"CompanyInfo": kit.row(1, CompanyName="Tern", Country="ca"), "time": str(kit.NOW)}
    state = kit.reading(RAIL.read(Look("companyinfo.get"), kit.response(body), NEVER_ASKED)).state
    assert (state.facts["country"], home(state)) == ("CA", "CAD")


@pytest.mark.parametrize("ref", [None, {}, {"value": ""}])
def test_a_row_without_a_currency_is_in_its_company_s(ref: object) -> None:
    more = {} if ref is None else {"CurrencyRef": ref}
    cad = ConnectionState(facts={"home_currency": "CAD"})
    bill = RAIL.record(row("Bill", TotalAmt=1000.0, Balance=1000.0, **more), cad)
    assert isinstance(bill, OpenItem)
    assert (bill.total, bill.balance) == (Money(100_000, "CAD"), Money(100_000, "CAD"))
    vendor = RAIL.record(row("Vendor", DisplayName="Paper Co.", Balance=5, **more), cad)
    assert isinstance(vendor, Party)
    assert vendor.balance == Money(500, "CAD")
    account = RAIL.record(row("Account", Name="Till", CurrentBalance=7.5, **more), cad)
    assert isinstance(account, LedgerAccount)
    assert account.balance == Money(750, "CAD")


def test_a_currency_that_is_named_but_has_no_code_is_not_its_company_s() -> None:
    """It was read as the company's own: 1,000 of anything were 1,000 CAD."""
    cad = ConnectionState(facts={"home_currency": "CAD"})
    for entity, amount in (
        ("Bill", "Balance"),
        ("Vendor", "Balance"),
        ("Account", "CurrentBalance"),
    ):
        with pytest.raises(NotMoney, match="'Dollar', but no code"):
            RAIL.record(row(entity, **{amount: 1000}, CurrencyRef={"name": "Dollar"}), cad)


def test_its_own_currency_wins() -> None:
    cad = ConnectionState(facts={"home_currency": "CAD"})
    found = RAIL.record(row("Bill", TotalAmt=15, Balance=15, CurrencyRef={"value": "JPY"}), cad)
    assert isinstance(found, OpenItem)
    assert found.balance == Money(15, "JPY")


@pytest.mark.parametrize(
    ("facts", "fields", "why"),
    [
        ({}, {"TotalAmt": 5}, "it names no currency, and its company's own is not known"),
        ({"home_currency": "XYZ"}, {"TotalAmt": 5}, "'XYZ' is no currency of ISO 4217"),
        (
            {"home_currency": "USD"},
            {"TotalAmt": 5, "CurrencyRef": {"value": "usd"}},
            "'usd' is no currency of ISO 4217",
        ),
        (
            {"home_currency": "JPY"},
            {"TotalAmt": 1500.5},
            "1500.5 is not an exact amount of JPY",
        ),
    ],
)
def test_a_row_that_has_no_value_says_why(
    facts: dict[str, str], fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(NotMoney) as refused:
        RAIL.record(row("Bill", **fields), ConnectionState(facts=facts))
    assert str(refused.value) == why


def test_the_same_row_is_read_anew_once_the_currency_is_known() -> None:
    bill = row("Bill", TotalAmt=5, Balance=5)
    for currency in ("CAD", "EUR"):
        found = RAIL.record(bill, ConnectionState(facts={"home_currency": currency}))
        assert isinstance(found, OpenItem)
        assert found.balance == Money(500, currency)
    with pytest.raises(NotMoney):
        RAIL.record(bill, ConnectionState())


def test_an_open_bill_whose_balance_is_no_number_is_due_so_that_a_list_names_it() -> None:
    body = kit.row(1, Balance="x", DueDate="2026-02-01")
    page = {"QueryResponse": {"Bill": [body, kit.row(2, Balance=5)]}, "time": str(kit.NOW)}
    look = Look("query", {"statement": "SELECT * FROM Bill"})
    one, two = kit.reading(RAIL.read(look, kit.response(page), kit.state())).rows
    assert (str(one.due_on), str(two.due_on)) == ("2026-02-01", "0001-01-01")
