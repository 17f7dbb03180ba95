"""Merged: what has to be listed anew after two names became one.

Names are never deleted, only made inactive: a tombstone of one means that it was merged. Whether `/cdc`
tells that tombstone, and whether it tells the documents that named it, is not documented; a delivery may
say that there was a merge. So each of the two causes the listing of what may have changed along.
"""

from __future__ import annotations

from collections.abc import Iterable

from rowcol.core.connection import ConnectionState
from rowcol.core.rail import Row
from rowcol.rails.qbo import facts
from rowcol.rails.qbo.spec import COMPANY, ENTITIES, MERGED, NAME_LISTS

_DOCUMENTS = tuple(e for e in ENTITIES if e not in (COMPANY, *NAME_LISTS))
NAMED_BY: dict[str, tuple[str, ...]] = {
    "Vendor": ("Bill", "BillPayment", "VendorCredit", "Purchase"),
    "Customer": ("Invoice", "Payment", "CreditMemo", "SalesReceipt", "RefundReceipt", "Purchase"),
    "Account": _DOCUMENTS,
}
"""Documents that name one of them, by name list; journal entries and deposits may name any."""
_ANY = ("JournalEntry", "Deposit")


def touched(rows: Iterable[Row], marked: ConnectionState | None) -> tuple[str, ...]:
    """Entities to list whole: for names that are gone, and for merges that deliveries told before a reading began."""
    gone = {row.entity for row in rows if row.body is None}
    told = {facts.unmarked(name) for name in marked.dirty} if marked is not None else set()
    found: dict[str, None] = {}
    for name in NAME_LISTS:
        if f"{name}{MERGED}" in told:
            found[name] = None
        if name in gone or name in found:
            found.update(dict.fromkeys((*NAMED_BY[name], *_ANY)))
    return tuple(found)
