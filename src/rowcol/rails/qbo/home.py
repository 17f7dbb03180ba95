"""Home: the currency of a row that names none, which is its company's own.

| known                                                     | a row without `CurrencyRef` is in |
|-----------------------------------------------------------|-----------------------------------|
| Preferences named a home currency                         | that one                          |
| they named none, or may not be read; the country has one  | the country's                     |
| neither, or not asked yet                                 | none: it has no value, and why    |

Preferences are asked for once: before the first listing, and again after a reconnect. Where that brought no answer it is
tried again at the next look, and keeps nothing else waiting. What is known stays until something else is told.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from rowcol.core.connection import ConnectionState
from rowcol.core.outcome import Outcome
from rowcol.core.rail import Failure, Look, Reading
from rowcol.core.wire import Response
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.errors import refused, remote_request_id
from rowcol.rails.qbo.progress import read_well
from rowcol.rails.qbo.records import QueryAnswer, convert, decode, text

PREFERENCES = "Preferences"
_LOOK = Look("query", {"statement": "SELECT * FROM Preferences"})
_SETTLED = (Outcome.BAD_REQUEST, Outcome.NOT_FOUND)
"""Refusals that another asking would meet again: the country speaks instead."""
_ITS_OWN = (Outcome.TRY_AGAIN, Outcome.NO_ANSWER, Outcome.NOT_SENT, Outcome.UNREADABLE)
"""Failures that may be this call's alone: it is tried again at the next look."""

_COUNTRIES = """
AED AE; AFN AF; ALL AL; AMD AM; AOA AO; ARS AR; AUD AU CC CX KI NF NR TV; AWG AW; AZN AZ; BAM BA; BBD BB; BDT BD; BHD BH;
BIF BI; BMD BM; BND BN; BOB BO; BRL BR; BSD BS; BWP BW; BYN BY; BZD BZ; CAD CA; CDF CD; CHF CH LI; CLP CL; CNY CN; COP CO;
CRC CR; CUP CU; CVE CV; CZK CZ; DJF DJ; DKK DK FO GL; DOP DO; DZD DZ; EGP EG; ERN ER; ETB ET;
EUR AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT RE SI SK SM VA YT;
FJD FJ; FKP FK; GBP GB GG IM JE UK; GEL GE; GHS GH; GIP GI; GMD GM; GNF GN; GTQ GT; GYD GY; HKD HK; HNL HN; HUF HU; IDR ID;
ILS IL; INR IN; IQD IQ; IRR IR; ISK IS; JMD JM; JOD JO; JPY JP; KES KE; KGS KG; KHR KH; KMF KM; KRW KR; KWD KW; KYD KY;
KZT KZ; LAK LA; LBP LB; LKR LK; LRD LR; LYD LY; MAD MA; MDL MD; MGA MG; MKD MK; MMK MM; MNT MN; MOP MO; MRU MR; MUR MU;
MVR MV; MWK MW; MXN MX; MYR MY; MZN MZ; NGN NG; NIO NI; NOK NO; NPR NP; NZD CK NU NZ PN TK; OMR OM; PEN PE; PGK PG; PHP PH;
PKR PK; PLN PL; PYG PY; QAR QA; RON RO; RSD RS; RUB RU; RWF RW; SAR SA; SBD SB; SCR SC; SDG SD; SEK SE; SGD SG; SHP SH;
SLE SL; SOS SO; SRD SR; SSP SS; STN ST; SYP SY; SZL SZ; THB TH; TJS TJ; TMT TM; TND TN; TOP TO; TRY TR; TTD TT; TWD TW;
TZS TZ; UAH UA; UGX UG; USD AS BQ EC FM GU MH MP PR PW TC TL US VG VI; UYU UY; UZS UZ; VES VE; VND VN; VUV VU; WST WS;
XAF CF CG CM GA GQ TD; XCD AG AI DM GD KN LC MS VC; XCG CW SX; XOF BF BJ CI GW ML NE SN TG; XPF NC PF WF; YER YE; ZAR ZA;
ZMW ZM
"""
BY_COUNTRY = {
    country: currency
    for currency, *countries in map(str.split, _COUNTRIES.split(";"))
    for country in countries
}
"""ISO 3166 to ISO 4217, by the same List One as `core/currencies.py`. Countries with two currencies of their own use (Panama,
Lesotho, Zimbabwe, ...) are left out: which one a company keeps its books in would be a guess."""


class CurrencyRecord(msgspec.Struct, frozen=True):
    """`{"value": "CAD"}`."""

    value: str = ""


class CurrencyPrefsRecord(msgspec.Struct, frozen=True):
    """`{"MultiCurrencyEnabled": false, "HomeCurrency": {"value": "CAD"}}`."""

    HomeCurrency: CurrencyRecord | None = None


class PreferencesRecord(msgspec.Struct, frozen=True):
    """`{"CurrencyPrefs": {..}, "Id": "1", ..}`."""

    CurrencyPrefs: CurrencyPrefsRecord | None = None


def currency_of(state: ConnectionState) -> str:
    """The company's own currency as it is known, "" while it is not."""
    told = facts.word(state, facts.HOME_CURRENCY)
    return told or BY_COUNTRY.get(facts.word(state, facts.COUNTRY), "")


def currency_look(state: ConnectionState) -> Look | None:
    """The call that tells it, once a look at most; None where it was told."""
    asked_at = facts.moment(facts.word(state, facts.CURRENCY_ASKED_AT))
    if asked_at is None:
        return _LOOK
    is_told = facts.HOME_CURRENCY in state.facts
    is_tried = state.looked_at is None or asked_at > state.looked_at
    return None if is_told or is_tried else _LOOK


def is_currency_look(look: Look) -> bool:
    """Whether it is that call: a person may ask with the same words, which is as good."""
    return look.endpoint == _LOOK.endpoint and look.arguments == _LOOK.arguments


def read_currency(_look: Look, response: Response, state: ConnectionState) -> Reading:
    """The reading of Preferences. Raise `Unreadable` where the answer is none."""
    answer = decode(response.body, QueryAnswer)
    found = answer.QueryResponse.get(PREFERENCES) or []
    told = ""
    for each in convert(found, list[PreferencesRecord]):
        prefs = each.CurrencyPrefs
        told = told or (prefs.HomeCurrency.value if prefs and prefs.HomeCurrency else "")
    state = _asked(read_well(state, response.received_at), response.sent_at)
    state = facts.learnt(state, {facts.HOME_CURRENCY: text(told)})
    return Reading(state, remote_request_id=remote_request_id(response))


def refused_currency(look: Look, response: Response, state: ConnectionState) -> Failure:
    """The failure where it was refused."""
    failure = refused(look, response, state)
    if failure.outcome not in _SETTLED:
        return without_answer(failure, response.sent_at, state)
    known = {facts.HOME_CURRENCY: facts.word(state, facts.HOME_CURRENCY)}
    return replace(failure, state=facts.learnt(_asked(state, response.sent_at), known))


def without_answer(failure: Failure, at: datetime, state: ConnectionState) -> Failure:
    """The failure of this call alone keeps nothing else waiting: the state is the one before it, and that it was tried."""
    if failure.outcome not in _ITS_OWN:
        return failure
    return replace(failure, state=_asked(state, at))


def _asked(state: ConnectionState, at: datetime) -> ConnectionState:
    return facts.learnt(state, {facts.CURRENCY_ASKED_AT: at.isoformat()})
