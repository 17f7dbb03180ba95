"""`/accounts/get` reads the cache and is free; `/accounts/balance/get` reads the truth and is billed when it succeeds."""

from __future__ import annotations

from datetime import datetime

from rowcol.sandbox.plaid.calls import Call, parse_moment
from rowcol.sandbox.plaid.catalog import APPLE_CARD, CAPITAL_ONE
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.items import Balances, Item, LinkedAccount
from rowcol.sandbox.plaid.pulls import copy_balances
from rowcol.sandbox.plaid.shapes import Shape, account_shape


def get_accounts(call: Call) -> Shape:
    """Balances as of the last pull."""
    item = call.require_cache()
    accounts = call.chosen_accounts()
    return {
        "accounts": [account_shape(item, account, account.cached) for account in accounts],
        "item": call.show(item),
    }


def get_live_balances(call: Call) -> Shape:
    """Balances as of now; for Capital One cards and Apple Card the cached ones, at the same price."""
    accounts = call.chosen_accounts()
    item = call.require_live_contact()
    shown = [(account, _balances(call, item, account)) for account in accounts]
    _require_floor(call, item, accounts)
    call.record_paid()
    if call.emulator.switches.live_call_refreshes_cache:
        copy_balances(item, call.now)
    return {
        "accounts": [account_shape(item, account, balances) for account, balances in shown],
        "item": call.show(item),
    }


def _balances(call: Call, item: Item, account: LinkedAccount) -> Balances | None:
    return account.cached if _is_cached_only(item, account) else account.look(call.now)


def _is_cached_only(item: Item, account: LinkedAccount) -> bool:
    bank = item.institution.institution_id
    if bank == CAPITAL_ONE:
        return account.ledger.facts.account_type != "depository"
    return bank == APPLE_CARD


def _require_floor(call: Call, item: Item, accounts: list[LinkedAccount]) -> None:
    """`min_last_updated_datetime` is obeyed, and demanded, at two institutions only."""
    bank = item.institution.institution_id
    switches = call.emulator.switches
    if bank == APPLE_CARD and switches.apple_card_rule:
        bound = accounts
    elif bank == CAPITAL_ONE:
        asked = list(item.accounts.values()) if switches.capital_one_rule_by_item else accounts
        bound = [account for account in asked if _is_cached_only(item, account)]
    else:
        bound = []
    floor = call.options.get("min_last_updated_datetime")
    floor_at = None if floor is None else parse_moment(floor, "min_last_updated_datetime")
    if not bound:
        return
    if floor_at is None:
        raise PlaidError(
            "INVALID_FIELD", "min_last_updated_datetime is required for this institution"
        )
    _require_young(call, bound, floor_at)


def _require_young(call: Call, bound: list[LinkedAccount], floor_at: datetime) -> None:
    newest_at = min((one.cached.seen_at for one in bound if one.cached is not None), default=None)
    if newest_at is None or newest_at < floor_at:
        switches = call.emulator.switches
        raise PlaidError(
            "LAST_UPDATED_DATETIME_OUT_OF_RANGE",
            "never" if newest_at is None else newest_at.isoformat().replace("+00:00", "Z"),
            error_type=switches.out_of_range_type,
            http_status=switches.out_of_range_http_status,
        )
