"""Deeds: what a person has done to logins: end one, point its webhook, have the banks looked at."""

from __future__ import annotations

from dataclasses import dataclass

from rowcol.api.bodies import Refresh
from rowcol.api.businesses import Done, need_business
from rowcol.api.gate import Asking, Caller
from rowcol.api.reads import PriceUnconfirmed
from rowcol.services.deeds import find_login
from rowcol.services.integration import IntegrationService


@dataclass(frozen=True, slots=True)
class RefreshedOut:
    """`price_micros`: of asking all `logins`. `asked`: those whose rail looks at the bank now. `refused`: why not, by login."""

    price_micros: int
    logins: tuple[str, ...]
    asked: tuple[str, ...]
    refused: dict[str, str]


async def disconnect(asking: Asking, connection_id: str) -> Done:
    """End a login at its rail, and with it the monthly fee. Answers once the rail has confirmed; its history stays.

    It cannot be taken back. Where the rail refused (502), the login is as it was; asking again is harmless.
    """
    service = await _service_of(asking, connection_id)
    row = await service.disconnect(connection_id)
    return Done(row.id, "removed")


async def point_webhook(asking: Asking, connection_id: str) -> Done:
    """Have a login's webhooks sent to this service's present address."""
    service = await _service_of(asking, connection_id)
    row = await service.point_webhook(connection_id)
    return Done(row.id, "pointed")


async def reset(asking: Asking, connection_id: str) -> Done:
    """Read a login's changes anew from the start; what is no more becomes a deletion. What was refused is tried again.

    No money; QuickBooks' books are listed whole, which draws on the month's pool: a call per 1,000 rows of each kind.
    Asked again while it is being read, it changes nothing.
    """
    service = await _service_of(asking, connection_id)
    row = await service.reset(connection_id)
    return Done(row.id, "restarting")


async def refresh_transactions(body: Refresh, asking: Asking, business_id: str) -> RefreshedOut:
    """Have the rails look at the banks for new transactions, once the price is confirmed; without `force` it is only named."""
    await need_business(asking, business_id)
    service = IntegrationService(asking.plane, business_id, firm=asking.firm)
    done = await service.refresh_transactions()
    if body.force:
        if done.price.micros and body.price_confirmed_micros != done.price.micros:
            raise PriceUnconfirmed(done.price.micros)
        done = await service.refresh_transactions(force=True)
    refused = {str(login): why for login, why in done.refused.items()}
    return RefreshedOut(done.price.micros, done.logins, done.asked, refused)


async def _service_of(asking: Caller, connection_id: str) -> IntegrationService:
    view = await find_login(asking.plane, asking.firm, connection_id)
    return IntegrationService(asking.plane, view.connection.business, firm=asking.firm)
