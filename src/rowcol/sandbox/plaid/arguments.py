"""Arguments of the control API: required ones, moments, Items and accounts that a JSON object names.

Raise `BadArgument` for what makes no sense. Used by `control` and `knobs`, which hold the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rowcol.sandbox.plaid.emulator import PlaidEmulator
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.world import AccountFacts, Posting

Arguments = Mapping[str, Any]


class BadArgument(ValueError):
    """A knob or control request that makes no sense; the text says why."""


def need(arguments: Arguments, name: str) -> Any:
    """A required argument."""
    if arguments.get(name) is None:
        raise BadArgument(f"{name} is missing")
    return arguments[name]


def need_item(emulator: PlaidEmulator, arguments: Arguments) -> Item:
    """The Item of `item_id`."""
    item_id = need(arguments, "item_id")
    if item_id not in emulator.items:
        raise BadArgument(f"no item {item_id}")
    return emulator.items[item_id]


def need_account(item: Item, arguments: Arguments) -> str:
    """The `account_id`, one of the Item."""
    account_id = need(arguments, "account_id")
    if account_id not in item.accounts:
        raise BadArgument(f"no account {account_id} on this item")
    return str(account_id)


def moment(text: Any, name: str) -> datetime:
    """ISO 8601 with a zone."""
    try:
        when = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadArgument(f"{name} is no ISO 8601 moment: {text!r}") from None
    if when.tzinfo is None:
        raise BadArgument(f"{name} has no time zone: {text!r}")
    return when.astimezone(UTC)


def given_account(emulator: PlaidEmulator, account: Arguments) -> str:
    """The world account that is named, opened first if it is new. Returns its id in the world."""
    account_id = account.get("account_id")
    if account_id is not None and account_id in emulator.world.account_ids():
        return str(account_id)
    if account.get("name") is None:
        raise BadArgument(f"no world account {account_id}; a new one needs a name")
    account_id = str(account_id or f"control-{emulator.tokens.new_guid('account')}")
    rows = account.get("postings") or []
    postings = [given_posting(f"{account_id}-{n}", row, emulator) for n, row in enumerate(rows)]
    facts = AccountFacts(
        name=str(account["name"]),
        mask=None if account.get("mask") is None else str(account["mask"]),
        account_type=account.get("type", "depository"),
        account_subtype=account.get("subtype", "checking"),
        official_name=account.get("official_name"),
        currency=account.get("currency", "USD"),
        limit_minor=account.get("limit_minor"),
    )
    emulator.world.open_account(account_id, facts, int(account.get("opening_minor", 0)), postings)
    return account_id


def given_posting(posting_id: str, row: Arguments, emulator: PlaidEmulator) -> Posting:
    """A posting of a request, now unless it says when."""
    posted, pending = row.get("posted_at"), row.get("pending_since")
    amount_minor = need(row, "amount_minor")
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        raise BadArgument(f"amount_minor is an integer, not {amount_minor!r}")
    return Posting(
        posting_id,
        emulator.clock.now() if posted is None else moment(posted, "posted_at"),
        amount_minor,
        str(row.get("description", "Posting")),
        None if pending is None else moment(pending, "pending_since"),
    )
