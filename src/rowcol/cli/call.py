"""Call: one declared endpoint of a rail, by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowcol.cli import face
from rowcol.cli.face import FirmOption, Json
from rowcol.cli.opening import desk
from rowcol.core.refusal import BadInput

EXAMPLES = (
    "Examples: rowcol call 'Harbor Dental' plaid accounts.get  |  "
    "rowcol call 'Harbor Dental' qbo query --data "
    """'{"statement": "SELECT * FROM Vendor MAXRESULTS 5"}' --json  |  """
    "rowcol call 'Harbor Dental' qbo entity.create --idempotency-key acme-1 --data "
    """'{"entity": "Vendor", "body": {"DisplayName": "Acme"}}'"""
)


def call(
    business: Annotated[str, typer.Argument(help="Id, external id or name.")],
    rail: Annotated[str, typer.Argument(help="The rail's name.")],
    endpoint: Annotated[str, typer.Argument(help="As docs/rails.md names it; only callable ones.")],
    method: Annotated[
        str, typer.Option("--method", help="Need not be said: it is the endpoint's own.")
    ] = "",
    data: Annotated[
        str,
        typer.Option("--data", help="Arguments, a JSON object; a write's fields are in `body`."),
    ] = "{}",
    idempotency_key: Annotated[
        str,
        typer.Option(
            "--idempotency-key", help="Makes a write happen once, however often repeated."
        ),
    ] = "",
    *,
    firm: FirmOption = "",
    json: Json = False,
) -> None:
    """Call one endpoint that a rail declares as callable: counted, limited and logged; nothing that costs money.

    QuickBooks' endpoints, and what --data has to give: companyinfo.get; report.get (report); query (statement or
    entity); entity.get (entity, id); entity.create (entity, body); entity.update, entity.delete and entity.void
    (entity, body.Id, body.SyncToken). Of Plaid: item.get, accounts.get.
    """
    answer = face.running(
        _call(firm, business, (rail, endpoint, method, idempotency_key), parsed(data))
    )
    if json:
        face.emit(answer)
    else:
        import msgspec

        face.say(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


async def _call(
    firm: str, word: str, what: tuple[str, str, str, str], data: dict[str, Any]
) -> object:
    from rowcol.services.businesses import find
    from rowcol.services.integration import IntegrationService

    rail, endpoint, method, key = what
    async with desk(firm) as at:
        row = await find(at.plane, at.firm, word)
        service = IntegrationService(at.plane, row.id, firm=at.firm)
        return await service.call_api(
            rail, endpoint, method or None, data, idempotency_key=key or None
        )


def parsed(text: str) -> dict[str, Any]:
    """A JSON object, its numbers exact. Raise `BadInput`."""
    import json
    from decimal import Decimal

    try:
        found = json.loads(text, parse_float=Decimal)
    except ValueError as error:
        raise BadInput(f"--data is no JSON: {error}", "put it in single quotes") from error
    if not isinstance(found, dict):
        raise BadInput("--data is no object", 'write \'{"name": "value"}\'')
    return found
