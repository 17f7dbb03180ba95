"""Hourly: the baseline. Seven entities of every company, each by a call of its own, every hour, as common connectors do it.

It asks an emulator of its own without HTTP in between: its calls pass the same gate and are counted like any others.
A change of a kind that it never asks for is held to be known all the same, in its favour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rowcol.sandbox.clock import ManualClock
from rowcol.sandbox.qbo import QboClient, QboEmulator, Switches
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.qbo.gate import PREFIX, pass_through
from rowcol.sandbox.qbo.tokens import Pair
from rowcol.sandbox.qbo.wire import Asked as Request
from rowcol.simulation.chance import stream
from rowcol.simulation.ledger.clerk import Clerk
from rowcol.simulation.ledger.figures import Asked, Edited, Events
from rowcol.simulation.ledger.figures import Read as Decided
from rowcol.simulation.ledger.play import IS_DECISION, Plan
from rowcol.simulation.wires import NowhereSender

ENTITIES: Final = ("Bill", "BillPayment", "Invoice", "Payment", "Vendor", "Customer", "Account")
HOUR: Final = timedelta(hours=1)
OVERLAP: Final = timedelta(minutes=3)
CLIENT: Final = "hourly"
_Event = tuple[datetime, int, int]


async def hourly(plan: Plan, tell: Callable[[float], None]) -> tuple[Events, dict[str, Any]]:
    """The plan's weeks; its raw events and the emulator's own counts."""
    clock = ManualClock(plan.linked_at)
    clients = {CLIENT: QboClient(secret=CLIENT, verifier_token=CLIENT)}
    dice = stream(plan.seed, "hourly")
    emulator = QboEmulator(clock, dice, Switches(), NowhereSender(), clients=clients)
    companies, clerks = [], []
    for n in range(plan.companies):
        company = emulator.add_company(f"Company {n}")
        clerks.append(Clerk(company.books, stream(plan.seed, "clerk", n)))
        clerks[n].open_the_books()
        companies.append(company)
    poller = _Poller(emulator, companies, plan.starts_at)
    edited: list[Edited] = []
    day = plan.linked_at.date()
    for at, kind, n in _events(plan):
        clock.advance_to(at)
        if kind == 0:
            edit = plan.edits[n]
            clerks[edit.company].do(edit.deed)
            edited.append(Edited(at, edit.company, edit.deed))
        else:
            await poller.poll(n)
        if at.date() != day:
            day = at.date()
            tell((at - plan.linked_at) / (plan.ends_at - plan.linked_at))
    events = Events(
        companies=plan.companies,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        edits=tuple(edited),
        requests=_requests(emulator, companies),
        reads=tuple(
            Decided(read.at, read.client, read.purpose.value, is_served=True, is_behind=False)
            for read in plan.reads
            if read.purpose in IS_DECISION
        ),
    )
    return events, emulator.meter.report(plan.ends_at)


def _events(plan: Plan) -> list[_Event]:
    """Edits, and polls at each company's own minute of the hour, in order."""
    found: list[_Event] = [(edit.at, 0, n) for n, edit in enumerate(plan.edits)]
    hours = (plan.ends_at - plan.starts_at) // HOUR
    for n in range(plan.companies):
        first = plan.starts_at + HOUR * (n / plan.companies)
        found += [(first + HOUR * hour, 1, n) for hour in range(hours)]
    return sorted(found)


class _Poller:
    """Asks for one company's seven entities, each since the last time it did."""

    def __init__(
        self, emulator: QboEmulator, companies: Sequence[Company], since: datetime
    ) -> None:
        self._emulator = emulator
        self._companies = companies
        self._since = dict.fromkeys(range(len(companies)), since)
        self._tokens: dict[int, tuple[datetime, Pair]] = {}

    async def poll(self, n: int) -> None:
        now, realm_id = self._emulator.clock.now(), self._companies[n].realm_id
        headers = {"authorization": f"Bearer {self._token(n, now)}", "accept": "application/json"}
        since = (self._since[n] - OVERLAP).isoformat()
        for entity in ENTITIES:
            query = {"entities": entity, "changedSince": since, "minorversion": "75"}
            path = f"{PREFIX}{realm_id}/cdc"
            await pass_through(self._emulator, Request("GET", path, query, headers, b"", ""))
        self._since[n] = now

    def _token(self, n: int, now: datetime) -> str:
        """Good for an hour; consent is given once."""
        known = self._tokens.get(n)
        if known is not None and now < known[0]:
            return known[1].access_token
        tokens = self._emulator.tokens
        if known is None:
            code = self._emulator.consent(CLIENT, self._companies[n].realm_id)
            pair = tokens.exchange(code, CLIENT, None, now)
        else:
            pair = tokens.renew(known[1].refresh_token, CLIENT, now)
        if pair is None:
            raise RuntimeError("the emulator did not take its own token")
        self._tokens[n] = now + HOUR * 0.9, pair
        return pair.access_token


def _requests(emulator: QboEmulator, companies: Sequence[Company]) -> tuple[Asked, ...]:
    numbers = {company.realm_id: n for n, company in enumerate(companies)}
    return tuple(
        Asked(
            r.at,
            numbers[r.realm_id],
            r.operation,
            r.status,
            r.metered_units,
            len(r.entities),
            r.status == 200,
        )
        for r in emulator.meter.requests
        if r.realm_id in numbers
    )
