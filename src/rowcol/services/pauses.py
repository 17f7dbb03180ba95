"""Pauses: an order to what an operator has paused is refused, with how to take the pause back."""

from __future__ import annotations

from collections.abc import Sequence

from rowcol.core.connection import Connection
from rowcol.core.evidence import Health
from rowcol.core.ids import BusinessId, ConnectionId, FirmId
from rowcol.core.pause import NO_REASON, PAID, resume_of, switch_of_login, switch_of_rail
from rowcol.core.rail import Role
from rowcol.core.refusal import Conflict
from rowcol.ports import FullStore
from rowcol.services.plane import OpenPlane


class Paused(Conflict):
    """Nothing was asked of the rail, and nothing will be until the pause is taken back."""

    code = "paused"


async def set_login_paused(
    plane: OpenPlane, firm: FirmId, connection: ConnectionId, reason: str | None
) -> bool:
    """Pause a login for a reason, or resume it. False: the firm has no such login. Died between the two writes, it lacks
    its reason only."""
    is_paused = reason is not None
    if not await plane.store.set_paused(firm, connection, is_paused=is_paused):
        return False
    since = f"{reason} (since {plane.clock.now():%Y-%m-%d %H:%M} UTC)" if is_paused else None
    await plane.store.set_switch(switch_of_login(connection), since)
    return True


async def all_paused(store: FullStore) -> dict[str, str]:
    """Every pause on the plane by its switch, with the reason; each paused login too."""
    found = await store.read_switches()
    for firm in await store.list_firms():
        for row in await store.list_connections(firm.id):
            if row.is_paused:
                found.setdefault(switch_of_login(row.id), NO_REASON)
    return found


async def need_running(
    plane: OpenPlane, rail: str, logins: Sequence[Connection] = (), *, is_paid: bool = False
) -> None:
    """Raise `Paused` where the rail is, or all paid calls if it `is_paid`, or each of the logins."""
    switches = await plane.store.read_switches()
    named = {switch_of_rail(rail): f"calls to {rail}"}
    if is_paid:
        named[PAID] = "paid calls"
    for switch, what in named.items():
        if switch in switches:
            raise Paused(
                f"{what} are paused: {switches[switch]}",
                f"`{resume_of(switch)}`, or POST /v1/pause with is_paused false",
            )
    if logins and all(login.is_paused for login in logins):
        its = [(login, switch_of_login(login.id)) for login in logins]
        commands = "; ".join(f"`{resume_of(switch)}`" for _, switch in its)
        names = ", ".join(f"{login.label}: {switches.get(s, NO_REASON)}" for login, s in its)
        routes = "; ".join(f"POST /v1/connections/{login.id}/resume" for login in logins)
        raise Paused(f"this login is paused: {names}", f"{commands}, or {routes}")


async def need_one_running(
    plane: OpenPlane, firm: FirmId, business: BusinessId, role: Role, *, is_paid: bool = False
) -> None:
    """Raise `Paused` where every login of a business that tells of this is; where one is not, the answer names the others."""
    by_rail: dict[str, list[Connection]] = {}
    for row in await plane.store.list_connections(firm, business):
        if plane.rails[row.rail].spec.role is role and row.state.health is not Health.RETIRED:
            by_rail.setdefault(row.rail, []).append(row)
    refused: list[Paused] = []
    for rail, rows in by_rail.items():
        try:
            await need_running(plane, rail, rows, is_paid=is_paid)
        except Paused as error:
            refused.append(error)
    if refused and len(refused) == len(by_rail):
        raise refused[0]
