"""Currencies: the codes of ISO 4217 with the digits that each has after the point.

Source: List One of ISO 4217, published 2026-01-01 by its maintenance agency (six-group.com, list-one.xml), compared code
by code 2026-12-01. Codes without digits there ("N.A.": metals, bonds, drawing rights, tests) are no currencies here. Codes
withdrawn since 2010 (List Three) are kept: books hold amounts of years ago.
"""

from __future__ import annotations

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU
CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR
NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_WITHDRAWN = {
    0: "BYR",
    2: "ANG BGN CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL",
}

DIGITS: dict[str, int] = {
    code: digits
    for digits, codes in (
        *_WITHDRAWN.items(),
        (0, _NONE),
        (2, _TWO),
        (3, _THREE),
        (4, _FOUR),
    )
    for code in codes.split()
}
"""Three capital letters -> digits after the point. A code in small letters or with spaces is not in it."""
