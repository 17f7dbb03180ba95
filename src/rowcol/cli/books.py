"""Books: bills, vendors and bank accounts as a business's books have them, with their proof."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, TypeVar

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.cli.read import Asked, DeadlineOption, amount_of, moment, patiently, waiting
from rowcol.core.evidence import Health
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from datetime import date, datetime

    from rowcol.api.ledger import BillOut, BooksOut
    from rowcol.core.need import Purpose
    from rowcol.engine.books import BooksAnswer
    from rowcol.services.cache import CacheService

EXAMPLES = (
    "Examples: rowcol books bills 'Harbor Dental' --due-until 2026-11-30  |  rowcol books bill 'Harbor Dental' 145  |  "
    "rowcol books bills 'Harbor Dental' --purpose guardrail --deadline 2m  |  "
    "rowcol books vendors 'Harbor Dental' --json  |  rowcol books accounts 'Harbor Dental' --force"
)
T = TypeVar("T")


class How(TypedDict):
    """What every read of the books takes."""

    force: bool
    deadline: datetime | None


Ask = Callable[["CacheService", "Purpose", How], Awaitable["BooksAnswer[T]"]]
app = typer.Typer(help="What the books say: bills, bill, vendors, accounts.", no_args_is_help=True)
Business = Annotated[str, typer.Argument(help="Id, external id or name.")]
PurposeOption = Annotated[
    str, typer.Option("--purpose", help="display, ritual, guardrail or verify.")
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Read what changed now: at most one metered call, no money."),
]


@app.command(epilog=EXAMPLES)
def bills(
    business: Business,
    due_until: Annotated[
        str, typer.Option("--due-until", help="Only bills due on that day or before: 2026-11-30.")
    ] = "",
    purpose: PurposeOption = "display",
    deadline: DeadlineOption = "",
    force: Force = False,
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List bills with something to pay, by due date, and as of when. Exit code 1: HOLD; 3: served, but labelled."""
    from rowcol.api import ledger

    until = day_of(due_until)
    asked = Asked(purpose, deadline, force)
    answer = _answered(firm, business, asked, lambda s, p, how: s.list_bills(until, p, **how))
    out = ledger.books_of(answer, ledger.bills_of)
    if not json:
        rows = [
            (b.id, b.number, b.vendor_name, b.due_on, amount(b.balance), amount(b.total))
            for b in out.value
        ]
        _table(answer, business, ("id", "number", "vendor", "due", "to pay", "of"), rows)
    _end(out, is_json=json)


@app.command(epilog=EXAMPLES)
def bill(
    business: Business,
    bill_id: Annotated[str, typer.Argument(metavar="ID", help="The books' own id of the bill.")],
    purpose: PurposeOption = "display",
    deadline: DeadlineOption = "",
    force: Force = False,
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Read one bill, and as of when. Exit code 1: HOLD, or the books have none; 3: served, but labelled."""
    from rowcol.api import ledger

    asked = Asked(purpose, deadline, force)
    answer = _answered(firm, business, asked, lambda s, p, how: s.get_bill(bill_id, p, **how))
    value = answer.value
    out = ledger.books_of(answer, lambda row: None if row is None else ledger.bill_of(row))
    if not json and out.value is not None:
        for name, text in _lines(out.value):
            face.say(f"{name}: {text}")
    if not json and value is None:
        unread = _unread(answer, business)
        face.say(unread or f"the books have no bill {bill_id!r} as far as they are known")
    _end(out, is_json=json, is_there=value is not None)


@app.command(epilog=EXAMPLES)
def vendors(
    business: Business,
    purpose: PurposeOption = "display",
    deadline: DeadlineOption = "",
    force: Force = False,
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List vendors by name, inactive ones too, and as of when. Exit code 1: HOLD; 3: served, but labelled."""
    from rowcol.api import ledger

    asked = Asked(purpose, deadline, force)
    answer = _answered(firm, business, asked, lambda s, p, how: s.list_vendors(p, **how))
    out = ledger.books_of(answer, ledger.vendors_of)
    if not json:
        rows = [
            (v.id, v.name, amount(v.balance), "" if v.is_active else "inactive") for v in out.value
        ]
        _table(answer, business, ("id", "name", "open", "state"), rows)
    _end(out, is_json=json)


@app.command(epilog=EXAMPLES)
def accounts(
    business: Business,
    purpose: PurposeOption = "display",
    deadline: DeadlineOption = "",
    force: Force = False,
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """List bank accounts as the books have them: what the books believe, not what the bank says. Exit codes as `books bills`."""
    from rowcol.api import ledger

    asked = Asked(purpose, deadline, force)
    answer = _answered(firm, business, asked, lambda s, p, how: s.list_bank_accounts(p, **how))
    out = ledger.books_of(answer, ledger.bank_accounts_of)
    if not json:
        rows = [
            (
                a.id,
                a.name,
                f"{a.type} {a.subtype}",
                amount(a.balance),
                "" if a.is_active else "inactive",
            )
            for a in out.value
        ]
        _table(answer, business, ("id", "name", "type", "in the books", "state"), rows)
    _end(out, is_json=json)


def _answered(firm: str, word: str, asked: Asked, ask: Ask[T]) -> BooksAnswer[T]:
    return face.running(_ask(firm, word, asked, ask))


async def _ask(firm: str, word: str, asked: Asked, ask: Ask[T]) -> BooksAnswer[T]:
    from rowcol.core.need import Purpose
    from rowcol.services.businesses import find
    from rowcol.services.cache import CacheService

    async with desk(firm) as at:
        purpose, until = asked.understood(at.plane.clock.now())
        row = await find(at.plane, at.firm, word)
        at.plane.runner.start(only=row)
        service = CacheService(at.plane, row.id, firm=at.firm)
        its = Purpose.FORCED if asked.force else purpose
        what = waiting("reading the books", its, at.plane.clock.now(), until)
        return await patiently(ask(service, purpose, How(force=asked.force, deadline=until)), what)


def _table(
    answer: BooksAnswer[T], business: str, heads: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """The rows. That there are none is only said of books that were read whole, and where each row can be read."""
    unread = _unread(answer, business)
    if unread:
        face.say(unread)
    is_none = not (unread or answer.unreadable)
    face.table(heads, rows, empty=f"none, as of {moment(answer.as_of)}" if is_none else "")


def _unread(answer: BooksAnswer[T], business: str) -> str:
    """Why nothing can be said of what the books lack, and what brings it; "" where they were read whole."""
    if answer.as_of is not None:
        return ""
    from rowcol.cli.findings import repair_of

    named = shlex.quote(business)
    if not answer.connections:
        return (
            f"nothing is known: no books are connected; `rowcol connect qbo {named}` connects them"
        )
    for login in answer.connections:
        if login.state.health is Health.NEEDS_RECONNECT:
            again = f"{repair_of(login.id)} gives {login.label} new access"
            return f"nothing is known for sure: the books were never read whole; {again}"
    return (
        "nothing is known for sure: the books were never read whole;"
        f" `rowcol connection list {named}` says how their login is"
    )


def day_of(text: str) -> date | None:
    """`2026-11-30`. Raise `BadInput` for what is no day."""
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(f"--due-until {text!r} is no day", "write 2026-11-30") from error


def amount(money: Any) -> str:
    """`1,234.50 USD`."""
    return amount_of(money.amount_minor, money.currency)


def _lines(out: BillOut) -> list[tuple[str, str]]:
    due = "no date" if out.due_on is None else str(out.due_on)
    marks = [w for w, is_so in (("voided", out.is_voided), ("deleted", out.is_deleted)) if is_so]
    return [
        ("bill", f"{out.id} {out.number}".strip()),
        ("vendor", out.vendor_name or out.vendor),
        ("due", due),
        ("to pay", f"{amount(out.balance)} of {amount(out.total)}"),
        *([("state", ", ".join(marks))] if marks else []),
    ]


def _end(out: BooksOut[Any], *, is_json: bool, is_there: bool = True) -> None:
    """The proof, and the exit code; that there is none of what was asked for is a no."""
    if is_json:
        face.emit(out)
    else:
        face.say(f"as of: {moment(out.as_of) or 'never read whole'}")
        if out.action == "HOLD":
            face.say("HOLD: do not decide on this")
        if out.label and out.label != out.reason:
            face.say(f"note: {out.label}")
        for row in out.unreadable:
            face.say(f"cannot be read: {row.entity} {row.id}: {row.why}")
        face.say(f"why: {out.reason}")
        face.say(f"calls: {len(out.calls)}")
    face.end_answer(is_held=out.action == "HOLD" or not is_there, is_labelled=out.label is not None)
