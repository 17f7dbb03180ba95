"""CacheService: cached data access, with proof. A display read never spends under 24 h of age."""

from __future__ import annotations

from datetime import datetime, timedelta

from rowcol.core.change import Action
from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.need import GRACE, Purpose, question_of
from rowcol.core.refusal import NotFound
from rowcol.engine.answer import Answer, Open
from rowcol.engine.topics import ANSWERS
from rowcol.ports import Bell
from rowcol.services.hot import KEPT, Kept
from rowcol.services.plane import OpenPlane

POLL_FIRST = timedelta(milliseconds=20)
POLL_MAX = timedelta(seconds=1)


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
    """Ask, and wait until reconcile has answered. The only waiting outside the runner."""
    question = question_of(purpose, plane.clock.now(), deadline=deadline, is_confirmed=is_confirmed)
    bell = plane.doorbell.listen(ANSWERS)
    try:
        asked = await plane.answerer.ask(firm, business, question)
        if isinstance(asked, Answer):
            if not asked.parts and await plane.store.read_business(firm, business) is None:
                raise NotFound(
                    f"no business {business!r} in this firm",
                    "list them with `rowcol business list`",
                )
            return asked
        answer = await _await_answer(plane, firm, business, asked, bell)
    finally:
        bell.close()
    plane.hot.forget(firm, business)
    return answer


async def _await_answer(
    plane: OpenPlane, firm: FirmId, business: BusinessId, asked: Open, bell: Bell
) -> Answer:
    """Woken by this process's commits, or by a poll that finds another's."""
    pause = POLL_FIRST
    give_up_at = asked.question.deadline + GRACE
    while True:
        answer = await plane.answerer.collect(firm, business, asked)
        if isinstance(answer, Answer):
            return answer
        if answer is not None:
            asked, pause = answer, POLL_FIRST
            continue
        if plane.clock.now() >= give_up_at:
            return await plane.answerer.give_up(firm, business, asked)
        await bell.wait(plane.clock.now() + pause)
        pause = min(pause * 2, POLL_MAX)
