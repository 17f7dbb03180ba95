"""Read: the cash of a business, with its proof."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json, Yes
from rowcol.cli.opening import Desk, desk
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.api.shapes import BalanceOut
    from rowcol.core.need import Purpose
    from rowcol.core.records import Business
    from rowcol.engine.answer import Answer

EXAMPLES = (
    "Examples: rowcol read 'Harbor Dental'  |  rowcol read 'Harbor Dental' --purpose guardrail --deadline 15m  |  "
    "rowcol read 'Harbor Dental' --force"
)

FREE_FIRST = "waiting for free evidence before a cent is spent"
T = TypeVar("T")
DeadlineOption = Annotated[
    str,
    typer.Option(
        "--deadline",
        help="How long it may take (90s, 15m, 3h) or until when (ISO); left out: what the purpose can wait.",
    ),
]


def read(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    purpose: Annotated[
        str, typer.Option("--purpose", help="display, ritual, guardrail or verify.")
    ] = "display",
    deadline: DeadlineOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="A live look; the price is shown first.")
    ] = False,
    *,
    yes: Yes = False,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Read a business's cash: value, as-of, reason and cost. Exit code 1: HOLD; 3: served, but labelled or incomplete."""
    from rowcol.api import shapes

    if force and purpose != "display":
        raise BadInput("--force has its own purpose", "leave --purpose out")
    answer = face.running(_read(firm, business, Asked(purpose, deadline, force, yes)))
    out = shapes.balance_of(answer)
    face.emit(out) if json else _show(business, out)
    face.end_answer(
        is_held=out.action == "HOLD", is_labelled=out.label is not None or bool(out.incomplete)
    )


@dataclass(frozen=True)
class Asked:
    """How fresh an answer was asked for, and by when, in the words of the command line."""

    purpose: str
    deadline: str
    force: bool
    yes: bool = False

    def understood(self, now: datetime) -> tuple[Purpose, datetime | None]:
        """The purpose and the deadline. Raise `BadInput` for what is none."""
        return purpose_of(self.purpose), deadline_of(self.deadline, now)


async def _read(firm: str, word: str, asked: Asked) -> Answer:
    from rowcol.services.businesses import find
    from rowcol.services.cache import CacheService

    async with desk(firm) as at:
        purpose, until = asked.understood(at.plane.clock.now())
        row = await find(at.plane, at.firm, word)
        if asked.force:
            return await _forced(at, row, until, yes=asked.yes)
        at.plane.runner.start(only=row)
        service = CacheService(at.plane, row.id, firm=at.firm)
        what = waiting(FREE_FIRST, purpose, at.plane.clock.now(), until)
        return await patiently(service.get_balance(purpose, deadline=until), what)


def purpose_of(word: str) -> Purpose:
    """Raise `BadInput` for what is none that a person may name."""
    from rowcol.core.need import Purpose

    known = [p.value.lower() for p in Purpose if p is not Purpose.FORCED]
    if word.lower() not in known:
        raise BadInput(f"there is no purpose {word!r}", f"purposes: {', '.join(known)}")
    return Purpose(word.upper())


def waiting(what: str, purpose: Purpose, now: datetime, deadline: datetime | None) -> str:
    """What is waited for and until when, if the purpose waits or a deadline was given."""
    from rowcol.core.need import question_of

    latest = question_of(purpose, now, deadline=deadline).deadline
    if latest <= now:
        return what
    return f"{what}, until {latest:%Y-%m-%d %H:%M:%S} UTC; --deadline shortens it"


async def patiently(work: Awaitable[T], what: str) -> T:
    """A word on stderr once it takes more than a second."""
    import asyncio

    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=1)
    if not task.done():
        face.note(what)
    return await task


async def _forced(at: Desk, row: Business, until: datetime | None, *, yes: bool) -> Answer:
    from rowcol.core.need import Purpose
    from rowcol.services.integration import IntegrationService

    service = IntegrationService(at.plane, row.id, firm=at.firm)
    price = await service.price_of_refresh()
    if price.micros:
        face.confirm(f"A live look costs {price}. Pay it?", yes=yes)
    at.plane.runner.start(only=row)
    what = waiting("reading", Purpose.FORCED, at.plane.clock.now(), until)
    return await patiently(service.refresh_plaid_balance(force=True, deadline=until), what)


def deadline_of(text: str, now: datetime, option: str = "--deadline") -> datetime | None:
    """`90s`, `15m`, `3h`, `2d` from now, or an ISO time (without an offset: UTC)."""
    from datetime import UTC, timedelta

    if not text:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    number, unit = text[:-1], text[-1]
    if unit in units and number.isdecimal() and len(number) < 7:
        return now + timedelta(seconds=int(number) * units[unit])
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{option} {text!r} is neither a span nor a time", "write 15m, or 2026-11-20T15:00Z"
        ) from error
    return when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)


def _show(word: str, out: BalanceOut) -> None:
    cash = ", ".join(amount_of(a.amount_minor, a.currency) for a in out.cash) or "no value"
    as_of = f"as of {moment(out.as_of)}"
    if out.as_of is None:
        as_of = (
            "nothing counts"
            if out.accounts and not any(a.counts for a in out.accounts)
            else "never seen"
        )
    face.say(f"{word}: {cash}, {as_of}")
    if out.action == "HOLD":
        face.say("HOLD: do not decide on this")
    face.say(f"why: {out.reason}")
    if out.action == "HOLD" and "never seen; a live value" in out.reason:
        face.say("then: of a bank just connected a free value comes within a minute; or --force")
    if out.label and (rest := out.label.removeprefix(out.reason).removeprefix("; ")):
        face.say(f"note: {rest}")
    for note in out.notes:
        face.say(f"beside: {note}")
    face.say(f"cost: {face.money(out.cost_micros)}")


def amount_of(minor: int, currency: str) -> str:
    """`1,234.50 USD`."""
    from rowcol.core.money import Money

    return str(Money(minor, currency))


def moment(at: datetime | None) -> str:
    """`2026-11-20 14:02 UTC`."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
