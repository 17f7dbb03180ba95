"""Cost: what a month's priced calls cost, by app and by business; and how its metered calls go, and who used them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.ids import BusinessId
from rowcol.core.refusal import BadInput

if TYPE_CHECKING:
    from rowcol.api.pools import PoolOut, PoolsOut

WORDS = {"REPAIR": "upkeep"}
"""Where the word in the call log would mislead: a first reading is of this kind, too."""
EXAMPLES = "Examples: rowcol cost  |  rowcol cost --month 2026-10 --json"


def cost(
    month: Annotated[str, typer.Option("--month", help="UTC month, 2026-11; default: this.")] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Show a month's costs, and its metered calls with pace, forecast and who used them.

    Costs are estimated by the price book until an invoice was compared. Of a rail that admits so many calls a month,
    the pool is shown for all firms on the plane, who used it for this firm.
    """
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
    _show_pools(out["pools"], out["burns"])


def _show_pools(pools: Sequence[PoolOut], burns: Sequence[dict[str, Any]]) -> None:
    for pool in pools:
        said = (
            f"{pool.rail} {pool.app}: {pool.used:,} of {pool.limit:,} metered calls of {pool.month}"
        )
        if pool.stage is not None:
            said += f", {pool.stage}; by now {pool.expected:,} if spread evenly, forecast {pool.forecast:,}"
        face.say(said)
        if pool.stage is not None and is_used_up(pool):
            face.say("  is used up: nothing is read until the month ends")
        elif pool.runs_out_on is not None:
            face.say(f"  runs out on {pool.runs_out_on} at this rate")
        if pool.blocked_until is not None:
            face.say(
                f"  asked again at {pool.blocked_until:%Y-%m-%d %H:%M} UTC: {pool.blocked_reason}"
            )
        face.say(
            f"  the month's peaks, writes too: {pool.peak_per_second_per_company} a second and"
            f" {pool.peak_per_minute_per_company} a minute in one company,"
            f" {pool.peak_per_minute_portfolio} a minute in all together"
        )
        if pool.metering:
            how = ", ".join(f"{k} by {v}" for k, v in sorted(pool.metering.items()))
            face.say(f"  assumed to be counted: {how}")
        if "entity" in pool.metering.values():
            face.say(
                "  so one call that reads changes is as many units as it names entities: 16 as a rule"
            )
    face.table(
        ("business", "app", "trigger", "endpoint", "calls", "units"),
        [
            (
                b["name"] if b["business"] else "(connecting)",
                b["app"],
                WORDS.get(b["trigger"], b["trigger"].lower()),
                b["endpoint"],
                b["calls"],
                b["units"],
            )
            for b in burns
        ],
        empty="no metered call in this month" if pools else "",
    )


def is_used_up(pool: PoolOut) -> bool:
    """Whether the last calls went, but for what is never spent; a rail that refuses everybody is told of by itself."""
    from rowcol.core.pool import MARGIN_PER_MILLE

    return pool.used * 1000 > pool.limit * (1000 - MARGIN_PER_MILLE)


async def _cost(firm: str, month: str) -> dict[str, Any]:
    import re

    from rowcol.api import lines
    from rowcol.api.pools import pools_out
    from rowcol.core.budget import MONTH, month_of
    from rowcol.services.businesses import every
    from rowcol.services.pools import peaks

    if month and not re.fullmatch(MONTH, month):
        raise BadInput(f"--month {month!r} is no month", "write 2026-11")
    async with desk(firm) as at:
        asked = month or month_of(at.plane.clock.now())
        out = lines.costs_of(asked, await at.plane.store.read_spending(at.firm, asked))
        costs = await at.plane.store.sum_costs(at.firm, asked)
        pools = await pools_out(at.plane, at.firm, asked, await peaks(at.plane, asked))
        businesses = await every(at.plane, at.firm)
        rows = [
            {"id": b.id, "business": b.name, "cost_micros": costs[b.id].micros}
            for b in businesses
            if b.id in costs
        ]
    return {
        "month": out.month,
        "spent_micros": out.spent_micros,
        "is_estimated": out.is_estimated,
        "rows": out.rows,
        "pools": pools.pools,
        "burns": _named(pools, {b.id: b.name for b in businesses}),
        "businesses": sorted(rows, key=lambda r: -int(str(r["cost_micros"]))),
    }


def _named(pools: PoolsOut, names: dict[BusinessId, str]) -> list[dict[str, Any]]:
    """Burns with the business's name; what serves no business is connecting."""
    return [
        {**asdict(b), "name": names.get(BusinessId(b.business or ""), "") or b.business or "none"}
        for b in pools.burns
    ]
