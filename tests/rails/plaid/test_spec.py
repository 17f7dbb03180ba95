"""Spec: what is free, what is not, and how often it may be asked."""

from __future__ import annotations

from datetime import date

from rowcol.core.money import Cost
from rowcol.core.quota import QuotaRule, QuotaScope, quota_of
from rowcol.core.tariff import Per, price_on
from rowcol.rails.plaid.facts import REFUSED
from rowcol.rails.plaid.spec import ENDPOINTS, EVENTS, EVERYTHING, SPEC


def test_every_priced_endpoint_has_a_price_and_is_not_callable_by_name() -> None:
    for endpoint in ENDPOINTS.values():
        if endpoint.tariff is not None:
            price = price_on(SPEC.prices, "plaid", endpoint.tariff, date(2020, 1, 1))
            assert price is not None
            assert price.per is Per.CALL
            assert not endpoint.is_callable


def test_prices_are_the_reported_ones_and_assumed() -> None:
    costs = {(p.item, p.per): p.cost for p in SPEC.prices}
    assert costs == {
        ("balance", Per.CALL): Cost(100_000),
        ("transactions_refresh", Per.CALL): Cost(120_000),
        ("connection", Per.CONNECTION_MONTH): Cost(300_000),
    }
    assert all(p.is_assumed and p.source and p.checked_on for p in SPEC.prices)


def test_names_are_paths() -> None:
    for name, endpoint in ENDPOINTS.items():
        assert endpoint.path == "/" + name.replace(".", "/")
        assert endpoint.name == name
        assert endpoint.summary


def test_limits_are_the_published_ones() -> None:
    assert ENDPOINTS["accounts.balance.get"].quotas == {
        "production": (
            QuotaRule(QuotaScope.CONNECTION, 5, 60),
            QuotaRule(QuotaScope.APP, 1_200, 60),
        ),
        "sandbox": (QuotaRule(QuotaScope.CONNECTION, 25, 60), QuotaRule(QuotaScope.APP, 100, 60)),
    }


def test_keys_are_asked_for_at_most_twelve_times_a_minute() -> None:
    (rule,) = ENDPOINTS["webhook_verification_key.get"].quotas["production"]
    assert quota_of(rule, "k").admitted == 12


def test_what_may_bill_or_destroy_is_not_callable_by_name() -> None:
    names = {name for name, endpoint in ENDPOINTS.items() if endpoint.is_callable}
    dangerous = {"item.remove", "item.webhook.update", "transactions.sync"}
    assert not names & {*dangerous, "item.public_token.exchange"}


def test_events_hint_at_known_streams_only() -> None:
    hinted = {signal.stream for signals in EVENTS.values() for signal in signals}
    assert hinted == {*EVERYTHING, REFUSED}
