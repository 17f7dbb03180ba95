"""The billing oracle: UTC months in which the token was valid, and each success of the server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rowcol.sandbox.plaid.billing import BALANCE, REFRESH, Billing, LiveCall, Prices

START_AT = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
END_AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_months_are_charged_whole_by_utc() -> None:
    billing = Billing(Prices())
    billing.subscribe("c", "i", START_AT)
    billing.subscribe("c", "i", END_AT)
    assert billing.item_months(START_AT) == 1
    assert billing.item_months(START_AT + timedelta(minutes=1)) == 2
    billing.end("i", END_AT - timedelta(seconds=1))
    billing.end("i", END_AT + timedelta(days=90))
    billing.end("nobody", END_AT)
    assert billing.item_months(END_AT + timedelta(days=90)) == 2


def test_calls_are_counted_by_client_and_item() -> None:
    billing = Billing(Prices(item_month_micros=7, balance_micros=10, refresh_micros=100))
    for client, item, path in (("c", "i", BALANCE), ("c", "j", BALANCE), ("d", "k", REFRESH)):
        billing.record_call(LiveCall(START_AT, client, item, path))
    billing.subscribe("d", "k", START_AT)
    assert billing.n_calls(BALANCE) == 2
    assert billing.n_calls(BALANCE, "c", "j") == 1
    assert billing.n_calls(REFRESH, "c") == 0
    assert billing.cost_micros(START_AT) == 127
    assert billing.cost_micros(START_AT, "c") == 20
    report = billing.report(START_AT)
    assert report["cost_micros"] == 127
    assert report["clients"]["d"]["items"]["k"] == {
        "months": ["2026-01"],
        "balance_calls": 0,
        "refresh_calls": 1,
    }
    assert [call["item_id"] for call in report["calls"]] == ["i", "j", "k"]
