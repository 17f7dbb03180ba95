"""Books: bills, vendors and bank accounts as the books have them, answered from the mirror. One call renews all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Query

from rowcol.api import ledger, paging
from rowcol.api.bodies import BillIds
from rowcol.api.gate import Asking, Caller
from rowcol.api.paging import Turn
from rowcol.api.reads import Deadline, PurposeIn, aware
from rowcol.api.roles import Role
from rowcol.core.books import OpenItem, Party
from rowcol.core.change import Action
from rowcol.core.need import Purpose
from rowcol.core.refusal import NotFound
from rowcol.engine.books import BooksAnswer
from rowcol.services.cache import CacheService

VIEWER_IDS_MAX = 1_000
"""Two calls, where the books were never read whole."""
BATCH_BYTES_MAX = 512 * 1024
"""Ten thousand ids of twenty characters are a quarter of a MiB."""
DueUntil = Annotated[date | None, Query(description="Only bills due on that day or before.")]
Force = Annotated[
    bool,
    Query(description="Read what changed now, whatever is known: at most one metered call."),
]


@dataclass(frozen=True, slots=True)
class Wished:
    """How fresh the books must be, and by when."""

    purpose: PurposeIn = "display"
    deadline: Deadline = None
    force: Force = False

    def allowed(self, asking: Caller) -> Purpose:
        """What may lead to a call at every asking needs more than the least role."""
        if self.force or self.purpose != "display":
            asking.need(Role.ADVISOR)
        return Purpose(self.purpose.upper())

    @property
    def until(self) -> datetime | None:
        """With its offset."""
        return aware(self.deadline)


Wish = Annotated[Wished, Depends()]


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
    wish: Wish,
    due_until: DueUntil = None,
) -> ledger.BooksOut[tuple[ledger.BillOut, ...]]:
    """Bills with something to pay, by due date.

    Another purpose than `display`, and `force`, need the role advisor, here as for all that the books say. What is known
    at the `deadline` (left out: the purpose's patience) is the answer, with a label or held.
    """
    service, purpose = _service(asking, business_id), wish.allowed(asking)
    answer = await service.list_bills(due_until, purpose, force=wish.force, deadline=wish.until)
    page, more = paging.cut(_counted(asking, answer).value, _due, turn)
    return replace(ledger.books_of(answer, lambda _: ledger.bills_of(page)), next=more)


async def read_bill(
    asking: Asking,
    business_id: str,
    bill_id: str,
    wish: Wish,
) -> ledger.BooksOut[ledger.BillOut | None]:
    """One bill by the books' own id. 404 names the time as of which there is none; `value` is null where the books
    were never read, and then `action` is HOLD."""
    service, purpose = _service(asking, business_id), wish.allowed(asking)
    answer = await service.get_bill(bill_id, purpose, force=wish.force, deadline=wish.until)
    if (
        _counted(asking, answer).value is None
        and answer.as_of is not None
        and answer.action is Action.SERVE
    ):
        raise NoSuchBill(bill_id, answer.as_of)
    return ledger.books_of(answer, _bill)


async def batch_bills(
    body: BillIds, asking: Asking, business_id: str
) -> ledger.BooksOut[tuple[ledger.BillOut, ...]]:
    """Bills by the books' own ids, in the order asked; those that the books do not have are left out.

    At most 10,000 ids in 512 KiB; more than 1,000 need the role advisor. No call while the mirror vouches; one for the
    whole company where it is too old, however many ids; one for each 500 ids where the books were never read whole.
    """
    if len(body.ids) > VIEWER_IDS_MAX:
        asking.need(Role.ADVISOR)
    wish = Wished(body.purpose, body.deadline, force=body.force)
    service, purpose = _service(asking, business_id), wish.allowed(asking)
    answer = await service.batch_get_bills(body.ids, purpose, force=wish.force, deadline=wish.until)

    def in_order(found: Mapping[str, OpenItem]) -> tuple[ledger.BillOut, ...]:
        ids = dict.fromkeys(i.strip() for i in body.ids)
        return tuple(ledger.bill_of(found[i]) for i in ids if i in found)

    return ledger.books_of(_counted(asking, answer), in_order)


async def list_vendors(
    asking: Asking,
    business_id: str,
    turn: Turn,
    wish: Wish,
) -> ledger.BooksOut[tuple[ledger.VendorOut, ...]]:
    """Vendors by name, inactive ones included and marked."""
    service, purpose = _service(asking, business_id), wish.allowed(asking)
    answer = await service.list_vendors(purpose, force=wish.force, deadline=wish.until)
    page, more = paging.cut(_counted(asking, answer).value, _named, turn)
    return replace(ledger.books_of(answer, lambda _: ledger.vendors_of(page)), next=more)


async def list_bank_accounts(
    asking: Asking, business_id: str, wish: Wish
) -> ledger.BooksOut[tuple[ledger.BankAccountOut, ...]]:
    """Bank accounts by name, as the books have them: what the books believe, not what the bank says."""
    service, purpose = _service(asking, business_id), wish.allowed(asking)
    answer = await service.list_bank_accounts(purpose, force=wish.force, deadline=wish.until)
    return ledger.books_of(_counted(asking, answer), ledger.bank_accounts_of)


def _due(row: OpenItem) -> paging.Key:
    return (row.due_on.isoformat() if row.due_on else "", row.remote_id)


def _named(row: Party) -> paging.Key:
    return (row.name.casefold(), row.remote_id)


def _service(asking: Caller, business_id: str) -> CacheService:
    return CacheService(asking.plane, business_id, firm=asking.firm)


def _counted(asking: Caller, answer: BooksAnswer[ledger.T]) -> BooksAnswer[ledger.T]:
    asking.counts.answers[answer.question.purpose.value, answer.action.value] += 1
    return answer


def _bill(row: OpenItem | None) -> ledger.BillOut | None:
    return None if row is None else ledger.bill_of(row)
