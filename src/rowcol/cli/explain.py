"""Explain: why an answer is what it is, what a fresh one would cost now, and when it comes free."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.cli.read import amount_of, moment
from rowcol.core.freshness.rhythm import DAYS_MIN

if TYPE_CHECKING:
    from rowcol.api.explain import ExplainOut

EXAMPLES = "Example: rowcol explain 'Harbor Dental'"
SHOWN = 10
RETIRED = "RETIRED"
UNTOLD = f"no time can be foretold: that takes {DAYS_MIN} days of the rail's own looks, at about the same hours"


def explain(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Explain what is known of a business, cash first: decisions, the calls behind them, price and next free look. Asks nobody."""
    out = face.running(_explain(firm, business))
    face.emit(out) if json else _show(out)


async def _explain(firm: str, word: str) -> ExplainOut:
    from rowcol.api.explain import explain_of
    from rowcol.services.businesses import find
    from rowcol.services.explain import explain as explained

    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        return explain_of(await explained(at.plane, at.firm, row.id), at.plane.vault)


def _show(out: ExplainOut) -> None:
    if any(c.health != RETIRED for c in out.connections):
        _show_cash(out)
    else:
        _show_none(out)
    if out.books:
        face.say("")
        face.table(
            ("login", "books", "health", "we last read"),
            [(c.id, c.name, c.health, moment(c.looked_at)) for c in out.books],
            empty="",
        )
    _show_log(out)


def _show_none(out: ExplainOut) -> None:
    """Without a login at a bank there is no cash to explain."""
    named = shlex.quote(out.business.name)
    bank = f"`rowcol connect plaid {named}`"
    if any(c.health != RETIRED for c in out.books):
        face.say(f"{out.business.name}: no bank login is connected, so no cash is known; books are")
        face.say(f"now:   `rowcol books bills {named}` asks the books; {bank} would connect a bank")
    else:
        face.say(f"{out.business.name}: no login is connected")
        face.say(f"now:   {bank} connects a bank, `rowcol connect qbo {named}` books")


def _show_cash(out: ExplainOut) -> None:
    now = out.now
    cash = ", ".join(amount_of(a.amount_minor, a.currency) for a in now.cash) or "no value"
    face.say(f"{out.business.name}: {cash}, as of {moment(now.as_of) or 'never'}")
    face.say(f"now:   {now.action}: {now.reason}")
    if now.label:
        face.say(f"note:  {now.label}")
    fresh = face.money(out.fresh_price_micros)
    face.say(f"fresh: {out.cannot_help or f'a live look now costs {fresh}'}")
    free = moment(out.comes_free_at)
    face.say(f"free:  {f'expected by {free}' if free else UNTOLD}")
    face.say("")
    face.table(
        ("login", "bank", "health", "bank last looked at", "we last asked"),
        [
            (c.id, c.name, c.health, moment(c.seen_until), moment(c.looked_at))
            for c in out.connections
        ],
        empty="",
    )


def _show_log(out: ExplainOut) -> None:
    """What was decided and called for it, for cash and for books."""
    face.say("")
    face.table(
        ("decided at", "purpose", "action", "cost", "reason"),
        [
            (moment(d.decided_at), d.purpose, d.action, face.money(d.cost_micros), d.reason)
            for d in out.decisions[:SHOWN]
        ],
        empty="nothing was asked yet",
    )
    face.say("")
    face.table(
        ("called at", "endpoint", "outcome", "cost", "units", "reason"),
        [
            (
                moment(c.opened_at),
                c.endpoint,
                c.outcome or "open",
                face.money(c.cost_micros),
                c.units,
                c.reason,
            )
            for c in out.calls[:SHOWN]
        ],
        empty="nobody was called yet",
    )
