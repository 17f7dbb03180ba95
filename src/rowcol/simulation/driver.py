"""Driver: takes a firm through its weeks on a rig: logins, incidents, questions, the board, and the count of the bill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from rowcol.adapters.clock import SystemClock
from rowcol.core.change import Action
from rowcol.core.connection import Connection
from rowcol.core.ids import BusinessId
from rowcol.core.money import FREE, Cost, Money
from rowcol.core.need import Purpose
from rowcol.core.outcome import Billed
from rowcol.core.records import Call
from rowcol.engine.answer import Answer
from rowcol.sandbox.plaid.billing import BALANCE, REFRESH
from rowcol.sandbox.plaid.catalog import REAL_INSTITUTIONS, Institution
from rowcol.sandbox.world import AccountFacts, World
from rowcol.simulation.incidents import Plot, plotted
from rowcol.simulation.judge import Judge, Served, Tally
from rowcol.simulation.reads import Read
from rowcol.simulation.report import BoardRow, PolicyResult
from rowcol.simulation.rig import Asked, Rig
from rowcol.simulation.shelf import Shelf, Shelved
from rowcol.simulation.wiring import FIRM
from rowcol.simulation.workload import Client, Workload, spec

LAST_WAIT: Final = timedelta(days=4)
PAGE: Final = 1000
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Drive:
    """What came of the weeks. What showing the board paid at their end is nobody's question, and is not counted."""

    board: tuple[BoardRow, ...]
    tally: Tally
    unanswered: int
    paid_calls: int
    billed_calls: int
    cost: Cost
    plot: Plot


def world_of(workload: Workload) -> World:
    """The truth on every account, its future included."""
    world = World()
    for n, client in enumerate(workload.clients):
        facts = AccountFacts("Operating", f"{n % 10_000:04d}", holder_category="business")
        world.open_account(account_id(n), facts, client.opening_minor, client.postings)
    return world


def bank_of(client: Client) -> Institution:
    """Where it banks, pulled as unevenly and as unreliably as the workload says."""
    bank = spec().bank
    return replace(
        REAL_INSTITUTIONS[client.institution],
        refresh_jitter_s=bank.refresh_jitter_min * 60,
        refresh_failure_share=bank.refresh_failure_share,
    )


def account_id(client: int) -> str:
    """The world's name for the account of a client."""
    return f"account-{client}"


@dataclass(frozen=True, slots=True)
class Played:
    """A run with its place in the report."""

    drive: Drive
    result: PolicyResult


async def play(
    rig: Rig, workload: Workload, policy: str, tell: Callable[[float], None] | None = None
) -> Played:
    """Take the workload through its weeks; `tell` hears which share of them is done."""
    real = SystemClock()
    began_at = real.now()
    drive = await Driver(rig, workload, tell).run()
    result = PolicyResult(
        policy=policy,
        business_weeks=len(workload.clients) * workload.weeks,
        paid_calls=drive.paid_calls,
        billed_calls=drive.billed_calls,
        cost=drive.cost,
        tally=drive.tally,
        unanswered=drive.unanswered,
        seconds=(real.now() - began_at).total_seconds(),
    )
    return Played(drive, result)


@dataclass(frozen=True, slots=True)
class _Bill:
    """What was paid: the lines of our call log, and the emulator's own count."""

    calls: list[Call]
    billed: int

    def since(self, other: _Bill) -> _Bill:
        """Without what is on another one."""
        known = {call.id for call in other.calls}
        left = [call for call in self.calls if call.id not in known]
        return _Bill(left, self.billed - other.billed)


class Driver:
    """One firm on one rig, from the first login to the bill."""

    def __init__(
        self, rig: Rig, workload: Workload, tell: Callable[[float], None] | None = None
    ) -> None:
        self._rig = rig
        self._workload = workload
        self._tell = tell or _nobody
        self._businesses: list[BusinessId] = []
        self._asked: list[tuple[Read, Asked]] = []

    async def run(self) -> Drive:
        """All the weeks. The clock stands at their end afterwards, or at the last answer."""
        rig, workload = self._rig, self._workload
        connections = [await self._connect(n) for n in range(len(workload.clients))]
        plot = plotted(rig, workload, connections)
        weather = rig.emulator.outbox.weather
        weather.lost_share = spec().webhooks.lost_share
        weather.delay_median_s = spec().webhooks.delay_min_median * 60
        await self._weeks(plot)
        before = await self._bill()
        answers = [await self._display(business) for business in self._businesses]
        for_the_board = (await self._bill()).since(before)
        books = await Shelf(rig, workload).connected(self._businesses)
        await self._stragglers()
        bill = (await self._bill()).since(for_the_board)
        world = rig.world
        ledgers = [[world.ledger(account_id(n))] for n in range(len(workload.clients))]
        served = [_served(read, asked.answer) for read, asked in self._asked if asked.answer]
        return Drive(
            board=self._board(answers, bill.calls, books),
            tally=Judge(ledgers, plot.troubles).tally(served),
            unanswered=sum(asked.answer is None for _, asked in self._asked),
            paid_calls=len(bill.calls),
            billed_calls=bill.billed,
            cost=_total(bill.calls),
            plot=plot,
        )

    async def _bill(self) -> _Bill:
        billing = self._rig.emulator.billing
        billed = sum(billing.n_calls(path) for path in (BALANCE, REFRESH))
        return _Bill(await _paid_calls(self._rig), billed)

    async def _connect(self, client: int) -> Connection:
        business = await self._rig.add_business(self._workload.clients[client].name)
        self._businesses.append(business)
        bank = bank_of(self._workload.clients[client])
        return await self._rig.connect(business, [account_id(client)], bank)

    async def _weeks(self, plot: Plot) -> None:
        """Everything that is asked or goes wrong, at its time."""
        workload = self._workload
        events = [(incident.at, 0, n) for n, incident in enumerate(plot.incidents)]
        events += [(read.at, 1, n) for n, read in enumerate(workload.reads)]
        for at, kind, n in sorted(events):
            await self._advance(at)
            if kind == 0:
                plot.incidents[n].act()
            else:
                await self._ask(workload.reads[n])
        await self._advance(workload.ends_at)

    async def _ask(self, read: Read) -> None:
        asked = await self._rig.ask(
            self._businesses[read.client],
            read.purpose,
            deadline=read.deadline,
            is_confirmed=read.purpose is Purpose.FORCED,
        )
        self._asked.append((read, asked))

    async def _advance(self, when: datetime) -> None:
        """Day by day, so that somebody who watches sees it move."""
        clock, workload = self._rig.clock, self._workload
        whole = workload.ends_at - workload.linked_at
        while clock.now() < when:
            await self._rig.advance_to(min(when, clock.now() + ONE_DAY))
            self._tell(min(1.0, (clock.now() - workload.linked_at) / whole))

    async def _display(self, business: BusinessId) -> Answer | None:
        asked = await self._rig.ask(business, Purpose.DISPLAY)
        return asked.answer

    async def _stragglers(self) -> None:
        """Questions that may still wait get their answer."""
        until = self._rig.clock.now() + LAST_WAIT
        while self._rig.waiting and self._rig.clock.now() < until:
            await self._rig.advance_to(self._rig.clock.now() + timedelta(hours=1))

    def _board(
        self, answers: Sequence[Answer | None], calls: Sequence[Call], books: Sequence[Shelved]
    ) -> tuple[BoardRow, ...]:
        spent: defaultdict[BusinessId | None, Cost] = defaultdict(lambda: FREE)
        for call in calls:
            spent[call.business] += call.cost
        rows = []
        for client, business, answer, shelved in zip(
            self._workload.clients, self._businesses, answers, books, strict=True
        ):
            rows.append(
                BoardRow(
                    business=client.name,
                    cash=None if answer is None else _sole(answer),
                    as_of=None if answer is None else answer.as_of,
                    reason="not answered" if answer is None else answer.reason,
                    label=None if answer is None else answer.label,
                    cost=spent[business],
                    bills=shelved.bills,
                    books_as_of=shelved.as_of,
                )
            )
        return tuple(rows)


def _served(read: Read, answer: Answer) -> Served:
    total = _sole(answer)
    return Served(
        client=read.client,
        purpose=read.purpose,
        asked_at=read.at,
        answered_at=answer.answered_at,
        value_minor=None if total is None else total.amount_minor,
        as_of=answer.as_of,
        is_held=answer.action is Action.HOLD,
        label=answer.label,
        cost_micros=answer.cost.micros,
        reason=answer.reason,
    )


def _sole(answer: Answer) -> Money | None:
    """The sum of an answer; None where there is none."""
    totals = answer.value.totals
    return totals[0] if len(totals) == 1 else None


async def _paid_calls(rig: Rig) -> list[Call]:
    """Every line of the call log that the rail charges for, newest first."""
    found: list[Call] = []
    after = ""
    while page := await rig.plane.store.list_calls(FIRM, after=after, limit=PAGE):
        found += [c for c in page if c.price.micros and c.billed in (Billed.YES, Billed.POSSIBLY)]
        after = page[-1].id
    return found


def _total(calls: list[Call]) -> Cost:
    total = FREE
    for call in calls:
        total += call.cost
    return total


def _nobody(_share: float) -> None:
    """Nobody watches."""
