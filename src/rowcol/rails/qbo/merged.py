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
NOTED_MAX = 100
"""More merges than that in five minutes are listed for twice."""


def gone_of(rows: Iterable[Row]) -> frozenset[str]:
    """The names that an answer says are gone."""
    return frozenset(
        f"{row.entity}:{row.remote_id}"
        for row in rows
        if row.body is None and row.entity in NAME_LISTS
    )


def touched(gone: Iterable[str], state: ConnectionState, *, is_first: bool) -> tuple[str, ...]:
    """Entities to list whole: for names that are gone and were not in the answer before, and for merges that
    deliveries told before this reading began (`is_first`: this is its first answer)."""
    seen = frozenset(facts.word(state, facts.GONE).split())
    lists = {each.partition(":")[0] for each in gone if each not in seen}
    told = {facts.unmarked(name) for name in state.dirty} if is_first else set()
    found: dict[str, None] = {}
    for name in NAME_LISTS:
        if f"{name}{MERGED}" in told:
            found[name] = None
        if name in lists or name in found:
            found.update(dict.fromkeys((*NAMED_BY[name], *_ANY)))
    return tuple(found)


def noted(state: ConnectionState, gone: frozenset[str], *, is_first: bool) -> ConnectionState:
    """The same with the names of this reading that are gone: the next answer tells those again that are dated within
    the overlap, or in the future."""
    before = frozenset() if is_first else frozenset(facts.word(state, facts.GONE).split())
    told = " ".join(sorted(before | gone)[:NOTED_MAX])
    return facts.learnt(state, {facts.GONE: told}) if told else facts.without(state, facts.GONE)
