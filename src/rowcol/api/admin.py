"""Admin: the inbox, tokens, switches and the firm's own settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rowcol.api import lines
from rowcol.api.bodies import FirmSettings, NewToken, PriceIn, Switch
from rowcol.api.businesses import Done
from rowcol.api.gate import Asking, Caller
from rowcol.api.paging import After, Limit, Page, page_of
from rowcol.api.prices import per_of
from rowcol.core.delivery import RouteState
from rowcol.core.ids import DeliveryId
from rowcol.core.pause import PAID, switch_of_rail
from rowcol.core.refusal import BadInput, NotFound
from rowcol.core.tariff import Per
from rowcol.engine.topics import DUE
from rowcol.services import inbox
from rowcol.services.tokens import issue

State = Literal["RECEIVED", "DRAINED", "PARKED"]


@dataclass(frozen=True, slots=True)
class NewTokenOut:
    """The token itself is shown this once."""

    token: str
    id: str
    role: str
    label: str


@dataclass(frozen=True, slots=True)
class Switches:
    """What is paused, and why."""

    paused: dict[str, str]


async def list_deliveries(
    asking: Asking, state: State | None = None, after: After = "", limit: Limit = 100
) -> Page[lines.DeliveryOut]:
    """Webhooks of the firm's logins, newest first."""
    rows = await asking.plane.store.list_deliveries(
        asking.firm, state=None if state is None else RouteState(state), after=after, limit=limit
    )
    return page_of([lines.delivery_of(r) for r in rows], [r.id for r in rows], limit)


async def replay(asking: Asking, delivery_id: str) -> Done:
    """Work through a delivery again. Harmless: what it hints at is looked at once more."""
    await inbox.replay(asking.plane, asking.firm, DeliveryId(delivery_id))
    return Done(delivery_id, RouteState.RECEIVED.value)


async def list_unmatched(
    asking: Asking, after: After = "", limit: Limit = 100
) -> Page[lines.DeliveryOut]:
    """Deliveries for logins that nobody knows: they may still be billed."""
    await asking.need_sole_firm()
    rows = await asking.plane.store.list_unmatched(after=after, limit=limit)
    return page_of([lines.delivery_of(r) for r in rows], [r.id for r in rows], limit)


async def list_tokens(asking: Asking) -> list[lines.TokenOut]:
    """The firm's tokens; the tokens themselves are known to their holders only."""
    return [lines.token_of(t) for t in await asking.plane.store.list_tokens(asking.firm)]


async def add_token(body: NewToken, asking: Asking) -> NewTokenOut:
    """A new token, shown this once. A live one with the same label: 409."""
    plane = asking.plane
    chosen = (body.role, body.label)
    secret, made = await issue(plane.store, plane.rng, asking.firm, chosen, plane.clock.now())
    return NewTokenOut(secret, made.token_hash, made.role, made.label)


async def revoke_token(asking: Asking, token_id: str) -> Done:
    """Revoke a token: at once in this process, within a second in others."""
    now = asking.plane.clock.now()
    if not await asking.plane.store.revoke_token(asking.firm, token_id, now):
        raise NotFound("no such live token in this firm", "GET /v1/tokens lists them")
    asking.tokens.forget(token_id)
    return Done(token_id, "revoked")


async def set_switch(body: Switch, asking: Asking) -> Switches:
    """Pause all paid calls or a whole rail, or take that back. Only where the plane serves one firm."""
    await asking.need_sole_firm()
    plane = asking.plane
    rail = body.what.removeprefix("rail:")
    if body.what != "paid" and rail not in plane.rails:
        raise BadInput(f"there is no rail {rail!r}", f"rails: {', '.join(sorted(plane.rails))}")
    name = PAID if body.what == "paid" else switch_of_rail(rail)
    reason = body.reason or f"paused by {asking.principal.name or asking.principal.role}"
    await plane.store.set_switch(name, reason if body.is_paused else None)
    plane.doorbell.ring(DUE)
    return Switches(await plane.store.read_switches())


async def read_firm(asking: Asking) -> lines.FirmOut:
    """The firm and what it chose."""
    row = await asking.plane.store.read_firm(asking.firm)
    if row is None:
        raise NotFound("this firm is not on the plane", "run `rowcol firm add`")
    return lines.firm_of(row)


async def set_firm(body: FirmSettings, asking: Asking) -> lines.FirmOut:
    """Replace what the firm chose: policy, budget, price book."""
    chosen = body.model_dump(mode="json", exclude_defaults=True)
    if body.prices:
        chosen["prices"] = [_priced(asking, price) for price in body.prices]
    await asking.plane.store.set_firm_settings(asking.firm, chosen)
    asking.plane.preferences.forget(asking.firm)
    asking.plane.hot.clear()
    return await read_firm(asking)


def _priced(asking: Caller, price: PriceIn) -> dict[str, Any]:
    """A row as it is stored. Raise `BadInput` for one that no rail would be asked by."""
    per = per_of(asking.plane.rails, price.rail, price.item)
    if price.per not in (None, per.value):
        raise BadInput(
            f"{price.rail}/{price.item} is charged per {per.value}, not per {price.per}",
            "leave `per` out",
        )
    row = price.model_dump(mode="json", exclude_defaults=True)
    return row if per is Per.CALL else {**row, "per": per.value}
