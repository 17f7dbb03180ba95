"""Play: a firm's companies through their weeks on a rig: consent, first reading, edits, webhooks, questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rowcol.core.change import Action
from rowcol.core.ids import BusinessId
from rowcol.core.need import STANDARDS, Purpose
from rowcol.sandbox.qbo.company import Company
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.ledger.edits import Edit, edits_of
from rowcol.simulation.ledger.figures import Asked, Edited, Events
from rowcol.simulation.ledger.figures import Read as Decided
from rowcol.simulation.reads import Read, reads_of
from rowcol.simulation.rig import AskedBooks, Rig
from rowcol.simulation.wiring import FIRM
from rowcol.simulation.workload import FIRST_DAY, WARM_UP, payment_weekdays, spec

LAST_WAIT: Final = timedelta(days=4)
CONNECT_EVERY: Final = timedelta(milliseconds=100)
"""People connect all companies one after the other: the worst minute there will be."""
ROWS_MAX: Final = 100_000
MONEY: Final = ("Bill", "BillPayment", "Invoice", "Payment", "Vendor", "Customer", "Account")
"""What is compared with the books at each decision: open items, names and balances."""
IS_DECISION: Final = frozenset(p for p, standard in STANDARDS.items() if standard.is_decision)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen. Times are aware UTC."""

    seed: int
    companies: int
    linked_at: datetime
    starts_at: datetime
    ends_at: datetime
    edits: tuple[Edit, ...]
    reads: tuple[Read, ...]


def planned(seed: int, companies: int, weeks: int) -> Plan:
    """The quoted firm's books: equal seeds give equal weeks."""
    values, first = spec(), FIRST_DAY
    calendar = values.calendar
    weekdays = [payment_weekdays(stream(seed, "runs", n)) for n in range(companies)]
    until = first + timedelta(weeks=weeks)
    starts_at = calendar.moment(first, 0)
    return Plan(
        seed=seed,
        companies=companies,
        linked_at=starts_at - WARM_UP,
        starts_at=starts_at,
        ends_at=calendar.moment(until, 0),
        edits=edits_of(
            values.books.changes_per_company_day,
            calendar,
            first - WARM_UP,
            until,
            companies,
            seed,
        ),
        reads=reads_of(values.mix, calendar, weekdays, first, weeks, seed=seed),
    )


class Play:
    """One run of a plan."""

    def __init__(self, rig: Rig, plan: Plan, tell: Callable[[float], None] | None = None) -> None:
        self._rig = rig
        self._plan = plan
        self._tell = tell or (lambda _share: None)
        self._companies: list[Company] = []
        self._clerks: list[Clerk] = []
        self._businesses: list[BusinessId] = []
        self._questions: list[tuple[Read, AskedBooks, bool]] = []
        self._edited: list[Edited] = []

    async def run(self) -> Events:
        """All of it; the raw events that figures are made from."""
        rig, plan = self._rig, self._plan
        weather = rig.books.outbox.weather
        weather.delay_median_s = spec().webhooks.delay_min_median * 60
        for n in range(plan.companies):
            await self._connect(n)
        for business in self._businesses:
            await rig.ask_books(business, Purpose.RITUAL)
        await self._weeks()
        until = rig.clock.now() + LAST_WAIT
        while rig.waiting and rig.clock.now() < until:
            await rig.advance_to(rig.clock.now() + timedelta(hours=1))
        return Events(
            companies=plan.companies,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            edits=tuple(self._edited),
            requests=self._requests(),
            reads=tuple(_decided(*each) for each in self._questions),
        )

    async def _connect(self, n: int) -> None:
        rig = self._rig
        company = rig.books.add_company(f"Company {n}")
        clerk = Clerk(company.books, stream(self._plan.seed, "clerk", n))
        clerk.open_the_books()
        self._companies.append(company)
        self._clerks.append(clerk)
        business = await rig.add_business(f"Company {n}")
        self._businesses.append(business)
        await rig.connect_books(business, company)
        await rig.advance_to(rig.clock.now() + CONNECT_EVERY)

    async def _weeks(self) -> None:
        plan = self._plan
        events: list[tuple[datetime, int, int]] = [
            *((edit.at, 0, n) for n, edit in enumerate(plan.edits)),
            *((read.at, 1, n) for n, read in enumerate(plan.reads)),
        ]
        whole, day = plan.ends_at - plan.linked_at, plan.linked_at.date()
        for at, kind, n in sorted(events):
            await self._rig.advance_to(at)
            if kind == 0:
                edit = plan.edits[n]
                self._clerks[edit.company].do(edit.deed)
                self._edited.append(Edited(self._rig.clock.now(), edit.company, edit.deed))
            else:
                await self._ask(plan.reads[n])
            if at.date() != day:
                day = at.date()
                self._tell((at - plan.linked_at) / whole)
        await self._rig.advance_to(plan.ends_at)

    async def _ask(self, read: Read) -> None:
        is_forced = read.purpose is Purpose.FORCED
        business = self._businesses[read.client]
        question = await self._rig.ask_books(business, read.purpose, is_confirmed=is_forced)
        if read.purpose in IS_DECISION:
            is_behind = await self._is_behind(read.client) if question.answer else False
            self._questions.append((read, question, is_behind))

    async def _is_behind(self, client: int) -> bool:
        """Whether the mirror differs from the books now, in any row's version or time of change."""
        store, books = self._rig.plane.store, self._companies[client].books
        (login,) = await store.list_connections(FIRM, self._businesses[client])
        for entity in MONEY:
            rows = await store.list_rows(FIRM, login.id, entity, limit=ROWS_MAX)
            mirrored = {row.remote_id: (row.remote_version, row.remote_at) for row in rows}
            for row in books.rows(entity):
                version, changed_at = mirrored.pop(row["Id"], ("", None))
                stamp = datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"])
                if (version, changed_at) != (row["SyncToken"], stamp):
                    return True
            if mirrored:
                return True
        return False

    def _requests(self) -> tuple[Asked, ...]:
        numbers = {company.realm_id: n for n, company in enumerate(self._companies)}
        return tuple(
            Asked(
                at=request.at,
                company=numbers[request.realm_id],
                operation=request.operation,
                status=request.status,
                units=request.metered_units,
                entities=len(request.entities),
                brings=request.operation == "cdc" and request.status == 200,
            )
            for request in self._rig.books.meter.requests
            if request.realm_id in numbers
        )


def _decided(read: Read, question: AskedBooks, is_behind: bool) -> Decided:  # noqa: FBT001
    answer = question.answer
    return Decided(
        answered_at=read.at if answer is None else answer.answered_at,
        company=read.client,
        purpose=read.purpose.value,
        is_served=answer is not None and answer.action is Action.SERVE,
        is_behind=is_behind,
    )
