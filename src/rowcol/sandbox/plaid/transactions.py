"""`/transactions/sync` with opaque cursors, and `/transactions/refresh`, which only starts a pull and is billed.

A cursor is base64 of `item|account or *|base|position|head`. A final cursor has base = position; a cursor inside a
pagination also says which log it began with, so a change in between is an error and the client starts over.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from rowcol.sandbox.plaid.calls import Call
from rowcol.sandbox.plaid.dynamic import DYNAMIC_USER, stir
from rowcol.sandbox.plaid.errors import PlaidError
from rowcol.sandbox.plaid.items import Item
from rowcol.sandbox.plaid.log import Page, Txn
from rowcol.sandbox.plaid.shapes import Shape, account_shape, transaction_shape

COUNT_DEFAULT: Final = 100
_ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader of one stream of one Item is."""

    item_id: str
    stream: str
    base: int = 0
    position: int = 0
    head: int | None = None
    """The log's head when this pagination began; None between paginations."""

    def encode(self) -> str:
        """Opaque text, at most 256 characters."""
        head = "" if self.head is None else self.head
        raw = f"{self.item_id}|{self.stream}|{self.base}|{self.position}|{head}"
        return urlsafe_b64encode(raw.encode()).decode()


def decode_cursor(text: str, item: Item, stream: str) -> Cursor:
    """Raise INVALID_FIELD for garbage and for the cursor of another Item or stream (words seen in public reports)."""
    if not text:
        return Cursor(item.item_id, stream)
    try:
        of_item, of_stream, base, position, head = urlsafe_b64decode(text).decode().split("|")
        cursor = Cursor(of_item, of_stream, int(base), int(position), int(head) if head else None)
    except (binascii.Error, ValueError):
        raise PlaidError("INVALID_FIELD", "cursor is invalid") from None
    if item.refuses_cursors or (cursor.item_id, cursor.stream) != (item.item_id, stream):
        raise PlaidError("INVALID_FIELD", "cursor not associated with access_token")
    if not 0 <= cursor.base <= cursor.position <= item.log.head:
        raise PlaidError("INVALID_FIELD", "cursor is invalid")
    return cursor


def sync_transactions(call: Call) -> Shape:
    """A page of changes since the cursor. On an Item without Transactions this adds, and bills, the product."""
    item = call.require_cache()
    count = call.body.get("count", COUNT_DEFAULT)
    stream = call.options.get("account_id", _ALL)
    if stream != _ALL and stream not in item.accounts:
        raise PlaidError("INVALID_ACCOUNT_ID")
    cursor = decode_cursor(call.body.get("cursor", ""), item, stream)
    if not item.has_transactions:
        call.emulator.subscribe(item)
    item.is_sync_called = True
    log = item.log
    if cursor.head is not None and cursor.head != log.head:
        raise PlaidError("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
    page = log.page(cursor.base, cursor.position, count, None if stream == _ALL else stream)
    if page.has_more:
        following = Cursor(item.item_id, stream, cursor.base, page.position, log.head)
        _force_mutation(item)
    else:
        following = Cursor(item.item_id, stream, page.position, page.position)
    return _page_shape(call, item, page, following)


def refresh_transactions(call: Call) -> Shape:
    """Start a pull; the answer says nothing about its result."""
    if not call.item.has_transactions:
        raise PlaidError("PRODUCT_NOT_ENABLED")
    item = call.require_live_contact()
    call.record_paid()
    if item.wish.username == DYNAMIC_USER:
        stir(item, call.now)
    call.emulator.plan_refresh(item)
    return {}


def _page_shape(call: Call, item: Item, page: Page, following: Cursor) -> Shape:
    has_original = bool(call.options.get("include_original_description", False))

    def shape(txn: Txn) -> Shape:
        known = item.accounts | item.closed_accounts
        return transaction_shape(known[txn.account_id], txn, has_original=has_original)

    mentioned = {txn.account_id for txn in (*page.added, *page.modified, *page.removed)}
    return {
        "accounts": [
            account_shape(item, account, account.cached)
            for key, account in item.accounts.items()
            if key in mentioned
        ],
        "added": [shape(txn) for txn in page.added],
        "has_more": page.has_more,
        "modified": [shape(txn) for txn in page.modified],
        "next_cursor": following.encode() if item.is_initial_done else "",
        "removed": [
            {"account_id": txn.account_id, "transaction_id": txn.transaction_id}
            for txn in page.removed
        ],
        "transactions_update_status": _update_status(item),
    }


def _update_status(item: Item) -> str:
    if item.is_historical_done:
        return "HISTORICAL_UPDATE_COMPLETE"
    return "INITIAL_UPDATE_COMPLETE" if item.is_initial_done else "NOT_READY"


def _force_mutation(item: Item) -> None:
    """The knob `mutate_during_pagination`: the log changes right after this page."""
    if item.n_forced_mutations > 0:
        live = item.log.live()
        if live:
            item.n_forced_mutations -= 1
            item.log.modify(live[0])
