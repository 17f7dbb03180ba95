"""Calling: one declared endpoint of a rail, asked for by a person through the same gateway as everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header

from rowcol.api.bodies import ApiCall
from rowcol.api.businesses import need_business
from rowcol.api.gate import Asking
from rowcol.services.integration import IntegrationService
from rowcol.services.looks import KEY_MAX

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=KEY_MAX,
        description="Makes a write happen once at the rail, however often it is sent, also after a time-out.",
    ),
]


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What the rail said, as it said it."""

    rail: str
    endpoint: str
    answer: Any


async def call_api(
    body: ApiCall, asking: Asking, business_id: str, idempotency_key: Key = None
) -> ApiAnswer:
    """Call one endpoint that the rail's spec marks as callable; nothing that costs money. Counted, limited and logged.

    What a write sends is in `data.body`, amounts as text. 502 says what the rail said; where a write may have
    happened all the same, repeat it with the same `Idempotency-Key`.
    """
    await need_business(asking, business_id)
    service = IntegrationService(asking.plane, business_id, firm=asking.firm)
    answer = await service.call_api(
        body.rail, body.endpoint, body.method, body.data, idempotency_key=idempotency_key
    )
    return ApiAnswer(body.rail, body.endpoint, answer)
