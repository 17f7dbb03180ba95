"""Books: bills, vendors and bank accounts as the books have them, answered from the mirror. One call renews all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query

from rowcol.api import ledger, paging
from rowcol.api.bodies import BillIds
from rowcol.api.gate import Asking, Caller
from rowcol.api.paging import Turn
from rowcol.api.reads import PurposeIn
from rowcol.api.roles import Role
from rowcol.core.books import OpenItem, Party
from rowcol.core.change import Action
from rowcol.core.need import Purpose
from rowcol.core.refusal import NotFound
from rowcol.engine.books import BooksAnswer
from rowcol.services.cache import CacheService

DueUntil = Annotated[date | None, Query(description="Only bills due on that day or before.")]
Force = Annotated[
    bool,
    Query(description="Read what changed now, whatever is known: at most one metered call."),
]


class NoSuchBill(NotFound):
    """The books have no such bill, as far as they are known."""

    def __init__(self, bill_id: str, as_of: datetime) -> None:
        said = f"{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        super().__init__(
            f"the books have no bill {bill_id!r} as of {said}",
            "ask again with force=true if it was written since",
        )
        self.more = {"as_of": as_of}


async def list_bills(
    asking: Asking,
    business_id: str,
    turn: Turn,
    due_until: DueUntil = None,
    purpose: PurposeIn = "display",
    *,
    force: Force = False,
) -> ledger.BooksOut[tuple[ledger.BillOut, ...]]:
    """Bills with something to pay, by due date. Another purpose than `display`, and `force`, need the role advisor."""
    asked = _purpose(asking, purpose, force=force)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    answer = _counted(asking, await service.list_bills(due_until, asked, force=force))
    page, more = paging.cut(answer.value, _due, turn)
    return replace(ledger.books_of(answer, lambda _: ledger.bills_of(page)), next=more)


async def read_bill(
    asking: Asking,
    business_id: str,
    bill_id: str,
    purpose: PurposeIn = "display",
    *,
    force: Force = False,
) -> ledger.BooksOut[ledger.BillOut | None]:
    """One bill by the books' own id. 404 names the time as of which there is none; `value` is null where the books
    were never read, and then `action` is HOLD."""
    asked = _purpose(asking, purpose, force=force)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    answer = _counted(asking, await service.get_bill(bill_id, asked, force=force))
    if answer.value is None and answer.as_of is not None and answer.action is Action.SERVE:
        raise NoSuchBill(bill_id, answer.as_of)
    return ledger.books_of(answer, _bill)


async def batch_bills(
    body: BillIds, asking: Asking, business_id: str
) -> ledger.BooksOut[tuple[ledger.BillOut, ...]]:
    """Bills by the books' own ids, in the order asked; those that the books do not have are left out.

    No call while the mirror vouches; one for the whole company where it is too old, however many ids.
    """
    asked = _purpose(asking, body.purpose, force=body.force)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    answer = _counted(asking, await service.batch_get_bills(body.ids, asked, force=body.force))

    def in_order(found: Mapping[str, OpenItem]) -> tuple[ledger.BillOut, ...]:
        ids = dict.fromkeys(i.strip() for i in body.ids)
        return tuple(ledger.bill_of(found[i]) for i in ids if i in found)

    return ledger.books_of(answer, in_order)


async def list_vendors(
    asking: Asking,
    business_id: str,
    turn: Turn,
    purpose: PurposeIn = "display",
) -> ledger.BooksOut[tuple[ledger.VendorOut, ...]]:
    """Vendors by name, inactive ones included and marked."""
    asked = _purpose(asking, purpose)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    answer = _counted(asking, await service.list_vendors(asked))
    page, more = paging.cut(answer.value, _named, turn)
    return replace(ledger.books_of(answer, lambda _: ledger.vendors_of(page)), next=more)


async def list_bank_accounts(
    asking: Asking, business_id: str, purpose: PurposeIn = "display"
) -> ledger.BooksOut[tuple[ledger.BankAccountOut, ...]]:
    """Bank accounts by name, as the books have them: what the books believe, not what the bank says."""
    asked = _purpose(asking, purpose)
    service = CacheService(asking.plane, business_id, firm=asking.firm)
    answer = await service.list_bank_accounts(asked)
    return ledger.books_of(_counted(asking, answer), ledger.bank_accounts_of)


def _due(row: OpenItem) -> paging.Key:
    return (row.due_on.isoformat() if row.due_on else "", row.remote_id)


def _named(row: Party) -> paging.Key:
    return (row.name.casefold(), row.remote_id)


def _purpose(asking: Caller, word: str, *, force: bool = False) -> Purpose:
    """What may lead to a call at every asking needs more than the least role."""
    if force or word != "display":
        asking.need(Role.ADVISOR)
    return Purpose(word.upper())


def _counted(asking: Caller, answer: BooksAnswer[ledger.T]) -> BooksAnswer[ledger.T]:
    asking.counts.answers[answer.question.purpose.value, answer.action.value] += 1
    return answer


def _bill(row: OpenItem | None) -> ledger.BillOut | None:
    return None if row is None else ledger.bill_of(row)
