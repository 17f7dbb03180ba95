"""Businesses: clients of the firm, their logins, and the roles of their bank accounts."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from rowcol.api import shapes
from rowcol.api.bodies import AccountRole, Exchange, LinkToken, NewBusiness, SandboxLogin
from rowcol.api.gate import Asking, Caller
from rowcol.api.paging import After, Limit, Page, page_of
from rowcol.core.ids import AppId, BusinessId, ConnectionId, RemoteId
from rowcol.core.rail import CONSENT
from rowcol.core.refusal import BadInput, NotFound
from rowcol.services.accounts import set_role_at_login
from rowcol.services.businesses import find_or_add
from rowcol.services.integration import IntegrationService
from rowcol.services.pauses import set_login_paused


@dataclass(frozen=True, slots=True)
class Done:
    """It is so now."""

    id: str
    state: str


async def list_businesses(
    asking: Asking, after: After = "", limit: Limit = 100
) -> Page[shapes.BusinessOut]:
    """The firm's client businesses, by id."""
    rows = await asking.plane.store.list_businesses(asking.firm, after=after, limit=limit)
    return page_of([shapes.business_of(r) for r in rows], [r.id for r in rows], limit)


async def add_business(body: NewBusiness, asking: Asking, response: Response) -> shapes.BusinessOut:
    """Add a business; posting the same `external_id` again gives the first one with status 200."""
    row, is_new = await find_or_add(
        asking.plane, asking.firm, body.name, body.external_id or body.name
    )
    response.status_code = 201 if is_new else 200
    return shapes.business_of(row)


async def list_connections(asking: Asking, business_id: str) -> list[shapes.ConnectionOut]:
    """Logins of a business, with their health."""
    await need_business(asking, business_id)
    plane = asking.plane
    views = await plane.store.read_business_views(asking.firm, BusinessId(business_id))
    now = plane.clock.now()
    return [shapes.login_of(view, now, plane.vault) for view in views]


async def begin_connect(body: LinkToken, asking: Asking, business_id: str) -> shapes.LinkTokenOut:
    """A link session: send the person to the hosted page, or open the rail's widget with the link token.

    From the hosted page the login comes by itself; GET the session says when.
    """
    service = await _service(asking, business_id)
    app = _widget(asking, body.rail, body.app)
    grant = await service.begin_connect(body.rail, app=app, allow_duplicate=body.allow_duplicate)
    return shapes.link_token_of(grant)


async def connect(body: Exchange, asking: Asking, business_id: str) -> shapes.ConnectionOut:
    """Store the login that a person consented to. A login that is connected already, or shows one of these accounts: 409."""
    service = await _service(asking, business_id)
    app = _widget(asking, body.rail, body.app)
    made = await service.connect(
        body.rail,
        body.public_token,
        app=app,
        metadata=body.metadata,
        allow_duplicate=body.allow_duplicate,
    )
    return shapes.connection_of(made, asking.plane.clock.now())


async def connect_sandbox(
    body: SandboxLogin, asking: Asking, business_id: str
) -> shapes.ConnectionOut:
    """A login without a browser, at a rail's sandbox or our emulator."""
    service = await _service(asking, business_id)
    app = _widget(asking, body.rail, body.app)
    made = await service.connect_sandbox(body.rail, institution=body.institution, app=app)
    return shapes.connection_of(made, asking.plane.clock.now())


async def set_account_role(
    body: AccountRole, asking: Asking, connection_id: str, remote_id: str
) -> Done:
    """Say what an account is for, by a login that shows it. Operating accounts count as cash; a debt cannot be one."""
    connection = ConnectionId(connection_id)
    await set_role_at_login(asking.plane, asking.firm, connection, RemoteId(remote_id), body.role)
    return Done(remote_id, body.role)


async def pause_connection(asking: Asking, connection_id: str) -> Done:
    """No calls for this login until it is resumed; reads go on with what is known."""
    who = asking.principal.name or asking.principal.role
    return await _set_paused(asking, connection_id, f"paused by {who}")


async def resume_connection(asking: Asking, connection_id: str) -> Done:
    """Calls again."""
    return await _set_paused(asking, connection_id, None)


async def _set_paused(asking: Caller, connection_id: str, reason: str | None) -> Done:
    connection = ConnectionId(connection_id)
    if not await set_login_paused(asking.plane, asking.firm, connection, reason):
        raise NotFound("no such connection in this firm", "GET the business's connections first")
    return Done(connection_id, "running" if reason is None else "paused")


async def _service(asking: Caller, business_id: str) -> IntegrationService:
    await need_business(asking, business_id)
    return IntegrationService(asking.plane, business_id, firm=asking.firm)


async def need_business(asking: Caller, business_id: str) -> None:
    """Raise `NotFound` for a business that is not the firm's."""
    if await asking.plane.store.read_business(asking.firm, BusinessId(business_id)) is None:
        raise NotFound("no such business in this firm", "GET /v1/businesses lists them")


def need_app(asking: Caller, rail: str, app: str | None) -> AppId | None:
    """The keys that a body names, by id. Raise `BadInput` for a rail or keys that this plane does not have."""
    if rail not in asking.plane.rails:
        known = ", ".join(sorted(asking.plane.rails))
        raise BadInput(f"there is no rail {rail!r}", f"rails: {known}")
    names = {a.name or a.id: a.id for a in asking.plane.apps.values() if a.rail == rail}
    if not names or (app is None and len(names) == 1):
        return None
    found = AppId(names.get(app or "", app or ""))
    if found not in names.values():
        known = ", ".join(sorted(names))
        raise BadInput(f"which keys of {rail}?", f"set `app` to one of: {known}")
    return found


def _widget(asking: Caller, rail: str, app: str | None) -> AppId | None:
    """The same for a rail that is connected by its widget's tokens."""
    chosen = need_app(asking, rail, app)
    if CONSENT in asking.plane.rails[rail].spec.hosts:
        raise BadInput(
            f"{rail} is connected at its own consent screen", "POST to connections/consent instead"
        )
    return chosen
