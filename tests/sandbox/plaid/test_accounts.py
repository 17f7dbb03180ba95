"""Balances: the free ones are as old as the last pull, the paid ones are the truth and are billed."""

from __future__ import annotations

import pytest

from rowcol.sandbox.plaid import Switches
from rowcol.sandbox.plaid.billing import BALANCE
from tests.sandbox.rig import Rig


async def _balances(rig: Rig, path: str, token: str, **options: object) -> list[dict[str, object]]:
    answer = await rig.ok(path, access_token=token, options=options)
    return [account["balances"] for account in answer["accounts"]]


@pytest.mark.parametrize("refreshes", [False, True])
async def test_a_live_call_reads_the_truth_and_may_renew_the_cache(refreshes: bool) -> None:
    rig = Rig(Switches(live_call_refreshes_cache=refreshes))
    item = rig.item()
    looked_at = item.last_successful_update_at
    await rig.advance(minutes=1)
    rig.spend(-2_550)
    [cached] = await _balances(rig, "/accounts/get", item.access_token)
    [live] = await _balances(rig, "/accounts/balance/get", item.access_token)
    [after] = await _balances(rig, "/accounts/get", item.access_token)
    assert (cached["current"], live["current"]) == (1000, 974.5)
    assert after["current"] == (974.5 if refreshes else 1000)
    assert item.last_successful_update_at == looked_at
    assert rig.emulator.billing.n_calls(BALANCE) == 1


async def test_amounts_are_exact_numbers(rig: Rig) -> None:
    account = rig.account("odd", 236_319_805, minor_digits=4)
    item = rig.item(account)
    _, raw = await rig.raw("/accounts/get", access_token=item.access_token)
    assert b'"current":23631.9805' in raw


async def test_accounts_are_chosen_by_id_at_the_same_price(rig: Rig) -> None:
    item = rig.item(rig.account("one"), rig.account("two"))
    first = next(iter(item.accounts))
    path, token = "/accounts/balance/get", item.access_token
    assert len(await _balances(rig, path, token, account_ids=[first])) == 1
    assert await rig.error(path, access_token=token, options={"account_ids": ["x"]}) == (
        "INVALID_ACCOUNT_ID"
    )
    assert rig.emulator.billing.n_calls(BALANCE) == 1


async def test_cards_owe_and_loans_owe(rig: Rig) -> None:
    card = rig.account(
        "card", -41_000, account_type="credit", account_subtype="credit card", limit_minor=200_000
    )
    loan = rig.account("loan", -900_000, account_type="loan", account_subtype="student")
    item = rig.item(card, loan)
    rig.spend(-1_000, "card", pending_since=rig.now)
    owed, borrowed = await _balances(rig, "/accounts/get", item.access_token)
    assert (owed["current"], owed["available"], owed["limit"]) == (410, 1590, 2000)
    assert (borrowed["current"], borrowed["available"]) == (9000, None)


@pytest.mark.parametrize("serves", [True, False])
async def test_a_broken_item_may_still_serve_its_cache(serves: bool) -> None:
    rig = Rig(Switches(broken_item_serves_cache=serves))
    item = rig.item()
    rig.emulator.break_login(item)
    status, answer = await rig.call("/accounts/get", access_token=item.access_token)
    assert (status, answer.get("error_code")) == (
        (200, None) if serves else (400, "ITEM_LOGIN_REQUIRED")
    )
    assert await rig.error("/accounts/balance/get", access_token=item.access_token) == (
        "ITEM_LOGIN_REQUIRED"
    )
    assert rig.emulator.billing.n_calls(BALANCE) == 0


@pytest.mark.parametrize("by_item", [True, False])
async def test_capital_one_cards_are_cached_and_demand_a_floor(by_item: bool) -> None:
    rig = Rig(Switches(capital_one_rule_by_item=by_item))
    card = rig.account("card", -10_000, account_type="credit", limit_minor=50_000)
    item = rig.item(rig.account(), card, bank="ins_128026")
    cash_id, card_id = item.accounts
    await rig.advance(minutes=1)
    rig.spend(-5_000)
    rig.spend(-5_000, "card")
    path, token = "/accounts/balance/get", item.access_token
    assert await rig.error(path, access_token=token) == "INVALID_FIELD"
    only_cash = await rig.call(path, access_token=token, options={"account_ids": [cash_id]})
    assert only_cash[0] == (400 if by_item else 200)
    floor = "2024-01-01T00:00:00Z"
    cash, owed = await _balances(rig, path, token, min_last_updated_datetime=floor)
    assert (cash["current"], owed["current"]) == (950, 100)
    assert owed["last_updated_datetime"] == "2026-01-05T09:00:00Z"
    options = {"account_ids": [card_id], "min_last_updated_datetime": rig.now.isoformat()}
    assert await rig.error(path, access_token=token, options=options) == (
        "LAST_UPDATED_DATETIME_OUT_OF_RANGE"
    )


@pytest.mark.parametrize(
    ("error_type", "status"), [("INVALID_RESULT", 400), ("INVALID_REQUEST", 404)]
)
async def test_out_of_range_names_the_newest_time(error_type: str, status: int) -> None:
    rig = Rig(Switches(out_of_range_type=error_type, out_of_range_http_status=status))
    item = rig.item(bank="ins_136439")
    options = {"min_last_updated_datetime": "2027-01-01T00:00:00Z"}
    code, answer = await rig.call(
        "/accounts/balance/get", access_token=item.access_token, options=options
    )
    assert (code, answer["error_type"]) == (status, error_type)
    assert answer["error_message"].endswith("2026-01-05T09:00:00Z")


@pytest.mark.parametrize("rule", [True, False])
async def test_apple_card_may_demand_a_floor(rule: bool) -> None:
    rig = Rig(Switches(apple_card_rule=rule))
    item = rig.item(bank="ins_136439")
    status, _ = await rig.call("/accounts/balance/get", access_token=item.access_token)
    assert status == (400 if rule else 200)


async def test_the_floor_is_harmless_elsewhere_but_must_be_a_moment(rig: Rig) -> None:
    item = rig.item()
    path, token = "/accounts/balance/get", item.access_token
    await _balances(rig, path, token, min_last_updated_datetime="2030-01-01T00:00:00Z")
    for bad in ("yesterday", "2026-01-01T00:00:00"):
        options = {"min_last_updated_datetime": bad}
        assert await rig.error(path, access_token=token, options=options) == "INVALID_FIELD"
