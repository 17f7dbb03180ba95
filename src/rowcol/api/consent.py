"""Consent: a person is sent to the rail's own screen; what becomes of it is asked for by id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rowcol.api import shapes
from rowcol.api.bodies import NewConsent
from rowcol.api.businesses import need_app, need_business
from rowcol.api.gate import Asking
from rowcol.core.rail import CONSENT, Grant
from rowcol.core.refusal import BadInput, RailRefused
from rowcol.services.integration import IntegrationService


@dataclass(frozen=True, slots=True)
class ConsentOut:
    """Send the person to `url` before `expires_at`; ask with `consent_id` what came of it."""

    consent_id: str
    url: str
    expires_at: datetime | None
    session_id: str
    hosted_link_url: str


def consent_of(grant: Grant) -> ConsentOut:
    """A grant with its names here, and those that the session of any rail has."""
    return ConsentOut(grant.value, grant.url, grant.expires_at, grant.value, grant.url)


@dataclass(frozen=True, slots=True)
class ConsentState:
    """`pending` until the person came back; then the login, or why there is none."""

    state: Literal["pending", "connected", "failed"]
    connection: shapes.ConnectionOut | None = None
    reason: str | None = None


async def begin_consent(body: NewConsent, asking: Asking, business_id: str) -> ConsentOut:
    """A link to the rail's own screen, good for 30 minutes and one use. Also for a login that needs consent anew."""
    await need_business(asking, business_id)
    rail = asking.plane.rails.get(body.rail)
    if rail is None or CONSENT not in rail.spec.hosts:
        raise BadInput(
            f"{body.rail} has no consent screen of its own",
            "POST to connections/link-token instead",
        )
    service = IntegrationService(asking.plane, business_id, firm=asking.firm)
    app = need_app(asking, body.rail, body.app)
    grant = await service.begin_connect(body.rail, app=app)
    return consent_of(grant)


async def read_consent(asking: Asking, business_id: str, consent_id: str) -> ConsentState:
    """What became of a consent. A failed one is begun again, not repaired."""
    await need_business(asking, business_id)
    service = IntegrationService(asking.plane, business_id, firm=asking.firm)
    try:
        made = await service.consented(consent_id)
    except RailRefused as error:
        return ConsentState("failed", reason=error.message)
    if made is None:
        return ConsentState("pending")
    return ConsentState("connected", shapes.connection_of(made, asking.plane.clock.now()))
