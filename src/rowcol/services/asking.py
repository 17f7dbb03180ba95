"""Asking: put a question and wait until reconcile has answered it. The only waiting outside the runner."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol, TypeVar

from rowcol.core.ids import BusinessId, FirmId
from rowcol.core.need import GRACE, Question
from rowcol.core.refusal import NotFound
from rowcol.engine.resolve import Open, Part
from rowcol.engine.topics import ANSWERS
from rowcol.ports import Bell
from rowcol.services.plane import OpenPlane

POLL_FIRST = timedelta(milliseconds=20)
POLL_MAX = timedelta(seconds=1)


class Answered(Protocol):
    """What any answer has."""

    @property
    def parts(self) -> tuple[Part, ...]: ...


A = TypeVar("A", bound=Answered)
A_co = TypeVar("A_co", bound=Answered, covariant=True)


class Asker(Protocol[A_co]):
    """Whoever answers questions of one kind: `engine.answer.Answerer`, `engine.books.Bookkeeper`."""

    async def ask(self, firm: FirmId, business: BusinessId, question: Question) -> A_co | Open: ...

    async def collect(
        self, firm: FirmId, business: BusinessId, open_: Open
    ) -> A_co | Open | None: ...

    async def give_up(self, firm: FirmId, business: BusinessId, open_: Open) -> A_co: ...


async def answered(
    plane: OpenPlane, asker: Asker[A], firm: FirmId, business: BusinessId, question: Question
) -> A:
    """The answer. Raise `NotFound` for a business that the firm does not have."""
    bell = plane.doorbell.listen(ANSWERS)
    try:
        asked = await asker.ask(firm, business, question)
        if isinstance(asked, Open):
            return await _collected(plane, asker, firm, business, asked, bell)
    finally:
        bell.close()
    if not asked.parts and await plane.store.read_business(firm, business) is None:
        raise NotFound(
            f"no business {business!r} in this firm", "list them with `rowcol business list`"
        )
    return asked


async def _collected(
    plane: OpenPlane,
    asker: Asker[A],
    firm: FirmId,
    business: BusinessId,
    asked: Open,
    bell: Bell,
) -> A:
    """Woken by this process's commits, or by a poll that finds another's."""
    pause = POLL_FIRST
    give_up_at = asked.question.deadline + GRACE
    while True:
        answer = await asker.collect(firm, business, asked)
        if isinstance(answer, Open):
            asked, pause = answer, POLL_FIRST
            continue
        if answer is not None:
            return answer
        if plane.clock.now() >= give_up_at:
            return await asker.give_up(firm, business, asked)
        await bell.wait(plane.clock.now() + pause)
        pause = min(pause * 2, POLL_MAX)
