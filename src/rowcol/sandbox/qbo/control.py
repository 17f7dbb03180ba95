"""The control API under `/_control`: the hands of a test or a demo, never of a client. JSON in and out, no auth.

| method and path | body | answer |
|---|---|---|
| GET state | | clock, next event, counts, switches, weather, faults |
| GET companies, POST companies | {name, realm_id?, time_zone?, clock_offset_s?, country?, multicurrency?} | realm ids, names, currencies, row counts, and the apps that are connected |
| GET meter, limits, deliveries, renewals | | the oracles |
| POST consent | {client_id, realm_id} | {code} |
| POST books | {realm_id, operation, entity, id?, body?, winner_id?, delta?, at?} | the row |
| GET books?realm_id=&entity= | | {rows, tombstones} |
| POST faults | {fault, n?, until?, realm_id?, operation?} or {clear: true} | what waits |
| POST weather | fields of `Weather`; {} heals | |
| POST meter | {limit_per_month} | |
| POST limits | {realm_id?, foreign_per_minute} | |
| POST expire_access, revoke_consent, multicurrency | {realm_id} | |
| POST deliver | | tries every waiting webhook |

`operation` of books: create, update, delete, void, merge, deactivate, touch_balance, set_last_updated, plant (a body as it
is, into the row of the id or a new one).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rowcol.sandbox.qbo.books import Books
from rowcol.sandbox.qbo.company import Company
from rowcol.sandbox.qbo.emulator import QboEmulator
from rowcol.sandbox.qbo.errors import QboError
from rowcol.sandbox.qbo.values import Json, decode, encode
from rowcol.sandbox.qbo.webhooks import Weather

Arguments = Mapping[str, Any]
_Plain = Callable[[QboEmulator, Arguments], Json]


class BadArgument(ValueError):
    """A control request that makes no sense; the text says why."""


def state(emulator: QboEmulator, _arguments: Arguments) -> Json:
    """One look at everything that is small."""
    return {
        "now": emulator.clock.now(),
        "next_event_at": emulator.next_event_at(),
        "n_companies": len(emulator.companies),
        "n_requests": emulator.n_requests,
        "n_waiting_webhooks": len(emulator.outbox),
        "switches": asdict(emulator.switches),
        "weather": asdict(emulator.outbox.weather),
        "faults": emulator.faults.report(),
    }


def edit(emulator: QboEmulator, arguments: Arguments) -> Json:
    """One edit of a company's books, as its people make it."""
    books = _company(emulator, arguments).books
    operation, entity = str(_need(arguments, "operation")), str(_need(arguments, "entity"))
    if operation not in _EDITS:
        raise BadArgument(f"no operation {operation!r}; there are {', '.join(_EDITS)}")
    row = _EDITS[operation](books, entity, arguments)
    return {"row": row}


_EDITS: Final[dict[str, Callable[[Books, str, Arguments], Any]]] = {
    "create": lambda books, entity, a: books.create(entity, _need(a, "body")),
    "update": lambda books, entity, a: books.update(entity, _id(a), _need(a, "body")),
    "delete": lambda books, entity, a: books.delete(entity, _id(a)),
    "void": lambda books, entity, a: books.void(entity, _id(a)),
    "merge": lambda books, entity, a: books.merge(entity, _id(a), str(_need(a, "winner_id"))),
    "deactivate": lambda books, entity, a: books.deactivate(entity, _id(a)),
    "touch_balance": lambda books, entity, a: books.touch_balance(
        entity, _id(a), Decimal(str(_need(a, "delta")))
    ),
    "set_last_updated": lambda books, entity, a: books.set_last_updated(
        entity, _id(a), _moment(_need(a, "at"))
    ),
    "plant": lambda books, entity, a: books.plant(entity, _need(a, "body"), str(a.get("id") or "")),
}


def _need(arguments: Arguments, name: str) -> Any:
    if arguments.get(name) is None:
        raise BadArgument(f"{name} is missing")
    return arguments[name]


def _id(arguments: Arguments) -> str:
    return str(_need(arguments, "id"))


def _company(emulator: QboEmulator, arguments: Arguments) -> Company:
    realm_id = str(_need(arguments, "realm_id"))
    if realm_id not in emulator.companies:
        raise BadArgument(f"no company {realm_id}")
    return emulator.companies[realm_id]


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise BadArgument(f"{text} has no time zone")
    return moment


def _add_company(emulator: QboEmulator, arguments: Arguments) -> Json:
    company = emulator.add_company(
        str(_need(arguments, "name")),
        arguments.get("realm_id"),
        str(arguments.get("time_zone", "America/New_York")),
        timedelta(seconds=float(arguments.get("clock_offset_s", 0))),
        str(arguments.get("country", "US")),
    )
    if arguments.get("multicurrency"):
        company.books.enable_multicurrency()
    return {"realm_id": company.realm_id}


def _companies(emulator: QboEmulator, _arguments: Arguments) -> Json:
    return {
        "companies": [
            {
                "realm_id": company.realm_id,
                "name": company.name,
                "currency": asdict(company.books.currency),
                "connected_to": [
                    client_id
                    for client_id in emulator.clients
                    if emulator.tokens.is_connected(client_id, company.realm_id)
                ],
                "n_rows": {name: len(t) for name, t in company.books.tables.items() if len(t)},
            }
            for company in emulator.companies.values()
        ]
    }


def _read_books(emulator: QboEmulator, arguments: Arguments) -> Json:
    books = _company(emulator, arguments).books
    entity = str(_need(arguments, "entity"))
    if entity not in books.tables:
        raise BadArgument(f"no entity {entity}")
    return {"rows": books.rows(entity), "tombstones": books.tombstones(entity)}


def _faults(emulator: QboEmulator, arguments: Arguments) -> Json:
    if arguments.get("clear"):
        emulator.faults.clear()
    else:
        fault = str(_need(arguments, "fault"))
        where: dict[str, Any] = {
            "realm_id": arguments.get("realm_id"),
            "operation": arguments.get("operation"),
        }
        if arguments.get("until") is not None:
            emulator.faults.for_a_while(fault, _moment(arguments["until"]), **where)
        else:
            emulator.faults.next(fault, int(arguments.get("n", 1)), **where)
    return {"faults": emulator.faults.report()}


def _weather(emulator: QboEmulator, arguments: Arguments) -> Json:
    emulator.outbox.weather = Weather(**{name: float(value) for name, value in arguments.items()})
    return asdict(emulator.outbox.weather)


def _meter(emulator: QboEmulator, arguments: Arguments) -> Json:
    limit = arguments.get("limit_per_month")
    emulator.meter.limit_per_month = None if limit is None else int(limit)
    return emulator.meter.report(emulator.clock.now())


def _limits(emulator: QboEmulator, arguments: Arguments) -> Json:
    realm_id = str(arguments.get("realm_id", ""))
    emulator.limits.foreign_per_minute[realm_id] = int(_need(arguments, "foreign_per_minute"))
    return emulator.limits.report()


def _consent(emulator: QboEmulator, arguments: Arguments) -> Json:
    company = _company(emulator, arguments)
    client_id = str(arguments.get("client_id") or next(iter(emulator.clients)))
    return {"code": emulator.consent(client_id, company.realm_id)}


def _expire(emulator: QboEmulator, arguments: Arguments) -> Json:
    emulator.expire_access(_company(emulator, arguments).realm_id)
    return {}


def _revoke(emulator: QboEmulator, arguments: Arguments) -> Json:
    emulator.revoke_consent(_company(emulator, arguments).realm_id)
    return {}


def _multicurrency(emulator: QboEmulator, arguments: Arguments) -> Json:
    books = _company(emulator, arguments).books
    books.enable_multicurrency()
    return asdict(books.currency)


async def _deliver(emulator: QboEmulator, _arguments: Arguments) -> Json:
    return {"n_delivered": await emulator.flush()}


_READS: Final[dict[str, _Plain]] = {
    "state": state,
    "companies": _companies,
    "books": _read_books,
    "meter": lambda emulator, _: emulator.meter.report(emulator.clock.now()),
    "limits": lambda emulator, _: emulator.limits.report(),
    "deliveries": lambda emulator, _: emulator.outbox.report(),
    "renewals": lambda emulator, _: {"renewals": list(emulator.tokens.renewals)},
}
_WRITES: Final[dict[str, _Plain | Callable[[QboEmulator, Arguments], Awaitable[Json]]]] = {
    "companies": _add_company,
    "books": edit,
    "faults": _faults,
    "weather": _weather,
    "meter": _meter,
    "limits": _limits,
    "consent": _consent,
    "expire_access": _expire,
    "revoke_consent": _revoke,
    "multicurrency": _multicurrency,
    "deliver": _deliver,
}


def control_routes(emulator: QboEmulator) -> list[Route]:
    """The table above as routes."""
    return [
        Route(f"/_control/{name}", partial(_serve, emulator, act), methods=[method])
        for method, table in (("GET", _READS), ("POST", _WRITES))
        for name, act in table.items()
    ]


async def _serve(
    emulator: QboEmulator,
    act: _Plain | Callable[[QboEmulator, Arguments], Awaitable[Json]],
    request: Request,
) -> Response:
    try:
        raw = await request.body()
        answer = act(emulator, _arguments(raw, request))
        shape = answer if isinstance(answer, dict) else await answer
    except (BadArgument, QboError, TypeError, ValueError) as error:
        return Response(encode({"error": str(error)}), 400, media_type="application/json")
    return Response(encode(shape), media_type="application/json")


def _arguments(raw: bytes, request: Request) -> Json:
    arguments = decode(raw) if raw else dict(request.query_params)
    if not isinstance(arguments, dict):
        raise BadArgument("the body is a JSON object")
    return arguments
