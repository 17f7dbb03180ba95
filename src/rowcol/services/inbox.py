"""Inbox, as people use it: a delivery worked through again, however often that is asked for."""

from __future__ import annotations

from rowcol.core.delivery import RouteState
from rowcol.core.ids import DeliveryId, FirmId
from rowcol.core.refusal import NotFound
from rowcol.engine.topics import DUE
from rowcol.services.plane import OpenPlane

WAITING_MAX = 1000


async def replay(plane: OpenPlane, firm: FirmId, delivery: DeliveryId) -> None:
    """Make it due again; nothing to do for one that still waits. Raise `NotFound` for one that the firm does not have."""
    if not await plane.store.replay(firm, delivery):
        waiting = await plane.store.list_deliveries(
            firm, state=RouteState.RECEIVED, limit=WAITING_MAX
        )
        if all(row.id != delivery for row in waiting):
            raise NotFound(
                f"no delivery {delivery!r} in this firm", "list them with `rowcol inbox list`"
            )
    plane.doorbell.ring(DUE)
