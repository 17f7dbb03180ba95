"""Firm: the tenants of this plane, and what each chose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk, opened
from rowcol.cli.read import amount_of, moment
from rowcol.core.refusal import BadInput, Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowcol.api.accounts import FirmCashOut
    from rowcol.core.rail import Rail
    from rowcol.core.records import Firm

EXAMPLES = (
    "Examples: rowcol firm add 'Reed & Co'  |  rowcol firm list  |  rowcol firm set --policy ttl --budget-usd 150  |  "
    "rowcol firm set --price plaid/balance=0.09 --price-source 'contract of October'"
)
app = typer.Typer(help="Firms: add, list, set, cash.", no_args_is_help=True)


@app.command(epilog=EXAMPLES)
def add(name: Annotated[str, typer.Argument(help="Its name.")], *, json: Json = False) -> None:
    """Add a firm. It sees nothing of the others."""
    row = face.running(_add(name.strip()))
    _emit(row) if json else face.say(f"{row.id}  {row.name}")


async def _add(name: str) -> Firm:
    from rowcol.core.ids import FirmId
    from rowcol.core.records import Firm

    if not name:
        raise BadInput("a firm needs a name", "say how it is called")
    async with opened() as plane:
        if any(f.name == name for f in await plane.store.list_firms()):
            raise Conflict(f"there is a firm {name!r}", "see `rowcol firm list`")
        row = Firm(FirmId(plane.rng.new_id("firm")), name, plane.clock.now())
        await plane.store.add_firm(row)
        return row


@app.command("list", epilog=EXAMPLES)
def list_(*, json: Json = False) -> None:
    """List the firms on this plane."""
    rows = face.running(_list())
    if json:
        for row in rows:
            _emit(row)
        return
    face.table(
        ("id", "name", "policy"),
        [(r.id, r.name, r.settings.get("policy") or "(default)") for r in rows],
        empty="no firm yet: `rowcol init`",
    )


async def _list() -> tuple[Firm, ...]:
    async with opened() as plane:
        return await plane.store.list_firms()


@app.command("set", epilog=EXAMPLES)
def set_(
    policy: Annotated[str, typer.Option("--policy", help="evidence or ttl.")] = "",
    budget_usd: Annotated[
        float | None,
        typer.Option("--budget-usd", min=0, max=1e6, help="Dollars a month for paid calls."),
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option("--price", help="RAIL/ITEM=DOLLARS from today; repeatable.")
    ] = None,
    price_source: Annotated[
        str, typer.Option("--price-source", help="Where the prices are from.")
    ] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Choose policy, budget and prices. What is not named stays."""
    row = face.running(_set(firm, policy, budget_usd, (price or [], price_source)))
    if json:
        _emit(row)
        return
    for name, value in row.settings.items():
        face.say(f"{name}: {value}")


async def _set(
    firm: str, policy: str, budget_usd: float | None, prices: tuple[list[str], str]
) -> Firm:
    from rowcol.core.freshness.policy import policy_of

    async with desk(firm) as at:
        row = await at.plane.store.read_firm(at.firm)
        assert row is not None
        chosen: dict[str, object] = dict(row.settings)
        if policy:
            chosen["policy"] = policy_of(policy).name
        if budget_usd is not None:
            chosen["budget_micros_month"] = round(budget_usd * 1_000_000)
        today = at.plane.clock.now().date().isoformat()
        book: Any = chosen.get("prices", [])
        made = [_price(text, prices[1], today, at.plane.rails) for text in prices[0]]
        if made:
            chosen["prices"] = [*book, *made]
        await at.plane.store.set_firm_settings(at.firm, chosen)
        changed = await at.plane.store.read_firm(at.firm)
        assert changed is not None
        return changed


def _price(text: str, source: str, today: str, rails: Mapping[str, Rail]) -> dict[str, object]:
    from decimal import Decimal

    from rowcol.api.prices import per_of
    from rowcol.core.tariff import Per

    found = re.fullmatch(r"(\w+)/([\w.]+)=(\d{1,6}(?:\.\d{1,6})?)", text)
    if found is None:
        raise BadInput(f"--price {text!r} is no price", "write RAIL/ITEM=0.09")
    per = per_of(rails, found[1], found[2])
    if not source:
        raise BadInput("a price needs its source", "add --price-source, such as the contract")
    micros = int(Decimal(found[3]) * 1_000_000)
    row = {"rail": found[1], "item": found[2], "micros": micros, "since": today, "source": source}
    return row if per is Per.CALL else {**row, "per": per.value}


def _emit(row: Firm) -> None:
    from rowcol.api import lines

    face.emit(lines.firm_of(row))


@app.command(epilog="Example: rowcol firm cash")
def cash(*, firm: FirmOption = "", json: Json = False) -> None:
    """Show the firm's cash over all businesses; an account that two of them show is counted once. Asks no bank."""
    out = face.running(_cash(firm))
    if json:
        face.emit(out)
    else:
        amounts = ", ".join(amount_of(a.amount_minor, a.currency) for a in out.cash) or "no value"
        as_of = "a part never seen" if out.as_of is None else f"as of {moment(out.as_of)}"
        face.say(f"{out.businesses} businesses: {amounts}, {as_of}")
        for note in (*out.incomplete, *out.notes):
            face.say(f"note: {note}")
    face.end_answer(is_held=False, is_labelled=bool(out.incomplete))


async def _cash(firm: str) -> FirmCashOut:
    from rowcol.api.accounts import firm_cash_of
    from rowcol.services.firm_cash import firm_cash

    async with desk(firm) as at:
        return firm_cash_of(await firm_cash(at.plane, at.firm))
