"""Sessions: a login's page is gone through again, and what became of a page that was begun."""

from __future__ import annotations

from rowcol.api import shapes
from rowcol.api.businesses import need_business
from rowcol.api.gate import Asking, Caller
from rowcol.core.ids import BusinessId
from rowcol.services import sessions
from rowcol.services.deeds import find_login
from rowcol.services.integration import IntegrationService


async def repair(asking: Asking, connection_id: str) -> shapes.LinkTokenOut:
    """Give a login new access, in place: the same login, accounts and history afterwards, and no second fee.

    Good for 30 minutes and one use. Also before it breaks, where its consent is about to end.
    """
    service = await _service_of(asking, connection_id)
    return shapes.link_token_of(await service.repair(connection_id))


async def add_accounts(asking: Asking, connection_id: str) -> shapes.LinkTokenOut:
    """Let a person choose which accounts a login shows, as after a notice of new ones. Good for 30 minutes."""
    service = await _service_of(asking, connection_id)
    return shapes.link_token_of(await service.add_accounts(connection_id))


async def read_session(asking: Asking, business_id: str, session_id: str) -> shapes.LinkSessionOut:
    """What became of it, by what is known; the service itself asks the rail. One that failed is begun again."""
    await need_business(asking, business_id)
    plane = asking.plane
    found = await sessions.read(plane, asking.firm, BusinessId(business_id), session_id)
    return shapes.link_session_of(found, plane.clock.now())


async def _service_of(asking: Caller, connection_id: str) -> IntegrationService:
    view = await find_login(asking.plane, asking.firm, connection_id)
    return IntegrationService(asking.plane, view.connection.business, firm=asking.firm)
