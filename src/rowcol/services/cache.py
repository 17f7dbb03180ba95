"""CacheService: cached data access, with proof. A display read never spends under 24 h of age.

What the books say is read from the mirror: one call revalidates a whole company, so a thousand
bills cost as much as one. Every answer about them says as of when the mirror is complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from rowcol.core.books import LedgerAccount, OpenItem, Party
from rowcol.core.change import Action
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.need import Purpose, Question, question_of
from rowcol.core.rail import Role
from rowcol.core.secret import hiding
from rowcol.engine.answer import Answer
from rowcol.engine.books import BooksAnswer
from rowcol.services import books
from rowcol.services.asking import answered
from rowcol.services.hot import KEPT, Kept
from rowcol.services.pauses import need_one_running
from rowcol.services.plane import OpenPlane


@hiding
class CacheService:
    """Reads of one business. `firm` may be left out where the plane has only one."""

    def __init__(
        self, plane: OpenPlane, business_id: BusinessId | str, *, firm: FirmId | None = None
    ) -> None:
        self._plane = plane
        self._business = BusinessId(business_id)
        self._firm = firm if firm is not None else plane.default_firm

    async def get_balance(
        self, purpose: Purpose = Purpose.DISPLAY, *, deadline: datetime | None = None
    ) -> Answer:
        """Cash over the business's operating accounts, fresh enough for `purpose`.

        Waits for free evidence until `deadline` (default: the purpose's patience) before a cent is
        spent, and pays at most once however many ask. Raises `NotFound` for a business that the
        firm does not have; everything else that can go wrong is in `.action`, `.label` and `.reason`.
        """
        plane = self._plane
        if purpose is Purpose.DISPLAY and self._firm is not None:
            kept = plane.hot.get(self._firm, self._business, plane.clock.now())
            if kept is not None:
                plane.decisions.repeat(self._firm, self._business, kept.answer.records)
                return kept.answer
        return await self._read(purpose, deadline)

    async def get_bill(
        self,
        bill_id: str,
        purpose: Purpose = Purpose.DISPLAY,
        *,
        force: bool = False,
        deadline: datetime | None = None,
    ) -> BooksAnswer[OpenItem | None]:
        """One bill by the books' own id; None where the books have none as of then and we never read one.

        One that was deleted there is told as such (`is_deleted`), with nothing open. At most one metered call, and none
        while the mirror is fresh enough for `purpose`; `force=True` reads what changed now, whatever is known.
        `deadline` as for a balance (default: the purpose's patience): what is known by then is the answer, with a label
        or held. So it is with every list below. Raises `RowUnreadable`, which says why, where what the books have is no bill.
        """
        found = await self.batch_get_bills([bill_id], purpose, force=force, deadline=deadline)
        for row in found.unreadable:
            raise books.RowUnreadable(row)
        return books.with_value(found, next(iter(found.value.values()), None))

    async def batch_get_bills(
        self,
        bill_ids: Sequence[str],
        purpose: Purpose = Purpose.DISPLAY,
        *,
        force: bool = False,
        deadline: datetime | None = None,
    ) -> BooksAnswer[Mapping[str, OpenItem]]:
        """Bills by their ids, without spaces around them; ids that `get_bill` has None for are left out.

        Those that `get_bill` would refuse are in `.unreadable`, as in the lists below.

        No call while the mirror vouches; one for a whole company where it is too old; and where it
        was never read whole, one for 500 ids. Raises `BadInput` past 10,000 ids.
        """
        firm, asked = await self._asked(purpose, force=force, deadline=deadline)
        return await books.bills_by_id(self._plane, firm, self._business, bill_ids, asked)

    async def list_bills(
        self,
        due_until: date | None = None,
        purpose: Purpose = Purpose.DISPLAY,
        *,
        force: bool = False,
        deadline: datetime | None = None,
    ) -> BooksAnswer[tuple[OpenItem, ...]]:
        """Bills with something to pay, by due date; `due_until`: only those due on that day or before.

        A bill that is open but cannot be read (half a yen, a currency nobody knows) is in `.unreadable` with the reason, the
        `.label` says so, and the others are exact. Also for a decision: sums and the first due date made of `.value` are
        then without it, so who decides on them (a guardrail) must look that bill up in the books first, or not decide.
        Raises `BadInput` past 100,000 of one company.
        """
        firm, asked = await self._asked(purpose, force=force, deadline=deadline)
        return await books.open_bills(self._plane, firm, self._business, due_until, asked)

    async def list_vendors(
        self,
        purpose: Purpose = Purpose.DISPLAY,
        *,
        force: bool = False,
        deadline: datetime | None = None,
    ) -> BooksAnswer[tuple[Party, ...]]:
        """Vendors, inactive ones included and marked. Bounded and refused as bills are."""
        firm, asked = await self._asked(purpose, force=force, deadline=deadline)
        return await books.vendors(self._plane, firm, self._business, asked)

    async def list_bank_accounts(
        self,
        purpose: Purpose = Purpose.DISPLAY,
        *,
        force: bool = False,
        deadline: datetime | None = None,
    ) -> BooksAnswer[tuple[LedgerAccount, ...]]:
        """Bank accounts as the books have them: what the books believe, not what the bank says."""
        firm, asked = await self._asked(purpose, force=force, deadline=deadline)
        return await books.bank_accounts(self._plane, firm, self._business, asked)

    async def _asked(
        self, purpose: Purpose, *, force: bool, deadline: datetime | None
    ) -> tuple[FirmId, Question]:
        firm = self._firm = await self._plane.firm(self._firm)
        if force:
            await need_one_running(self._plane, firm, self._business, Role.BOOKS)
        return firm, books.asked(self._plane, purpose, is_confirmed=force, deadline=deadline)

    async def _read(self, purpose: Purpose, deadline: datetime | None) -> Answer:
        firm = self._firm = await self._plane.firm(self._firm)
        answer = await answer_for(
            self._plane, firm, self._business, purpose, deadline=deadline, is_confirmed=False
        )
        if purpose is Purpose.DISPLAY and answer.action is Action.SERVE and answer.label is None:
            good_until = self._plane.clock.now() + KEPT
            self._plane.hot.put(firm, self._business, Kept(answer, good_until))
        return answer


async def answer_for(
    plane: OpenPlane,
    firm: FirmId,
    business: BusinessId,
    purpose: Purpose,
    *,
    deadline: datetime | None,
    is_confirmed: bool,
) -> Answer:
    """Cash, asked for now."""
    question = question_of(purpose, plane.clock.now(), deadline=deadline, is_confirmed=is_confirmed)
    answer: Answer = await answered(plane, plane.answerer, firm, business, question)
    if answer.calls:
        plane.hot.forget(firm, business)
    return answer
