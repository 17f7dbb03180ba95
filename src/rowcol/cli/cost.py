"""Cost: what a month's priced calls cost, by app and by business."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.refusal import BadInput

EXAMPLES = "Examples: rowcol cost  |  rowcol cost --month 2026-10 --json"


def cost(
    month: Annotated[str, typer.Option("--month", help="UTC month, 2026-11; default: this.")] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Show a month's costs. They are estimated by the price book until an invoice was compared."""
    out = face.running(_cost(firm, month))
    if json:
        face.emit(out)
        return
    face.say(f"{out['month']}: {face.money(out['spent_micros'])} (estimated)")
    face.table(
        ("app", "spent", "open", "limit"),
        [
            (
                r.key,
                face.money(r.spent_micros),
                face.money(r.reserved_micros),
                face.money(r.limit_micros),
            )
            for r in out["rows"]
        ],
        empty="no priced call in this month",
    )
    face.table(
        ("business", "spent"),
        [(b["business"], face.money(b["cost_micros"])) for b in out["businesses"]],
        empty="",
    )


async def _cost(firm: str, month: str) -> dict[str, Any]:
    import re

    from rowcol.api import lines
    from rowcol.core.budget import month_of
    from rowcol.services.businesses import every

    if month and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise BadInput(f"--month {month!r} is no month", "write 2026-11")
    async with desk(firm) as at:
        asked = month or month_of(at.plane.clock.now())
        out = lines.costs_of(asked, await at.plane.store.read_spending(at.firm, asked))
        costs = await at.plane.store.sum_costs(at.firm, asked)
        rows = [
            {"id": b.id, "business": b.name, "cost_micros": costs[b.id].micros}
            for b in await every(at.plane, at.firm)
            if b.id in costs
        ]
    return {
        "month": out.month,
        "spent_micros": out.spent_micros,
        "is_estimated": out.is_estimated,
        "rows": out.rows,
        "businesses": sorted(rows, key=lambda r: -int(str(r["cost_micros"]))),
    }
